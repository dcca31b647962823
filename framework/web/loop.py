"""Run coroutines in a WSGI request.

Each request has one event loop, which is created with its first coroutine. Code that is not async
runs in the thread of the request while the loop is stopped, so async and plain middleware and
handlers can call each other.
"""

import asyncio
import contextvars
import inspect
import re
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_is_await_of_plain_value = re.compile("can't be (used in 'await'|awaited)").search


class Call(Generic[T]):
    """Calls plain functions for a coroutine that `Loop.run` runs.

    A call returns a future. The loop then stops while the function runs, in a copy of the
    coroutine's context.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], T], asyncio.Future[T], contextvars.Context]] = (
            deque()
        )

    def __call__(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((function, future, contextvars.copy_context()))
        loop.stop()
        return future

    def run_next(self) -> bool:
        """Run the oldest function that was called; return false if there is none."""
        if not self._waiting:
            return False
        function, future, context = self._waiting.popleft()
        if future.cancelled():
            return True
        try:
            result = context.run(function)
        except (Exception, SystemExit) as error:  # the future raises it
            failure: Exception | SystemExit = error
            if isinstance(error, StopIteration):  # a future does not accept one
                failure = RuntimeError("A StopIteration was raised and not caught.")
                failure.__cause__ = error
            if not future.cancelled():  # by another task of the coroutine, while `function` ran
                future.set_exception(failure)
                future.exception()  # mark as retrieved, so that asyncio does not log it
            del future, failure  # the traceback refers to this frame
        else:
            if not future.cancelled():
                future.set_result(result)
        return True


class Loop:
    """The event loop of one request; `close()` cancels what still runs on it."""

    __slots__ = ("_runner",)

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def run(
        self,
        awaitable: Awaitable[T],
        call: Call[Any] | None = None,
        *,
        context: contextvars.Context | None = None,
    ) -> T:
        """Run the awaitable and return its result.

        It calls plain functions with `call`. It runs in `context`, which keeps the variables that
        it sets, or in a copy of the caller's context.
        """
        coroutine: Coroutine[Any, Any, T] = (
            awaitable if inspect.iscoroutine(awaitable) else _await(awaitable)
        )
        context = context or contextvars.copy_context()
        running = _running_loop()
        if running is None:
            return self._drive(coroutine, call, context)
        # The caller runs on a loop, and a thread runs only one: use another thread. If the caller
        # runs on this very loop, a temporary second loop runs the new coroutine.
        mine = contextvars.copy_context()
        drive = partial(mine.run, self._drive, coroutine, call, context)
        if self._runner is None or self._runner.get_loop() is not running:
            return _elsewhere(drive)
        busy, self._runner = self._runner, None
        try:
            return _elsewhere(drive)
        finally:
            self.close()
            self._runner = busy

    def _drive(
        self,
        coroutine: Coroutine[Any, Any, T],
        call: Call[Any] | None,
        context: contextvars.Context,
    ) -> T:
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        loop = self._runner.get_loop()
        task = loop.create_task(coroutine, context=context)
        task.add_done_callback(lambda _: loop.stop())
        while not task.done():
            with suppress(SystemExit):  # the task has it too; that of another task is logged
                loop.run_forever()
            while call is not None and call.run_next():
                pass
        try:
            return task.result()
        except asyncio.CancelledError as error:  # a BaseException would end the server's thread
            raise RuntimeError("The coroutine was cancelled.") from error
        except TypeError as error:
            if _is_await_of_plain_value(str(error)):
                error.add_note(
                    "Remove await: request.json() and the other readers return plain values."
                )
            raise
        finally:
            del task  # the traceback of its exception refers to this frame

    def close(self) -> None:
        """Cancel what still runs, and close the loop if it was created."""
        runner, self._runner = self._runner, None
        if runner is not None:
            if _running_loop() is None:
                runner.close()
            else:
                _elsewhere(runner.close)


def _elsewhere(function: Callable[[], T]) -> T:
    """Run the function in a new thread and return its result.

    The thread is not kept for later calls, which would deadlock if garbage collection closes a
    loop.
    """
    with ThreadPoolExecutor(1, "framework-loop") as thread:
        return thread.submit(function).result()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable
