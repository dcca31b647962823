"""`_headers` and `_redirects`: their rules, and for which files."""

import re
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import Config
from framework.build.hosting import Redirect, find_redirects, find_rules, write_host_lists
from framework.build.results import WrittenFile
from framework.routing.pattern import parse_pattern

HTML = {"content-type": "text/html;charset=UTF-8"}
OWN = {**HTML, "x-own": "1"}

Files = dict[str, dict[str, str] | None]


def written(files: Files) -> list[WrittenFile]:
    """Files of a build with these headers, by name."""
    return [
        WrittenFile(
            name, "src/pages/x.py", headers=None if headers is None else tuple(headers.items())
        )
        for name, headers in sorted(files.items())
    ]


def redirect(source: str, to: str, status: int = 301, file: str | None = None) -> Redirect:
    return Redirect(parse_pattern(source), to, status, file, f"redirects[{source!r}]")


class WriteLists(Protocol):
    """The type of the fixture `host`."""

    def __call__(
        self, files: Files, redirects: list[Redirect] | None = None, prefix: str = ""
    ) -> list[str]:
        """Write the files for hosts; the warnings."""


@pytest.fixture
def host(tmp_path: Path) -> WriteLists:

    def write(files: Files, redirects: list[Redirect] | None = None, prefix: str = "") -> list[str]:
        return list(write_host_lists(tmp_path, prefix, find_rules(written(files)), redirects or []))

    return write


# --------------------------------------------------------------------------- _headers


def test_the_content_type_of_a_name_needs_no_line(host: WriteLists, tmp_path: Path) -> None:
    files: Files = {"index.html": HTML, "a.json": {"content-type": "application/json"}, "x": None}
    assert host(files) == []
    assert list(tmp_path.iterdir()) == []


def test_another_content_type_has_a_line(host: WriteLists, tmp_path: Path) -> None:
    host({"api/health": {"content-type": "application/json"}, "api/x.css": None})
    assert (tmp_path / "_headers").read_text() == (
        "/api/health\n  content-type: application/json\n"
    )


def test_validators_have_no_line(host: WriteLists, tmp_path: Path) -> None:
    host({"a.html": {**HTML, "etag": '"1"', "last-modified": "x"}})
    assert not (tmp_path / "_headers").exists()


@pytest.mark.parametrize(
    ("files", "addresses"),
    [
        ({"index.html": OWN, "a/index.html": OWN, "b": {"x-own": "1"}}, ["/*"]),
        ({"index.html": OWN, "x.css": None}, ["/"]),
        ({"about/index.html": OWN, "x.css": None}, ["/about/*"]),
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
    host: WriteLists, tmp_path: Path, files: Files, addresses: list[str]
) -> None:
    host(files)
    lines = (tmp_path / "_headers").read_text().splitlines()
    assert [line for line in lines if not line.startswith(" ")] == addresses


def test_rules_are_below_the_base(host: WriteLists, tmp_path: Path) -> None:
    host({"a": OWN, "b/1": OWN, "b/2": OWN, "c": None}, prefix="/d\u00e9")
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
    list(write_host_lists(folder, "", find_rules(written(files)), []))
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


def test_redirects_with_parameters_come_last(host: WriteLists, tmp_path: Path) -> None:
    redirects = [
        redirect("/p/[id]", "/products/[id]?from=p", 302),
        redirect("/old", "/new?a=1#b"),
        redirect("/docs/[...path]", "/d/[...path]/", 308),
        redirect("/x/[a]/[b]", "https://example.com/"),
        redirect("/caf\u00e9", "/caf\u00e9 x"),
        redirect("/a:b*c", "/d:e"),
    ]
    assert host({}, redirects, prefix="/b") == []
    assert (tmp_path / "_redirects").read_text() == (
        "/b/old /new?a=1#b 301\n"
        "/b/caf%C3%A9 /caf%C3%A9%20x 301\n"
        "/b/a%3Ab%2Ac /d:e 301\n"
        "/b/p/:id /products/:id?from=p 302\n"
        "/b/docs/* /d/:splat/ 308\n"
        "/b/x/:a/:b https://example.com/ 301\n"
    )


@pytest.mark.parametrize("source", ["/v-[x]", "/[id=int]", "/[...a]/b", "/[...a].png"])
def test_a_redirect_that_cannot_be_expressed_is_warned_of(
    host: WriteLists, tmp_path: Path, source: str
) -> None:
    assert host({}, [redirect(source, "/new")]) == [
        f"redirects[{source!r}]: _redirects can't express this redirect: a parameter must be a "
        "whole segment without a converter, and a rest parameter the last segment."
    ]
    assert not (tmp_path / "_redirects").exists()


def test_files_of_public_stay_as_they_are(host: WriteLists, tmp_path: Path) -> None:
    for name in ("_headers", "_redirects"):
        (tmp_path / name).write_text("mine")
    remedy = (
        "that the build would write.\n    List the headers and redirects of your routes there, or "
        "remove the file."
    )
    assert host({"a": OWN, "_headers": None, "_redirects": None}, [redirect("/a", "/b")]) == [
        f"public/_redirects replaces the _redirects {remedy}",
        f"public/_headers replaces the _headers {remedy}",
    ]
    assert {(tmp_path / name).read_text() for name in ("_headers", "_redirects")} == {"mine"}


def test_a_redirect_within_the_site_leads_below_base(host: WriteLists, tmp_path: Path) -> None:
    redirects = {"/old": "/new", "/o/[id]": "/z?id=[id]#[id]", "/e": "https://e.example/"}
    found = find_redirects(Config(base="/b", redirects=redirects), [])
    assert host({}, found, prefix="/b") == []
    assert (tmp_path / "_redirects").read_text() == (
        "/b/old /b/new 301\n/b/e https://e.example/ 301\n/b/o/:id /b/z?id=:id#:id 301\n"
    )


def test_redirects_are_those_of_the_configuration_and_of_routes() -> None:
    config = Config(redirects={"/old": "/new", "/p/[x]": {"destination": "/q", "status": 308}})
    source = "framework.config.py: redirects['/old']"
    files = [
        WrittenFile("go", "src/pages/go.py", "/go/b", redirect=(302, "/x")),
        WrittenFile("index.html", "src/pages/index.jinja", "", redirect=(307, "/home")),
        WrittenFile("old/index.html", source, "/old", redirect=(301, "/new")),
        WrittenFile("x", "src/pages/x.py", "/x"),
    ]
    found = find_redirects(config, files)
    assert [(r.source.text, r.destination, r.status, r.file) for r in found] == [
        ("/old", "/new", 301, "old/index.html"),
        ("/p/[x]", "/q", 308, None),
        ("/go/b", "/x", 302, "go"),
        ("/", "/home", 307, "index.html"),
    ]
