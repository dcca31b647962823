"""The applications that are compared, by the name that the tables show.

A module in `benchmarks.peers` makes each of them. Its functions are

    readme(same_json=...)   the examples of README.md, as documented or with `json.dumps` everywhere
    cases(others)           the routes of `benchmarks.cases`, among as many other routes
    middleware(others)      one route behind a middleware
    grown(kind, count)      as many routes of a kind; the bare callable has no router and no `grown`
"""

from typing import Any

from benchmarks.peers import bare, bottle, falcon, flask, ours

PEERS: dict[str, Any] = {
    "framework": ours,
    "bare WSGI": bare,
    "Falcon": falcon,
    "Bottle": bottle,
    "Flask": flask,
}
OURS, REFERENCE = "framework", "Falcon"
GROWN = {name: peer for name, peer in PEERS.items() if peer is not bare}
# What benchmarks/served.py serves.
MAKERS = {name: lambda peer=peer: peer.cases(100) for name, peer in PEERS.items()}
