"""Middleware: `on_request` functions around a handler, and rewrites to another route.

Start-up composes the middleware of each route around its handlers once. A request calls the
outermost function; each calls `next()` for what is inside it.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import HTTPException, default_exceptions

from .context import APIContext
from .errors import HandlerError, RewriteLoopError
from .route import Handler, Middleware, Route
from .routing.paths import decode_mount, decode_path, find_path_below
from .routing.table import RouteTable
from .web.calls import Calls
from .web.loop import run
from .web.request import Request
from .web.response import Response
from .web.url import URL
from .web.wsgi import path_info_of

Target = str | URL | Request
OnRequest = Callable[[APIContext, Any], Any]
Rewrite = Callable[[APIContext, Target, tuple[Middleware, ...]], Response]

_MAX_REWRITES = 8


def make_middleware(function: Any, file: str) -> tuple[Middleware, ...]:
    """Return the middleware of an `on_request`: one, or those of a `sequence()`."""
    if isinstance(function, _Sequence):
        return tuple(one for part in function.parts for one in make_middleware(part, file))
    code = getattr(inspect.unwrap(function), "__code__", None)
    where = f"{file}:{code.co_firstlineno}" if code else file
    call = getattr(function, "__call__", None)  # noqa: B004 - an object may be async there
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
    return (Middleware(function, where, is_async),)


def _rewrite(context: APIContext, target: Target, outer: tuple[Middleware, ...]) -> Response:
    return context.services.rewrite(context, target, outer)


def compose(
    middleware: Sequence[Middleware],
    handler: Handler,
    *,
    rewrite: Rewrite = _rewrite,
    outer: tuple[Middleware, ...] = (),
) -> Handler:
    """Return `handler` inside the middleware, of which the first is outermost.

    `outer` is the middleware around all of it, which `next(path)` does not run again. `rewrite`
    replaces the rewrite of the application.
    """
    for number in range(len(middleware), 0, -1):
        around = (*outer, *middleware[:number])
        handler = _Wrapped(middleware[number - 1], handler, rewrite, around)
    return handler


def catch_errors(handler: Handler) -> Handler:
    """Return the handler of a file as middleware sees it: an `HTTPException` is a response."""

    def inner(context: APIContext) -> Response:
        try:
            # A handler may return one response to every request: middleware changes a copy.
            return handler(context).with_own_headers()
        except HTTPException as error:
            return context.services.error_response(context, error)

    return inner


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """A handler with one middleware around it."""

    middleware: Middleware
    inner: Handler
    rewrite: Rewrite
    around: tuple[Middleware, ...]

    def __call__(self, context: APIContext) -> Response:
        next = (AsyncNext if self.middleware.is_async else Next)(context, self)
        result = self.middleware.function(context, next)
        response = result if type(result) is Response else next.to_response(result)
        # A 404 or 500 without a body that the middleware made, not next(), becomes the error page.
        if response is next._response or response.status not in (404, 500):
            return response
        if response.body is not None:
            return response
        return context.services.error_response(context, default_exceptions[response.status]())


class Next:
    """The `next` of a middleware: `next()` runs what is inside, `next(path)` another route."""

    __slots__ = ("_called", "_calls", "_context", "_response", "_wrapped")

    def __init__(self, context: APIContext, wrapped: _Wrapped) -> None:
        self._context = context
        self._wrapped = wrapped
        self._called = False
        self._response: Response | None = None
        self._calls: Calls | None = None

    def __call__(self, target: Target | None = None) -> Response:
        """Return the `Response` of what is inside. A second call raises `HandlerError`."""
        wrapped = self._wrapped
        if self._called:
            raise HandlerError(
                f"{wrapped.middleware.where}: next() was called twice. Call it once."
            )
        self._called = True
        if target is None:
            self._response = wrapped.inner(self._context)
        else:
            self._response = wrapped.rewrite(self._context, target, wrapped.around)
        return self._response

    def to_response(self, result: Any) -> Response:
        """Return the `Response` that a middleware returned, or that of `next()` for `None`."""
        if not isinstance(result, Response) and inspect.isawaitable(result):
            result = run(result, self._calls)
        if isinstance(result, Response):
            return result
        where = self._wrapped.middleware.where
        if result is not None:
            raise HandlerError(
                f"{where}: the middleware returned {type(result).__name__}. "
                "Return the Response of next(), or one of your own."
            )
        if self._response is None:
            why = "next() gave no Response" if self._called else "never called next()"
            raise HandlerError(
                f"{where}: the middleware returned nothing and {why}. End it with: return next()"
            )
        return self._response


class AsyncNext(Next):
    """The `next` of an `async def` middleware: `await next()`.

    `call_outside` makes an awaitable of a plain function, which runs in the thread of the request.
    """

    __slots__ = ("call_outside",)

    def __init__(self, context: APIContext, wrapped: _Wrapped) -> None:
        super().__init__(context, wrapped)
        self._calls = self.call_outside = Calls()

    def __call__(self, target: Target | None = None) -> Awaitable[Response]:  # type: ignore[override]
        """Return an awaitable of the `Response` of what is inside."""
        return self.call_outside(lambda: self.call(target))

    def call(self, target: Target | None = None) -> Response:
        """Return the `Response` of what is inside, for code that is not async."""
        return super().__call__(target)


class _Sequence:
    """Several `on_request` functions as one."""

    def __init__(self, parts: tuple[OnRequest, ...]) -> None:
        self.parts = parts

    def __call__(self, context: APIContext, next: Any) -> Any:
        """Run the parts in order, the first outermost, around `next`."""
        call = next.call if isinstance(next, AsyncNext) else next
        run = compose(
            make_middleware(self, "sequence()"),
            lambda _: call(),
            rewrite=lambda _, target, around: call(target),
        )
        return next.call_outside(lambda: run(context)) if call is not next else run(context)


def sequence(*middleware: OnRequest) -> OnRequest:
    """Combine several `on_request` functions. The first is outermost; sync and async may be mixed.

    https://docs.astro.build/en/reference/modules/astro-middleware/#sequence
    """
    for part in middleware:
        if not callable(part):
            raise TypeError(f"sequence() takes on_request functions, not {part!r}.")
    return _Sequence(middleware)


class Rewriter:
    """Runs another route of the site, for `context.rewrite(target)` and `next(target)`.

    `missing` is the route for paths that no route matches.
    """

    def __init__(self, routes: RouteTable[Route], missing: Route) -> None:
        self._routes = routes
        self._missing = missing

    def __call__(
        self, context: APIContext, target: Target, outer: tuple[Middleware, ...]
    ) -> Response:
        """Return the response of the route at `target`, without the middleware in `outer`.

        Raises `ValueError` for another host, `BadPathError` for a path that no site accepts, and
        `RewriteLoopError`.
        """
        patterns, previous = [context.route_pattern], context.rewritten_from
        while previous is not None:
            patterns.insert(0, previous.route_pattern)
            previous = previous.rewritten_from
        if len(patterns) > _MAX_REWRITES:
            raise RewriteLoopError(f"Rewrites lead in a circle: {' -> '.join(patterns)}.")
        request = target if isinstance(target, Request) else None
        url = URL(request.url if request is not None else str(target), context.url)
        if url.host != context.url.host:
            raise ValueError(f"rewrite({str(target)!r}) leads to another host; use redirect().")
        # The path is decoded once, as a server does, and then read like that of any request.
        path = decode_path(path_info_of(url.pathname))
        path = find_path_below(decode_mount(context.environ.get("SCRIPT_NAME", "")), path) or path
        if self._routes.find_path_below(path) is None:
            path = self._routes.add_prefix(path)
        match = self._routes.match(path)
        rewritten = context.rewritten(path, url.search[1:], request)
        rewritten.route = route = self._missing if match is None else match.route
        rewritten.params = {} if match is None else match.params
        rewritten.request.limit_body(rewritten.body_limits)
        handler = route.handlers.get(rewritten.request.method)
        inside = [one for one in route.middleware if one not in outer]
        return compose(inside, catch_errors(handler), outer=outer)(rewritten)
