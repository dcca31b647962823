"""`_headers`, `_redirects` and the snippet for nginx: what they say, and of which files."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import Build, Config
from framework.build.hosting import NGINX, Entry, Redirect, write_hosting
from framework.routing.pattern import parse_pattern

HTML = {"content-type": "text/html;charset=UTF-8"}
OWN = {**HTML, "x-own": "1"}

Files = dict[str, dict[str, str] | None]


@pytest.fixture
def host(tmp_path: Path) -> Callable[..., list[str]]:
    """Writes the lists for these files; what is warned of."""

    def write(files: Files, redirects: list[Redirect] | None = None, **options: Any) -> list[str]:
        def entries() -> Iterator[Entry]:
            return (Entry(name, files[name]) for name in sorted(files))

        config = Config(**{"output": "static", **options})
        return write_hosting(tmp_path, config, entries, redirects or [])

    return write


def redirect(source: str, to: str, status: int = 301, file: str | None = None) -> Redirect:
    return Redirect(parse_pattern(source), to, status, file, f"redirects[{source!r}]")


# --------------------------------------------------------------------------- _headers


def test_what_a_name_tells_needs_no_line(host: Any, tmp_path: Path) -> None:
    files: Files = {"index.html": HTML, "a.json": {"content-type": "application/json"}, "x": None}
    assert host(files) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [NGINX]


def test_a_type_that_the_name_does_not_tell_is_said(host: Any, tmp_path: Path) -> None:
    host({"api/health": {"content-type": "application/json"}, "api/x.css": None})
    assert (tmp_path / "_headers").read_text() == (
        "/api/health\n  content-type: application/json\n"
    )


def test_a_servers_own_validators_are_left_to_it(host: Any, tmp_path: Path) -> None:
    host({"a.html": {**HTML, "etag": '"1"', "last-modified": "x"}})
    assert not (tmp_path / "_headers").exists()


@pytest.mark.parametrize(
    ("files", "addresses"),
    [
        ({"index.html": OWN, "a/index.html": OWN, "b": {"x-own": "1"}}, ["/*"]),
        ({"index.html": OWN, "x.css": None}, ["/"]),
        ({"about/index.html": OWN, "x.css": None}, ["/about/"]),
        ({"about.html": OWN, "x.css": None}, ["/about"]),
        ({"p/1/index.html": OWN, "p/2/index.html": OWN, "x.css": None}, ["/p/*"]),
        ({"p/index.html": OWN, "p/1/index.html": OWN, "x.css": None}, ["/p/*"]),
        ({"p/a/1": OWN, "p/a/2": OWN, "p/b": None}, ["/p/a/*"]),
        ({"p/1": OWN, "p/2": {**OWN, "x-own": "2"}}, ["/p/1", "/p/2"]),
        ({"p-x": OWN, "p/1": OWN, "p/2": OWN, "q": None}, ["/p-x", "/p/*"]),
        ({"a b/c*d": OWN, "a b/:e": None, "caf\u00e9/x": OWN}, ["/a%20b/c%2Ad", "/caf%C3%A9/*"]),
    ],
)
def test_rules_are_as_few_as_folders_allow(
    host: Any, tmp_path: Path, files: Files, addresses: list[str]
) -> None:
    host(files)
    lines = (tmp_path / "_headers").read_text().splitlines()
    assert [line for line in lines if not line.startswith(" ")] == addresses


def test_rules_are_below_the_base(host: Any, tmp_path: Path) -> None:
    host({"a": OWN, "b/1": OWN, "b/2": OWN, "c": None}, base="/d\u00e9")
    text = (tmp_path / "_headers").read_text()
    assert re.findall(r"^/.*", text, re.MULTILINE) == ["/d%C3%A9/a", "/d%C3%A9/b/*"]


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)
KINDS = st.sampled_from([None, {"content-type": "text/css"}, {"content-type": "text/x", "y": "z"}])


@given(st.dictionaries(NAMES, KINDS, max_size=12))
def test_each_file_has_its_headers_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, files: Files
) -> None:
    files = {f"{name}/file": headers for name, headers in files.items()}
    folder = tmp_path_factory.mktemp("headers")
    entries = [Entry(name, files[name]) for name in sorted(files)]
    write_hosting(folder, Config(output="static"), lambda: entries, [])
    path = folder / "_headers"
    rules: list[tuple[str, dict[str, str]]] = []
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith("/"):
            rules.append((line, {}))
        else:
            name, _, value = line.strip().partition(": ")
            rules[-1][1][name] = value
    for name, headers in files.items():
        matching = [
            given
            for address, given in rules
            if address == f"/{name}" or (address[-1] == "*" and f"/{name}".startswith(address[:-1]))
        ]
        assert matching == ([headers] if headers else [])


# ------------------------------------------------------------------------- _redirects


def test_redirects_are_lines_those_with_parameters_last(host: Any, tmp_path: Path) -> None:
    redirects = [
        redirect("/p/[id]", "/products/[id]?from=p", 302),
        redirect("/old", "/new?a=1#b"),
        redirect("/docs/[...path]", "/d/[...path]/", 308),
        redirect("/x/[a]/[b]", "https://example.com/"),
        redirect("/caf\u00e9", "/caf\u00e9 x"),
        redirect("/a:b*c", "/d:e"),
    ]
    assert host({}, redirects, base="/b") == []
    assert (tmp_path / "_redirects").read_text() == (
        "/b/old /new?a=1#b 301\n"
        "/b/caf%C3%A9 /caf%C3%A9%20x 301\n"
        "/b/a%3Ab%2Ac /d:e 301\n"
        "/b/p/:id /products/:id?from=p 302\n"
        "/b/docs/* /d/:splat/ 308\n"
        "/b/x/:a/:b https://example.com/ 301\n"
    )


@pytest.mark.parametrize("source", ["/v-[x]", "/[id=int]", "/[...a]/b", "/[...a].png"])
def test_what_redirects_cannot_say_is_warned_of(host: Any, tmp_path: Path, source: str) -> None:
    assert host({}, [redirect(source, "/new")]) == [
        f"redirects[{source!r}]: _redirects can't say it: a parameter there is a whole segment "
        "without a converter, and a rest parameter the last one."
    ]
    assert not (tmp_path / "_redirects").exists()


def test_the_sites_own_lists_stay(host: Any, tmp_path: Path) -> None:
    for name in ("_headers", "_redirects"):
        (tmp_path / name).write_text("mine")
    remedy = (
        " stays as it is, so it has to say what the build would have:\n"
        "    headers of responses and redirects. Without it the build writes one."
    )
    assert host({"a": OWN, "_headers": None, "_redirects": None}, [redirect("/a", "/b")]) == [
        f"public/_redirects{remedy}",
        f"public/_headers{remedy}",
    ]
    assert {(tmp_path / name).read_text() for name in ("_headers", "_redirects")} == {"mine"}


def test_where_routes_are_live_only_nginx_has_a_list(host: Any, tmp_path: Path) -> None:
    host({"a": OWN}, [redirect("/old", "/new")], output="server")
    assert [path.name for path in tmp_path.iterdir()] == [NGINX]
    text = (tmp_path / NGINX).read_text()
    assert "try_files $framework_file @site;" in text
    assert "=404" not in text
    assert "/new" not in text


# ------------------------------------------------------------------------------ nginx


def test_one_rule_for_all_is_the_only_location(host: Any, tmp_path: Path) -> None:
    host({"index.html": OWN, "a/x": OWN, "a/y": OWN})
    assert re.findall("^location .*", (tmp_path / NGINX).read_text(), re.MULTILINE) == [
        'location ^~ "/a/" {',
        'location = "/index.html" {',
        "location / { charset utf-8; try_files $framework_file =404; }",
    ]
    host({"a.html": OWN, "b.html": OWN})
    text = (tmp_path / NGINX).read_text()
    assert re.findall("^location .*", text, re.MULTILINE) == ['location ^~ "/" {']


def test_a_dollar_in_a_header_is_warned_of_once(host: Any, tmp_path: Path) -> None:
    kind = {"content-type": "text/$x"}
    assert host({"a": {**OWN, "y": "$1"}, "b": {**OWN, "y": "$2"}, "c": kind, "d": None}) == [
        f"{NGINX} lacks the header y, as of a: its value holds a $, which nginx takes for a "
        "variable.",
        f"{NGINX} lacks the header content-type, as of c: its value holds a $, which nginx takes "
        "for a variable.",
    ]
    assert "$1" not in (tmp_path / NGINX).read_text()


def test_a_page_that_redirects_is_a_redirect(host: Any, tmp_path: Path) -> None:
    to = 'https://example.com/"{a};$b'
    host({"go": OWN, "x": None}, [redirect("/go", to, 307, "go")])
    [line] = re.findall('.*"/go".*', (tmp_path / NGINX).read_text())
    assert line == (
        f'location = "/go" {{ return 307 "https://example.com/{quote(chr(34))}%7Ba%7D;%24b"; }}'
    )


def test_parameters_are_taken_from_the_request_as_it_was_sent(host: Any, tmp_path: Path) -> None:
    redirects = [
        redirect("/v-[x].y/[...rest]", "/w/[...rest]/[x]", 302),
        redirect("/[id=int]", "/n"),
    ]
    host({}, redirects, base="/b.c")
    found = re.findall("if .*request_uri.*", (tmp_path / NGINX).read_text())
    assert found == [
        r'if ($request_uri ~ "^/b\x2ec/v-([^/?]+?)\x2ey/([^?]*?)/?(?:[?]|$)") '
        '{ return 302 "/w/$2/$1"; }'
    ]


def test_the_lists_are_the_same_each_time(host: Any, tmp_path: Path) -> None:
    files: Files = {f"{n}/x": OWN for n in range(9)} | {"404.html": None}
    options = {"build": Build(format="preserve"), "trailing_slash": "never"}

    def written() -> dict[str, str]:
        (tmp_path / "_headers").unlink(missing_ok=True)
        host(files, **options)
        return {path.name: path.read_text() for path in tmp_path.iterdir()}

    (tmp_path / "404.html").touch()
    assert written() == written()
    assert "error_page 404 /404.html;" in written()[NGINX]
