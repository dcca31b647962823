"""Bottle, as in its documentation."""

import json
from collections.abc import Callable
from typing import Any

from bottle import Bottle, request, response

_PRODUCTS = {"1": "Keyboard", "2": "Mouse"}


def make(routes: dict[str, str], *, sets_user: bool = False) -> Any:
    app = Bottle()
    if sets_user:
        app.add_hook("before_request", _set_user)
    for path, view in routes.items():
        path = path.replace("{", "<").replace("}", ">")
        app.route(path, "POST" if "echo" in view else "GET", VIEWS[view])
    return app


def _set_user() -> None:
    request.user = "ann"


def _json(data: object) -> str:
    return _text(json.dumps(data))


def _text(text: Any) -> Any:
    response.content_type = "application/json"
    return text


def _product(id: str, to_response: Callable[[Any], Any] = _json) -> Any:
    if id not in _PRODUCTS:
        response.status = 404
        response.content_type = "text/plain"
        return "Not found"
    return to_response({"id": id, "name": _PRODUCTS[id]})


def _headers() -> str:
    response.set_header("Cache-Control", "no-store")
    response.set_header("X-Frame-Options", "DENY")
    return _text("{}")


def _set_cookie() -> str:
    response.set_cookie("theme", "dark", path="/", httponly=True, samesite="lax")
    return _text("{}")


VIEWS: dict[str, Callable[..., Any]] = {
    # A dict becomes JSON; Bottle uses the standard library.
    "documented echo": lambda: {"received": request.json, "path": request.path},
    "documented product": lambda id: _product(id, lambda data: data),
    "health": lambda: _json({"status": "ok"}),
    "item": lambda id: _json({"id": id}),
    "product": _product,
    "echo": lambda: _json({"received": json.loads(request.body.read()), "path": request.path}),
    "headers": _headers,
    "pathname": lambda: _text(request.path),
    "query": lambda: _text(request.query.get("q")),
    "header": lambda: _text(request.get_header("Accept")),
    "cookie": lambda: _text(request.get_cookie("theme")),
    "set-cookie": _set_cookie,
    "strings": lambda: _text("x" * 20 for _ in range(1000)),
    "bytes": lambda: _text(b"x" * 20 for _ in range(1000)),
    "user": lambda: _text(request.user),
}
