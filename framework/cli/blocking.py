"""Warn of code that blocks the event loop, so that all other coroutines wait."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from types import FrameType

from ..web.loop import EventLoop, Job, find_loop

log = logging.getLogger("framework")

_LIMIT = 0.1  # seconds for which a coroutine may run without an await
_INTERVAL = 0.05  # seconds between two looks at the loop


def warn_of_blocking(root: Path) -> None:
    """Start a thread that logs which line of the site in `root` blocks the loop, each line once."""
    threading.Thread(target=_watch, args=(root,), daemon=True).start()


def _watch(root: Path) -> None:
    known: set[str] = set()
    while True:
        time.sleep(_INTERVAL)
        loop = find_loop()
        if loop is None:
            continue
        responded = _ask(loop)
        while not responded.wait(_LIMIT):
            lines = list(_find_lines(root, sys._current_frames().get(loop.thread_id)))
            if lines and lines[0] not in known:
                known.add(lines[0])
                caller = f", called in {lines[-1]}," if len(lines) > 1 else ""
                log.warning(
                    "%s%s blocks the event loop: all other coroutines wait. Await an async "
                    "function instead, or asyncio.to_thread(function).",
                    lines[0],
                    caller,
                )


def _ask(loop: EventLoop) -> threading.Event:
    """Return an event that is set as soon as the loop runs a coroutine, or ends."""
    responded = threading.Event()
    loop.start(Job(loop, asyncio.sleep(0), copy_context(), lambda _: responded.set()))
    return responded


def _find_lines(root: Path, frame: FrameType | None) -> Iterator[str]:
    """Yield the lines of the site in a stack, the innermost first."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(root / "src"):
            yield f"{path.relative_to(root)}:{frame.f_lineno}"
        frame = frame.f_back
