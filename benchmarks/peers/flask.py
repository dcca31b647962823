"""Flask, as in its documentation."""

import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request

_PRODUCTS = {"1": "Keyboard", "2": "Mouse"}
_GROWN = {
    "static": "/grown/rN",
    "dynamic": "/grown/rN/<id>",
    "partly dynamic": "/grown/<id>-rN",
    "rest": "/grown/rN/<path:id>",
}


def readme(*, same_json: bool) -> Any:
    """Return the examples of README.md. A dict becomes JSON; Flask uses the standard library."""
    to_response: Callable[[Any], Any] = _json if same_json else lambda data: data

    def echo() -> Any:
        data = json.loads(request.get_data()) if same_json else request.get_json()
        return to_response({"received": data, "path": request.path})

    def product(id: str) -> Any:
        if id not in _PRODUCTS:
            return "Not found", 404, {"Content-Type": "text/plain"}
        return to_response({"id": id, "name": _PRODUCTS[id]})

    app = Flask("benchmark", static_folder=None)
    app.add_url_rule("/api/echo", view_func=echo, methods=["POST"])
    app.add_url_rule("/products/<id>.json", view_func=product)
    return app


def _json(data: object) -> Response:
    return _text(json.dumps(data))


def _text(text: Any) -> Response:
    return Response(text, mimetype="application/json")


def _health() -> Response:
    return _json({"status": "ok"})


def _item(id: str) -> Response:
    return _json({"id": id})


def _echo() -> Response:
    return _json({"received": json.loads(request.get_data()), "path": request.path})


def _headers() -> Response:
    headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}
    return Response("{}", headers=headers, mimetype="application/json")


def _set_cookie() -> Response:
    response = _text("{}")
    response.set_cookie("theme", "dark", httponly=True, samesite="Lax")
    return response


def _add(app: Flask, path: str, view: Callable[..., Any], method: str = "GET") -> None:
    app.add_url_rule(path, path, view, methods=[method])


def cases(others: int) -> Any:
    app = Flask("benchmark", static_folder=None)
    _add(app, "/api/health", _health)
    _add(app, "/products/<id>.json", _item)
    _add(app, "/api/echo", _echo, "POST")
    _add(app, "/headers", _headers)
    _add(app, "/pathname", lambda: _text(request.path))
    _add(app, "/query", lambda: _text(request.args.get("q")))
    _add(app, "/header", lambda: _text(request.headers.get("Accept")))
    _add(app, "/cookie", lambda: _text(request.cookies.get("theme")))
    _add(app, "/set-cookie", _set_cookie)
    _add(app, "/strings", lambda: _text("x" * 20 for _ in range(1000)))
    _add(app, "/bytes", lambda: _text(b"x" * 20 for _ in range(1000)))
    _add_others(app, others)
    return app


def middleware(others: int) -> Any:
    app = Flask("benchmark", static_folder=None)

    @app.before_request
    def set_user() -> None:
        g.user = "ann"

    _add(app, "/user", lambda: _text(g.user))
    _add_others(app, others)
    return app


def grown(kind: str, count: int) -> Any:
    app = Flask("benchmark", static_folder=None)
    view = _health if kind == "static" else _item
    for number in range(count):
        _add(app, _GROWN[kind].replace("N", str(number)), view)
    return app


def _add_others(app: Flask, others: int) -> None:
    for number in range(others):
        _add(app, f"/other/r{number}", _health)
