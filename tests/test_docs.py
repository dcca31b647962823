"""Is what README.md and docs/ say true? Every example in them is run.

What a fenced block is, its info string says:

    python title="src/pages/x.py"   a file of the document's site; `jinja` and `text` too. A file
                                    in tests/ is also run: every `test_` function in it
    console                         `$ curl ...` and `$ framework ...` against that site, each
                                    with what it prints (`...` stands for anything, and as a
                                    line for any lines or none)
    pycon                           a session at Python's prompt, in the site's folder
    text title="SiteError"          what starting the site says; the files written since the last
                                    example are taken back, for they are wrong
    sh, nginx, text                 for the reader; not run
"""

import argparse
import configparser
import doctest
import io
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from framework import App, SiteError
from framework.cli import main
from tests.conftest import call, make_environ

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ADDRESS = "http://localhost:4321"
NOT_RUN = {"sh", "nginx", "text"}

FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    place: str
    kind: str
    title: str
    text: str


def blocks_of(document: Path) -> list[Block]:
    source = document.read_text(encoding="utf-8")
    return [
        Block(f"{document.name}:{source.count(chr(10), 0, found.start()) + 1}", *found.groups(""))
        for found in FENCE.finditer(source)
    ]


class Site:
    """The site that a document's blocks write, one file after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: dict[str, Any] = {}
        self._taken_back: dict[Path, str | None] = {}
        self._application: Any = None
        (root / "src" / "pages").mkdir(parents=True)

    def write(self, title: str, text: str) -> None:
        self.close()
        path = self.root / title
        path.parent.mkdir(parents=True, exist_ok=True)
        self._taken_back[path] = path.read_text() if path.exists() else None
        path.write_text(text)
        if title.startswith("tests/"):
            self._run_tests(path)

    def _run_tests(self, path: Path) -> None:
        names = runpy.run_path(str(path))
        tests = [value for name, value in names.items() if name.startswith("test_")]
        assert tests
        try:
            for test in tests:
                test()
        finally:
            close_apps(names)

    @property
    def application(self) -> Any:
        """What `wsgi.py` defines, where the document has one; else the site alone."""
        self._taken_back.clear()
        if self._application is None:
            wsgi = self.root / "wsgi.py"
            if wsgi.exists():
                self.names |= runpy.run_path(str(wsgi))
                self._application = self.names["application"]
            else:
                self.names["(site)"] = self._application = App(self.root)
        return self._application

    def take_back(self) -> None:
        for path, text in self._taken_back.items():
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        self._taken_back.clear()

    def close(self) -> None:
        close_apps(self.names)
        self._application = None


def close_apps(names: dict[str, Any]) -> None:
    for value in names.values():
        if isinstance(value, App):
            value.close()


def curl(site: Site, arguments: list[str]) -> str:
    """What curl prints."""
    parser = argparse.ArgumentParser(prog="curl")
    parser.add_argument("url")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("--json")
    parser.add_argument("-i", action="store_true")
    parser.add_argument("-I", action="store_true")
    given = parser.parse_args(arguments)
    assert given.url.startswith(f"{ADDRESS}/"), given.url
    headers = {"host": ADDRESS.removeprefix("http://"), "accept": "*/*", "user-agent": "curl/8.5.0"}
    if given.data is not None:
        headers["content-type"] = "application/x-www-form-urlencoded"
    if given.json is not None:
        headers |= {"content-type": "application/json", "accept": "application/json"}
    for header in given.headers:
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = given.data or given.json or ""
    method = given.method or ("HEAD" if given.I else "POST" if body else "GET")
    target = given.url.removeprefix(ADDRESS)
    response = call(site.application, make_environ(method, target, headers, body))
    text = response.text()
    if given.i or given.I:
        head = [f"HTTP/1.1 {response.status} {response.status_text}"]
        head += [f"{name}: {value}" for name, value in response.headers.items()]
        text = "\n".join([*head, "", text])
    return text


def framework(site: Site, arguments: list[str]) -> str:
    """What the command prints, on both of its outputs, when it runs in the site's folder."""
    site.close()
    return run_framework(arguments)


def run_framework(arguments: list[str]) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed), suppress(SystemExit):
        main(arguments)
    return printed.getvalue()


COMMANDS = {"curl": curl, "framework": framework}


def check(place: str, expected: str, printed: str) -> None:
    want, got = expected.strip() + "\n", printed.replace("\r\n", "\n").strip() + "\n"
    regex = "".join(
        r"(?:.*\n)*" if line == "...\n" else re.escape(line).replace(r"\.\.\.", ".*")
        for line in want.splitlines(keepends=True)
    )
    if not re.fullmatch(regex, got):
        pytest.fail(f"{place} says\n\n{want}\nbut it is\n\n{got}", pytrace=False)


def run_console(site: Site, block: Block) -> None:
    first, *examples = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert first == "", f"{block.place}: begins with no command"
    assert examples
    for example in examples:
        # A line that ends with a backslash goes on in the next.
        found = re.match(r"((?:[^\n]*\\\n)*[^\n]*)\n?(.*)", example, re.DOTALL)
        assert found is not None
        name, *arguments = shlex.split(found[1].replace("\\\n", " "))
        check(f"{block.place}: {found[1]}", found[2], COMMANDS[name](site, arguments))


def run_session(site: Site, block: Block) -> None:
    site.close()
    session = doctest.DocTestParser().get_doctest(block.text, site.names, block.place, None, 0)
    printed: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    assert session.examples
    runner.run(session, out=printed.append, clear_globs=False)
    site.names |= session.globs
    if printed:
        pytest.fail(f"{block.place}\n{''.join(printed)}", pytrace=False)


def run_mistakes(site: Site, block: Block) -> None:
    site.close()
    with pytest.raises(SiteError) as caught:
        App(site.root)
    check(block.place, block.text, str(caught.value))
    site.take_back()


@pytest.fixture
def new_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    # A file written twice in one second must be read twice.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_example_is_true(document: Path, new_site: Site) -> None:
    for block in blocks_of(document):
        if block.kind == "console":
            run_console(new_site, block)
        elif block.kind == "pycon":
            run_session(new_site, block)
        elif block.title == "SiteError":
            run_mistakes(new_site, block)
        elif block.title:
            new_site.write(block.title, block.text)
        elif block.kind not in NOT_RUN:
            pytest.fail(f'{block.place}: "{block.kind}" without a title is no kind of block')


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_fence_is_read_as_a_block(document: Path) -> None:
    fences = re.findall(r"^\s*(?:```|~~~)", document.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(blocks_of(document))


@pytest.mark.parametrize(
    "document", [*DOCUMENTS, ROOT / "CHANGELOG.md"], ids=lambda path: path.name
)
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    source = FENCE.sub("", document.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", source):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), f"{document.name}: {link}"
        if anchor:
            assert anchor in anchors_of(target), f"{document.name}: {link}"


def anchors_of(document: Path) -> set[str]:
    source = FENCE.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", source, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_the_architecture_shows_the_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = re.findall(r"^[├└]── (\w+)(?:\.py|/)", text, re.MULTILINE)
    there = [
        path.stem
        for path in (ROOT / "framework").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    ]
    assert sorted(shown) == sorted(there)


def test_the_architecture_has_the_floors_that_are_checked() -> None:
    layers = read_setup()["importlinter:contract:floors"]["layers"].strip().splitlines()
    checked = [set(re.findall(r"\w+", layer)) for layer in reversed(layers)]
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| ([^|]+) \|", text, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 10))
    assert [set(re.findall(r"\w+", names)) for _, names in rows] == checked


def test_the_sample_site_has_not_even_warnings() -> None:
    root = ROOT / "sample_site"
    assert (root / "routes.lock").exists()
    printed = run_framework(["--root", str(root), "check", "--strict"])
    assert re.fullmatch(r"\d+ routes, no mistakes\n", printed)


def read_setup() -> configparser.ConfigParser:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup


def test_every_dependency_has_its_reason() -> None:
    setup = read_setup()
    lists = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    needed = set(re.findall(r"^([A-Za-z][\w-]*)", "\n".join(lists), re.MULTILINE))
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert {"Werkzeug", "ruff"} <= needed
    assert {name for name in needed if not re.search(rf"\b{name}\b", text)} == set()
