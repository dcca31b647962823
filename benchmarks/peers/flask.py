"""Flask, as in its documentation."""

import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request

_PRODUCTS = {"1": "Keyboard", "2": "Mouse"}


def make(routes: dict[str, str], *, sets_user: bool = False) -> Any:
    app = Flask("benchmark", static_folder=None)
    if sets_user:
        app.before_request(_set_user)
    for path, view in routes.items():
        path = path.replace("{id:path}", "<path:id>").replace("{id}", "<id>")
        methods = ["POST" if "echo" in view else "GET"]
        app.add_url_rule(path, path, VIEWS[view], methods=methods)
    return app


def _set_user() -> None:
    g.user = "ann"


def _json(data: object) -> Response:
    return _text(json.dumps(data))


def _text(text: Any) -> Response:
    return Response(text, mimetype="application/json")


def _product(id: str, to_response: Callable[[Any], Any] = _json) -> Any:
    if id not in _PRODUCTS:
        return "Not found", 404, {"Content-Type": "text/plain"}
    return to_response({"id": id, "name": _PRODUCTS[id]})


def _echo() -> Response:
    return _json({"received": json.loads(request.get_data()), "path": request.path})


def _headers() -> Response:
    headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}
    return Response("{}", headers=headers, mimetype="application/json")


def _set_cookie() -> Response:
    response = _text("{}")
    response.set_cookie("theme", "dark", httponly=True, samesite="Lax")
    return response


VIEWS: dict[str, Callable[..., Any]] = {
    # A dict becomes JSON; Flask uses the standard library.
    "documented echo": lambda: {"received": request.get_json(), "path": request.path},
    "documented product": lambda id: _product(id, lambda data: data),
    "health": lambda: _json({"status": "ok"}),
    "item": lambda id: _json({"id": id}),
    "product": _product,
    "echo": _echo,
    "headers": _headers,
    "pathname": lambda: _text(request.path),
    "query": lambda: _text(request.args.get("q")),
    "header": lambda: _text(request.headers.get("Accept")),
    "cookie": lambda: _text(request.cookies.get("theme")),
    "set-cookie": _set_cookie,
    "strings": lambda: _text("x" * 20 for _ in range(1000)),
    "bytes": lambda: _text(b"x" * 20 for _ in range(1000)),
    "user": lambda: _text(g.user),
}
