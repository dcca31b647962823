"""Show how far a build is."""

import time
from collections.abc import Callable
from typing import TextIO

from tqdm import tqdm

from .results import Results

_INTERVAL = 5.0  # seconds between two lines

Progress = Callable[[Results, int | None], Results]
"""Yields the results that it is given; the second argument is their number, if it is known."""


def show_progress(results: Results, total: int | None, stream: TextIO) -> Results:
    """Yield the results; show a bar on a terminal, and print a line every few seconds elsewhere."""
    if stream.isatty():
        bar = _Bar(results, "Building", total, leave=False, file=stream, unit=" paths")
        yield from bar
        return
    started = shown = time.monotonic()
    for count, result in enumerate(results, 1):
        now = time.monotonic()
        if now - shown >= _INTERVAL:
            shown = now
            print(_line(count, total, now - started), file=stream, flush=True)
        yield result


def _line(count: int, total: int | None, seconds: float) -> str:
    rate = count / seconds
    text = f"Building: {count:,} paths, {rate:,.1f} per second"
    if total is None:
        return text
    return f"{text}, {_Bar.format_interval((total - count) / rate)} left of {total:,}"


class _Bar(tqdm):  # type: ignore[type-arg] # it is not generic at run time
    monitor_interval = 0  # no thread: the build forks
