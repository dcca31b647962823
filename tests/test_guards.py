"""Limits of the project's own design, counted: modules, floors, and the path of a request."""

import configparser
from dataclasses import astuple
from pathlib import Path

import pytest

import framework
from benchmarks.reading import FILES, Reading, framework_cases, measure
from tests.conftest import SiteMaker, call, make_environ

PACKAGE = Path(framework.__file__).parent
COUNT_FRAMES = """
import sys
from framework import Response

def GET():
    frame, ours = sys._getframe(1), 0
    while frame is not None:
        ours += "/framework/" in frame.f_code.co_filename
        frame = frame.f_back
    return Response.json(ours)
"""
# Not more than these. Measured with the peers in benchmarks/reading.py: Starlette's request with a
# middleware has 35 functions and 118 names, Falcon's 13 and 102, WhiteNoise's file 7 and 30.
LIMITS = {
    "static": Reading(functions=15, names=107, branches=74, calls=15),
    "dynamic": Reading(functions=20, names=132, branches=99, calls=22),
    "dynamic, middleware": Reading(functions=28, names=159, branches=114, calls=31),
    "file": Reading(functions=33, names=176, branches=141, calls=42),
}
CASES = {label: (run, folder) for label, run, folder in framework_cases()}


def test_no_module_is_over_400_lines() -> None:
    lengths = {p.name: p.read_text().count("\n") for p in PACKAGE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_the_package_has_nine_floors() -> None:
    setup = configparser.ConfigParser()
    setup.read(PACKAGE.parent / "setup.cfg")
    contract = setup["importlinter:contract:floors"]
    assert len(contract["layers"].strip().splitlines()) == 9
    assert contract.getboolean("exhaustive")


def test_every_export_is_there_and_every_public_name_is_exported() -> None:
    names = {
        name
        for name, value in vars(framework).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("framework")
    }
    assert names | {"__version__"} == set(framework.__all__)


@pytest.mark.parametrize("label", LIMITS)
def test_the_path_of_a_request_is_short(label: str) -> None:
    reading = measure(*CASES[label])
    assert reading.calls > 0
    over = [
        (one, limit)
        for one, limit in zip(astuple(reading), astuple(LIMITS[label]), strict=True)
        if one > limit
    ]
    assert over == [], f"{reading} is over {LIMITS[label]}"


@pytest.mark.parametrize(("middleware", "frames"), [(False, 3), (True, 6)])
def test_a_handler_has_few_frames_of_the_framework_above_it(
    site: SiteMaker, middleware: bool, frames: int
) -> None:
    files = {"src/pages/index.py": COUNT_FRAMES}
    if middleware:
        files["src/middleware.py"] = "def on_request(context, next):\n    return next()\n"
    assert site(files).get("/").json() == frames


def test_the_cost_of_a_404_grows_with_the_length_of_its_path(site: SiteMaker) -> None:
    files = FILES | {
        "src/pages/404.jinja": "lost",
        "src/pages/shop/[id]/404.jinja": "lost in the shop",
        "src/pages/shop/[id]/[part]/_error.py": "def on_error(context, error): return None\n",
        "src/pages/[...rest].txt.py": FILES["src/pages/index.py"],
    }
    app = site(files).app

    def calls(segments: int) -> int:
        request = make_environ("GET", "/shop" * segments, {"accept": "text/html"})
        return measure(lambda: call(app, dict(request)), PACKAGE).calls

    short, long = calls(50), calls(500)
    assert short <= long < 12 * short
