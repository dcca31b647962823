"""A real browser: Debian's chromium, headless, driven by playwright."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from framework.build.run import build
from tests.conftest import require_program
from tests.servers import serve_by_gunicorn
from tests.waiting import PATIENCE

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="module")  # while it is there, a loop runs in this thread
def browser() -> Iterator[Browser]:
    path = require_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=ARGUMENTS, timeout=PATIENCE * 1000
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test on an error in the console."""
    errors: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    yield page
    page.close()
    assert errors == []


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the sample site, built in a folder of its own, served by gunicorn."""
    root = tmp_path_factory.mktemp("served") / "shop"
    kept = shutil.ignore_patterns("data", "dist", ".*", "__pycache__")
    shutil.copytree(Path(__file__).parents[2] / "sample_site", root, ignore=kept)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CATALOG_DB", "ADMIN_PASSWORD"):
            patch.delenv(name, raising=False)
        build(root)
        # A stream of orders goes on for a minute after its reader left.
        with serve_by_gunicorn(root, "--threads=16", "--graceful-timeout=1") as server:
            yield server.url
