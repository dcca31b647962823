"""The built sample site, from link to link: none is broken, and what is built comes from files."""

import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from framework import URL, App
from framework.build.run import Report, build
from framework.static.built import MANIFEST
from framework.testing import Client

ROOT = Path(__file__).parents[2] / "sample_site"
HOME = "http://localhost/"
BUILT = {
    *("/about", "/notes", "/notes/felt", "/notes/how-we-listen", "/notes/the-cat-and-the-fan"),
    "/robots.txt",
}


class Links(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            is_form = name == "action" and ("method", "post") not in attrs
            if value and (name in ("href", "src") or is_form):
                self.found.append(value)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Report, App]]:
    kept = shutil.ignore_patterns("data", "dist", ".*", "__pycache__")
    root = shutil.copytree(ROOT, tmp_path_factory.mktemp("crawled") / "shop", ignore=kept)
    manifest = build(root).folder / MANIFEST
    first = manifest.read_text()
    report = build(root)
    assert manifest.read_text() == first
    app = App(root)
    yield report, app
    app.close()


def test_the_sample_site_is_built_without_warnings(shop: tuple[Report, App]) -> None:
    report, _ = shop
    assert report.warnings == []
    assert report.rendered == len(BUILT)


def test_no_link_of_the_built_sample_site_is_broken(shop: tuple[Report, App]) -> None:
    _, app = shop
    client = Client(app)
    todo, seen, broken = [HOME], {HOME}, []
    while todo:
        address = todo.pop()
        response = client.get(address, headers={"accept": "text/html"}, follow_redirects=True)
        if not response.ok:
            broken.append((address, response.status))
        if not response.headers.get("content-type", "").startswith("text/html"):
            continue
        for link in Links(response.text()).found:
            url = URL(link, client.url)
            url.hash = ""
            if url.pathname == "/orders/live":  # it goes on for 20 seconds unless it is told
                url.search = "?seconds=0"
            if url.origin == URL(HOME).origin and url.href not in seen:
                seen.add(url.href)
                todo.append(url.href)
    assert broken == []
    assert {URL(path, HOME).href for path in BUILT - {"/robots.txt"}} <= seen
    assert len(seen) > 25


@pytest.mark.parametrize("path", sorted(BUILT))
def test_what_is_built_comes_from_files(shop: tuple[Report, App], path: str) -> None:
    response = Client(shop[1]).get(path)
    assert response.status == 200
    assert response.headers["accept-ranges"] == "bytes"
    assert "frame-ancestors" in response.headers["content-security-policy"]
