"""A WSGI callable without a framework: what the work itself costs."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

Reply = tuple[str, list[tuple[str, str]], bytes | Iterator[bytes]]
Responder = Callable[[dict[str, Any]], Reply]

_PRODUCTS = {"1": "Keyboard", "2": "Mouse"}


def readme(*, same_json: bool) -> Any:
    """Return the examples of README.md. There is only one way to write them."""

    def product(environ: dict[str, Any], id: str) -> Reply:
        if id not in _PRODUCTS:
            return _reply("Not found", "404 Not Found", "text/plain; charset=utf-8")
        return _reply(json.dumps({"id": id, "name": _PRODUCTS[id]}))

    return _application({"/api/echo": _echo}, product)


def cases(others: int) -> Any:
    """Return the application of `benchmarks.cases.CASES`, with as many other routes."""
    paths: dict[str, Responder] = {
        "/api/health": lambda environ: _reply(json.dumps({"status": "ok"})),
        "/api/echo": _echo,
        "/headers": _headers,
        "/pathname": lambda environ: _reply(environ["PATH_INFO"]),
        "/query": lambda environ: _reply(parse_qs(environ["QUERY_STRING"])["q"][0]),
        "/header": lambda environ: _reply(environ["HTTP_ACCEPT"]),
        "/cookie": _cookie,
        "/set-cookie": _set_cookie,
        "/strings": lambda environ: _stream(("x" * 20).encode() for _ in range(1000)),
        "/bytes": lambda environ: _stream(b"x" * 20 for _ in range(1000)),
    }
    paths |= {f"/other/r{number}": paths["/api/health"] for number in range(others)}
    return _application(paths, lambda environ, id: _reply(json.dumps({"id": id})))


def middleware(others: int) -> Any:
    """Return an application at `/user` in a callable that sets a value for it."""
    application = _application({"/user": lambda environ: _reply(environ["user"])})

    def wrapped(environ: dict[str, Any], start_response: Any) -> Any:
        environ["user"] = "ann"
        return application(environ, start_response)

    return wrapped


def _application(paths: dict[str, Responder], product: Callable[..., Reply] | None = None) -> Any:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        responder = paths.get(path)
        if responder is not None:
            status, headers, body = responder(environ)
        elif product and path.startswith("/products/") and path.endswith(".json"):
            status, headers, body = product(environ, path[10:-5])
        else:
            status, headers, body = _reply("Not Found", "404 Not Found", "text/plain")
        start_response(status, headers)
        return [body] if isinstance(body, bytes) else body

    return application


def _reply(text: str, status: str = "200 OK", kind: str = "application/json") -> Reply:
    body = text.encode()
    return status, [("Content-Type", kind), ("Content-Length", str(len(body)))], body


def _stream(chunks: Iterator[bytes]) -> Reply:
    return "200 OK", [("Content-Type", "application/json")], chunks


def _echo(environ: dict[str, Any]) -> Reply:
    data = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    return _reply(json.dumps({"received": data, "path": environ["PATH_INFO"]}))


def _headers(environ: dict[str, Any]) -> Reply:
    status, headers, body = _reply("{}")
    return status, [*headers, ("Cache-Control", "no-store"), ("X-Frame-Options", "DENY")], body


def _cookie(environ: dict[str, Any]) -> Reply:
    pairs = (pair.partition("=") for pair in environ["HTTP_COOKIE"].split("; "))
    return _reply({name: value for name, _, value in pairs}["theme"])


def _set_cookie(environ: dict[str, Any]) -> Reply:
    status, headers, body = _reply("{}")
    cookie = "theme=dark; Path=/; HttpOnly; SameSite=Lax"
    return status, [*headers, ("Set-Cookie", cookie)], body
