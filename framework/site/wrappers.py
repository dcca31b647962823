"""Handlers with something around them, or in their place: middleware, a status, mistakes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from werkzeug.exceptions import NotFound, default_exceptions

from ..context import APIContext
from ..error_pages import ERROR_PAGES
from ..errors import Mistake, SiteError
from ..middleware import catch_errors, compose
from ..route import Handler, Handlers, Middleware, Route
from ..routing.pattern import parse_pattern
from ..web.response import Response


def make_missing(middleware: tuple[Middleware, ...], *, check_origin: bool) -> Route:
    """Return the route for paths that no route matches: 404, inside the site's middleware."""

    def handler(context: APIContext) -> Response:
        raise NotFound

    handlers = Handlers({}, handler)
    return Route(
        pattern=parse_pattern("/404"),
        file="no route",
        kind="missing",
        handlers=handlers,
        chain=add_middleware(handlers, middleware),
        middleware=middleware,
        check_origin=check_origin,
    )


def add_middleware(handlers: Handlers, middleware: tuple[Middleware, ...]) -> Handlers:
    """Return the handlers inside the middleware."""
    if not middleware:
        return handlers
    return handlers.wrap(lambda handler: compose(middleware, catch_errors(handler)))


def as_error_page(status: int) -> Callable[[Handler], Handler]:
    """Return a wrapper for the handlers of an error page.

    The page always has its status. `props.error` is set, also if the page itself is requested.
    """

    def wrap(handler: Handler) -> Handler:
        def run(context: APIContext) -> Response:
            if "error" not in context.props:
                context.props = {**context.props, "error": default_exceptions[status]()}
            return handler(context).with_status(status)

        return run

    return wrap


def refuse_with(mistakes: Sequence[Mistake]) -> Callable[..., NoReturn]:
    """Return a handler, or an `on_request`, that raises the mistakes."""

    def refuse(*context_and_next: Any) -> NoReturn:
        raise SiteError(list(mistakes))

    return refuse


def show_mistakes(
    routes: Iterable[Route], mistakes_of: Mapping[str, Sequence[Mistake]]
) -> Iterator[Route]:
    """Yield the routes. One whose file has mistakes raises them, inside the same middleware.

    An error page with mistakes is left out.
    """
    for route in routes:
        mistakes = mistakes_of.get(route.file)
        if not mistakes:
            yield route
        elif route.pattern.last_name not in ERROR_PAGES:
            handlers = Handlers({}, refuse_with(mistakes), takes_all=True)
            chain = add_middleware(handlers, route.middleware)
            yield replace(
                route,
                handlers=handlers,
                chain=chain,
                prerender=False,
                check_origin=False,
                lists=None,
            )
