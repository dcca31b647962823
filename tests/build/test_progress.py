"""How far a build is, on a terminal and elsewhere; and why each file is rendered."""

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
from collections.abc import Callable
from typing import Any

import pytest

from framework.build.maker import Made
from framework.build.progress import Progress, ShownProgress
from tests.conftest import SiteMaker

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


def made(path: str = "/a", reason: str | None = None) -> Made:
    return Made("src/pages/a.py", 0, path, reason=reason)


@pytest.mark.parametrize(
    ("total", "lines"),
    [
        (
            2_000,
            [
                "Building: 500 paths, 100.0 a second, 00:15 left of 2,000",
                "Building: 1,000 paths, 100.0 a second, 00:10 left of 2,000",
            ],
        ),
        (
            None,
            [
                "Building: 500 paths, 100.0 a second",
                "Building: 1,000 paths, 100.0 a second",
            ],
        ),
    ],
)
def test_without_a_terminal_a_line_comes_every_few_seconds(
    clock: Clock, total: int | None, lines: list[str]
) -> None:
    stream = io.StringIO()
    progress = ShownProgress(stream)
    progress.begin("Building", total)
    for number in range(1, 1_200):
        clock.now = 100 + number / 100
        progress.made(made())
    progress.end()
    assert stream.getvalue().splitlines() == lines


def test_reasons_are_told_and_kept_files_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    progress = ShownProgress(io.StringIO(), explain=True)
    progress.begin("Building", 2)
    progress.made(made("/a", "it is new"))
    progress.made(made("/b"))
    progress.end()
    assert capsys.readouterr().out == "/a: it is new\n"


def test_a_progress_may_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    progress.begin("Building", 1)
    progress.made(made("/a", "it is new"))
    progress.end()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("paths", "bar"),
    [
        (LIST, r"Building: +\d+%\|.*\| \d+/40 \[00:\d\d<00:\d\d, +[\d.]+ paths/s\]"),
        (YIELD, r"Building: \d+ paths \[00:\d\d, +[\d.]+ paths/s\]"),
    ],
)
def test_on_a_terminal_there_is_a_bar_with_rate_and_time(site: SiteMaker, paths: str, bar: str) -> None:
    config = "from framework import *\n\nconfig = Config(output='static')\n"
    files = {"src/pages/[id].py": PAGE.format(paths=paths), "framework.config.py": config}
    root = site(files).root
    reader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    command = [sys.executable, "-m", "framework", "build", "--explain", "--root", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, text=True) as process:
        os.close(terminal)
        shown = b""
        try:
            while data := os.read(reader, 4096):
                shown += data
        except OSError:  # the other end is closed
            pass
        out = process.communicate(timeout=20)[0]
    os.close(reader)
    assert process.returncode == 0
    text = shown.decode()
    assert re.search(bar, text), text
    assert text.rpartition("\r")[2] == ""  # the line is clean again
    assert re.match(r"\s*", text.split("\r")[-2])
    assert out.count("there is no last build to go by") == 40
