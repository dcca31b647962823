"""A start that fails reports a mistake, leaves nothing behind, and can be repeated."""

import builtins
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from framework import App, SiteError
from tests.conftest import SiteMaker, TestSite

SITE = {
    "src/lib_of_site/state.py": "SEEN = []\n",
    "src/pages/index.py": "from framework import Response\n"
    "from lib_of_site.state import SEEN\n\n\n"
    "def GET():\n    SEEN.append(1)\n    return Response.json(len(SEEN))\n",
}
SESSIONS = "from framework import Config, Sessions\nconfig = Config(session=Sessions())\n"

Fault = Callable[[Path], object]


def state() -> object:
    modules = {name for name in sys.modules if name.startswith(("site_", "lib_of_site"))}
    return list(sys.path), list(sys.meta_path), modules, builtins.__import__


def folder(root: Path) -> None:
    root.mkdir(parents=True)


def link_to_itself(root: Path) -> None:
    root.symlink_to(root.name)


def dangling_link(root: Path) -> None:
    root.symlink_to("nowhere")


def text(content: str) -> Fault:
    return lambda path: path.write_text(content)


NO_PAGES = "has no folder src/pages"
UNREADABLE = "can't be read: "


@pytest.mark.parametrize(
    ("file", "fault", "message"),
    [
        ("dist/.framework.json", folder, f"dist/.framework.json: {UNREADABLE}"),
        ("dist/.framework.json", link_to_itself, f"dist/.framework.json: {UNREADABLE}"),
        ("dist/.framework.json", text("{"), ".framework.json: is not a manifest"),
        ("dist/.framework.json", text("null"), ".framework.json: is not a manifest"),
        ("dist", link_to_itself, UNREADABLE),
        ("framework.config.py", folder, f"framework.config.py: {UNREADABLE}"),
        ("framework.config.py", dangling_link, f"framework.config.py: {UNREADABLE}"),
        ("framework.config.py", link_to_itself, f"framework.config.py: {UNREADABLE}"),
        (
            "framework.config.py",
            text("import lib_of_site.state\n1/0"),
            "framework.config.py:2: Zero",
        ),
        ("framework.config.py", text("raise SystemExit"), "framework.config.py:1: exits"),
        ("framework.config.py", text("raise BaseException"), "framework.config.py:1: BaseExc"),
        ("src/pages/a.py", text("import lib_of_site.state\nexit()"), "src/pages/a.py:2: exits"),
        ("src/pages/a.py", text("def GET(:"), "src/pages/a.py:1: invalid syntax"),
        ("src/__init__.py", text("1/0"), "src/__init__.py:1: ZeroDivisionError"),
        (
            "src/pages/a.jinja",
            text("---\n1/0\nprerender = 1/0\n---\n"),
            "src/pages/a.jinja:3: Zero",
        ),
        ("src/middleware.py", folder, f"src/middleware.py: {UNREADABLE}"),
        ("src/layouts", text(""), "src/layouts: is not a folder"),
        ("public", text(""), "public: is not a folder"),
        ("public", dangling_link, "public: is not a folder"),
        ("public", link_to_itself, "public: is not a folder"),
    ],
)
def test_a_fault_is_a_mistake_and_leaves_nothing_behind(
    site: SiteMaker, file: str, fault: Fault, message: str
) -> None:
    made, before = site(SITE), state()
    path = made.root / file
    path.parent.mkdir(exist_ok=True)
    fault(path)
    for _ in range(2):
        assert message in made.errors()
        assert state() == before
    path.rmdir() if fault is folder else path.unlink()
    assert made.get("/").json() == 1


@pytest.mark.parametrize("fault", [text(""), dangling_link, link_to_itself])
@pytest.mark.parametrize("file", ["src", "src/pages"])
def test_something_else_in_the_place_of_src_is_a_mistake(
    tmp_path: Path, file: str, fault: Fault
) -> None:
    path, before = tmp_path / file, state()
    path.parent.mkdir(exist_ok=True)
    fault(path)
    with pytest.raises(SiteError, match=NO_PAGES):
        App(tmp_path)
    assert state() == before


@pytest.mark.parametrize("fault", [text(""), link_to_itself])
def test_something_else_in_the_place_of_the_session_folder_is_a_mistake(
    site: SiteMaker, fault: Fault
) -> None:
    made, before = site(SITE | {"framework.config.py": SESSIONS}), state()
    fault(made.root / ".sessions")
    assert "framework.config.py: the folder for sessions can't be used: " in made.errors()
    assert state() == before


@pytest.mark.parametrize("root", ["", "missing", "file", "loop", "loop/x"])
def test_a_root_that_is_no_site_is_a_mistake(tmp_path: Path, root: str) -> None:
    (tmp_path / "file").touch()
    link_to_itself(tmp_path / "loop")
    before = state()
    with pytest.raises(SiteError, match=NO_PAGES):
        App(tmp_path / root)
    assert state() == before


@pytest.mark.parametrize("file", ["framework.config.py", "src/pages/a.py", "src/__init__.py"])
def test_an_interrupt_leaves_nothing_behind(site: SiteMaker, file: str) -> None:
    made, before = site(SITE), state()
    made.write({file: "import lib_of_site.state\nraise KeyboardInterrupt\n"})
    with pytest.raises(KeyboardInterrupt):
        App(made.root)
    assert state() == before


def test_a_configuration_of_another_type_is_refused(site: SiteMaker) -> None:
    made, before = site(SITE, config={"base": "/docs"}), state()
    with pytest.raises(TypeError, match="config is a Config, not dict"):
        made.app  # noqa: B018 - the start is what is tested
    assert state() == before


def test_an_error_whose_text_cannot_be_shown_is_a_mistake(site: SiteMaker) -> None:
    odd = "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd\n"
    assert site(SITE | {"src/pages/a.py": odd}).errors() == (
        "The site has a mistake:\n"
        "src/pages/a.py:4: Odd during import: its text can't be shown\n    Fix this line."
    )


def test_a_second_start_that_fails_does_not_harm_the_first(site: SiteMaker) -> None:
    made = site(SITE)
    assert made.get("/").json() == 1
    made.write({"src/pages/bad.py": "def GET(:\n"})
    with pytest.raises(SiteError, match=r"src/pages/bad\.py"):
        App(made.root)
    assert made.get("/").json() == 2


def test_a_start_after_close_is_a_fresh_start(site: SiteMaker) -> None:
    made, before = site(SITE), state()
    assert [made.get("/").json() for _ in range(2)] == [1, 2]
    made.close()
    assert state() == before
    made.write({"src/lib_of_site/state.py": f"SEEN = [1, 1, 1]  # {os.getpid()}\n"})
    again = TestSite(made.root)
    assert again.get("/").json() == 4
    again.close()
    assert state() == before
