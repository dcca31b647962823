"""A WSGI callable without a framework: what the work itself costs."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

Environ = dict[str, Any]
Reply = tuple[str, list[tuple[str, str]], bytes | Iterator[bytes]]

_PRODUCTS = {"1": "Keyboard", "2": "Mouse"}


def make(routes: dict[str, str], *, sets_user: bool = False) -> Any:
    """Return a callable that finds a view in a dict. It knows one path with a parameter."""
    paths = {path: VIEWS[view] for path, view in routes.items() if "{" not in path}
    product = VIEWS[routes.get("/products/{id}.json", "item")]

    def application(environ: Environ, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        view = paths.get(path)
        if view is not None:
            status, headers, body = view(environ)
        elif path.startswith("/products/") and path.endswith(".json"):
            status, headers, body = product(environ, path[10:-5])
        else:
            status, headers, body = _reply("Not Found", "404 Not Found", "text/plain")
        start_response(status, headers)
        return [body] if isinstance(body, bytes) else body

    def with_user(environ: Environ, start_response: Any) -> Any:
        environ["user"] = "ann"
        return application(environ, start_response)

    return with_user if sets_user else application


def _reply(text: str, status: str = "200 OK", kind: str = "application/json") -> Reply:
    body = text.encode()
    return status, [("Content-Type", kind), ("Content-Length", str(len(body)))], body


def _reply_with(*more: tuple[str, str]) -> Reply:
    status, headers, body = _reply("{}")
    return status, [*headers, *more], body


def _stream(chunks: Iterator[bytes]) -> Reply:
    return "200 OK", [("Content-Type", "application/json")], chunks


def _echo(environ: Environ) -> Reply:
    data = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    return _reply(json.dumps({"received": data, "path": environ["PATH_INFO"]}))


def _product(environ: Environ, id: str) -> Reply:
    if id not in _PRODUCTS:
        return _reply("Not found", "404 Not Found", "text/plain; charset=utf-8")
    return _reply(json.dumps({"id": id, "name": _PRODUCTS[id]}))


def _headers(environ: Environ) -> Reply:
    return _reply_with(("Cache-Control", "no-store"), ("X-Frame-Options", "DENY"))


def _cookie(environ: Environ) -> Reply:
    pairs = (pair.partition("=") for pair in environ["HTTP_COOKIE"].split("; "))
    return _reply({name: value for name, _, value in pairs}["theme"])


def _set_cookie(environ: Environ) -> Reply:
    return _reply_with(("Set-Cookie", "theme=dark; Path=/; HttpOnly; SameSite=Lax"))


VIEWS: dict[str, Callable[..., Reply]] = {
    "documented echo": _echo,
    "documented product": _product,
    "health": lambda environ: _reply(json.dumps({"status": "ok"})),
    "item": lambda environ, id: _reply(json.dumps({"id": id})),
    "product": _product,
    "echo": _echo,
    "headers": _headers,
    "pathname": lambda environ: _reply(environ["PATH_INFO"]),
    "query": lambda environ: _reply(parse_qs(environ["QUERY_STRING"])["q"][0]),
    "header": lambda environ: _reply(environ["HTTP_ACCEPT"]),
    "cookie": _cookie,
    "set-cookie": _set_cookie,
    "strings": lambda environ: _stream(("x" * 20).encode() for _ in range(1000)),
    "bytes": lambda environ: _stream(b"x" * 20 for _ in range(1000)),
    "user": lambda environ: _reply(environ["user"]),
}
