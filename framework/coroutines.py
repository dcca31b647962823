"""How do coroutines run in a WSGI request?

On one event loop for one request, made when the first coroutine needs it. Code that is not
async runs while that loop stands still, in the request's own thread, so async and plain
middleware and handlers can call each other in any mixture.
"""

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Call(Generic[T]):
    """A plain function called by a coroutine that `Loop.run` drives.

    The coroutine gets a future at once; the loop then stands still while `function` runs.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: tuple[Callable[[], T], asyncio.Future[T], contextvars.Context] | None = None

    def __call__(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting = (function, future, contextvars.copy_context())
        loop.stop()
        return future

    def answer(self) -> bool:
        """Run the function that waits; false where none does."""
        if self._waiting is None:
            return False
        function, future, context = self._waiting
        self._waiting = None
        try:
            result = context.run(function)
        except Exception as error:  # it is raised where the coroutine awaits
            future.set_exception(error)
            future.exception()  # seen: a coroutine that never awaits must not log it
        else:
            future.set_result(result)
        return True


class Loop:
    """The event loop of one request; `close()` ends what still runs on it."""

    __slots__ = ("_runner",)

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def run(self, awaitable: Awaitable[T], call: Call[Any] | None = None) -> T:
        """What the awaitable gives. `call` is what it uses to call back into plain code."""
        coroutine: Coroutine[Any, Any, T] = (
            awaitable if inspect.iscoroutine(awaitable) else _await(awaitable)
        )
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._drive(coroutine, call)
        # Plain code called this from within a coroutine, where no second loop may run.
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(context.run, _run_alone, coroutine, call).result()

    def _drive(self, coroutine: Coroutine[Any, Any, T], call: Call[Any] | None) -> T:
        if self._runner is None:
            self._runner = asyncio.Runner()
        loop = self._runner.get_loop()
        task = loop.create_task(coroutine, context=contextvars.copy_context())
        task.add_done_callback(lambda _: loop.stop())
        while (call is not None and call.answer()) or not task.done():
            loop.run_forever()
        return task.result()

    def close(self) -> None:
        """Cancel what still runs and close the loop, if there ever was one."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _run_alone(coroutine: Coroutine[Any, Any, T], call: Call[Any] | None) -> T:
    loop = Loop()
    try:
        return loop.run(coroutine, call)
    finally:
        loop.close()
