import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import Response, SiteError, __version__
from framework.build.run import build
from framework.cli import preview
from framework.cli.preview import StaticHost, parse_headers, parse_redirects
from framework.cli.server import listen
from framework.errors import CommandError
from framework.static.built import MANIFEST
from tests.conftest import HANDLER, SiteMaker, call, make_environ
from tests.flows.test_serving import PATIENCE, Program

OLD = "Mon, 01 Jan 2001 00:00:00 GMT"


class Host:
    """A static host of a folder with these files, and requests to it."""

    def __init__(self, folder: Path, base: str) -> None:
        self.folder = folder
        self.base = base
        self._host: StaticHost | None = None

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def get(self, target: str, method: str = "GET", **headers: str) -> Response:
        if self._host is None:
            self._host = StaticHost(self.folder, self.base)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return call(self._host, make_environ(method, target, names))

    def lead(self, target: str) -> tuple[int, str | None]:
        response = self.get(target)
        return response.status, response.headers.get("location")


@pytest.fixture
def host(tmp_path: Path) -> Callable[..., Host]:
    """`host({"index.html": "..."}, base="/docs")`"""

    def make(files: dict[str, str], base: str = "/") -> Host:
        made = Host(tmp_path / "dist", base)
        made.folder.mkdir()
        made.write(files)
        return made

    return make


# ------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("", "home"),
        ("/", "home"),
        ("/index.html", "home"),
        ("/?a=b", "home"),
        ("/about", "about"),
        ("/about/", "about"),
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
        ("/a/_headers", "a name like another"),
        ("/a.js.gz", "packed"),
    ],
)
def test_a_path_asks_for_a_file_a_folder_or_a_page(
    host: Callable[..., Host], target: str, text: str
) -> None:
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
        "a/_headers": "a name like another",
        "a.js": "plain",
        "a.js.gz": "packed",
    }
    response = host(files).get(target, Accept_Encoding="gzip")
    assert (response.status, response.text()) == (200, text)
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    "target",
    [
        "/a.txt/",
        "/sub",
        "/sub/",
        "/.framework.json",
        "/.git/config",
        "/.html",
        "/sub/.html",
        "/_headers",
        "/_redirects",
        "/dist",
        "/../dist.html",
        "/" + "x" * 300,
    ],
)
def test_nothing_else_is_there(host: Callable[..., Host], target: str) -> None:
    there = host(
        {
            "a.txt": "",
            "sub/x.txt": "",
            ".framework.json": "",
            ".git/config": "",
            ".html": "",
            "_headers": "",
            "_redirects": "",
        }
    )
    (there.folder.parent / "dist.html").write_text("outside")
    response = there.get(target)
    if ".." in target:
        assert response.status == 400
        assert response.text() == (
            "400 Bad Request\n"
            "The path holds a . or .. segment, a backslash or a control character.\n"
        )
    else:
        assert (response.status, response.text()) == (404, "404 Not Found\n")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.css", "text/css;charset=UTF-8"),
        ("a.webp", "image/webp"),
        ("a.json", "application/json"),
        ("health", "application/octet-stream"),
        ("a.js.gz", "application/octet-stream"),
    ],
)
def test_the_name_says_the_content_type(host: Callable[..., Host], name: str, kind: str) -> None:
    response = host({name: "{}"}).get(f"/{name}")
    assert {k: v for k, v in response.headers.items() if k not in ("etag", "last-modified")} == {
        "accept-ranges": "bytes",
        "cache-control": "public, max-age=0",
        "content-length": "2",
        "content-type": kind,
        "x-content-type-options": "nosniff",
    }


def test_ranges_and_conditions_are_answered(host: Callable[..., Host]) -> None:
    there = host({"a.txt": "abcdef"})
    etag = there.get("/a.txt").headers["etag"]
    part = there.get("/a.txt", Range="bytes=1-2")
    assert (part.status, part.text()) == (206, "bc")
    assert there.get("/a.txt", If_None_Match=etag).status == 304
    beyond = there.get("/a.txt", Range="bytes=6-")
    assert (beyond.status, beyond.text()) == (416, "416 Range Not Satisfiable\n")
    assert beyond.headers["content-range"] == "bytes */6"
    head = there.get("/a.txt", "HEAD")
    assert (head.status, head.headers["content-length"]) == (200, "6")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(host: Callable[..., Host], method: str) -> None:
    response = host({"index.html": ""}).get("/", method)
    assert (response.status, response.text()) == (405, "405 Method Not Allowed\n")
    assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("target", ["/%FF", "/a/%2E%2E/b", "/a%00", "/a%5Cb"])
def test_bad_paths_are_refused(host: Callable[..., Host], target: str) -> None:
    assert host({"index.html": ""}).get(target).status == 400


def test_slashes_collapse_to_one_spelling(host: Callable[..., Host]) -> None:
    there = host({"a/é.html": ""})
    assert there.lead("//a///%C3%A9?q=%20Ã¼") == (301, "/a/%C3%A9?q=%20%C3%BC")
    assert there.lead("//evil.example/") == (301, "/evil.example/")


def test_links_do_not_lead_out(host: Callable[..., Host], tmp_path: Path) -> None:
    there = host({"in/a.txt": "inside"})
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "dist2").mkdir()
    (tmp_path / "dist2" / "b.txt").write_text("next door")
    for name, target in {
        "file.txt": "../secret.txt",
        "folder": "..",
        "near": "../dist2",
        "404.html": "../secret.txt",
        "good.txt": "in/a.txt",
        "gone.txt": "nowhere",
        "round.txt": "round.txt",
    }.items():
        (there.folder / name).symlink_to(target)
    for path in ("/file.txt", "/folder/secret.txt", "/near/b.txt", "/gone.txt", "/round.txt"):
        assert there.get(path).text() == "404 Not Found\n"
    assert there.get("/good.txt").text() == "inside"


def test_only_regular_files_are_served(host: Callable[..., Host]) -> None:
    there = host({})
    os.mkfifo(there.folder / "pipe")
    assert there.get("/pipe").status == 404


def test_files_that_go_while_they_are_asked_for_are_missed(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = host({"a.txt": "", "404.html": "missing"})
    there.get("/")
    # They were there when they were looked for.
    monkeypatch.setattr(os.path, "isfile", lambda path: True)
    (there.folder / "a.txt").unlink()
    assert there.get("/a.txt").text() == "missing"
    (there.folder / "404.html").unlink()
    response = there.get("/a.txt")
    assert (response.status, response.text()) == (404, "404 Not Found\n")


def test_lists_that_can_not_be_opened_say_nothing(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = host({"index.html": "home"})
    monkeypatch.setattr(os.path, "isfile", lambda path: True)
    assert there.get("/index.html").text() == "home"


# ----------------------------------------------------------------------- missing


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
def test_the_nearest_404_page_answers(host: Callable[..., Host], target: str, text: str) -> None:
    there = host({"404.html": "top", "a/404.html": "in a", "b/x.txt": ""})
    response = there.get(target)
    assert (response.status, response.text()) == (404, text)
    assert response.headers["content-type"] == "text/html;charset=UTF-8"


def test_a_404_page_is_sent_whole(host: Callable[..., Host]) -> None:
    there = host({"404.html": "missing"})
    etag = there.get("/none").headers["etag"]
    for headers in (
        {"Range": "bytes=1-2"},
        {"If_None_Match": etag},
        {"If_Match": '"other"'},
        {"If_Modified_Since": there.get("/none").headers["last-modified"]},
        {"If_Unmodified_Since": OLD},
    ):
        response = there.get("/none", **headers)
        assert (response.status, response.text()) == (404, "missing")
    assert there.get("/none", "HEAD").headers["content-length"] == "7"
    assert there.get("/404.html").status == 200


# -------------------------------------------------------------------------- base


def test_a_base_is_where_the_files_are(host: Callable[..., Host]) -> None:
    files = {
        "index.html": "home",
        "a/index.html": "a",
        "404.html": "missing",
        "_headers": "/docs/a/\n  x-a: 1\n/docs/\n  x-home: 1\n",
        "_redirects": "/docs/old /docs/a/ 301\n/ /docs/\n",
    }
    there = host(files, base="/docs/")
    assert there.get("/docs").text() == there.get("/docs/").text() == "home"
    assert there.get("/docs").headers["x-home"] == "1"
    assert there.get("/docs/a").headers["x-a"] == "1"
    assert there.get("/docs/none").text() == "missing"
    assert there.lead("/docs/old") == (301, "/docs/a/")
    assert there.lead("/") == (302, "/docs/")
    for path in ("/a/", "/docsa", "/index.html", "/old"):
        assert there.get(path).text() == "404 Not Found\n"


# ---------------------------------------------------------------------- _headers


def test_headers_of_all_rules_that_match_are_sent(host: Callable[..., Host]) -> None:
    lists = """\
# every file
/*
  X-Frame-Options: DENY
  cache-control: max-age=60
  link: </a.css>; rel=preload

/products/:id
  link: </b.css>; rel=preload
  content-type: text/x-first
\tset-cookie: a=1
/products/1.json
  content-type: application/ld+json
  set-cookie: b=2
/products
  x-other: 1
"""
    there = host({"products/1.json": "{}", "404.html": "", "_headers": lists})
    response = there.get("/products/1.json")
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["cache-control"] == "max-age=60"
    assert response.headers["link"] == "</a.css>; rel=preload, </b.css>; rel=preload"
    assert response.headers["content-type"] == "application/ld+json"
    assert response.headers.get_set_cookie() == ["a=1", "b=2"]
    assert "x-other" not in response.headers
    missing = there.get("/none")
    assert (missing.status, missing.headers["x-frame-options"]) == (404, "DENY")


@pytest.mark.parametrize(
    ("rule", "target", "matches"),
    [
        ("/about/", "/about/", True),
        ("/about/", "/about", True),
        ("/about", "/about/", True),
        ("/about/", "/about/index.html", False),
        ("/news", "/news", True),
        ("/news", "/news/", True),
        ("/news", "/news.html", False),
        ("/a.css", "/a.css", True),
        ("/a.css/", "/a.css", False),
        ("/", "/", True),
        ("/*", "/", True),
        ("/a*s", "/a.css", True),
        ("/:file", "/a.css", True),
        ("/:name.css", "/a.css", True),
        ("/:a", "/about/", True),
        ("/:a/:b", "/a.css", False),
        ("/caf%C3%A9", "/caf%C3%A9", True),
        ("/cafe%CC%81", "/caf%C3%A9", True),
        ("/a%2Ab%3Ac", "/a*b:c", True),
        ("/a%2Ab%3Ac", "/axb:c", False),
        ("/a.css", "/abcss", False),
    ],
)
def test_a_rule_is_for_paths(
    host: Callable[..., Host], rule: str, target: str, matches: bool
) -> None:
    files = {
        "index.html": "",
        "about/index.html": "",
        "news.html": "",
        "a.css": "",
        "abcss": "",
        "café": "",
        "a*b:c": "",
        "axb:c": "",
    }
    response = host(files | {"_headers": f"{rule}\n  x-yes: 1\n"}).get(target)
    assert response.status == 200
    assert ("x-yes" in response.headers) == matches


def test_lines_of_headers_that_can_not_be_read_are_ignored(
    host: Callable[..., Host], caplog: pytest.LogCaptureFixture
) -> None:
    lists = """\
  x-a: 1
about
  x-b: 2
/about/
  ! x-frame-options
  x-c:
  content-length: 7
  x-dé: 3
  x-e: \u20ac
  x-f: 6
/a/*/b/*
/a/:id/:id
"""
    there = host({"about/index.html": "", "_headers": lists})
    assert there.get("/about").headers["x-f"] == "6"
    so = "it is no header.\n    Write it so: cache-control: max-age=60"
    twice = "* or a name stands there twice.\n    Write it once."
    assert caplog.messages == [
        "dist/_headers:1: 'x-a: 1' is ignored: it stands below no path.\n"
        "    Write the path above it.",
        "dist/_headers:2: 'about' is ignored: a path begins with a slash.\n    Write it so: /about",
        f"dist/_headers:5: '! x-frame-options' is ignored: {so}",
        f"dist/_headers:6: 'x-c:' is ignored: {so}",
        "dist/_headers:7: 'content-length: 7' is ignored: content-length is the host's own to say.\n"
        "    Take it out.",
        f"dist/_headers:8: 'x-dé: 3' is ignored: {so}",
        f"dist/_headers:9: 'x-e: \u20ac' is ignored: {so}",
        f"dist/_headers:11: '/a/*/b/*' is ignored: {twice}",
        f"dist/_headers:12: '/a/:id/:id' is ignored: {twice}",
    ]


# -------------------------------------------------------------------- _redirects

REDIRECTS = """\
# the first that matches wins
/old /new 301
/old /never
/slash/   /s/
/items/:id /products/:id.json?from=:id 308
/blog/* https://blog.example/:splat/end 307
/wiki/:lang/* /:lang/:splat#:none 303
/tight* /:splat
/é /caf%C3%A9
/own /own/
/query /q?own=1#part
/hash /h#part
/file.txt /new
"""


@pytest.mark.parametrize(
    ("target", "status", "location"),
    [
        ("/old", 301, "/new"),
        ("/old/", 301, "/new"),
        ("/old?a=b", 301, "/new?a=b"),
        ("/slash", 302, "/s/"),
        ("/items/7", 308, "/products/7.json?from=7"),
        ("/items/a%20b/", 308, "/products/a%20b.json?from=a%20b"),
        ("/items/%23?x=1", 308, "/products/%23.json?from=%23"),
        ("/blog/2024/a", 307, "https://blog.example/2024/a/end"),
        ("/blog/2024/", 307, "https://blog.example/2024//end"),
        ("/blog", 307, "https://blog.example//end"),
        ("/wiki/en/x/y?q", 303, "/en/x/y?q#:none"),
        ("/tight/evil.example", 302, "/evil.example"),
        ("/%C3%A9", 302, "/caf%C3%A9"),
        ("/own", 302, "/own/"),
        ("/query?a=b", 302, "/q?own=1#part"),
        ("/hash?a=b", 302, "/h?a=b#part"),
        ("/file.txt", 302, "/new"),
    ],
)
def test_redirects_lead_on(
    host: Callable[..., Host], target: str, status: int, location: str
) -> None:
    there = host({"file.txt": "", "_redirects": REDIRECTS, "_headers": "/*\n  x-a: 1\n"})
    response = there.get(target)
    assert (response.status, response.headers["location"]) == (status, location)
    assert "x-a" not in response.headers
    assert there.get(target, "HEAD").status == status


@pytest.mark.parametrize("target", ["/items/", "/items/7/8", "/olds", "/older/x", "/wiki/en-x*"])
def test_other_paths_are_not_redirected(host: Callable[..., Host], target: str) -> None:
    there = host({"_redirects": "/old /new\n/items/:id /x\n/wiki/:lang/:page /y\n"})
    assert there.get(target).status == 404


def test_a_redirect_that_leads_to_itself_is_none(host: Callable[..., Host]) -> None:
    there = host({"own/index.html": "own", "_redirects": "/own /own/\n/* /\n"})
    assert there.get("/own/").status == 302
    assert there.lead("/own/") == (302, "/")
    assert there.get("/").status == 404


def test_a_rest_that_is_all(host: Callable[..., Host]) -> None:
    there = host({"index.html": "", "_redirects": "/* https://new.example/:splat 301\n"})
    assert there.lead("/") == (301, "https://new.example/")
    assert there.lead("/a/b/?c") == (301, "https://new.example/a/b/?c")


def test_lines_of_redirects_that_can_not_be_read_are_ignored(
    host: Callable[..., Host], caplog: pytest.LogCaptureFixture
) -> None:
    lists = """\
/one
/a /b 301 Country=de
/* /index.html 200
/a/*/b /c
old /new
/a/:splat/* /b
/a //evil.example
/a javascript:alert()
/a https://:host/
/a b
/good /better
"""
    there = host({"_redirects": lists})
    assert there.lead("/good") == (302, "/better")
    so = "it is no redirect.\n    Write it so: /old /new 301"
    assert caplog.messages == [
        f"dist/_redirects:1: '/one' is ignored: {so}",
        f"dist/_redirects:2: '/a /b 301 Country=de' is ignored: {so}",
        "dist/_redirects:3: '/* /index.html 200' is ignored: 200 is no status of a redirect.\n"
        "    Take one of 301, 302, 303, 307, 308.",
        "dist/_redirects:4: '/a/*/b /c' is ignored: * stands for the rest of a path.\n"
        "    Write it at the end.",
        "dist/_redirects:5: 'old /new' is ignored: a path begins with a slash.\n"
        "    Write it so: /about",
        "dist/_redirects:6: '/a/:splat/* /b' is ignored: * or a name stands there twice.\n"
        "    Write it once.",
        "dist/_redirects:7: '/a //evil.example' is ignored: Can't redirect to '//evil.example': "
        "a browser would leave this host. Write the whole URL, with https://, if that is wanted.",
        "dist/_redirects:8: '/a javascript:alert()' is ignored: Can't redirect to "
        "'javascript:alert()': only http://, https:// or a path.",
        "dist/_redirects:9: '/a https://:host/' is ignored: 'https://:host/' is no valid URL.",
        "dist/_redirects:10: '/a b' is ignored: it leads to no path.\n"
        "    Write /new, or a URL with https://",
    ]


# -------------------------------------------------------------------- new builds


def test_a_new_build_shows_with_the_next_request(
    host: Callable[..., Host], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there = host({"index.html": "one", "_headers": "/\n  x-n: 1\nodd\n"})
    assert there.get("/").headers["x-n"] == "1"
    assert there.get("/").text() == "one"
    assert len(caplog.messages) == 1
    there.folder.rename(tmp_path / "last")
    assert there.get("/").status == 404
    there.write({"index.html": "two", "_headers": "/\n  x-n: 2\n", "_redirects": "/a /b\n"})
    assert (there.get("/").text(), there.get("/").headers["x-n"]) == ("two", "2")
    assert there.lead("/a") == (302, "/b")
    there.write({"_redirects": "/a /longer\n"})
    assert there.lead("/a") == (302, "/longer")
    (there.folder / "_redirects").unlink()
    assert there.get("/a").status == 404
    assert len(caplog.messages) == 1


def test_lists_that_are_no_files_of_the_folder_say_nothing(
    host: Callable[..., Host], tmp_path: Path
) -> None:
    there = host({"index.html": "home"})
    (tmp_path / "outside").write_text("/ /evil\n")
    (there.folder / "_redirects").symlink_to("../outside")
    (there.folder / "_headers").mkdir()
    assert there.get("/").text() == "home"


def test_lists_that_are_no_text_are_ignored(host: Callable[..., Host]) -> None:
    there = host({"index.html": "home"})
    (there.folder / "_headers").write_bytes(b"/\r\n  x-a: 1\r\n  x-b: \xff\n/\x00\xff\n")
    (there.folder / "_redirects").write_bytes(b"\xff /a\n/\xff\x00 /b\n")
    response = there.get("/")
    assert (response.text(), response.headers["x-a"]) == ("home", "1")
    assert "x-b" not in response.headers


# ------------------------------------------------------------------------ any path


@pytest.fixture(scope="module")
def maze(tmp_path_factory: pytest.TempPathFactory) -> StaticHost:
    """A host whose folder has open files, secrets, and ways out to a secret."""
    folder = tmp_path_factory.mktemp("maze")
    dist = folder / "dist"
    (dist / "a" / ".git").mkdir(parents=True)
    for name in ("../secret", "../dist.html", ".env", "a/.git/config"):
        (dist / name).write_text("secret")
    for name in ("index.html", "a/index.html", "a/b.txt", "404.html"):
        (dist / name).write_text("open")
    for name in ("_headers", "_redirects"):
        (dist / name).write_text("# secret")
    (dist / "a" / "up").symlink_to("../..")
    (dist / "out").symlink_to("/")
    return StaticHost(dist)


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
    environ = make_environ(method, "/" + path, {"Range": wanted})
    response = call(maze, environ)
    assert response.status in (200, 206, 301, 400, 404, 416)
    if method == "GET" and response.status in (200, 206):
        assert response.text() in ("open", "op")
    if response.status == 301:
        assert not response.headers["location"].startswith("//")


LINES = st.lists(
    st.sampled_from(
        ["/", "*", ":a", ":splat", "a", " ", "\n", "\n  ", "x: y", "301", "#", "%", "("]
    )
    | st.text(max_size=3),
    max_size=20,
).map("".join)


@given(LINES, PATHS)
def test_any_lists_can_be_read(lists: str, path: str) -> None:
    said: list[int] = []
    list(parse_headers(lists, lambda line, what: said.append(line)))
    rules = list(parse_redirects(lists, lambda line, what: said.append(line)))
    for rule in rules:
        location = rule.find_location(f"/{path}", "?a=b")
        if location is not None:
            assert not location.startswith("//")
            Response(None, status=302, headers={"location": location})
    assert all(1 <= line <= lists.count("\n") + 1 for line in said)


# -------------------------------------------------------------------------- serving

STATIC = "from framework import Config\nconfig = Config(output='static', base='/docs'{more})\n"
HOSTS = (
    "from framework import Config, Security\n"
    "config = Config(security=Security(allowed_hosts=('shop.example',)))\n"
)


def test_without_a_build_there_is_nothing_to_serve(site: SiteMaker) -> None:
    config = STATIC.format(more=", build=Build(out_dir='out')").replace("Config\n", "*\n", 1)
    root = site({"src/pages/index.py": HANDLER, "framework.config.py": config}).root
    with pytest.raises(CommandError) as caught:
        preview.run(root)
    assert str(caught.value) == "There is no build in out.\n    Run: framework build"


def test_a_site_with_mistakes_is_not_served(site: SiteMaker) -> None:
    with pytest.raises(SiteError):
        preview.run(site({"src/pages/index.py": "def GET(:\n"}).root)


def test_a_port_in_use_is_told(site: SiteMaker) -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(CommandError):
        preview.run(site().root, port=taken.getsockname()[1])


@pytest.mark.parametrize("form", ["directory", "file", "preserve"])
def test_what_the_build_lists_is_obeyed(site: SiteMaker, form: str) -> None:
    redirects = {"/old/[...x]": {"destination": "/docs/a/[...x]", "status": 308}}
    more = f", build=Build(format={form!r}), redirects={redirects!r}"
    page = "---\nresponse.headers['cache-control'] = 'max-age=9'\n---\n{{ 1 }}"
    files = {
        "src/pages/café/x.jinja": page,
        "src/pages/health.py": HANDLER,
        "src/pages/index.jinja": "home",
        "framework.config.py": STATIC.format(more=more).replace("Config\n", "*\n", 1),
    }
    root = site(files).root
    build(root)
    app = StaticHost(root / "dist", "/docs")
    asked = call(app, make_environ("GET", "/docs/caf%C3%A9/x", {}))
    assert (asked.text(), asked.headers["cache-control"]) == ("1", "max-age=9")
    health = call(app, make_environ("GET", "/docs/health", {}))
    assert health.headers["content-type"] == "text/plain;charset=UTF-8"
    assert call(app, make_environ("GET", "/docs", {})).headers["cache-control"] != "max-age=9"
    moved = call(app, make_environ("GET", "/docs/old/b/c?q", {}))
    assert (moved.status, moved.headers["location"]) == (308, "/docs/a/b/c?q")


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """What `run` says of SIGTERM and of the log is undone."""
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
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait(PATIENCE)


def test_a_static_site_is_served_and_built_anew(
    site: SiteMaker, start: Callable[[Path], Program]
) -> None:
    config = STATIC.format(more="")
    made = site({"src/pages/a.jinja": "one", "framework.config.py": config})
    build(made.root)
    program = start(made.root)
    assert program.ask("/docs/a") == (200, "one")
    made.write({"src/pages/a.jinja": "two", "src/pages/b.jinja": "new"})
    build(made.root)
    assert program.ask("/docs/a") == (200, "two")
    assert program.ask("/docs/b/") == (200, "new")
    assert program.ask("/b/") == (404, "404 Not Found\n")
    assert program.ask(f"/docs/{MANIFEST}")[0] == 404
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
        f"\nServing the site in {root} with its build, by the application. Press Ctrl+C to stop.\n"
        in (program.output)
    )
