"""Paths of routes as files: their names, contents and headers, redirects, and what fails."""

import json

import pytest

from tests.build.conftest import LISTED, StaticSiteMaker, listed, returning
from tests.conftest import HANDLER

PAGES = {
    "src/pages/index.jinja": "home",
    "src/pages/about.jinja": "about",
    "src/pages/blog/index.jinja": "blog",
    "src/pages/feed.xml.jinja": "<rss/>",
    "src/pages/api/health.json.py": HANDLER,
    "src/pages/404.jinja": "lost",
    "src/pages/500.jinja": "broken: {{ props.error.code }}",
    "src/pages/live.py": f"prerender = False\n{HANDLER}",
    "public/a/b.bin": b"\x00\xff",
}
ALWAYS = {"404.html", "500.html", "a/b.bin", "api/health.json", "feed.xml", "index.html"}


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
def test_names_of_each_format(
    static_site: StaticSiteMaker, form: str, names: set[str], base: str, slash: str
) -> None:
    config = f"build=Build(format={form!r}), base={base!r}, trailing_slash={slash!r}"
    files = static_site(PAGES, config).built()
    if slash == "always":  # only the file index.html of a folder is at a path that ends in a slash
        names = {"about/index.html", "blog/index.html"}
    assert files.keys() == ALWAYS | names
    assert files["a/b.bin"] == b"\x00\xff"
    assert files["500.html"].strip() == b"broken: 500"


@pytest.mark.parametrize(
    ("name", "body", "file"),
    [
        ("index.py", "Response('x', headers={'content-type': 'text/html'})", "index.html"),
        ("404.py", "Response('x')", "404"),
        ("404.py", "Response('x', headers={'content-type': 'text/html'})", "404.html"),
        ("a.py", "Response('x', headers={'content-type': 'text/html'})", "a/index.html"),
        ("a.html.py", "Response('x', headers={'content-type': 'text/html'})", "a.html"),
        ("api/health.py", "Response('x')", "api/health"),
        ("empty.py", "Response(None, status=204)", "empty"),
    ],
)
def test_endpoints_keep_their_names_unless_they_are_html(
    static_site: StaticSiteMaker, name: str, body: str, file: str
) -> None:
    assert list(static_site({f"src/pages/{name}": returning(body)}).built()) == [file]


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("directory", {"docs/v1.0/index.html", "docs/v1.0/intro/index.html", "a.b/index.html"}),
        ("file", {"docs/v1.0.html", "docs/v1.0/intro.html", "a.b.html"}),
        ("preserve", {"docs/v1.0/index.html", "docs/v1.0/intro.html", "a.b.html"}),
    ],
)
def test_a_dot_alone_is_not_an_extension(
    static_site: StaticSiteMaker, form: str, names: set[str]
) -> None:
    pages = ("docs/v1.0/index", "docs/v1.0/intro", "a.b", "docs/index.xml")
    files = {f"src/pages/{page}.jinja": "x" for page in pages}
    built = static_site(files, f"build=Build(format={form!r})").built()
    assert built.keys() == names | {"docs.xml"}


def test_names_may_contain_blanks_and_any_letters(static_site: StaticSiteMaker) -> None:
    items = "['has space', '你好', 'cafe\\u0301', '100%', 'a?b#c', 'x.env']"
    files = static_site({"src/pages/w/[id].py": listed(items)}).built()
    names = ["has space", "你好", "caf\u00e9", "100%", "a?b#c", "x.env"]
    assert files == {f"w/{name}": name.encode() for name in names}


def test_bytes_and_streams_are_written_whole(static_site: StaticSiteMaker) -> None:
    files = {
        "src/pages/a.bin.py": returning("Response(bytes(range(256)) * 999)"),
        "src/pages/b.txt.py": returning("Response(c for c in ('one ', 'two'))"),
        "src/pages/c.txt.py": "from framework import Response\n\n\nasync def parts():\n"
        "    yield 'three'\n\n\nasync def GET():\n    return Response(parts())\n",
    }
    assert static_site(files).built() == {
        "a.bin": bytes(range(256)) * 999,
        "b.txt": b"one two",
        "c.txt": b"three",
    }


def test_each_path_is_rendered_once_with_middleware(static_site: StaticSiteMaker) -> None:
    seen = (
        "CALLS = []\n\n\ndef GET(url, is_prerendered):\n    CALLS.append(1)\n"
        "    return Response(f'{len(CALLS)} {url.href} {is_prerendered}')\n"
    )
    files = {
        "src/middleware.py": "def on_request(context, next):\n    response = next()\n"
        "    response.headers.set('x-count', '1')\n    return response\n",
        "src/pages/[id].py": f"ITEMS = ['a', 'b']\n{LISTED.partition('def GET')[0]}{seen}",
    }
    one = static_site(files, "site='https://example.com:8443/x'")
    assert one.built() == {
        "a": b"1 https://example.com:8443/a True",
        "b": b"2 https://example.com:8443/b True",
    }
    entry = json.loads(one.files()[".framework.json"])["files"]["a"]
    assert entry["headers"]["x-count"] == "1"


@pytest.mark.parametrize("name", ["[id]", "[id=int]", "[...id]"])
def test_get_static_paths_is_called_once(static_site: StaticSiteMaker, name: str) -> None:
    code = (
        "from framework import Response\n\ncalls = []\n\n\n"
        "def get_static_paths():\n    calls.append(1)\n"
        "    yield from [{'params': {'id': 1}}, {'params': {'id': 2}}]\n\n\n"
        "def GET(params):\n    return Response(str(len(calls)))\n"
    )
    files = static_site({f"src/pages/{name}.txt.py": code}).built()
    assert files == {"1.txt": b"1", "2.txt": b"1"}


def test_a_server_site_builds_only_prerendered_routes(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/a.py": f"prerender = True\n{HANDLER}", "src/pages/b.py": HANDLER})
    one.configure("redirects={'/old': '/a'}", "server")
    assert list(one.built()) == ["a"]


def test_redirects_become_pages(static_site: StaticSiteMaker) -> None:
    redirects = "{'/old': '/new?a=1&b=<2>', '/old.html': 'https://example.com/', '/p/[x]': '/q'}"
    one = static_site(
        {"src/pages/go.py": returning("Response.redirect('/\"quoted\"', 301)")},
        f"base='/docs', redirects={redirects}",
    )
    files = one.built()
    assert sorted(files) == ["go/index.html", "old.html", "old/index.html"]
    assert files["old/index.html"].decode() == (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        "<title>Redirecting to /docs/new?a=1&amp;b=%3C2%3E</title>\n"
        '<meta http-equiv="refresh" content="0;url=/docs/new?a=1&amp;b=%3C2%3E">\n'
        '<meta name="robots" content="noindex">\n'
        '<link rel="canonical" href="/docs/new?a=1&amp;b=%3C2%3E"></head>\n'
        '<body><p>Redirecting to <a href="/docs/new?a=1&amp;b=%3C2%3E">'
        "/docs/new?a=1&amp;b=%3C2%3E</a></p></body></html>\n"
    )
    assert b"url=https://example.com/" in files["old.html"]
    assert b"url=/%22quoted%22" in files["go/index.html"]


def test_a_redirect_with_parameters_has_no_file(static_site: StaticSiteMaker) -> None:
    one = static_site({"src/pages/a.py": HANDLER}, "redirects={'/p/[x]': '/q'}")
    [warning] = one.build().warnings
    assert warning.startswith("framework.config.py: redirects['/p/[x]']: has parameters")


def test_a_redirect_to_a_script_is_a_mistake(static_site: StaticSiteMaker) -> None:
    go = returning("Response(None, status=302, headers={'location': 'javascript:alert(1)'})")
    text = static_site({"src/pages/go.py": go}).mistakes()
    assert text.startswith("src/pages/go.py: /go: Can't redirect to 'javascript:alert(1)'")


# ----------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    "value", ["../../x", "/abs", "a\0b", "..", ".", "a\\..\\b", "a//b", "a/../b", "", "\ud800"]
)
@pytest.mark.parametrize("name", ["[id].py", "[...id].py", "x/[id].jinja"])
def test_no_parameter_writes_outside_the_folder(
    static_site: StaticSiteMaker, value: str, name: str
) -> None:
    code = listed(f"['ok', {value!r}]")
    if name.endswith(".jinja"):
        code = f"---\n{LISTED.partition('def GET')[0].replace('ITEMS', repr(['ok', value]))}---\nx"
    text = static_site({f"src/pages/{name}": code}).mistakes()
    pattern = "/" + name.rpartition(".")[0]
    assert text.startswith(
        f"src/pages/{name}: item 1 of get_static_paths(): {pattern} would not read id={value!r} "
        "back from its own path.\n    A value must not be empty "
    )


@pytest.mark.parametrize("live", ["", "prerender = False\n"])
def test_the_first_of_two_routes_with_one_path_answers_it(
    static_site: StaticSiteMaker, live: str
) -> None:
    files = {"src/pages/[id].py": listed("['about']"), "src/pages/about.py": f"{live}{HANDLER}"}
    one = static_site(files)
    assert one.build().warnings == [
        "src/pages/[id].py: /about is left out, because src/pages/about.py comes first and "
        "answers it."
    ]
    assert one.built().keys() == ({"about"} if not live else set())


@pytest.mark.parametrize(
    ("expression", "status"),
    [
        ("Response('x', status=404)", 404),
        ("Response('x', status=500)", 500),
        ("Response(None, status=302)", 302),
        ("Response(None, status=304)", 304),
    ],
)
def test_a_status_other_than_2xx_fails_and_names_the_route(
    static_site: StaticSiteMaker, expression: str, status: int
) -> None:
    one = static_site({"src/pages/x.py": returning(expression), "src/pages/y.py": HANDLER})
    assert one.mistakes() == (
        f"src/pages/x.py: /x responded with status {status}, so it cannot be a file.\n"
        "    Remove the file, or set prerender = False."
    )


def test_the_application_serves_what_a_static_host_could_not(static_site: StaticSiteMaker) -> None:
    endpoint = "prerender = True\n" + returning("Response.json(1)")
    one = static_site({"src/pages/index.py": endpoint, "src/pages/api/health.py": endpoint})
    one.configure("trailing_slash='always'", "server")
    assert one.built() == {"index": b"1", "api/health": b"1"}
    assert [one.get(path).text() for path in ("/", "/api/health/")] == ["1", "1"]


@pytest.mark.parametrize(
    ("name", "config", "path", "example"),
    [
        ("index.py", "", "/", "index.json.py"),
        ("index.py", "base='/docs'", "/docs", "index.json.py"),
        ("[...id].py", "", "/", "[...id].json.py"),
        ("api/health.py", "trailing_slash='always'", "/api/health/", "health.json.py"),
        ("page.jinja", "trailing_slash='always'", "/page/", "page.json.jinja"),
    ],
)
def test_a_file_that_a_host_would_send_as_html_must_be_html(
    static_site: StaticSiteMaker, name: str, config: str, path: str, example: str
) -> None:
    code = returning("Response.json(1)") + "\n\ndef get_static_paths():\n"
    code += "    return [{'params': {'id': None}}]\n"
    if name == "page.jinja":
        code = "---\nresponse.headers['content-type'] = 'application/json'\n---\n1"
    assert static_site({f"src/pages/{name}": code}, config).mistakes() == (
        f"src/pages/{name}: {path} is application/json, but static hosts send the file for this "
        "path, index.html, as HTML.\n"
        f"    Name the file with an extension, as in {example}, or set prerender = False."
    )


def test_a_status_that_a_file_cannot_have_is_warned_of(static_site: StaticSiteMaker) -> None:
    files = {
        "src/pages/[id].py": listed("['a', 'b']").replace(
            "Response(", "Response(status=201, body="
        ),
        "src/pages/404.jinja": "lost",
        "src/pages/go.py": returning("Response.redirect('/a.txt', 301)"),
    }
    assert static_site(files).build().warnings == [
        "src/pages/[id].py: responds with status 201, but a file has the status 200. "
        "Set prerender = False to keep it."
    ]


def test_a_listed_path_that_is_not_found_may_be_removed_from_the_list(
    static_site: StaticSiteMaker,
) -> None:
    code = listed("['a', 'b']").replace("return Response(", "return Response(status=404, body=")
    assert (
        static_site({"src/pages/[id].py": code})
        .mistakes()
        .endswith(
            "src/pages/[id].py: /b responded with status 404, so it cannot be a file.\n"
            "    Remove it from get_static_paths(), or set prerender = False."
        )
    )


def test_a_route_without_get_fails(static_site: StaticSiteMaker) -> None:
    text = static_site({"src/pages/x.py": HANDLER.replace("GET", "POST")}).mistakes()
    assert text.startswith("src/pages/x.py: /x responded with status 405, so it cannot be a file.")


def test_a_crash_is_named_with_the_line_of_the_site(static_site: StaticSiteMaker) -> None:
    files = {
        "src/pages/a.py": returning("find()", "from lib.x import find"),
        "src/pages/b.py": returning("None"),
        "src/pages/500.jinja": "{{ props.nothing.at.all }}",
        "src/lib/x.py": "def find():\n    return {}['key']\n",
    }
    text = static_site(files).mistakes()
    assert "src/pages/a.py: /a failed in src/lib/x.py:2: KeyError: 'key'" in text
    assert "src/pages/b.py: /b failed: HandlerError: src/pages/b.py:4: GET returned None" in text
    assert "src/pages/500.jinja: /500 failed in src/pages/500.jinja:1: UndefinedError" in text


def test_a_stream_that_breaks_fails_the_build(static_site: StaticSiteMaker) -> None:
    code = (
        "from framework import Response\n\n\ndef parts():\n    yield 'a'\n    raise OSError('x')\n"
    )
    one = static_site({"src/pages/s.py": code + returning("Response(parts())")})
    assert one.mistakes() == "src/pages/s.py: /s failed in src/pages/s.py:6: OSError: x"
