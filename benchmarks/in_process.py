"""Measure the time of a request in process, beside other frameworks.

    python -m benchmarks.in_process [--rounds N]

The applications take turns, round by round, so that a slow moment of the machine affects all of
them; the best round counts. The ratio compares the time above that of the bare WSGI callable.
"""

import argparse
import io
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.applications import MAKERS

_BODY = b'{"name":"Keyboard","price":49.9,"tags":["usb","black"]}'
_REQUESTS = 2000


def _environ(method: str, path: str, body: bytes = b"") -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost:8000",
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "benchmark",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if body:
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    return environ


def _static() -> Iterator[dict[str, Any]]:
    while True:
        yield _environ("GET", "/api/health")


def _dynamic() -> Iterator[dict[str, Any]]:
    for number in itertools.cycle(range(5000)):
        yield _environ("GET", f"/products/{number}.json")


def _echo() -> Iterator[dict[str, Any]]:
    while True:
        yield _environ("POST", "/api/echo", _BODY)


WORKLOADS: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
    "static path": _static,
    "dynamic path": _dynamic,
    "JSON echo": _echo,
}


def _start_response(status: str, headers: object, exc_info: object = None) -> None:
    if not status.startswith("200"):
        raise SystemExit(f"an application responded with {status}")


def _round(application: Any, environs: list[dict[str, Any]]) -> float:
    """Return the seconds of the requests. Each body is iterated and closed, as a server does."""
    begun = time.perf_counter()
    for environ in environs:
        chunks = application(environ, _start_response)
        for _ in chunks:
            pass
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return time.perf_counter() - begun


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Return the microseconds of one request, by workload and application."""
    applications = {name: make() for name, make in MAKERS.items()}
    results = {}
    for workload, make_environs in WORKLOADS.items():
        environs = make_environs()
        best = dict.fromkeys(applications, float("inf"))
        for _ in range(rounds):
            for name, application in applications.items():
                batch = list(itertools.islice(environs, _REQUESTS))
                best[name] = min(best[name], _round(application, batch) / _REQUESTS * 1e6)
        results[workload] = best
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    results = measure(parser.parse_args().rounds)
    names = list(MAKERS)
    print("| µs a request, in process | " + " | ".join(names) + " |")
    print("| --- |" + " ---: |" * len(names))
    for workload, best in results.items():
        cells = []
        for name in names:
            own = best[name] - best["bare WSGI"]
            peer = best["Falcon"] - best["bare WSGI"]
            ratio = "" if name == "bare WSGI" else f" ({own / peer:.2f} x Falcon's own)"
            cells.append(f"{best[name]:.1f}{ratio}")
        print(f"| {workload} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
