"""The applications that are compared, by the name that the tables show.

A module in `benchmarks.peers` makes each of them; it is imported when it is used. Its functions are

    readme(same_json=...)   the examples of README.md, as documented or with `json.dumps` everywhere
    cases(others)           the routes of `benchmarks.cases`, among as many other routes
    middleware(others)      one route behind a middleware
    grown(kind, count)      as many routes of a kind; the bare callable has no router and no `grown`
"""

from functools import partial
from importlib import import_module
from typing import Any

PEERS = {
    "framework": "ours",
    "bare WSGI": "bare",
    "Falcon": "falcon",
    "Bottle": "bottle",
    "Flask": "flask",
}
OURS, REFERENCE = "framework", "Falcon"
GROWN = [name for name in PEERS if name != "bare WSGI"]


def get_peer(name: str) -> Any:
    """Return the module that makes the applications of a framework."""
    return import_module(f"benchmarks.peers.{PEERS[name]}")


def make(name: str) -> Any:
    """Return the application that benchmarks/served.py serves."""
    return get_peer(name).cases(100)


MAKERS = {name: partial(make, name) for name in PEERS}
