"""Measure the web objects beside those of other libraries.

    python -m benchmarks.objects [--rounds N]

The libraries do each task in turn, round by round, so that a slow moment of the machine affects
all of them; the best round counts. The ratio is to the framework's time.
"""

import argparse
import io
import itertools
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

import orjson
import werkzeug
import yarl
from werkzeug.datastructures import EnvironHeaders, MultiDict
from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.formparser import parse_form_data
from werkzeug.http import dump_cookie, parse_cookie

from framework import URL, Cookies, File, FormData, Headers, Request, Response, URLSearchParams
from framework.web.headers import RequestHeaders
from framework.web.jsontext import parse_json, write_json
from framework.web.requeststream import BodyLimits

Task = Callable[[], object]

_LIMITS = BodyLimits(10_000_000, 10_000_000)
_ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/products/42",
    "QUERY_STRING": "q=red+shoes&size=42&size=43",
    "SERVER_NAME": "example.com",
    "SERVER_PORT": "443",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_HOST": "example.com",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8",
    "HTTP_ACCEPT_LANGUAGE": "de,en;q=0.7",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64)",
    "HTTP_COOKIE": "session=0123456789abcdef; theme=dark; lang=de",
    "HTTP_CONNECTION": "keep-alive",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "https",
    "wsgi.errors": io.StringIO(),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
_ADDRESS = "https://example.com/products/42?q=red+shoes&size=42&size=43#top"
_QUERY = _ENVIRON["QUERY_STRING"]
_HEADERS = {"content-type": "text/html", "cache-control": "no-store", "x-count": "3"}
_DATA = {
    "total": 3,
    "products": [{"id": n, "name": f"Keyboard {n}", "price": 49.9 + n} for n in range(20)],
}
_JSON = json.dumps(_DATA).encode()


def _start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
    pass


def _posted(body: bytes, kind: str) -> dict[str, Any]:
    return {
        **_ENVIRON,
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


def _request(environ: dict[str, Any]) -> Request:
    return Request.from_environ(environ, lambda: _ADDRESS, limits=_LIMITS)


def _form() -> tuple[bytes, str]:
    form = FormData()
    form.append("title", "Cats")
    form.append("photo", File(bytes(100_000), "cat.png", type="image/png"))
    response = Response(form)
    return response.bytes(), response.headers["content-type"]


_FORM, _FORM_TYPE = _form()
_numbers = itertools.count()
_URLENCODED = "application/x-www-form-urlencoded"


def _set_cookie() -> list[str]:
    cookies = Cookies()
    cookies.set("session", "0123456789abcdef")
    return cookies.headers()


def _change(headers: Any) -> object:
    headers.set("x-a", "1")
    return headers.get("content-type"), "x-a" in headers


def _new_address() -> str:
    """Return an address that no cache has."""
    return f"https://example.com/products/{next(_numbers)}?q=red+shoes"


def _tasks() -> dict[str, dict[str, Task]]:
    """Return the tasks by name and library."""
    headers, theirs = Headers(_HEADERS), WerkzeugHeaders(_HEADERS)
    response = Response("hello", headers=_HEADERS)
    their_response = werkzeug.Response("hello", headers=_HEADERS)
    url, split, yarled = URL(_ADDRESS), urlsplit(_ADDRESS), yarl.URL(_ADDRESS)
    params, multi = URLSearchParams(_QUERY), MultiDict(parse_qsl(_QUERY))
    return {
        "Headers: build from a dict of 3": {
            "framework": lambda: Headers(_HEADERS),
            "Werkzeug": lambda: WerkzeugHeaders(_HEADERS),
        },
        "Headers: set, get, in": {
            "framework": lambda: _change(headers),
            "Werkzeug": lambda: _change(theirs),
        },
        "Headers: make from a WSGI request, read 2": {
            "framework": lambda: (h := RequestHeaders.from_environ(_ENVIRON))["host"] + h["accept"],
            "Werkzeug": lambda: (h := EnvironHeaders(_ENVIRON))["host"] + h["accept"],
        },
        "Request: method and one header": {
            "framework": lambda: ((r := _request(_ENVIRON)).method, r.headers["host"]),
            "Werkzeug": lambda: ((r := werkzeug.Request(_ENVIRON)).method, r.headers["host"]),
        },
        "Request: JSON body": {
            "framework": lambda: _request(_posted(_JSON, "application/json")).json(),
            "Werkzeug": lambda: werkzeug.Request(_posted(_JSON, "application/json")).get_json(),
        },
        "Request: urlencoded form": {
            "framework": lambda: _request(_posted(_QUERY.encode(), _URLENCODED)).form_data(),
            "Werkzeug": lambda: werkzeug.Request(_posted(_QUERY.encode(), _URLENCODED)).form,
        },
        "Request: multipart form, 100 kB file": {
            "framework": lambda: _request(_posted(_FORM, _FORM_TYPE)).form_data(),
            "Werkzeug": lambda: parse_form_data(_posted(_FORM, _FORM_TYPE)),
        },
        "Response: text, build and send": {
            "framework": lambda: Response("hello").send(_start_response),
            "Werkzeug": lambda: werkzeug.Response("hello")(_ENVIRON, _start_response),
        },
        "Response: send again": {
            "framework": lambda: response.send(_start_response),
            "Werkzeug": lambda: their_response(_ENVIRON, _start_response),
        },
        "Response: JSON, build and send": {
            "framework": lambda: Response.json(_DATA).send(_start_response),
            "Werkzeug": lambda: werkzeug.Response(json.dumps(_DATA), mimetype="application/json")(
                _ENVIRON, _start_response
            ),
        },
        "Cookies: read one": {
            "framework": lambda: Cookies(_ENVIRON["HTTP_COOKIE"]).get("theme"),
            "Werkzeug": lambda: parse_cookie(_ENVIRON["HTTP_COOKIE"]).get("theme"),
        },
        "Cookies: write one": {
            "framework": _set_cookie,
            "Werkzeug": lambda: dump_cookie(
                "session", "0123456789abcdef", httponly=True, samesite="Lax"
            ),
        },
        "URL: parse a new one": {
            "framework": lambda: URL(_new_address()),
            "yarl": lambda: yarl.URL(_new_address()),
            "urllib": lambda: urlsplit(_new_address()),
        },
        "URL: parse the same one (yarl and urllib cache it)": {
            "framework": lambda: URL(_ADDRESS),
            "yarl": lambda: yarl.URL(_ADDRESS),
            "urllib": lambda: urlsplit(_ADDRESS),
        },
        "URL: parse a new one, read 3 parts": {
            "framework": lambda: ((u := URL(_new_address())).hostname, u.port, u.pathname),
            "yarl": lambda: ((u := yarl.URL(_new_address())).host, u.port, u.path),
            "urllib": lambda: ((u := urlsplit(_new_address())).hostname, u.port, u.path),
        },
        "URL: read 3 parts again": {
            "framework": lambda: (url.hostname, url.port, url.pathname),
            "yarl": lambda: (yarled.host, yarled.port, yarled.path),
            "urllib": lambda: (split.hostname, split.port, split.path),
        },
        "URL: resolve a relative one": {
            "framework": lambda: URL("../b?c", _ADDRESS),
            "yarl": lambda: yarled.join(yarl.URL("../b?c")),
            "urllib": lambda: urljoin(_ADDRESS, "../b?c"),
        },
        "Query: parse": {
            "framework": lambda: URLSearchParams(_QUERY),
            "Werkzeug": lambda: MultiDict(parse_qsl(_QUERY, keep_blank_values=True)),
            "urllib": lambda: parse_qs(_QUERY, keep_blank_values=True),
        },
        "Query: get, get all": {
            "framework": lambda: (params.get("q"), params.get_all("size")),
            "Werkzeug": lambda: (multi.get("q"), multi.getlist("size")),
        },
        "Query: write": {
            "framework": lambda: str(params),
            "Werkzeug": lambda: urlencode(list(multi.items(multi=True))),
        },
        "JSON: write 20 objects": {
            "framework (msgspec)": lambda: write_json(_DATA),
            "orjson": lambda: orjson.dumps(_DATA),
            "json": lambda: json.dumps(_DATA, separators=(",", ":")).encode(),
        },
        "JSON: read 20 objects": {
            "framework (msgspec)": lambda: parse_json(_JSON),
            "orjson": lambda: orjson.loads(_JSON),
            "json": lambda: json.loads(_JSON),
        },
    }


def _seconds(task: Task, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        task()
    return time.perf_counter() - start


def measure(tasks: dict[str, Task], rounds: int) -> dict[str, float]:
    """Return the microseconds of each task in its best round."""
    once = max(_seconds(task, 1) for task in tasks.values())
    count = max(1, int(0.005 / once))
    best = dict.fromkeys(tasks, float("inf"))
    for _ in range(rounds):
        for name, task in tasks.items():
            best[name] = min(best[name], _seconds(task, count) / count * 1e6)
    return best


def main() -> None:
    """Print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    print("| task | by | µs | ratio |")
    print("| --- | --- | ---: | ---: |")
    for task, tasks in _tasks().items():
        found = measure(tasks, rounds)
        first = next(iter(found.values()))
        for name, cost in found.items():
            print(f"| {task} | {name} | {cost:.2f} | {cost / first:.1f} |")
            task = ""


if __name__ == "__main__":
    main()
