"""Call plain functions for a coroutine, in the thread that waits for the coroutine."""

import asyncio
import queue
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_UNSET = object()
# By thread. threading.local() would not see the threads of gevent, which replaces it later.
_running: dict[int, "Call[Any]"] = {}


class Calls:
    """Calls plain functions for a coroutine, in the thread that waits for the coroutine."""

    __slots__ = ("_inbox", "is_finished")

    def __init__(self) -> None:
        # gunicorn lets gevent replace this class after it imported this module.
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.is_finished = False

    def __call__(self, function: Callable[[], T]) -> "Call[T]":
        """Call the function; return an awaitable of its result."""
        if self.is_finished:
            raise RuntimeError("next() was called after its middleware returned.")
        call = Call(function)
        self._inbox.put(call)
        return call

    def finish(self, task: "asyncio.Task[Any] | None") -> None:
        self.is_finished = True
        self._inbox.put(task)

    def run_until_finished(self) -> "asyncio.Task[Any] | None":
        """Run functions as they are called, until the coroutine has finished."""
        while isinstance(message := self._inbox.get(), Call):
            message.run()
        try:
            return message  # type: ignore[no-any-return]
        finally:
            del message  # the traceback of its exception refers to this frame


class Call(Generic[T]):
    """The call of a plain function. Awaiting it gives the result of the function."""

    __slots__ = (
        "_before",
        "_cancel_job",
        "_context",
        "_failure",
        "_function",
        "_result",
        "_returned",
    )

    _result: T

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._before, self._context = copy_context(), copy_context()
        self._returned: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._failure: Exception | SystemExit | None = None
        self._cancel_job: Callable[[], object] | None = None

    def __await__(self) -> Generator[Any, None, T]:
        try:
            yield from self._returned
        except asyncio.CancelledError:
            if self._cancel_job is not None:
                self._cancel_job()
            raise
        adopt(self._context, self._before)
        failure, self._failure = self._failure, None
        if failure is None:
            return self._result
        try:
            raise failure
        finally:
            del failure  # its traceback refers to this frame

    def run(self) -> None:
        """Run the function in this thread, unless the coroutine was cancelled."""
        if self._returned.cancelled():
            return
        thread = threading.get_ident()
        outer = _running.get(thread)
        _running[thread] = self
        try:
            self._result = self._context.run(self._function)
        except (Exception, SystemExit) as error:
            self._failure = error
        finally:
            if outer is None:
                del _running[thread]
            else:
                _running[thread] = outer
        # The task that awaits this call may have a context of its own, as in asyncio.gather().
        adopt(self._context, self._before)
        with suppress(RuntimeError):  # the loop has ended
            self._returned.get_loop().call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._returned.done():  # it was cancelled meanwhile
            self._failure = None
        else:
            self._returned.set_result(None)

    def depend_on(self, cancel: Callable[[], object]) -> None:
        """Call `cancel` when this call is cancelled: it cancels what the function has started."""
        self._cancel_job = cancel
        if self._returned.cancelled():
            cancel()


def adopt(context: Context, before: Context) -> None:
    """Give the context variables that were set in `context`, a copy of `before`, to the caller."""
    for variable, value in context.items():
        if before.get(variable, _UNSET) is not value:
            variable.set(value)


def find_call() -> Call[Any] | None:
    """Return the call whose function this thread runs."""
    return _running.get(threading.get_ident())
