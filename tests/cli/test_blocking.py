"""The warning of `framework dev` about code that blocks the event loop."""

import sys
import threading
from collections.abc import Callable, Mapping
from types import FrameType

import pytest

from framework.cli import blocking
from framework.web.loop import EventLoop, find_loop
from tests.conftest import SiteMaker
from tests.waiting import wait_until

SLOW = """
import threading

MAY_GO_ON = threading.Semaphore(0)


def wait():
    MAY_GO_ON.acquire()
"""
PAGE = """
from framework import Response
from lib import slow


async def GET():
    slow.wait()
    return Response("done")


async def PUT():
    slow.MAY_GO_ON.acquire()
    return Response("done")


def POST():
    slow.MAY_GO_ON.release()
    return Response("released")
"""


def test_each_line_that_blocks_the_loop_is_logged_once(
    site: SiteMaker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    current_frames = sys._current_frames

    def find_frames() -> Mapping[int, FrameType]:
        """Return the frames of the loop's thread, but only while it waits for the semaphore."""
        nonlocal looks
        loop = find_loop()
        assert loop is not None
        frame = current_frames().get(loop.thread_id)
        if frame is None or frame.f_code is not threading.Condition.wait.__code__:
            return {}
        looks += 1
        return {loop.thread_id: frame}

    monkeypatch.setattr(sys, "_current_frames", find_frames)
    visits = []

    def find() -> EventLoop | None:
        visits.append(1)
        return find_loop() if len(visits) > 1 else None  # at first no coroutine has run

    monkeypatch.setattr(blocking, "find_loop", find)
    one = site({"src/lib/slow.py": SLOW, "src/pages/index.py": PAGE})
    blocking.warn_of_blocking(one.root)
    wait_until(lambda: len(visits) > 2, "a look while nothing blocks the loop")

    def block(method: str, until: Callable[[], bool]) -> None:
        request = threading.Thread(target=one.request, args=(method, "/"))
        request.start()
        wait_until(until, "a look at the loop")
        one.post("/")
        request.join()

    block("GET", lambda: len(caplog.records) == 1)
    before = looks
    block("GET", lambda: looks > before)
    block("PUT", lambda: len(caplog.records) == 2)
    texts = [record.getMessage().partition(" blocks ")[0] for record in caplog.records]
    assert texts == [
        "src/lib/slow.py:8, called in src/pages/index.py:7,",
        "src/pages/index.py:12",
    ]
