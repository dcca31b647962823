"""Middleware: `on_request` functions around a handler, and rewrites to another route.

Start-up composes the middleware of each route around its handlers once. A request calls the
outermost function; each calls `next()` for what is inside it.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from werkzeug.exceptions import HTTPException, default_exceptions

from .context import APIContext
from .errors import HandlerError, RewriteLoopError, locate
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
    call = getattr(function, "__call__", None)  # noqa: B004 - an object may be async there
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
    return (Middleware(function, locate(function, file), is_async),)


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
        handler = _wrap(handler, middleware[number - 1], rewrite, around)
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


def _wrap(
    handler: Handler, middleware: Middleware, rewrite: Rewrite, around: tuple[Middleware, ...]
) -> Handler:
    """Return the handler with one middleware around it."""
    on_request, where, is_async = middleware.function, middleware.where, middleware.is_async

    def wrapped(context: APIContext) -> Response:
        was_called = False
        inner: Response | None = None

        def next(target: Target | None = None) -> Response:
            """Return the `Response` of what is inside, or of another route."""
            nonlocal was_called, inner
            if was_called:
                raise HandlerError(f"{where}: next() was called twice. Call it once.")
            was_called = True
            inner = handler(context) if target is None else rewrite(context, target, around)
            return inner

        calls = Calls() if is_async else None
        result = on_request(context, next if calls is None else AsyncNext(next, calls))
        if not isinstance(result, Response) and inspect.isawaitable(result):
            result = run(result, calls)
        response: Response | None = inner if result is None else result
        if response is inner and inner is not None:
            return inner
        if not isinstance(response, Response):
            raise HandlerError(f"{where}: {_explain(response, was_called)}")
        # A 404 or 500 without a body that the middleware made, not next(), becomes the error page.
        if response.status not in (404, 500) or response.body is not None:
            return response
        return context.services.error_response(context, default_exceptions[response.status]())

    return wrapped


def _explain(result: object, next_was_called: bool) -> str:
    """Return what is wrong with the result of a middleware."""
    if result is not None:
        what = f"the middleware returned {type(result).__name__}."
        return f"{what} Return the Response of next(), or one of your own."
    why = "next() gave no Response" if next_was_called else "never called next()"
    return f"the middleware returned nothing and {why}. End it with: return next()"


class AsyncNext:
    """The `next` of an `async def` middleware: `await next()`.

    `call` is the same for code that is not async. `call_outside` makes an awaitable of a plain
    function, which runs in the thread of the request.
    """

    def __init__(self, call: Callable[..., Response], call_outside: Calls) -> None:
        self.call = call
        self.call_outside = call_outside

    def __call__(self, target: Target | None = None) -> Awaitable[Response]:
        """Return an awaitable of the `Response` of what is inside, or of another route."""
        return self.call_outside(lambda: self.call(target))


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
