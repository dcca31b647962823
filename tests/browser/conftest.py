"""A real browser: Debian's chromium, headless, driven by playwright."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from framework.build.run import build

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")  # while it is there, a loop runs in this thread
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None and os.environ.get("CI") != "true":
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test on an error in the console."""
    errors: list[str] = []
    page = browser.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    yield page
    page.close()
    assert errors == []


SECONDS = 60
"""How long anything may take before its test fails."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the sample site, built in a folder of its own, served by gunicorn."""
    root = tmp_path_factory.mktemp("served") / "shop"
    kept = shutil.ignore_patterns("data", "dist", ".*", "__pycache__")
    shutil.copytree(Path(__file__).parents[2] / "sample_site", root, ignore=kept)
    environ = {k: v for k, v in os.environ.items() if k not in ("CATALOG_DB", "ADMIN_PASSWORD")}
    build(root)
    command = [sys.executable, "-m", "gunicorn", "--bind=127.0.0.1:0", "--threads=16", "wsgi"]
    with (
        subprocess.Popen(
            command, cwd=root, stderr=subprocess.PIPE, text=True, env=environ
        ) as server,
        ThreadPoolExecutor(1) as thread,
    ):
        assert server.stderr is not None
        impatience = threading.Timer(SECONDS, server.kill)  # then the log ends
        impatience.start()
        try:
            address = booted = None
            while not booted and (line := server.stderr.readline()):
                address = address or re.search(r"Listening at: (http://\S+)", line)
                booted = "Booting worker" in line
            impatience.cancel()
            assert address is not None
            thread.submit(server.stderr.read)  # a log that nobody reads would block the server
            yield address[1]
        finally:
            impatience.cancel()
            server.terminate()
            server.wait(SECONDS)
