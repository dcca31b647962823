"""What the project promises about itself, counted rather than said."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import werkzeug

import framework
from tests.conftest import SiteMaker

PACKAGE = Path(framework.__file__).parent
SITE = {
    "src/pages/index.py": """
import sys
from framework import Response
from tests.conftest import SiteMaker

def GET():
    frame, ours = sys._getframe(1), 0
    while frame is not None:
        ours += "/framework/" in frame.f_code.co_filename
        frame = frame.f_back
    return Response.json(ours)
"""
}


def test_no_module_is_over_400_lines() -> None:
    lengths = {p.name: p.read_text().count("\n") for p in PACKAGE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_export_is_there_and_every_public_name_is_exported() -> None:
    names = {
        name
        for name, value in vars(framework).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("framework")
    }
    assert names | {"__version__"} == set(framework.__all__)


def test_every_export_has_a_docstring() -> None:
    exports = [getattr(framework, name) for name in framework.__all__ if name[0] != "_"]
    assert [value for value in exports if not value.__doc__] == []


def _count_calls(run: Callable[[], Any], folders: tuple[str, ...]) -> int:
    count = 0
    hook = str(PACKAGE / "build" / "reads.py")  # an earlier test's build left it in this process

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(folders) and name != hook:
            count += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def test_a_static_path_costs_at_most_20_calls(
    site: SiteMaker, environ: Callable[..., dict[str, Any]]
) -> None:
    app = site(SITE).app
    request = environ("GET", "/")
    folders = (str(PACKAGE), str(Path(werkzeug.__file__).parent))
    list(app(environ("GET", "/"), lambda *_: None))  # what only the first request does
    assert 0 < _count_calls(lambda: list(app(request, lambda *_: None)), folders) <= 20


def test_a_handler_has_at_most_4_frames_of_ours_above_it(site: SiteMaker) -> None:
    assert 0 < site(SITE).get("/").json() <= 4


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_every_module_says_which_question_it_answers(path: Path) -> None:
    first = path.read_text().partition("\n")[0]
    assert first.startswith('"""')
