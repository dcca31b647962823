"""Compare applications that take turns."""

import gc
import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.cases import Environ


@dataclass(frozen=True)
class Timing:
    """The median time of a request; the median and the quartiles of its ratio to the reference.

    A ratio compares two times of the same round.
    """

    microseconds: float
    ratio: float
    low: float
    high: float


Contestant = tuple[Any, Callable[[int], Environ]]
"""An application, and a maker of its environs."""


def compare(
    contestants: dict[str, Contestant], reference: str, *, rounds: int, requests: int
) -> dict[str, Timing]:
    """Time the requests, round by round, in an order that changes with each round."""
    numbers = itertools.count(1000)
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    gc.freeze()  # the applications: so that each collection is short
    for order in _orders(list(contestants), rounds):
        for name in order:
            application, make_environ = contestants[name]
            environs = [make_environ(next(numbers)) for _ in range(requests)]
            seconds[name].append(_time(application, environs))
    gc.unfreeze()
    return {name: _summarize(own, seconds[reference], requests) for name, own in seconds.items()}


def _orders(names: list[str], rounds: int) -> list[list[str]]:
    """Return the names rotated by one each round, and backwards every other round."""
    orders = [names[i % len(names) :] + names[: i % len(names)] for i in range(rounds)]
    return [order[:: 1 if i % 2 else -1] for i, order in enumerate(orders)]


def _time(application: Any, environs: list[Environ]) -> float:
    """Return the seconds of CPU."""
    gc.collect()
    gc.disable()
    try:
        begun = time.process_time()
        for environ in environs:
            call(application, environ)
        return time.process_time() - begun
    finally:
        gc.enable()


def call(application: Any, environ: Environ) -> None:
    """Make a request; iterate and close the body, as a server does."""
    chunks = application(environ, _start_response)
    for _ in chunks:
        pass
    close = getattr(chunks, "close", None)
    if close is not None:
        close()


def _start_response(status: str, headers: object, exc_info: object = None) -> None:
    pass


def _summarize(own: list[float], reference: list[float], requests: int) -> Timing:
    median, low, high = summarize([a / b for a, b in zip(own, reference, strict=True)])
    return Timing(statistics.median(own) / requests * 1e6, median, low, high)


def summarize(values: list[float]) -> tuple[float, float, float]:
    """Return the median and the two quartiles."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return median, low, high
