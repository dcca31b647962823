"""Falcon, as in its documentation and its FAQ.

The documented examples use `media`, the others `text`, which is faster for text that is ready.
"""

import json
from pathlib import Path
from typing import Any

import falcon

_PRODUCTS = {"1": "Keyboard", "2": "Mouse"}


def make(routes: dict[str, str], *, sets_user: bool = False) -> Any:
    app = falcon.App(middleware=[_SetUser()] if sets_user else None)
    for path, view in routes.items():
        method = "on_post" if "echo" in view else "on_get"
        app.add_route(path, type("Resource", (), {method: VIEWS[view]})())
    return app


def describe() -> str:
    """Say which modules of the installed Falcon are compiled."""
    folder = Path(falcon.__file__).parent
    compiled = sorted(path.name.partition(".")[0] for path in folder.rglob("*.so"))
    if not compiled:
        return "pure Python"
    return f"the wheel of PyPI, compiled: {', '.join(compiled)}; the rest is Python"


class _SetUser:
    def process_request(self, req: Any, resp: Any) -> None:
        req.context.user = "ann"


def _documented_echo(self: Any, req: Any, resp: Any) -> None:
    resp.media = {"received": req.get_media(), "path": req.path}


def _documented_product(self: Any, req: Any, resp: Any, id: str) -> None:
    if id not in _PRODUCTS:
        _not_found(resp)
    else:
        resp.media = {"id": id, "name": _PRODUCTS[id]}


def _product(self: Any, req: Any, resp: Any, id: str) -> None:
    if id not in _PRODUCTS:
        _not_found(resp)
    else:
        resp.text = json.dumps({"id": id, "name": _PRODUCTS[id]})


def _not_found(resp: Any) -> None:
    resp.status = falcon.HTTP_404
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = "Not found"


def _echo(self: Any, req: Any, resp: Any) -> None:
    data = json.loads(req.stream.read(req.content_length or 0))
    resp.text = json.dumps({"received": data, "path": req.path})


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


VIEWS = {
    "documented echo": _documented_echo,
    "documented product": _documented_product,
    "health": _health,
    "item": _item,
    "product": _product,
    "echo": _echo,
    "headers": _headers,
    "pathname": _pathname,
    "query": _query,
    "header": _header,
    "cookie": _cookie,
    "set-cookie": _set_cookie,
    "strings": _strings,
    "bytes": _bytes,
    "user": _user,
}
