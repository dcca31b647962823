"""Count what one request costs: nothing here is a time, so the counts are the same every time."""

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

from benchmarks.applications import PEERS, get_peer
from benchmarks.cases import CASES, MIDDLEWARE, Case, Environ


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


def counted_cases() -> Iterator[tuple[str, Callable[[object], object], Case]]:
    """Yield a name, a function from a module of `benchmarks.peers` to an application, and a case."""
    for case in CASES:
        if case.name in COUNTED:
            yield case.name, lambda peer: peer.cases(10), case
    yield MIDDLEWARE.name, lambda peer: peer.middleware(10), MIDDLEWARE


def measure() -> dict[str, dict[str, Counts]]:
    """Return the counts by case and application."""
    return {
        name: {label: count(make(get_peer(label)), case.environ) for label in PEERS}
        for name, make, case in counted_cases()
    }


def count(application: object, make_environ: Callable[[int], Environ]) -> Counts:
    """Count the cost of a request to a warm application."""

    def start_response(status: str, headers: object, exc_info: object = None) -> None:
        pass

    def run(environ: Environ) -> None:
        chunks = application(environ, start_response)
        for _ in chunks:
            pass
        close = getattr(chunks, "close", None)
        if close is not None:
            close()

    for number in range(100):
        run(make_environ(number))
    frames, calls = _count_calls(run, make_environ(100))
    trace = sys.gettrace()
    gc.collect()
    gc.disable()
    sys.settrace(None)  # a debugger, or coverage, needs memory of its own
    try:
        environ = make_environ(101)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        run(environ)
        peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        del environ
        garbage = gc.collect()
    finally:
        tracemalloc.stop()
        sys.settrace(trace)
        gc.enable()
    left = _left(run, make_environ)
    return Counts(frames, calls, peak, garbage, left)


def _count_calls(run: Callable[[Environ], None], environ: Environ) -> tuple[int, int]:
    """Return the calls of Python functions and of all functions, without those of `run` itself."""
    found = {"call": 0, "c_call": 0}

    def profile(frame: FrameType, event: str, argument: object) -> None:
        if event in found and frame.f_code.co_filename != __file__:
            found[event] += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        run(environ)
    finally:
        sys.setprofile(before)
    return found["call"], sum(found.values())


def _left(run: Callable[[Environ], None], make_environ: Callable[[int], Environ]) -> int:
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(100):
        run(make_environ(number))
    gc.collect()
    return (sys.getallocatedblocks() - before) // 100
