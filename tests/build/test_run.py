"""`framework build`: which files, which mistakes, and that the last build is whole at any time."""

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework import SiteError
from framework.build.hosting import HEADERS, REDIRECTS
from framework.build.ledger import Ledger
from framework.build.lists import RESERVED
from framework.build.run import build
from framework.cli import main
from framework.errors import BuildError
from framework.static.built import new_digest
from tests.conftest import SiteMaker

HANDLER = "from framework import Response\n\n\ndef GET():\n    return Response('ok')\n"
LISTED = (
    "from framework import Response\n\n\n"
    "def get_static_paths():\n    return [{'params': {'id': x}} for x in ITEMS]\n\n\n"
    "def GET(params):\n    return Response(str(params['id']))\n"
)


def config(text: str = "") -> str:
    return f"from framework import *\n\nconfig = Config(output='static', {text})\n"


def listed(items: str) -> str:
    return f"ITEMS = {items}\n{LISTED}"


def answering(expression: str, before: str = "") -> str:
    return f"from framework import Response\n{before}\n\ndef GET():\n    return {expression}\n"


@pytest.fixture
def make(site: SiteMaker) -> Site:
    """A static site's root, written and not started."""

    def made(files: dict[str, str | bytes], text: str = "") -> Path:
        return site({"framework.config.py": config(text), **files}).root

    return made


def tree(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def built(root: Path) -> dict[str, bytes]:
    """What a build wrote, without the list of files."""
    build(root)
    files = tree(root / "dist")
    return without_lists(files)


def without_lists(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files that are no lists of the build's own."""
    return {name: files[name] for name in files.keys() - {*RESERVED, HEADERS, REDIRECTS}}


def digest(folder: Path) -> str:
    return hashlib.sha256(repr(tree(folder)).encode()).hexdigest()


def mistakes(root: Path) -> str:
    """The text of the build's mistakes; nothing may have been written."""
    before = digest(root.parent)
    with pytest.raises(BuildError) as caught:
        build(root)
    assert digest(root.parent) == before
    assert not (root / ".dist-building").exists()
    return str(caught.value).removeprefix("The site can't be built:\n")


# ------------------------------------------------------------------------ files


PAGES = {
    "src/pages/index.jinja": "home",
    "src/pages/about.jinja": "about",
    "src/pages/blog/index.jinja": "blog",
    "src/pages/feed.xml.jinja": "<rss/>",
    "src/pages/api/health.py": HANDLER,
    "src/pages/404.jinja": "lost",
    "src/pages/500.jinja": "broken: {{ props.error.code }}",
    "src/pages/live.py": f"prerender = False\n{HANDLER}",
    "public/a/b.bin": b"\x00\xff",
}
ALWAYS = {"404.html", "500.html", "a/b.bin", "api/health", "feed.xml", "index.html"}


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("directory", {"about/index.html", "blog/index.html"}),
        ("file", {"about.html", "blog.html"}),
        ("preserve", {"about.html", "blog/index.html"}),
    ],
)
@pytest.mark.parametrize("base", ["/", "/docs"])
@pytest.mark.parametrize("slash", ["always", "never", "ignore"])
def test_each_format_has_its_names(
    make: SiteMaker, form: str, names: set[str], base: str, slash: str
) -> None:
    text = f"build=Build(format={form!r}), base={base!r}, trailing_slash={slash!r}"
    files = built(make(PAGES, text))
    assert files.keys() == ALWAYS | names
    assert files["a/b.bin"] == b"\x00\xff"
    assert files["500.html"].strip() == b"broken: 500"


@pytest.mark.parametrize(
    ("name", "body", "file"),
    [
        ("index.py", "Response('x')", "index"),
        ("index.py", "Response('x', headers={'content-type': 'text/html'})", "index.html"),
        ("404.py", "Response('x')", "404"),
        ("404.py", "Response('x', headers={'content-type': 'text/html'})", "404.html"),
        ("a.py", "Response('x', headers={'content-type': 'text/html'})", "a"),
        ("empty.py", "Response(None, status=204)", "empty"),
    ],
)
def test_an_endpoint_is_written_under_its_own_name(
    make: SiteMaker, name: str, body: str, file: str
) -> None:
    assert list(built(make({f"src/pages/{name}": answering(body)}))) == [file]


def test_names_may_have_blanks_and_any_letters(make: SiteMaker) -> None:
    items = "['has space', '你好', 'cafe\\u0301', '100%', 'a?b#c', '.env']"
    files = built(make({"src/pages/w/[id].py": listed(items)}))
    names = ["has space", "你好", "caf\u00e9", "100%", "a?b#c", ".env"]
    assert files == {f"w/{name}": name.encode() for name in sorted(names)}


def test_bytes_and_streams_are_written_whole(make: SiteMaker) -> None:
    files = {
        "src/pages/a.bin.py": answering("Response(bytes(range(256)) * 999)"),
        "src/pages/b.txt.py": answering("Response(c for c in ('one ', 'two'))"),
        "src/pages/c.txt.py": "from framework import Response\n\n\nasync def parts():\n"
        "    yield 'three'\n\n\nasync def GET():\n    return Response(parts())\n",
    }
    assert built(make(files)) == {
        "a.bin": bytes(range(256)) * 999,
        "b.txt": b"one two",
        "c.txt": b"three",
    }


def test_each_get_runs_once_inside_middleware_without_a_query(make: SiteMaker) -> None:
    files = {
        "src/middleware.py": "def on_request(context, next):\n    response = next()\n"
        "    response.headers.set('x-count', '1')\n    return response\n",
        "src/pages/[id].py": listed("['a', 'b']").replace("def GET(params):\n", SEEN),
    }
    root = make(files, "site='https://user@example.com:8443/x'".replace("user@", ""))
    assert built(root) == {
        "a": b"1 https://example.com:8443/a True",
        "b": b"2 https://example.com:8443/b True",
    }
    entry = json.loads((root / "dist/.framework.json").read_text())["files"]["a"]
    assert entry["headers"]["x-count"] == "1"


SEEN = (
    "CALLS = []\n\n\ndef GET(url, is_prerendered):\n    CALLS.append(1)\n"
    "    return Response(f'{len(CALLS)} {url.href} {is_prerendered}')\n\n\ndef old(params):\n"
)


def test_a_hybrid_site_has_only_what_is_prerendered(site: SiteMaker) -> None:
    root = site(
        {
            "src/pages/a.py": f"prerender = True\n{HANDLER}",
            "src/pages/b.py": HANDLER,
            "framework.config.py": config("redirects={'/old': '/a'}").replace("static", "server"),
        }
    ).root
    assert list(built(root)) == ["a"]


def test_a_site_with_nothing_to_prerender_is_its_public_files(site: SiteMaker) -> None:
    root = site({"src/pages/b.py": HANDLER, "public/x.txt": "x"}).root
    assert built(root) == {"x.txt": b"x"}


def test_the_report_counts_files_and_bytes(make: SiteMaker) -> None:
    report = build(make({"src/pages/a.py": HANDLER, "public/x.txt": "four"}))
    assert (report.files, report.size, report.folder.name) == (2, 6, "dist")
    assert report.warnings == []


def test_two_builds_are_the_same_to_the_byte(make: SiteMaker) -> None:
    root = make(PAGES)
    build(root)
    first = tree(root / "dist")
    os.utime(root / "public/a/b.bin", (0, 0))
    build(root)
    assert tree(root / "dist") == first


def test_thousands_of_endpoints_are_built(make: SiteMaker) -> None:
    files = built(make({"src/pages/p/[id].json.py": listed("range(2_000)")}))
    assert len(files) == 2_000
    assert files["p/1999.json"] == b"1999"


# -------------------------------------------------------------------- redirects


def test_redirects_become_pages(make: SiteMaker) -> None:
    redirects = "{'/old': '/new?a=1&b=<2>', '/old.html': 'https://example.com/', '/p/[x]': '/q'}"
    root = make(
        {"src/pages/go.py": answering("Response.redirect('/\"quoted\"', 301)")},
        f"base='/docs', redirects={redirects}",
    )
    report = build(root)
    files = tree(root / "dist")
    assert sorted(without_lists(files)) == ["go", "old.html", "old/index.html"]
    assert files["old/index.html"].decode() == (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        "<title>Redirecting to /new?a=1&amp;b=%3C2%3E</title>\n"
        '<meta http-equiv="refresh" content="0;url=/new?a=1&amp;b=%3C2%3E">\n'
        '<meta name="robots" content="noindex">\n'
        '<link rel="canonical" href="/new?a=1&amp;b=%3C2%3E"></head>\n'
        '<body><p>Redirecting to <a href="/new?a=1&amp;b=%3C2%3E">'
        "/new?a=1&amp;b=%3C2%3E</a></p></body></html>\n"
    )
    assert b"url=https://example.com/" in files["old.html"]
    assert b"url=/%22quoted%22" in files["go"]
    assert report.warnings == [
        "framework.config.py: redirects['/p/[x]']: has parameters, so a build cannot write a file "
        "for it\n"
        "    Use a host that reads _redirects, or nginx with the generated snippet."
    ]


def test_a_redirect_to_a_script_is_a_mistake(make: SiteMaker) -> None:
    go = answering("Response(None, status=302, headers={'location': 'javascript:alert(1)'})")
    text = mistakes(make({"src/pages/go.py": go}))
    assert text.startswith("src/pages/go.py: /go: Can't redirect to 'javascript:alert(1)'")


# --------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    "value", ["../../x", "/abs", "a\0b", "..", ".", "a\\..\\b", "a//b", "a/../b", "", "\ud800"]
)
@pytest.mark.parametrize("name", ["[id].py", "[...id].py", "x/[id].jinja"])
def test_a_param_never_leaves_its_place(make: SiteMaker, value: str, name: str) -> None:
    code = listed(f"['ok', {value!r}]")
    if name.endswith(".jinja"):
        code = f"---\n{LISTED.partition('def GET')[0].replace('ITEMS', repr(['ok', value]))}---\nx"
    text = mistakes(make({f"src/pages/{name}": code}))
    pattern = "/" + name.rpartition(".")[0]
    place = f"src/pages/{name}"
    assert text.startswith(
        f"{place}: item 1 of get_static_paths(): {pattern} would not read id={value!r} back "
        "from its own path.\n    A value is never empty, "
    )


def test_a_name_that_the_disk_refuses_is_told(make: SiteMaker) -> None:
    text = mistakes(make({"src/pages/[id].py": listed("['x' * 300]")}))
    assert text == f"src/pages/[id].py: {'x' * 300} can't be written: File name too long."


def test_two_routes_of_one_file_are_named(make: SiteMaker) -> None:
    files = {"src/pages/a.html.py": HANDLER, "src/pages/a.jinja": "a"}
    assert mistakes(make(files, "build=Build(format='file')")) == (
        "src/pages/a.jinja and src/pages/a.html.py would both write a.html.\n    Keep one of them."
    )


@pytest.mark.parametrize("public", ["caf\u00e9.txt", "cafe\u0301.txt"])
def test_a_route_and_a_public_file_of_one_name_are_named(make: SiteMaker, public: str) -> None:
    files = {"src/pages/caf\u00e9.txt.py": HANDLER, f"public/{public}": "x"}
    assert mistakes(make(files)) == (
        f"src/pages/caf\u00e9.txt.py and public/{public} would both write caf\u00e9.txt.\n"
        "    Keep one of them."
    )


def test_the_list_of_files_is_no_routes(make: SiteMaker) -> None:
    text = mistakes(make({"src/pages/[id].py": listed("['.framework.json']")}))
    assert text.startswith("src/pages/[id].py and The build would both write .framework.json.")


def test_a_file_where_a_folder_must_be_names_both(make: SiteMaker) -> None:
    remedy = "\n    Rename one, or give it an extension."
    files = {"src/pages/api.py": HANDLER, "src/pages/api/v1/x.py": HANDLER}
    what = "src/pages/api.py would write the file api, and src/pages/api/v1/x.py needs a folder "
    assert mistakes(make(files)) == f"{what}there for api/v1/x.{remedy}"
    files = {"src/pages/docs.py": HANDLER, "public/docs/x.txt": "x"}
    what = "src/pages/docs.py would write the file docs, and public/docs/x.txt needs a folder "
    assert mistakes(make(files)) == f"{what}there for docs/x.txt.{remedy}"
    files = {"src/pages/docs/x.py": HANDLER, "public/docs": "x"}
    what = "public/docs would write the file docs, and src/pages/docs/x.py needs a folder "
    assert mistakes(make(files)) == f"{what}there for docs/x.{remedy}"


@pytest.mark.parametrize("live", ["", "prerender = False\n"])
def test_a_listed_path_that_another_route_answers_names_both(make: SiteMaker, live: str) -> None:
    files = {"src/pages/[id].py": listed("['about']"), "src/pages/about.py": f"{live}{HANDLER}"}
    assert mistakes(make(files)) == (
        "src/pages/[id].py and src/pages/about.py both have the path /about; the second answers.\n"
        "    Take it out of get_static_paths()."
    )


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("Response('x', status=404)", 404),
        ("Response('x', status=500)", 500),
        ("Response(None, status=302)", 302),
        ("Response(None, status=304)", 304),
    ],
)
def test_another_answer_than_2xx_fails_and_names_the_route(
    make: SiteMaker, answer: str, status: int
) -> None:
    assert mistakes(make({"src/pages/x.py": answering(answer), "src/pages/y.py": HANDLER})) == (
        f"src/pages/x.py: /x answered {status}, so it can't be a file.\n"
        "    Take out the file, or set prerender = False."
    )


def test_a_listed_path_that_is_not_found_may_be_taken_off_the_list(make: SiteMaker) -> None:
    code = listed("['a', 'b']").replace("return Response(", "return Response(status=404, body=")
    assert mistakes(make({"src/pages/[id].py": code})).endswith(
        "src/pages/[id].py: /b answered 404, so it can't be a file.\n"
        "    Take it out of get_static_paths(), or set prerender = False."
    )


def test_a_route_without_get_fails(make: SiteMaker) -> None:
    text = mistakes(make({"src/pages/x.py": HANDLER.replace("GET", "POST")}))
    assert text.startswith("src/pages/x.py: /x answered 405, so it can't be a file.")


def test_a_crash_is_named_with_the_sites_own_line(make: SiteMaker) -> None:
    files = {
        "src/pages/a.py": answering("find()", "from lib.x import find"),
        "src/pages/b.py": answering("None"),
        "src/pages/500.jinja": "{{ props.nothing.at.all }}",
        "src/lib/x.py": "def find():\n    return {}['key']\n",
    }
    text = mistakes(make(files))
    assert "src/pages/a.py: /a failed in src/lib/x.py:2: KeyError: 'key'" in text
    assert "src/pages/b.py: /b failed: HandlerError: src/pages/b.py:4: GET returned None" in text
    assert "src/pages/500.jinja: /500 failed in src/pages/500.jinja:1: UndefinedError" in text


def test_a_stream_that_breaks_fails_the_build(make: SiteMaker) -> None:
    code = (
        "from framework import Response\n\n\ndef parts():\n    yield 'a'\n    raise OSError('x')\n"
    )
    text = mistakes(make({"src/pages/s.py": code + answering("Response(parts())")}))
    assert text == "src/pages/s.py: /s failed in src/pages/s.py:6: OSError: x"


def test_all_mistakes_are_told_at_once(make: SiteMaker) -> None:
    files = {
        "src/pages/[id].py": f"{HANDLER}\n\ndef get_static_paths():\n    return 7\n",
        "src/pages/x.py": answering("Response('x', status=404)"),
    }
    text = mistakes(make(files))
    assert "src/pages/[id].py: get_static_paths() returned int, not a list." in text
    assert "src/pages/x.py: /x answered 404" in text


def test_a_site_that_does_not_start_is_not_built(make: SiteMaker) -> None:
    root = make({"src/pages/bad[.py": HANDLER, "dist/last.txt": "last"})
    with pytest.raises(SiteError):
        build(root)
    assert tree(root / "dist") == {"last.txt": b"last"}


@pytest.mark.parametrize(
    ("folder", "what"),
    [
        ("..", "outside the site"),
        ("../other", "outside the site"),
        ("/tmp", "outside the site"),
        (".", "outside the site"),
        ("src/out", "among the site's files"),
        ("public", "among the site's files"),
        ("link", "a link, or below one"),
        ("link/dist", "a link, or below one"),
        ("file", "a file"),
        ("real", "a folder with files that no build wrote"),
    ],
)
def test_the_folder_is_the_builds_own(make: SiteMaker, folder: str, what: str) -> None:
    root = make(
        {"src/pages/a.py": HANDLER, "file": "x", "real/x": "x"}, f"build=Build(out_dir={folder!r})"
    )
    (root / "link").symlink_to("real")
    assert mistakes(root) == (
        f"framework.config.py: build.out_dir is {folder!r}, {what}.\n"
        "    A build replaces the whole folder: give it a new or empty one in the site."
    )


def test_a_folder_that_is_empty_or_of_a_build_is_taken(make: SiteMaker) -> None:
    root = make({"src/pages/a.py": HANDLER}, "build=Build(out_dir='real')")
    (root / "real").mkdir()
    build(root)
    assert build(root).kept == 1
    assert (root / "real/a").is_file()


def test_a_link_in_the_last_build_leads_nowhere(make: SiteMaker) -> None:
    root = make({"src/pages/a/x.py": HANDLER, "keep/x": "mine"})
    (root / "dist").mkdir()
    (root / "dist/a").symlink_to(root / "keep")
    assert built(root) == {"a/x": b"ok"}
    assert tree(root / "keep") == {"x": b"mine"}


def test_a_deeper_folder_is_made(make: SiteMaker) -> None:
    root = make({"src/pages/a.py": HANDLER}, "build=Build(out_dir='out/www')")
    build(root)
    assert (root / "out/www/a").read_bytes() == b"ok"


def test_what_the_disk_refuses_is_a_build_error(
    make: SiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make({"src/pages/a.py": HANDLER, "public/x.txt": "x"})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    assert mistakes(root) == "public/x.txt: x.txt can't be written: No space left on device."
    monkeypatch.setattr(Ledger, "make", full)
    assert mistakes(root) == "The site can't be built: [Errno 28] No space left on device"


# --------------------------------------------------------------------- warnings


@pytest.mark.parametrize(("output", "warnings"), [("server", 1), ("static", 0)])
def test_a_site_whose_routes_are_all_live_is_told_so(
    make: SiteMaker, output: str, warnings: int
) -> None:
    config = f'from framework import Config\n\nconfig = Config(output="{output}")\n'
    live = f"{answering('Response()')}\nprerender = False\n"
    root = make({"framework.config.py": config, "public/a.txt": "a", "src/pages/a.py": live})
    found = build(root).warnings
    assert len(found) == warnings
    assert all("No route is prerendered" in text for text in found)


def test_cookies_are_left_out_with_one_warning_a_route(make: SiteMaker) -> None:
    code = listed("['a', 'b']").replace("def GET(params):", "def GET(params, cookies):")
    code = code.replace("    return Response(", "    cookies.set('n', '1')\n    return Response(")
    root = make({"src/pages/[id].py": code})
    assert build(root).warnings == [
        "src/pages/[id].py: sets a cookie, which a file can't. It is left out."
    ]
    assert "cookie" not in (root / "dist/.framework.json").read_text()


def test_the_command_tells_warnings_and_what_was_written(make: SiteMaker, capsys: Any) -> None:
    code = "from framework import Response\n\n\ndef GET(cookies):\n    cookies.set('n', '1')\n"
    root = make({"src/pages/a.py": f"{code}    return Response('four')\n"})
    assert main(["--root", str(root), "build"]) == 0
    assert re.sub(r"\d\.\d+", "0.0", capsys.readouterr().out) == (
        "Warning: src/pages/a.py: sets a cookie, which a file can't. It is left out.\n"
        "   0.0 s          1 path  src/pages/a.py\n"
        f"Wrote 1 file (1 rendered, 0 kept, 0 public), 4 bytes, to {root}/dist in 0.0 s\n"
    )


def test_the_command_tells_nothing_of_the_time_of_what_was_kept(
    make: SiteMaker, capsys: Any
) -> None:
    root = make({"src/pages/a.py": answering("Response('four')")})
    build(root)
    assert main(["--root", str(root), "build"]) == 0
    assert capsys.readouterr().out.startswith("Wrote 1 file (0 rendered, 1 kept, 0 public)")


def test_the_command_fails_with_the_text_of_the_mistakes(make: SiteMaker, capsys: Any) -> None:
    root = make({"src/pages/a.py": answering("Response('', status=404)")})
    assert main(["build", "--root", str(root)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("The site can't be built:\nsrc/pages/a.py: /a answered 404")


def test_reading_headers_warns_once_a_route(make: SiteMaker) -> None:
    reads = "from framework import Response\n\n\ndef GET(request):\n"
    files = {
        "src/pages/[id].py": listed("['x', 'y']").replace(
            "def GET(params):", "def GET(params, request):\n    request.clone().headers.get('a')"
        ),
        "src/pages/a.py": f"{reads}    return Response(request.headers.get('accept', 'none'))\n",
        "src/pages/b.py": f"{reads}    return Response(request.url + request.method)\n",
    }
    root = make(files)
    text = (
        "src/pages/{}.py: request.headers was read, and the route is prerendered: they are not a "
        "visitor's. Set prerender = False, or do without them."
    )
    assert sorted(build(root).warnings) == [text.format("[id]"), text.format("a")]


@pytest.mark.parametrize(
    "code",
    ["cookies.get('a')", "'a' in cookies", "session.get('a')", "session.keys()"],
)
def test_reading_what_a_visitor_sends_warns(make: SiteMaker, code: str) -> None:
    head = "from framework import Response\n\n\ndef GET(cookies, session):\n"
    files = {
        "src/pages/a.py": f"{head}    return Response(str({code}))\n",
        "src/pages/b.py": f"{head}    return Response('b')\n",
    }
    assert build(make(files, "session=Sessions()")).warnings == [
        "src/pages/a.py: cookies or the session were read, and the route is prerendered: they are "
        "not a visitor's. Set prerender = False, or do without them."
    ]


# ---------------------------------------------------------------- old and whole


def test_a_build_that_fails_leaves_the_last_one(make: SiteMaker) -> None:
    root = make({"src/pages/a.py": HANDLER})
    build(root)
    last = tree(root / "dist")
    (root / "src/pages/b.py").write_text(answering("Response('', status=500)"))
    assert "src/pages/b.py" in mistakes(root)
    assert tree(root / "dist") == last


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit"])
def test_an_interrupted_build_leaves_the_last_one(make: SiteMaker, error: str) -> None:
    root = make({"src/pages/a.py": HANDLER})
    build(root)
    last = tree(root)
    (root / "src/pages/b.py").write_text(
        f"{HANDLER}\n\ndef GET():\n    raise {error}\n"  # as Ctrl-C would, in the middle
    )
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        build(root)
    (root / "src/pages/b.py").unlink()
    assert tree(root) == last


def test_what_a_killed_build_left_is_cleared(make: SiteMaker) -> None:
    root = make({"src/pages/a.py": HANDLER, ".dist-building/new/x": "", ".dist-building/old/y": ""})
    (root / "dist").mkdir()
    assert built(root) == {"a": b"ok"}
    assert not (root / ".dist-building").exists()


def test_a_build_killed_between_two_renames_is_undone(make: SiteMaker) -> None:
    root = make({"src/pages/a.py": answering("Response('', status=404)")})
    (root / ".dist-building/old").mkdir(parents=True)
    (root / ".dist-building/old/y").write_text("the last build")
    with pytest.raises(BuildError):
        build(root)
    assert tree(root / "dist") == {"y": b"the last build"}


def test_one_build_runs_at_a_time(make: SiteMaker) -> None:
    root = make({"src/pages/a.py": HANDLER, ".dist-building/new/x": "of the other"})
    other = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BuildError) as caught:
            build(root)
    finally:
        os.close(other)
    assert str(caught.value) == f"Another build to {root}/dist is running. Wait for its end."
    assert tree(root / ".dist-building") == {"new/x": b"of the other"}


class NoExchange:
    """A C library that can't swap two folders: it has no such call, or the disk refuses."""

    def __init__(self, has_call: bool) -> None:
        if has_call:
            self.renameat2 = lambda *_: -1


@pytest.mark.parametrize("has_call", [True, False])
def test_without_a_swap_in_one_step_it_takes_two(
    make: SiteMaker, monkeypatch: pytest.MonkeyPatch, has_call: bool
) -> None:
    root = make({"src/pages/a.py": HANDLER, "dist/stale.txt": "stale"})
    monkeypatch.setattr(ctypes, "CDLL", lambda _: NoExchange(has_call))
    assert built(root) == {"a": b"ok"}
    assert not (root / ".dist-building").exists()


def test_two_steps_of_which_the_second_fails_are_undone(
    make: SiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make({"src/pages/a.py": HANDLER, "dist/last.txt": "last"})
    monkeypatch.setattr(ctypes, "CDLL", lambda _: NoExchange(False))
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise PermissionError(errno.EPERM, "No")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    assert mistakes(root) == "The site can't be built: [Errno 1] No"
    assert tree(root / "dist") == {"last.txt": b"last"}


def test_a_build_killed_at_any_moment_leaves_a_whole_one(make: SiteMaker) -> None:
    """50 times: in the middle of a first build, of one that keeps files, and of processes."""
    half = "_LISTED = [{'params': {'id': x}, 'props': {'n': x % 2 and V}} for x in range(300)]\n"
    root = make(
        {
            "src/pages/[id].py": f"from framework import Response\nfrom data import V\n\n{half}\n\n"
            "def get_static_paths():\n    return _LISTED\n\n\n"
            "def GET(props):\n    return Response(f\"{props['n'] or 'kept'}\")\n",
            "src/data.py": "V = 'none'\n",
        }
    )
    seen = set()
    for number in range(50):
        (root / "src/data.py").write_text(f"V = 'version {number}'\n")
        jobs = str(1 + number % 2)
        process = subprocess.Popen(
            [sys.executable, "-B", "-m", "framework", "build", "--root", str(root), "--jobs", jobs],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            process.wait(random.uniform(0.15, 0.6))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        if (root / "dist").exists():
            files = without_lists(tree(root / "dist"))
            assert len(files) == 300
            versions = set(files.values()) - {b"kept"}
            assert len(versions) == 1
            manifest = json.loads((root / "dist/.framework.json").read_text())["files"]
            digests = {name: new_digest(content).hexdigest() for name, content in files.items()}
            assert {name: row["etag"] for name, row in manifest.items()} == digests
            seen |= versions
    assert len(seen) > 1
    (root / "src/data.py").write_text("V = 'last'\n")
    assert set(built(root).values()) == {b"last", b"kept"}
    assert sorted(os.listdir(root)) == [".dist-inputs", "dist", "framework.config.py", "src"]


# ---------------------------------------------------------------- many, and verified


def test_of_many_mistakes_some_are_told_and_the_rest_counted(make: SiteMaker) -> None:
    page = listed("range(70)").replace("Response(str(params['id']))", "Response('', status=404)")
    text = mistakes(make({"src/pages/[id].py": page}))
    lines = [line for line in text.splitlines() if not line.startswith("    ")]
    assert len(lines) == 51
    assert lines[-1] == "And 20 more."


def test_lists_of_the_sites_own_are_warned_of(make: SiteMaker) -> None:
    root = make({"src/pages/a.py": HANDLER, "public/_headers": "/a\n  x: y\n"})
    assert [text.partition(",")[0] for text in build(root).warnings] == [
        "public/_headers stays as it is"
    ]
    assert (root / "dist/_headers").read_text() == "/a\n  x: y\n"


def test_a_variant_is_a_file_too(make: SiteMaker) -> None:
    long = "Response('again ' * 999)"
    files = {
        "src/pages/a.txt.py": answering(long),
        "src/pages/a.txt.gz.py": HANDLER,
        "src/pages/[id].css.py": listed("['x']").replace("str(params['id'])", "'again ' * 999"),
        "public/x.css.gz": "",
    }
    assert mistakes(make(files, "build=Build(compress=True)")) == (
        "src/pages/[id].css.py and public/x.css.gz would both write x.css.gz.\n"
        "    Keep one of them.\n"
        "src/pages/a.txt.gz.py and src/pages/a.txt.py would both write a.txt.gz.\n"
        "    Keep one of them."
    )


def test_the_command_verifies_and_says_so(make: SiteMaker, capsys: Any) -> None:
    root = make({"src/pages/a.py": HANDLER})
    assert main(["build", "--root", str(root), "--verify", "--jobs", "2"]) == 0
    assert "(1 rendered, 0 kept, 0 public, 1 verified)" in capsys.readouterr().out


@pytest.mark.parametrize("jobs", ["0", "-1", "x", "1.5", "2000"])
def test_a_wrong_number_of_processes_is_wrong_usage(
    make: SiteMaker, capsys: Any, jobs: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["build", "--jobs", jobs, "--root", str(make({}))])
    assert caught.value.code == 2
    assert f"{jobs!r} is no number of processes, 1 or more" in capsys.readouterr().err
