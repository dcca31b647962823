"""Show the memory of a worker after many requests of many kinds.

    python -m benchmarks.memory [--requests N]    (on Linux)

Most requests differ in their path, query, headers, cookies and body, so a cache without a limit
shows. Some fail: a 404, a 405, invalid JSON, an exception, a client that reads half of a stream.
"""

import argparse
import gc
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.cases import Environ, make_environ
from benchmarks.peers.ours import write_pages
from framework import App

_POINTS = [10_000, 100_000, 1_000_000]
_PAGES = {
    "static.py": "def GET():\n    return Response('ok', headers={'x-a': 'b', 'etag': '\"1\"'})\n",
    "items/[id].json.py": "def GET(params, url):\n"
    "    return Response.json({'id': params['id'], 'q': url.search_params.get('q')})\n",
    "echo.py": "def POST(request, url):\n"
    "    return Response.json({'received': request.json(), 'path': url.href})\n",
    "form.py": "def POST(request):\n"
    "    return Response(request.form_data().get('name'), headers={'vary': 'accept'})\n",
    "cookie.py": "def GET(cookies, locals):\n    cookies.set('seen', cookies.get('n').value)\n"
    "    return Response(locals.user)\n",
    "stream.py": "def GET():\n    return Response(('x' * 20 for _ in range(10)))\n",
    "moved/[id].py": "def GET(redirect, params):\n    return redirect(f'/items/{params[\"id\"]}')\n",
    "task.py": "async def GET(request):\n    return Response(request.headers.get('x-n'))\n",
    "error.py": "def GET():\n    raise ValueError('expected')\n",
    "page/[id].jinja": "<p>{{ params.id }} {{ url.pathname }}</p>\n",
}
_MIDDLEWARE = """
def on_request(context, next):
    context.locals.user = context.request.headers.get("user-agent")
    return next()
"""
_KINDS: list[Callable[[str], Environ]] = [
    lambda n: make_environ("/static"),
    lambda n: make_environ("/static", HTTP_IF_NONE_MATCH=f'"{n}", "1"'),
    lambda n: make_environ("/static", HTTP_HOST=f"host{n}.example"),
    lambda n: make_environ("/static", HTTP_USER_AGENT=f"agent {n}", HTTP_ACCEPT=f"text/x{n}"),
    lambda n: make_environ(f"/items/{n}.json", QUERY_STRING=f"q={n}"),
    lambda n: make_environ("/echo", "POST", f'{{"number": {n}}}'.encode(), QUERY_STRING=n),
    lambda n: make_environ("/echo", "POST", f'{{"number": {n}'.encode()),
    lambda n: _form(f"name={n}".encode(), HTTP_ORIGIN="http://localhost:8000"),
    lambda n: _form(f"name={n}".encode(), HTTP_ORIGIN=f"http://host{n}.example"),
    lambda n: make_environ("/cookie", HTTP_COOKIE=f"n={n}; c{n}=1"),
    lambda n: make_environ("/stream"),
    lambda n: make_environ(f"/moved/{n}"),
    lambda n: make_environ("/style.css", HTTP_RANGE=f"bytes={int(n) % 9}-"),
    lambda n: make_environ(f"/page/{n}"),
    lambda n: make_environ(f"/missing/{n}/{n}"),
    lambda n: make_environ(f"/static/{n}.css"),
    lambda n: make_environ("/static", f"M{n}"),
    lambda n: make_environ(f"//{n}/../static"),
]
_RARE: list[Callable[[str], Environ]] = [
    lambda n: make_environ("/error", HTTP_ACCEPT="text/html"),
    lambda n: make_environ("/task", HTTP_X_N=n),
]
_RARE_EVERY = 500


def _form(body: bytes, **more: str) -> Environ:
    return (
        make_environ("/form", "POST", body)
        | more
        | {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
    )


def _environ(number: int) -> Environ:
    if number % _RARE_EVERY == 0:
        return _RARE[number // _RARE_EVERY % len(_RARE)](str(number))
    return _KINDS[number % len(_KINDS)](str(number))


def measure(requests: int) -> Iterator[tuple[int, float]]:
    """Yield some numbers of requests, and the MiB that the process occupies after them."""
    site = write_pages(_PAGES, **{"src/middleware.py": _MIDDLEWARE, "public/style.css": "p {}" * 9})
    application = App(site)
    points = {point for point in _POINTS if point < requests} | {requests}
    for number in range(1, requests + 1):
        environ = _environ(number)
        chunks = application(environ, _start_response)
        for _ in chunks:
            if environ["PATH_INFO"] == "/stream" and number % 2:
                break  # the client is gone
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
        if number in points:
            yield number, _resident()
    application.close()


def _start_response(status: str, headers: object, exc_info: object = None) -> Callable[[Any], Any]:
    return lambda data: None


def _resident() -> float:
    """Return the resident memory of this process in MiB, without garbage."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=_POINTS[-1])
    options = parser.parse_args()
    print("| requests | MiB |\n| ---: | ---: |")
    with open(os.devnull, "w", encoding="utf-8") as log:
        logging.basicConfig(stream=log)
        for number, mebibytes in measure(options.requests):
            print(f"| {number:,} | {mebibytes:.1f} |", flush=True)


if __name__ == "__main__":
    main()
