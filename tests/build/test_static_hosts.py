"""A built site on a host that knows only files: each one is at the path that `url_for` returns."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from framework import App
from tests.build.conftest import StaticSiteMaker
from tests.waiting import PATIENCE

PARAMS = ["a", "v1.0", "café 100%", "page.html", "node.js"]
LISTED = "def get_static_paths():\n    return [{'params': {'id': x}} for x in %r]\n"
HTML = "Response('%s', headers={'content-type': 'text/html;charset=UTF-8'})"


def endpoint(response: str, params: list[str | None] | None = None) -> str:
    listing = LISTED % params if params else ""
    return (
        f"from framework import Response\n\n{listing}\n\ndef GET(params):\n    return {response}\n"
    )


FILES = {
    "src/pages/index.jinja": "home",
    "src/pages/about.jinja": "about",
    "src/pages/blog/index.jinja": "blog",
    "src/pages/blog/[id].jinja": f"---\n{LISTED % PARAMS}---\n{{{{ params.id }}}}",
    "src/pages/docs/v1.0/index.jinja": "version",
    "src/pages/docs/v1.0/intro.jinja": "intro",
    "src/pages/hello.world.jinja": "dots",
    "src/pages/feed.xml.jinja": "<rss/>",
    "src/pages/page.html.jinja": "page",
    "src/pages/html.py": endpoint(HTML % "html"),
    "src/pages/html/index.json.py": endpoint("Response.json(1)"),
    "src/pages/shop/index.py": endpoint(HTML % "shop"),
    "src/pages/go.py": endpoint("Response.redirect('/elsewhere')"),
    "src/pages/w/[...id].py": endpoint(HTML % "rest", [None, "x/y", "x/z.0"]),
    "src/pages/data.json.py": endpoint("Response.json(2)"),
    "src/pages/d/[id].json.py": endpoint("Response.json(3)", ["a", "v1.0"]),
    "src/pages/api/health.py": endpoint("Response('ok')"),
    "src/pages/x/[id].py": endpoint("Response('x')", ["a", "v1.0"]),
}
NOT_HTML = {"src/pages/api/health.py", "src/pages/x/[id].py"}
"""The routes without an extension in their names that are not HTML."""


class Host(SimpleHTTPRequestHandler):
    """`python -m http.server` at a base path; it also finds `x.html` for `/x`, as many hosts do."""

    base = ""

    def translate_path(self, path: str) -> str:
        file = super().translate_path(urlsplit(path).path.removeprefix(self.base) or "/")
        page = Path(f"{file}.html")
        return str(page) if not path.endswith("/") and page.is_file() else file

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path, base: str) -> Iterator[int]:
    handler = partial(type("_Host", (Host,), {"base": base}), directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def fetch(port: int, path: str) -> tuple[int, str, bytes]:
    """The response to a GET, after the redirect that adds a slash: status, content type, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status == 301 and response.getheader("location") == f"{path}/":
        return fetch(port, f"{path}/")
    return response.status, response.getheader("content-type", "").partition(";")[0], body


@pytest.mark.parametrize("form", ["directory", "file", "preserve"])
@pytest.mark.parametrize("slash", ["ignore", "always", "never"])
@pytest.mark.parametrize("base", ["", "/docs"])
def test_each_file_is_at_the_path_of_its_route(
    static_site: StaticSiteMaker, form: str, slash: str, base: str
) -> None:
    redirects = dict.fromkeys(("/old", "/moved.xml", "/moved.html", "/v1.0/x"), "/elsewhere")
    config = f"build=Build(format={form!r}), trailing_slash={slash!r}, base={base or '/'!r}, "
    config += f"redirects={redirects!r}"
    one = static_site(FILES, config)
    left_out = NOT_HTML if slash == "always" else set()
    if left_out:
        places = {line.partition(":")[0] for line in one.mistakes().splitlines()}
        assert {place for place in places if place.startswith("src/")} == left_out
    for name in left_out:
        (one.root / name).unlink()
    one.build()
    app = App(one.root, mode="dev")
    with served(one.dist, base) as port:
        for path in redirects:
            assert fetch(port, base + path)[:2] == (200, "text/html"), path
        for route in app.site.routes.all:
            if route.kind == "redirect":
                continue
            paths = app.site.static_paths[route.file]
            for path in paths.list_paths():
                url = app.site.routes.url_for(route.pattern.text, path.params)
                own = app.fetch(url)
                status, content_type, body = fetch(port, url)
                assert status == 200, url
                if own.status == 302:
                    assert (content_type, b"/elsewhere" in body) == ("text/html", True)
                    continue
                assert body == own.bytes(), url
                if route.file not in NOT_HTML:  # a host can't know the type of such a file
                    kind = own.headers["content-type"].partition(";")[0]
                    assert content_type.replace("application/xml", "text/xml") == kind, url
    app.close()
