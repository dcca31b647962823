"""Measure the CPU time of async requests in process, beside a plain one.

    python -m benchmarks.async_requests [--rounds N]

The kinds of requests take turns, round by round; the best round counts. The time is that of all
threads of the process.
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.in_process import _environ, _start_response
from framework import App

_REQUESTS = 1000
_RESPONSE = "from framework import Response\n\n"
_SITE = {
    "plain": f"{_RESPONSE}def GET():\n    return Response('x')\n",
    "async": f"{_RESPONSE}async def GET():\n    return Response('x')\n",
    "async, one sleep(0)": (
        f"import asyncio\n{_RESPONSE}async def GET():\n"
        "    await asyncio.sleep(0)\n    return Response('x')\n"
    ),
    "async middleware, plain handler": f"{_RESPONSE}def GET():\n    return Response('x')\n",
    "async body of 10 chunks": (
        f"{_RESPONSE}async def body():\n    for _ in range(10):\n        yield 'x'\n\n"
        "def GET():\n    return Response(body())\n"
    ),
}
_MIDDLEWARE = "async def on_request(context, next):\n    return await next()\n"


def _write_site(root: Path) -> None:
    for number, text in enumerate(_SITE.values()):
        folder = root / "src" / "pages" / str(number)
        folder.mkdir(parents=True)
        (folder / "index.py").write_text(text)
    number = list(_SITE).index("async middleware, plain handler")
    (root / "src" / "pages" / str(number) / "_middleware.py").write_text(_MIDDLEWARE)


def _round(application: App, path: str) -> float:
    """Return the seconds of CPU of all threads for the requests."""
    begun = time.process_time()
    for _ in range(_REQUESTS):
        chunks = application(_environ("GET", path), _start_response)
        for _ in chunks:
            pass
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return time.process_time() - begun


def measure(rounds: int) -> dict[str, float]:
    """Return the microseconds of CPU of one request, by kind."""
    best = dict.fromkeys(_SITE, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        _write_site(Path(folder))
        application = App(folder)
        for _ in range(rounds):
            for number, kind in enumerate(_SITE):
                seconds = _round(application, f"/{number}")
                best[kind] = min(best[kind], seconds / _REQUESTS * 1e6)
        application.close()
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    print("| request | µs of CPU |\n| --- | ---: |")
    for kind, microseconds in measure(parser.parse_args().rounds).items():
        print(f"| {kind} | {microseconds:.0f} |")


if __name__ == "__main__":
    main()
