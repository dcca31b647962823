"""Time requests in process, without a server.

Each function returns timings by case and application.
"""

from collections.abc import Iterator
from typing import Any

from benchmarks.applications import OURS, PEERS, REFERENCE, get_peer
from benchmarks.cases import CASES, MIDDLEWARE, README, Case, check, make_environ
from benchmarks.peers.ours import write_pages
from benchmarks.rounds import Timing, compare
from framework import App

OTHER_ROUTES = 100
_RESPONSE = "def GET():\n    return Response('x')\n"
_ASYNC = {
    "plain": {"plain.py": _RESPONSE},
    "`async def` handler": {"handler.py": f"async {_RESPONSE}"},
    "handler with one `sleep(0)`": {
        "sleep.py": "import asyncio\n\n\nasync def GET():\n    await asyncio.sleep(0)\n"
        "    return Response('x')\n"
    },
    "`async def` middleware": {
        "folder/index.py": _RESPONSE,
        "folder/_middleware.py": "async def on_request(context, next):\n    return await next()\n",
    },
    "async body of 10 chunks": {
        "body.py": "async def body():\n    for _ in range(10):\n        yield 'x'\n\n\n"
        "def GET():\n    return Response(body())\n"
    },
}

Timings = dict[str, dict[str, Timing]]


def measure_readme(rounds: int, *, same_json: bool) -> Timings:
    """Time the examples of README.md."""
    return dict(_measure(README, rounds, lambda peer: peer.readme(same_json=same_json)))


def measure_cases(rounds: int) -> Timings:
    """Time one part of the frameworks after the other."""
    timings = dict(_measure(CASES, rounds, lambda peer: peer.cases(OTHER_ROUTES)))
    return timings | dict(_measure([MIDDLEWARE], rounds, lambda p: p.middleware(OTHER_ROUTES)))


def measure_async(rounds: int) -> dict[str, Timing]:
    """Time coroutines of the framework. The reference is a plain handler."""
    pages = {name: text for files in _ASYNC.values() for name, text in files.items()}
    application = App(write_pages(pages))
    contestants = {}
    for kind, files in _ASYNC.items():
        path = "/" + next(iter(files)).removesuffix(".py").removesuffix("/index")
        case = Case(
            kind, lambda number, path=path: make_environ(path), lambda number: None, 200, {}
        )
        check(application, case)
        contestants[kind] = (application, case.environ)
    try:
        return compare(contestants, "plain", rounds=rounds, requests=400)
    finally:
        application.close()


def _measure(cases: list[Case], rounds: int, make: Any) -> Iterator[tuple[str, dict[str, Timing]]]:
    applications = {name: make(get_peer(name)) for name in PEERS}
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
