"""How far is a build, and why was each file rendered?"""

import sys
import time
from typing import TextIO

from tqdm import tqdm

from .maker import Made

_EVERY = 5.0  # seconds between two lines where nobody looks at a bar


class Progress:
    """Says nothing."""

    def begin(self, what: str, total: int | None) -> None:
        """Something begins; `total` is the number of paths, where it is known."""

    def made(self, made: Made) -> None:
        """A path has become something."""

    def end(self) -> None:
        """It is over, one way or another."""


class ShownProgress(Progress):
    """Shows a bar with rate and time left on a terminal, else a line every few seconds.

    With `explain` it says of each file that was rendered why it was.
    """

    def __init__(self, stream: TextIO, *, explain: bool = False) -> None:
        self._stream = stream
        self._explain = explain
        self._bar: _Bar | None = None
        self._what = ""
        self._total: int | None = None
        self._count = 0
        self._begun = self._told = 0.0

    def begin(self, what: str, total: int | None) -> None:
        """Show it."""
        self._what, self._total, self._count = what, total, 0
        self._begun = self._told = time.monotonic()
        if self._stream.isatty():
            self._bar = _Bar(
                total=total,
                desc=what,
                unit=" paths",
                file=self._stream,
                leave=False,
                dynamic_ncols=True,
                smoothing=0.1,
            )

    def made(self, made: Made) -> None:
        """One more."""
        self._count += 1
        if self._explain and made.reason is not None:
            with _Bar.external_write_mode(file=sys.stdout):
                print(f"{made.path}: {made.reason}")
        if self._bar is not None:
            self._bar.update()
        elif (now := time.monotonic()) - self._told >= _EVERY:
            self._told = now
            print(self._line(now - self._begun), file=self._stream, flush=True)

    def _line(self, seconds: float) -> str:
        rate = self._count / seconds
        told = f"{self._what}: {self._count:,} paths, {rate:,.1f} a second"
        if self._total is None:
            return told
        left = _Bar.format_interval((self._total - self._count) / rate)
        return f"{told}, {left} left of {self._total:,}"

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _Bar(tqdm):  # type: ignore[type-arg] # it is not generic when it runs
    monitor_interval = 0  # no thread beside it: the build forks
