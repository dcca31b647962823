"""Count what one request costs: nothing here is a time, so the counts are the same every time."""

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from benchmarks.applications import PEERS, make_cases, make_middleware
from benchmarks.cases import CASES, MIDDLEWARE, Case, Environ
from benchmarks.rounds import call


@dataclass(frozen=True)
class Counts:
    """The cost of one request.

    `frames` is the number of Python functions that start or resume, `calls` that of these and of
    the functions written in C. `peak` is the memory that the request needs at most, in bytes.
    `garbage` is the number of objects that only the garbage collector can free, and `left` the
    blocks of memory that one more request leaves behind.
    """

    frames: int
    calls: int
    peak: int
    garbage: int
    left: int


COUNTED = ["static path", "`[id].json`, distinct ids", "JSON echo with `url.pathname`", "404"]


def counted_cases() -> Iterator[tuple[str, Callable[[str], Any], Case]]:
    """Yield a name, a function from the name of a peer to its application, and a case."""
    for case in CASES:
        if case.name in COUNTED:
            yield case.name, lambda peer: make_cases(peer, 10), case
    yield MIDDLEWARE.name, lambda peer: make_middleware(peer, 10), MIDDLEWARE


def measure() -> dict[str, dict[str, Counts]]:
    """Return the counts by case and application."""
    return {
        name: {label: count(make(label), case.environ) for label in PEERS}
        for name, make, case in counted_cases()
    }


def count(application: Any, make_environ: Callable[[int], Environ]) -> Counts:
    """Count the cost of a request to a warm application."""
    for number in range(100):
        call(application, make_environ(number))
    frames, calls = _count_calls(application, make_environ(100))
    peak, garbage = _measure_memory(application, make_environ)
    return Counts(frames, calls, peak, garbage, _count_left(application, make_environ))


def _count_calls(application: Any, environ: Environ) -> tuple[int, int]:
    """Return the calls of Python functions and of all functions, without those of the benchmark."""
    found = {"call": 0, "c_call": 0}
    own_files = {__file__, call.__code__.co_filename}

    def profile(frame: FrameType, event: str, argument: object) -> None:
        if event in found and frame.f_code.co_filename not in own_files:
            found[event] += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        call(application, environ)
    finally:
        sys.setprofile(before)
    return found["call"], sum(found.values())


def _measure_memory(application: Any, make_environ: Callable[[int], Environ]) -> tuple[int, int]:
    """Return the peak in bytes, and the number of objects that are garbage afterwards."""
    trace = sys.gettrace()
    gc.collect()
    gc.disable()
    sys.settrace(None)  # a debugger, or coverage, needs memory of its own
    environ = make_environ(101)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call(application, environ)
        peak = tracemalloc.get_traced_memory()[1] - before
        del environ
        return peak, gc.collect()
    finally:
        tracemalloc.stop()
        sys.settrace(trace)
        gc.enable()


def _count_left(application: Any, make_environ: Callable[[int], Environ]) -> int:
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(100):
        call(application, make_environ(number))
    gc.collect()
    return (sys.getallocatedblocks() - before) // 100
