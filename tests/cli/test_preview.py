"""`framework preview`: a build as a static host serves it, and sites with live routes."""

import json
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import Response, SiteError, __version__
from framework.build.run import build
from framework.cli import preview
from framework.cli.preview import StaticHost
from framework.cli.server import listen
from framework.errors import CommandError
from framework.static.built import MANIFEST
from tests.conftest import HANDLER, SiteMaker, call, make_environ
from tests.servers import Program

OLD = "Mon, 01 Jan 2001 00:00:00 GMT"


class Host:
    """A static host for a build of these files, and requests to it.

    `headers` are those that the manifest has, by file.
    """

    def __init__(self, folder: Path, prefix: str) -> None:
        self.folder = folder
        self.prefix = prefix
        self._host: StaticHost | None = None

    def write(
        self, files: Mapping[str, str], headers: Mapping[str, dict[str, str]] | None = None
    ) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        rows = {
            name: {"path": f"/{name}", "route": "", "etag": "7", "headers": values}
            for name, values in (headers or {}).items()
        }
        (self.folder / MANIFEST).unlink(missing_ok=True)
        (self.folder / MANIFEST).write_text(json.dumps({"version": 3, "files": rows}))

    def get(self, target: str, method: str = "GET", **headers: str) -> Response:
        if self._host is None:
            self._host = StaticHost(self.folder, self.prefix)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return call(self._host, make_environ(method, target, names))


class HostMaker(Protocol):
    """The type of the fixture `host`."""

    def __call__(
        self,
        files: Mapping[str, str],
        headers: Mapping[str, dict[str, str]] | None = None,
        prefix: str = "",
    ) -> Host:
        """A host of these files, with the headers that their build recorded."""


@pytest.fixture
def host(tmp_path: Path) -> HostMaker:
    def make(
        files: Mapping[str, str],
        headers: Mapping[str, dict[str, str]] | None = None,
        prefix: str = "",
    ) -> Host:
        new = Host(tmp_path / "dist", prefix)
        new.folder.mkdir()
        new.write(files, headers)
        return new

    return make


# ------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("", "home"),
        ("/", "home"),
        ("/index.html", "home"),
        ("/?a=b", "home"),
        ("/about", "about"),
        ("/about/", "about"),
        ("//about///", "about"),
        ("/about/index.html", "about"),
        ("/news", "news"),
        ("/news/", "news"),
        ("/news.html", "news"),
        ("/both", "folder"),
        ("/both.html", "file"),
        ("/plain", "exact"),
        ("/caf%C3%A9", "coffee"),
        ("/cafe%CC%81", "coffee"),
        ("/.well-known/x.txt", "known"),
        ("/a/_headers", "not at the top"),
    ],
)
def test_a_path_leads_to_a_file_a_folder_or_a_page(host: HostMaker, target: str, text: str) -> None:
    files = {
        "index.html": "home",
        "about/index.html": "about",
        "news.html": "news",
        "both/index.html": "folder",
        "both.html": "file",
        "plain": "exact",
        "plain.html": "page",
        "café.html": "coffee",
        ".well-known/x.txt": "known",
        "a/_headers": "not at the top",
    }
    response = host(files).get(target)
    assert (response.status, response.text()) == (200, text)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/a.txt/", 404),
        ("/sub", 404),
        ("/sub/", 404),
        ("/.framework.json", 404),
        ("/.git/config", 404),
        ("/.html", 404),
        ("/_headers", 404),
        ("/_redirects", 404),
        ("/dist", 404),
        ("/pipe", 404),
        ("/out.txt", 404),
        ("/out/dist.html", 404),
        ("/" + "x" * 300, 404),
        ("/../dist.html", 400),
        ("/%FF", 400),
        ("/a/%2E%2E/b", 400),
        ("/a%00", 400),
        ("/a%5Cb", 400),
    ],
)
def test_nothing_else_is_served(host: HostMaker, target: str, status: int) -> None:
    names = ("a.txt", "sub/x.txt", ".git/config", ".html", "_headers", "_redirects")
    one = host(dict.fromkeys(names, "secret"))
    (one.folder.parent / "dist.html").write_text("outside")
    (one.folder / "out").symlink_to("..")
    (one.folder / "out.txt").symlink_to("../dist.html")
    os.mkfifo(one.folder / "pipe")
    response = one.get(target)
    title = {400: "Bad Request", 404: "Not Found"}[status]
    assert (response.status, response.text()) == (status, f"{status} {title}\n")


def test_the_headers_of_the_manifest_are_sent(host: HostMaker) -> None:
    files = {"a": "{}", "b.css": ""}
    headers = {"content-type": "application/json", "x-own": "1"}
    one = host(files, {"a": headers, "gone": headers})
    response = one.get("/a")
    assert dict(response.headers) == headers | {
        "accept-ranges": "bytes",
        "cache-control": "public, max-age=0",
        "content-length": "2",
        "etag": '"7"',
        "last-modified": response.headers["last-modified"],
        "x-content-type-options": "nosniff",
    }
    other = one.get("/b.css").headers
    assert other["content-type"] == "text/css;charset=UTF-8"
    assert "x-own" not in other


def test_ranges_and_conditional_requests_work(host: HostMaker) -> None:
    one = host({"a.txt": "abcdef"})
    etag = one.get("/a.txt").headers["etag"]
    part = one.get("/a.txt", Range="bytes=1-2")
    assert (part.status, part.text()) == (206, "bc")
    assert one.get("/a.txt", If_None_Match=etag).status == 304
    beyond = one.get("/a.txt", Range="bytes=6-")
    assert (beyond.status, beyond.text()) == (416, "416 Requested Range Not Satisfiable\n")
    assert beyond.headers["content-range"] == "bytes */6"
    head = one.get("/a.txt", "HEAD")
    assert (head.status, head.headers["content-length"]) == (200, "6")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(host: HostMaker, method: str) -> None:
    response = host({"index.html": ""}).get("/", method)
    assert (response.status, response.text()) == (405, "405 Method Not Allowed\n")
    assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/none", "top"),
        ("/a", "top"),
        ("/a/", "in a"),
        ("/a/none", "in a"),
        ("/a/b/c/none.css", "in a"),
        ("/b/none", "top"),
    ],
)
def test_the_nearest_404_page_is_sent(host: HostMaker, target: str, text: str) -> None:
    response = host({"404.html": "top", "a/404.html": "in a", "b/x.txt": ""}).get(target)
    assert (response.status, response.text()) == (404, text)
    assert response.headers["content-type"] == "text/html;charset=UTF-8"


def test_a_404_page_is_sent_whole(host: HostMaker) -> None:
    one = host({"404.html": "missing"})
    page = one.get("/none").headers
    for headers in (
        {"Range": "bytes=1-2"},
        {"If_None_Match": page["etag"]},
        {"If_Match": '"other"'},
        {"If_Modified_Since": page["last-modified"]},
        {"If_Unmodified_Since": OLD},
    ):
        response = one.get("/none", **headers)
        assert (response.status, response.text()) == (404, "missing")
    assert one.get("/none", "HEAD").headers["content-length"] == "7"


def test_the_files_are_below_the_prefix(host: HostMaker) -> None:
    files = {"index.html": "home", "a/index.html": "a", "404.html": "missing", "_headers": ""}
    one = host(files, {"a/index.html": {"x-own": "1"}}, prefix="/docs")
    assert one.get("/docs").text() == one.get("/docs/").text() == "home"
    assert one.get("/docs/a").headers["x-own"] == "1"
    assert one.get("/docs/none").text() == one.get("/docs/_headers").text() == "missing"
    for path in ("/", "/a/", "/docsa", "/index.html"):
        assert one.get(path).text() == "404 Not Found\n"


def test_a_new_build_is_served_with_the_next_request(host: HostMaker, tmp_path: Path) -> None:
    one = host({"index.html": "one"})
    assert one.get("/").text() == "one"
    one.folder.rename(tmp_path / "last")
    assert one.get("/").status == 404
    one.write({"index.html": "two", "new.txt": "new"}, {"index.html": {"x-n": "2"}})
    response = one.get("/")
    assert (response.text(), response.headers["x-n"]) == ("two", "2")
    assert one.get("/new.txt").text() == "new"


# ---------------------------------------------------------------------------- any path


@pytest.fixture(scope="module")
def maze(tmp_path_factory: pytest.TempPathFactory) -> StaticHost:
    """A host whose folder has open files, secrets, and links that lead to a secret."""
    one = Host(tmp_path_factory.mktemp("maze") / "dist", "")
    one.write(dict.fromkeys(("index.html", "a/index.html", "a/b.txt", "404.html"), "open"))
    secrets = ("../secret", "../dist.html", ".env", "a/.git/config", "_headers", "_redirects")
    one.write(dict.fromkeys(secrets, "secret"))
    (one.folder / "a" / "up").symlink_to("../..")
    (one.folder / "out").symlink_to("/")
    return StaticHost(one.folder)


SIGNS = ["/", "//", ".", "..", "\\", ":", "*", "%2e%2e", "%2F", "%5C", "%00", "%FF", "%C3%A9"]
NAMES = ["a", "up", "out", "b.txt", "secret", "dist", ".html", ".git", "config", ".env", "index"]
PIECES = st.sampled_from([*SIGNS, *NAMES, "_headers", "_redirects", "404", "etc", "passwd"])
PATHS = st.lists(PIECES | st.text(max_size=3).filter(lambda t: "?" not in t), max_size=8).map(
    "".join
)


@given(PATHS, st.sampled_from(["GET", "HEAD"]), st.sampled_from(["", "bytes=0-1", "bytes=9-"]))
def test_no_path_leads_out_of_the_folder(
    maze: StaticHost, path: str, method: str, wanted: str
) -> None:
    response = call(maze, make_environ(method, "/" + path, {"Range": wanted}))
    assert response.status in (200, 206, 400, 404, 416)
    if method == "GET" and response.status in (200, 206):
        assert response.text() in ("open", "op")


# ----------------------------------------------------------------------------- serving

STATIC = "from framework import *\nconfig = Config(output='static', base='/docs'{more})\n"
HOSTS = (
    "from framework import Config, Security\n"
    "config = Config(security=Security(allowed_hosts=('shop.example',)))\n"
)


def test_without_a_build_there_is_nothing_to_serve(site: SiteMaker) -> None:
    config = STATIC.format(more=", build=Build(out_dir='out')")
    root = site({"src/pages/index.py": HANDLER, "framework.config.py": config}).root
    with pytest.raises(CommandError) as caught:
        preview.run(root)
    assert str(caught.value) == "No build found in out.\n    Run: framework build"


def test_a_site_with_mistakes_is_not_served(site: SiteMaker) -> None:
    with pytest.raises(SiteError):
        preview.run(site({"src/pages/index.py": "def GET(:\n"}).root)


def test_a_port_in_use_is_reported(site: SiteMaker) -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(CommandError):
        preview.run(site().root, port=taken.getsockname()[1])


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Undo what `run` changes: the handler of SIGTERM and the log."""
    handler, root = signal.getsignal(signal.SIGTERM), logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    signal.signal(signal.SIGTERM, handler)
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def start() -> Iterator[Callable[[Path], Program]]:
    programs: list[Program] = []

    def start(root: Path) -> Program:
        programs.append(Program(root, "framework", "preview", "--port", "0"))
        return programs[-1]

    yield start
    for program in programs:
        program.stop()


def test_a_static_site_is_served_and_built_again(
    site: SiteMaker, start: Callable[[Path], Program]
) -> None:
    page = "---\nresponse.headers['x-own'] = '1'\n---\none"
    one = site({"src/pages/a.jinja": page, "framework.config.py": STATIC.format(more="")})
    one.build()
    # As a build leaves it that is killed when it replaces the folder.
    (one.root / ".dist-building").mkdir()
    (one.root / "dist").rename(one.root / ".dist-building" / "old")
    program = start(one.root)
    assert program.ask("/docs/a") == (200, "one")
    one.write({"src/pages/a.jinja": "two", "src/pages/b.jinja": "new"})
    one.build()
    assert program.ask("/docs/a") == (200, "two")
    assert program.ask("/docs/b/") == (200, "new")
    assert program.ask("/b/") == (404, "404 Not Found\n")
    assert program.ask("/docs/a", Host="evil.example")[0] == 403
    port = program.port
    assert program.end() == 0
    assert (
        f"framework {__version__}: http://127.0.0.1:{port}/docs/\n"
        "Serving dist as a static host. Press Ctrl+C to stop.\n"
    ) in program.output
    assert " GET /docs/a 200 " in program.output


def test_a_site_with_live_routes_is_served_by_the_application(
    site: SiteMaker, start: Callable[[Path], Program]
) -> None:
    files = {
        "src/pages/live.py": "def GET():\n    raise ValueError('inside')\n",
        "src/pages/built.py": "prerender = True\n" + HANDLER,
        "framework.config.py": HOSTS,
    }
    root = site(files).root
    build(root)
    (root / "dist" / "built").write_text("from the build")
    program = start(root)
    assert program.ask("/built") == (200, "from the build")
    status, text = program.ask("/live")
    assert status == 500
    assert "inside" not in text
    assert program.ask("/built", Host="shop.example")[0] == 403
    assert program.end(signal.SIGINT) == 0
    assert (
        f"\nServing the site in {root} and its build. Press Ctrl+C to stop.\n"
    ) in program.output
