"""Limits of the project's own design, counted: modules, floors, and the path of a request."""

import configparser
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

import framework
from benchmarks.applications import OURS
from benchmarks.counts import Counts, count, counted_cases
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
# Not more than these. Starlette's request with a middleware has 35 functions and 118 names, Falcon's
# 13 and 102, WhiteNoise's file 7 and 30.
LIMITS = {
    "static": Reading(functions=12, names=104, branches=83, calls=12),
    "dynamic": Reading(functions=20, names=144, branches=137, calls=20),
    "dynamic, middleware": Reading(functions=28, names=174, branches=160, calls=28),
    "file": Reading(functions=32, names=172, branches=163, calls=39),
}
# The cost of a request: not more than these. Measured with the peers by `make bench`; on the static
# path Falcon has 13 frames, 24 calls and a peak of 2,200 bytes. Add 5 % to a peak for other Pythons.
COSTS = {
    "static path": Counts(frames=10, calls=31, peak=1_600, garbage=0, left=0),
    "`[id].json`, distinct ids": Counts(frames=18, calls=51, peak=1_850, garbage=0, left=0),
    "JSON echo with `url.pathname`": Counts(frames=32, calls=85, peak=3_600, garbage=0, left=0),
    "404": Counts(frames=28, calls=83, peak=2_650, garbage=0, left=0),
    "middleware that sets a local": Counts(frames=14, calls=35, peak=1_700, garbage=0, left=0),
}
COUNTED = {name: (make, case) for name, make, case in counted_cases()}
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


@pytest.mark.parametrize("label", LIMITS)
def test_the_path_of_a_request_is_short(label: str) -> None:
    reading = measure(*CASES[label])
    assert reading.calls > 0
    assert not is_over(reading, LIMITS[label]), f"{reading} is over {LIMITS[label]}"


@pytest.mark.parametrize("label", COSTS)
def test_a_request_costs_little(label: str) -> None:
    make, case = COUNTED[label]
    application = make(OURS)
    try:
        counts = count(application, case.environ)
    finally:
        application.close()
    assert counts.frames > 0
    assert counts.peak > 0
    assert not is_over(counts, COSTS[label]), f"{counts} is over {COSTS[label]}"


def is_over(found: Any, limits: Any) -> bool:
    return any(one > limit for one, limit in zip(astuple(found), astuple(limits), strict=True))


@pytest.mark.parametrize(("middleware", "frames"), [(False, 2), (True, 5)])
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
