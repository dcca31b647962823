"""The applications that are compared, by the name that the tables show.

A module in `benchmarks.peers` makes each of them; it is imported when it is used. It has

    make(routes, sets_user=False)   an application of these routes; with a middleware that sets a user
    VIEWS                           what handles a request, by the names in the routes

A route is a path as Falcon writes it, and the name of a view.
"""

from importlib import import_module
from typing import Any

PEERS = {
    "framework": "ours",
    "bare WSGI": "bare",
    "Falcon": "falcon",
    "Bottle": "bottle",
    "Flask": "flask",
}
OURS, BARE, REFERENCE = "framework", "bare WSGI", "Falcon"

_NAMES = ["headers", "pathname", "query", "header", "cookie", "set-cookie", "strings", "bytes"]
_ROUTES = {"/api/health": "health", "/products/{id}.json": "item", "/api/echo": "echo"} | {
    f"/{name}": name for name in _NAMES
}
_GROWN = {
    "static": ("/grown/rN", "health"),
    "dynamic": ("/grown/rN/{id}", "item"),
    "partly dynamic": ("/grown/{id}-rN", "item"),
    "rest": ("/grown/rN/{id:path}", "item"),
}


def make_readme(name: str, *, same_json: bool) -> Any:
    """Return the examples of README.md, as documented or with `json.dumps` everywhere."""
    prefix = "" if same_json else "documented "
    return _make(name, {"/api/echo": f"{prefix}echo", "/products/{id}.json": f"{prefix}product"})


def make_cases(name: str, others: int) -> Any:
    """Return the routes of `benchmarks.cases.CASES`, with as many other routes."""
    return _make(name, _ROUTES | _others(others))


def make_middleware(name: str, others: int) -> Any:
    """Return a route at `/user` behind a middleware that sets a value for it."""
    return _make(name, {"/user": "user"} | _others(others), sets_user=True)


def make_grown(name: str, kind: str, count: int) -> Any:
    """Return as many routes of a kind. The bare callable has no router."""
    path, view = _GROWN[kind]
    return _make(name, {path.replace("N", str(number)): view for number in range(count)})


def _others(count: int) -> dict[str, str]:
    return {f"/other/r{number}": "health" for number in range(count)}


def _make(name: str, routes: dict[str, str], **more: bool) -> Any:
    return import_module(f"benchmarks.peers.{PEERS[name]}").make(routes, **more)
