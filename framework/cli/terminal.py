"""Print lines, colors and counts."""

import os
import sys
from typing import Any


def print_line(text: str) -> None:
    """Print a line at once and with one write, because several threads and processes print."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def colored(text: str, color: str, stream: Any = None) -> str:
    """Return the text in a color, an ANSI code, if the stream is a terminal that shows colors.

    The stream is standard output by default. https://no-color.org/
    """
    stream = stream or sys.stdout
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return f"\x1b[{color}m{text}\x1b[0m"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "route"), counted(2000, "file")
    ('1 route', '2,000 files')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
