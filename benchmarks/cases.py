"""The requests that are measured, and the responses that are right."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Environ = dict[str, Any]

_POSTED = {"name": "Keyboard", "price": 49.9, "tags": ["usb", "black"]}
_NAMES = {1: "Keyboard", 2: "Mouse"}


@dataclass(frozen=True)
class Case:
    """A kind of request. Request number N has the environ `environ(N)`.

    `body` is the data of its JSON, or its text, or `None` for any body.
    """

    name: str
    environ: Callable[[int], Environ]
    body: Callable[[int], Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    requests: int = 400
    """The number of requests in a round."""


def make_environ(path: str, method: str = "GET", body: bytes = b"", **more: Any) -> Environ:
    """Return the environ of a new request, as a server passes it on."""
    environ: Environ = {
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
        **more,
    }
    if body:
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    return environ


def _get(path: str, **more: str) -> Callable[[int], Environ]:
    """Return a maker of environs; an N in the path stands for the number of the request."""
    return lambda number: make_environ(path.replace("N", str(number)), **more)


def _echo(number: int) -> Environ:
    return make_environ("/api/echo", "POST", json.dumps(_POSTED).encode())


def _echoed(number: int) -> Any:
    return {"received": _POSTED, "path": "/api/echo"}


_STREAM = {"requests": 10, "body": lambda number: "x" * 20_000}
_TEXT = {"content-type": "text/plain"}

# The three requests that README.md makes.
README = [
    Case("JSON echo: `api/echo.py`", _echo, _echoed),
    Case(
        "product: `[id].json.py`",
        lambda number: make_environ(f"/products/{number % 2 + 1}.json"),
        lambda number: {"id": str(number % 2 + 1), "name": _NAMES[number % 2 + 1]},
    ),
    Case(
        "product that is missing: 404",
        lambda number: make_environ(f"/products/{number + 99}.json"),
        lambda number: "Not found",
        404,
        _TEXT,
    ),
]
# The requests to one part of a framework each.
CASES = [
    Case("static path", _get("/api/health"), lambda number: {"status": "ok"}),
    Case("`[id].json`, distinct ids", _get("/products/N.json"), lambda number: {"id": str(number)}),
    Case("JSON echo with `url.pathname`", _echo, _echoed),
    Case(
        "three response headers",
        _get("/headers"),
        lambda number: {},
        headers={
            "content-type": "application/json",
            "cache-control": "no-store",
            "x-frame-options": "DENY",
        },
    ),
    Case("`url.pathname`", _get("/pathname"), lambda number: "/pathname"),
    Case(
        "`url.search_params.get`",
        _get("/query", QUERY_STRING="a=1&q=shoes"),
        lambda number: "shoes",
    ),
    Case("`request.headers.get`", _get("/header"), lambda number: "*/*"),
    Case("cookie read", _get("/cookie", HTTP_COOKIE="a=1; theme=dark"), lambda number: "dark"),
    Case(
        "cookie set",
        _get("/set-cookie"),
        lambda number: {},
        headers={"set-cookie": "theme=dark; httponly; path=/; samesite=lax"},
    ),
    Case("404", _get("/missing/N"), lambda number: None, 404, {}),
    Case("1,000 `str` chunks", _get("/strings"), **_STREAM),
    Case("1,000 `bytes` chunks", _get("/bytes"), **_STREAM),
]
MIDDLEWARE = Case("middleware that sets a local", _get("/user"), lambda number: "ann")


def check(application: Any, case: Case, number: int = 1) -> None:
    """Make one request and raise `RuntimeError` if the response is not the right one."""
    found: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: object = None) -> None:
        found[:] = [int(status[:3]), {name.lower(): value for name, value in headers}]

    chunks = application(case.environ(number), start_response)
    text = b"".join(chunks).decode()
    if hasattr(chunks, "close"):
        chunks.close()
    status, headers = found
    body = case.body(number)
    wrong = [
        f"{name}: {headers.get(name)!r}, not {value!r}"
        for name, value in case.headers.items()
        if _normalize(name, headers.get(name, "")) != _normalize(name, value)
    ]
    if status != case.status:
        wrong.append(f"status {status}, not {case.status}")
    if body is not None and (body != json.loads(text) if isinstance(body, dict) else body != text):
        wrong.append(f"body {text[:200]!r}, not {body!r}")
    if wrong:
        raise RuntimeError(f"{case.name}: {'; '.join(wrong)}")


def _normalize(name: str, value: str) -> list[str]:
    """Return what must be equal: parts of a cookie in any order, a media type without charset."""
    parts = sorted(part.strip().lower() for part in value.split(";"))
    return [part for part in parts if name != "content-type" or not part.startswith("charset")]
