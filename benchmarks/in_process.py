"""Time requests in process, without a server.

Each function returns timings by case and application.
"""

from collections.abc import Iterator
from typing import Any

from benchmarks.applications import (
    OURS,
    PEERS,
    REFERENCE,
    make_cases,
    make_middleware,
    make_readme,
)
from benchmarks.cases import CASES, MIDDLEWARE, README, Case, check
from benchmarks.rounds import Timing, compare

OTHER_ROUTES = 100

Timings = dict[str, dict[str, Timing]]


def measure_readme(rounds: int, *, same_json: bool) -> Timings:
    """Time the examples of README.md."""
    return dict(_measure(README, rounds, lambda name: make_readme(name, same_json=same_json)))


def measure_cases(rounds: int) -> Timings:
    """Time one part of the frameworks after the other."""
    timings = dict(_measure(CASES, rounds, lambda name: make_cases(name, OTHER_ROUTES)))
    one_more = _measure([MIDDLEWARE], rounds, lambda name: make_middleware(name, OTHER_ROUTES))
    return timings | dict(one_more)


def _measure(cases: list[Case], rounds: int, make: Any) -> Iterator[tuple[str, dict[str, Timing]]]:
    applications = {name: make(name) for name in PEERS}
    for case in cases:
        for name, application in applications.items():
            try:
                check(application, case)
            except RuntimeError as error:
                raise SystemExit(f"{name}: {error}") from None
        contestants = {name: (made, case.environ) for name, made in applications.items()}
        requests = case.requests
        yield case.name, compare(contestants, REFERENCE, rounds=rounds, requests=requests)
    applications[OURS].close()
