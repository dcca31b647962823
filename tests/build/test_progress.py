"""How far a build is, on a terminal and elsewhere."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time

import pytest

from framework.build.progress import show_progress
from framework.build.results import Result, Results
from tests.build.conftest import StaticSiteMaker
from tests.waiting import PATIENCE

PAGE = (
    "import time\nfrom framework import Response\n\n\ndef get_static_paths():\n{paths}\n\n\n"
    "def GET():\n    time.sleep(0.02)\n    return Response('x')\n"
)
LIST = "    return [{'params': {'id': x}} for x in range(40)]"
YIELD = "    for x in range(40):\n        yield {'params': {'id': x}}"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.mark.parametrize(
    ("total", "lines"),
    [
        (
            2_000,
            [
                "Building: 500 paths, 100.0 per second, 00:15 left of 2,000",
                "Building: 1,000 paths, 100.0 per second, 00:10 left of 2,000",
            ],
        ),
        (
            None,
            [
                "Building: 500 paths, 100.0 per second",
                "Building: 1,000 paths, 100.0 per second",
            ],
        ),
    ],
)
def test_without_a_terminal_a_line_is_printed_every_few_seconds(
    clock: Clock, total: int | None, lines: list[str]
) -> None:
    stream = io.StringIO()

    def results() -> Results:
        for number in range(1, 1_200):
            clock.now = 100 + number / 100
            yield Result()

    assert len(list(show_progress(results(), total, stream))) == 1_199
    assert stream.getvalue().splitlines() == lines


@pytest.mark.parametrize(
    ("paths", "bar"),
    [
        (LIST, r"Building: +\d+%\|.*\| \d+/40 \[00:\d\d<00:\d\d, +[\d.]+ paths/s\]"),
        (YIELD, r"Building: \d+ paths \[00:\d\d, +[\d.]+ paths/s\]"),
    ],
)
def test_on_a_terminal_there_is_a_bar_with_rate_and_time(
    static_site: StaticSiteMaker, paths: str, bar: str
) -> None:
    root = static_site({"src/pages/[id].py": PAGE.format(paths=paths)}).root
    reader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    command = [sys.executable, "-m", "framework", "build", "--root", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, text=True) as process:
        os.close(terminal)
        shown = b""
        try:
            while data := os.read(reader, 4096):
                shown += data
        except OSError:  # the other end is closed
            pass
        out = process.communicate(timeout=PATIENCE)[0]
    os.close(reader)
    assert process.returncode == 0
    text = shown.decode()
    assert re.search(bar, text), text
    assert text.rpartition("\r")[2] == ""  # the line is clean again
    assert re.match(r"\s*", text.split("\r")[-2])
    assert "Wrote 40 files" in out
