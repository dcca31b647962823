"""What start-up makes of each file of `src/pages`: a route with its handlers and middleware.

A handler takes the request's `APIContext`. Its type is defined above this module, so it is `Any`
here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .routing.pattern import Pattern
from .web.requeststream import BodyLimits
from .web.response import Response

Handler = Callable[[Any], Response]


@dataclass(frozen=True, slots=True)
class Handlers:
    """The handlers of a route: one for each method of `by_method`, `other` for the rest.

    `methods` is the value of `Allow`. `takes_all` says that `other` is the handler `ALL` of the
    file, and not the response 405.
    """

    by_method: dict[str, Handler]
    other: Handler
    methods: tuple[str, ...] = ()
    takes_all: bool = False

    def get(self, method: str) -> Handler:
        """Return the handler for a method."""
        return self.by_method.get(method) or self.other

    def wrap(self, wrapper: Callable[[Handler], Handler]) -> "Handlers":
        """Return handlers of which each is the result of `wrapper`."""
        by_method = {method: wrapper(handler) for method, handler in self.by_method.items()}
        return replace(self, by_method=by_method, other=wrapper(self.other))


@dataclass(frozen=True, slots=True, eq=False)
class Middleware:
    """One `on_request` function; `where` names it in messages: `src/middleware.py:4`."""

    function: Callable[[Any, Any], Any]
    where: str
    is_async: bool


@dataclass(frozen=True, slots=True)
class Route:
    """One file of `src/pages`, or one entry of `redirects`.

    `file` names it in messages. `kind` is `"endpoint"`, `"page"` or `"redirect"`; the application
    has more kinds for paths without a route (`"file"`, `"spelling"`, `"missing"`). `handlers` are
    the file's own; `chain` are the same with its middleware around them. `slash` says whether its
    path ends with a slash; `None` allows both. `limits` are those of the file's `max_body_size`;
    `None` stands for the site's. `has_extension` says whether the name of the file itself has an
    extension, as in `feed.xml.py`. `lists` says whether a prerendered route with parameters lists
    a path, by its parameters and by the path below `base`.
    """

    pattern: Pattern
    file: str
    kind: str
    handlers: Handlers
    chain: Handlers
    middleware: tuple[Middleware, ...] = ()
    prerender: bool = False
    check_origin: bool = True
    limits: BodyLimits | None = None
    slash: bool | None = None
    has_extension: bool = False
    lists: Callable[[dict[str, Any], str], bool] | None = None
