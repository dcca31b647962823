"""Handlers with something around them: middleware, or the status of an error page."""

from collections.abc import Callable

from werkzeug.exceptions import NotFound, default_exceptions

from ..context import APIContext
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
