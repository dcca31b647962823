"""Falcon, as in its documentation and its FAQ.

The documented examples use `media`, the others `text`, which is faster for text that is ready.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import falcon

_PRODUCTS = {"1": "Keyboard", "2": "Mouse"}
_GROWN = {
    "static": "/grown/rN",
    "dynamic": "/grown/rN/{id}",
    "partly dynamic": "/grown/{id}-rN",
    "rest": "/grown/rN/{id:path}",
}


def describe() -> str:
    """Say which modules of the installed Falcon are compiled."""
    folder = Path(falcon.__file__).parent
    compiled = sorted(path.name.partition(".")[0] for path in folder.rglob("*.so"))
    if not compiled:
        return "pure Python"
    return f"the wheel of PyPI, compiled: {', '.join(compiled)}; the rest is Python"


class DocumentedEcho:
    def on_post(self, req: Any, resp: Any) -> None:
        resp.media = {"received": req.get_media(), "path": req.path}


class DocumentedProduct:
    def on_get(self, req: Any, resp: Any, id: str) -> None:
        if id not in _PRODUCTS:
            _not_found(resp)
        else:
            resp.media = {"id": id, "name": _PRODUCTS[id]}


class Echo:
    def on_post(self, req: Any, resp: Any) -> None:
        data = json.loads(req.stream.read(req.content_length or 0))
        resp.text = json.dumps({"received": data, "path": req.path})


class Product:
    def on_get(self, req: Any, resp: Any, id: str) -> None:
        if id not in _PRODUCTS:
            _not_found(resp)
        else:
            resp.text = json.dumps({"id": id, "name": _PRODUCTS[id]})


class SetUser:
    def process_request(self, req: Any, resp: Any) -> None:
        req.context.user = "ann"


def _not_found(resp: Any) -> None:
    resp.status = falcon.HTTP_404
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = "Not found"


def _get(responder: Callable[..., None]) -> Any:
    """Return a resource whose `on_get` is the function."""
    return type("Resource", (), {"on_get": responder})()


def _health(self: Any, req: Any, resp: Any) -> None:
    resp.text = json.dumps({"status": "ok"})


def _item(self: Any, req: Any, resp: Any, id: str) -> None:
    resp.text = json.dumps({"id": id})


def _headers(self: Any, req: Any, resp: Any) -> None:
    resp.text = "{}"
    resp.content_type = falcon.MEDIA_JSON
    resp.set_header("Cache-Control", "no-store")
    resp.set_header("X-Frame-Options", "DENY")


def _pathname(self: Any, req: Any, resp: Any) -> None:
    resp.text = req.path


def _query(self: Any, req: Any, resp: Any) -> None:
    resp.text = req.get_param("q")


def _header(self: Any, req: Any, resp: Any) -> None:
    resp.text = req.get_header("Accept")


def _cookie(self: Any, req: Any, resp: Any) -> None:
    resp.text = req.get_cookie_values("theme")[0]


def _set_cookie(self: Any, req: Any, resp: Any) -> None:
    resp.set_cookie("theme", "dark", path="/", secure=False, same_site="Lax")
    resp.text = "{}"


def _strings(self: Any, req: Any, resp: Any) -> None:
    resp.stream = (("x" * 20).encode() for _ in range(1000))


def _bytes(self: Any, req: Any, resp: Any) -> None:
    resp.stream = (b"x" * 20 for _ in range(1000))


def _user(self: Any, req: Any, resp: Any) -> None:
    resp.text = req.context.user


def readme(*, same_json: bool) -> Any:
    app = falcon.App()
    app.add_route("/api/echo", Echo() if same_json else DocumentedEcho())
    app.add_route("/products/{id}.json", Product() if same_json else DocumentedProduct())
    return app


def cases(others: int) -> Any:
    app = falcon.App()
    app.add_route("/api/health", _get(_health))
    app.add_route("/products/{id}.json", _get(_item))
    app.add_route("/api/echo", Echo())
    app.add_route("/headers", _get(_headers))
    app.add_route("/pathname", _get(_pathname))
    app.add_route("/query", _get(_query))
    app.add_route("/header", _get(_header))
    app.add_route("/cookie", _get(_cookie))
    app.add_route("/set-cookie", _get(_set_cookie))
    app.add_route("/strings", _get(_strings))
    app.add_route("/bytes", _get(_bytes))
    _add_others(app, others)
    return app


def middleware(others: int) -> Any:
    app = falcon.App(middleware=[SetUser()])
    app.add_route("/user", _get(_user))
    _add_others(app, others)
    return app


def grown(kind: str, count: int) -> Any:
    app = falcon.App()
    resource = _get(_health if kind == "static" else _item)
    for number in range(count):
        app.add_route(_GROWN[kind].replace("N", str(number)), resource)
    return app


def _add_others(app: Any, others: int) -> None:
    for number in range(others):
        app.add_route(f"/other/r{number}", _get(_health))
