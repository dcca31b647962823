"""Time requests to sites with more and more routes, each site in a process of its own."""

import json
import subprocess
import sys
from dataclasses import asdict

from benchmarks.applications import BARE, PEERS, make_grown
from benchmarks.cases import Case, check, make_environ
from benchmarks.rounds import Timing, compare

FEW = 10
GROWN = [name for name in PEERS if name != BARE]
# The path of a request to route number N, with the id I.
KINDS = {
    "static": "/grown/rN",
    "dynamic": "/grown/rN/I",
    "partly dynamic": "/grown/I-rN",
    "rest": "/grown/rN/I/b",
}

Growth = dict[str, dict[str, dict[int, Timing | str]]]


def measure(sizes: list[int], rounds: int, limit: float) -> Growth:
    """Return the timings by kind, application and number of routes, relative to `FEW` routes.

    What fails or needs more than `limit` seconds has a text that says so.
    """
    return {
        kind: {name: {n: _run(name, kind, n, rounds, limit) for n in sizes} for name in GROWN}
        for kind in KINDS
    }


def _run(name: str, kind: str, size: int, rounds: int, limit: float) -> Timing | str:
    command = [sys.executable, "-m", "benchmarks.growth", name, kind, str(size), str(rounds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=True)
    except subprocess.TimeoutExpired:
        return f"over {limit:.0f} s"
    except subprocess.CalledProcessError as error:
        return f"fails: {(error.stderr.strip().splitlines() or ['killed'])[-1][:80]}"
    return Timing(**json.loads(done.stdout))


def compare_sizes(name: str, kind: str, size: int, rounds: int) -> Timing:
    """Time requests to the route in the middle, relative to a site of `FEW` routes."""
    contestants = {}
    for label, count in ("few", FEW), ("many", size):
        path = KINDS[kind].replace("N", str(count // 2))
        case = Case(
            f"{kind}, {count} routes",
            lambda number, path=path: make_environ(path.replace("I", str(number))),
            lambda number: None,
        )
        contestants[label] = (make_grown(name, kind, count), case.environ)
        check(contestants[label][0], case)
    return compare(contestants, "few", rounds=rounds, requests=100)["many"]


if __name__ == "__main__":
    name, kind, size, rounds = sys.argv[1:]
    print(json.dumps(asdict(compare_sizes(name, kind, int(size), int(rounds)))))
