"""Bottle, as in its documentation."""

import json
from collections.abc import Callable
from typing import Any

from bottle import Bottle, request, response

_PRODUCTS = {"1": "Keyboard", "2": "Mouse"}
_GROWN = {
    "static": "/grown/rN",
    "dynamic": "/grown/rN/<id>",
    "partly dynamic": "/grown/<id>-rN",
    "rest": "/grown/rN/<id:path>",
}


def readme(*, same_json: bool) -> Any:
    """Return the examples of README.md. A dict becomes JSON; Bottle uses the standard library."""
    to_response: Callable[[Any], Any] = _json if same_json else lambda data: data
    app = Bottle()

    @app.post("/api/echo")
    def echo() -> Any:
        data = json.loads(request.body.read()) if same_json else request.json
        return to_response({"received": data, "path": request.path})

    @app.get("/products/<id>.json")
    def product(id: str) -> Any:
        if id not in _PRODUCTS:
            response.status = 404
            response.content_type = "text/plain"
            return "Not found"
        return to_response({"id": id, "name": _PRODUCTS[id]})

    return app


def _json(data: object) -> str:
    response.content_type = "application/json"
    return json.dumps(data)


def _health() -> str:
    return _json({"status": "ok"})


def _item(id: str) -> str:
    return _json({"id": id})


def _echo() -> str:
    return _json({"received": json.loads(request.body.read()), "path": request.path})


def _headers() -> str:
    response.content_type = "application/json"
    response.set_header("Cache-Control", "no-store")
    response.set_header("X-Frame-Options", "DENY")
    return "{}"


def _text(text: str) -> str:
    response.content_type = "application/json"
    return text


def _set_cookie() -> str:
    response.set_cookie("theme", "dark", path="/", httponly=True, samesite="lax")
    return _text("{}")


def _stream(chunks: Any) -> Any:
    response.content_type = "application/json"
    return chunks


def cases(others: int) -> Any:
    app = Bottle()
    app.get("/api/health", callback=_health)
    app.get("/products/<id>.json", callback=_item)
    app.post("/api/echo", callback=_echo)
    app.get("/headers", callback=_headers)
    app.get("/pathname", callback=lambda: _text(request.path))
    app.get("/query", callback=lambda: _text(request.query.get("q")))
    app.get("/header", callback=lambda: _text(request.get_header("Accept")))
    app.get("/cookie", callback=lambda: _text(request.get_cookie("theme")))
    app.get("/set-cookie", callback=_set_cookie)
    app.get("/strings", callback=lambda: _stream("x" * 20 for _ in range(1000)))
    app.get("/bytes", callback=lambda: _stream(b"x" * 20 for _ in range(1000)))
    _add_others(app, others)
    return app


def middleware(others: int) -> Any:
    app = Bottle()

    @app.hook("before_request")
    def set_user() -> None:
        request.user = "ann"

    app.get("/user", callback=lambda: _text(request.user))
    _add_others(app, others)
    return app


def grown(kind: str, count: int) -> Any:
    app = Bottle()
    callback = _health if kind == "static" else _item
    for number in range(count):
        app.get(_GROWN[kind].replace("N", str(number)), callback=callback)
    return app


def _add_others(app: Bottle, others: int) -> None:
    for number in range(others):
        app.get(f"/other/r{number}", callback=_health)
