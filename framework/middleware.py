"""How do `on_request` functions stand around a handler?

Start-up turns them into layers and composes each route's chain once. A layer is called with
the context and a `next`, which runs what is inside it, once.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .context import APIContext
from .errors import HandlerError
from .web.loop import Call
from .web.request import Request
from .web.response import Response
from .web.url import URL

Handler = Callable[[APIContext], Response]
Target = str | URL | Request
Rewrite = Callable[[APIContext, Target, "tuple[Middleware, ...]"], Response]
OnRequest = Callable[[APIContext, Any], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Middleware:
    """One `on_request` function; `where` names it in errors: `src/middleware.py:4`."""

    function: OnRequest
    where: str
    is_async: bool


def load_middleware(function: Any, place: str) -> tuple[Middleware, ...]:
    """The layers of an `on_request`: one, or those of a `sequence`."""
    if isinstance(function, Sequenced):
        return tuple(layer for part in function.parts for layer in load_middleware(part, place))
    code = getattr(inspect.unwrap(function), "__code__", None)
    where = f"{place}:{code.co_firstlineno}" if code else place
    call = getattr(function, "__call__", None)  # noqa: B004 - an object may be async there
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
    return (Middleware(function, where, is_async),)


def compose(
    middleware: Sequence[Middleware],
    answer: Handler,
    rewrite: Rewrite,
    passed: tuple[Middleware, ...] = (),
) -> Handler:
    """`answer` with the layers around it, the first outermost.

    `passed` are the layers that stand around these already: `next(path)` doesn't run them again.
    """
    for number in range(len(middleware), 0, -1):
        answer = _wrap(middleware[number - 1], answer, rewrite, (*passed, *middleware[:number]))
    return answer


def _wrap(
    layer: Middleware, inner: Handler, rewrite: Rewrite, passed: tuple[Middleware, ...]
) -> Handler:
    function = layer.function
    make_next = AsyncNext if layer.is_async else Next

    def answer(context: APIContext) -> Response:
        next = make_next(context, inner, layer, rewrite, passed)
        result = function(context, next)
        if type(result) is Response:
            return result
        return next.to_response(result)

    return answer


class Next:
    """What a middleware calls to run the rest: `next()`, or `next(path)` for another route."""

    __slots__ = ("_call", "_called", "_context", "_inner", "_layer", "_passed", "_rewrite", "_seen")

    def __init__(
        self,
        context: APIContext,
        inner: Handler,
        layer: Middleware,
        rewrite: Rewrite,
        passed: tuple[Middleware, ...],
    ) -> None:
        self._context = context
        self._inner = inner
        self._layer = layer
        self._rewrite = rewrite
        self._passed = passed
        self._called = False
        self._seen: Response | None = None
        self._call: Call[Response] | None = None

    def __call__(self, target: Target | None = None) -> Response:
        """The `Response` of what is inside. Called a second time it raises `HandlerError`."""
        if self._called:
            raise HandlerError(f"{self._layer.where}: next() was called twice. Call it once.")
        self._called = True
        return self._run(target)

    def _run(self, target: Target | None) -> Response:
        if target is None:
            self._seen = self._inner(self._context)
        else:
            self._seen = self._rewrite(self._context, target, self._passed)
        return self._seen

    def to_response(self, result: Any) -> Response:
        """The middleware's `Response`: its own, or that of `next()` if it returned none."""
        if not isinstance(result, Response) and inspect.isawaitable(result):
            result = self._context.run(result, self._call)
        if isinstance(result, Response):
            return result
        where = self._layer.where
        if result is not None:
            raise HandlerError(
                f"{where}: the middleware returned {type(result).__name__}; "
                "return the Response of next(), or one of your own."
            )
        if self._seen is None:
            why = "next() gave it no Response" if self._called else "never called next()"
            raise HandlerError(
                f"{where}: the middleware returned nothing and {why}. End it with: return next()"
            )
        return self._seen


class AsyncNext(Next):
    """The `next` of an `async def` middleware: `await next()`.

    `outside` makes an awaitable of a plain function, run while the event loop stands still.
    """

    __slots__ = ("outside",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._call = self.outside = Call[Response]()

    def __call__(self, target: Target | None = None) -> Awaitable[Response]:  # type: ignore[override]
        """An awaitable of the `Response` of what is inside."""
        return self.outside(lambda: self.blocking(target))

    def blocking(self, target: Target | None = None) -> Response:
        """What `next` gives to code that is not async."""
        return super().__call__(target)


class Sequenced:
    """Several `on_request` functions as one; made by `sequence`."""

    def __init__(self, parts: tuple[OnRequest, ...]) -> None:
        self.parts = parts

    def __call__(self, context: APIContext, next: Any) -> Any:
        """Run the parts in order, the first outermost, around `next`."""
        blocking = next.blocking if isinstance(next, AsyncNext) else next
        run = compose(
            load_middleware(self, "sequence()"),
            lambda _: blocking(),
            lambda _, target, passed: blocking(target),
        )
        return next.outside(lambda: run(context)) if blocking is not next else run(context)


def sequence(*middleware: OnRequest) -> OnRequest:
    """One `on_request` of several: the first is outermost. Sync and async may be mixed.

    https://docs.astro.build/en/reference/modules/astro-middleware/#sequence
    """
    for part in middleware:
        if not callable(part):
            raise TypeError(f"sequence() takes on_request functions, not {part!r}.")
    return Sequenced(middleware)
