"""Run coroutines on the event loop of this process.

The loop runs in a background thread, which starts with the first coroutine. The thread of a request
waits for its coroutine. Meanwhile it runs the plain functions that the coroutine calls, such as
`next()` in async middleware, so plain code always runs in the thread of its request.
"""

import asyncio
import importlib
import importlib.util
import inspect
import logging
import math
import os
import queue
import re
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from multiprocessing.util import Finalize
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
Finish = Callable[["asyncio.Task[Any] | None"], object]
"""Takes a task that has finished, or `None` if the loop ended before."""

log = logging.getLogger("framework")
_is_await_of_plain_value = re.compile("can't be (used in 'await'|awaited)").search
_UNSET = object()
_STOP_TIMEOUT = 5.0  # seconds that cancelled coroutines have to end when the process ends


class EventLoop:
    """An event loop that runs in a thread of its own, from `begin()` to `stop()`."""

    def __init__(self, *, is_temporary: bool = False) -> None:
        self.has_ended = False
        self.is_temporary = is_temporary
        self.process = os.getpid()
        self._is_stopping = False
        self._jobs: set[Job] = set()
        self._runner = asyncio.Runner(loop_factory=_new_loop)
        self._loop = self._runner.get_loop()
        self._thread = threading.Thread(target=self._main, name="framework-loop", daemon=True)

    def begin(self) -> Self:
        """Start the thread."""
        try:
            self._thread.start()
        except RuntimeError:  # the system has no more threads
            self._loop.close()
            self._end()
            raise
        return self

    @property
    def thread_id(self) -> int:
        """The identifier of the loop's thread."""
        return self._thread.ident or 0

    def run(self, awaitable: Awaitable[T], calls: "Calls | None" = None) -> T:
        """Run an awaitable and return its result. It calls plain functions with `calls`.

        It sees the context variables of the caller, and the caller sees those that it sets.
        """
        calls = calls or Calls()
        coroutine = awaitable if inspect.iscoroutine(awaitable) else _await(awaitable)
        context = copy_context()
        job = self.start(coroutine, context, calls.finish)
        try:
            task = calls.run_until_finished()
        except BaseException:  # the server ends the request
            job.cancel()
            raise
        adopt(context)
        try:
            return result_of(task)  # type: ignore[no-any-return]
        finally:
            del task  # the traceback of its exception refers to this frame

    def start(self, coroutine: Coroutine[Any, Any, Any], context: Context, finish: Finish) -> "Job":
        """Start a coroutine as a task in a context. `finish` is called in the loop's thread."""
        job = Job(self, coroutine, context, finish)
        self._jobs.add(job)
        self.call(job.start)
        if self.has_ended:
            self._fail_jobs()
        call = _current_call.get()
        if call is not None:
            call.depend_on(job)
        return job

    def call(self, function: Callable[[], object]) -> None:
        """Call a function in the loop's thread, unless the loop has ended."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def forget(self, job: "Job") -> None:
        self._jobs.discard(job)

    def release(self) -> None:
        """Stop the loop if it is temporary."""
        if self.is_temporary:
            self.stop()

    def stop(self) -> None:
        """Cancel what still runs, and end the thread."""
        self._is_stopping = True
        self.call(self._loop.stop)
        self._thread.join(_STOP_TIMEOUT)

    def _main(self) -> None:
        _loop_threads.add(threading.get_ident())
        try:
            with self._runner:
                while not self._is_stopping:
                    with suppress(SystemExit):  # the task that raised it has it too
                        self._loop.run_forever()
        except BaseException:
            log.exception("The event loop failed. The next coroutine starts another one.")
        finally:
            self._end()
            _loop_threads.discard(threading.get_ident())

    def _end(self) -> None:
        self.has_ended = True
        self._fail_jobs()

    def _fail_jobs(self) -> None:
        while self._jobs:
            self._jobs.pop().fail()


class Job:
    """A coroutine that runs on a loop, as one task."""

    __slots__ = ("_context", "_coroutine", "_finish", "_task", "loop")

    def __init__(
        self,
        loop: EventLoop,
        coroutine: Coroutine[Any, Any, Any],
        context: Context,
        finish: Finish,
    ) -> None:
        self.loop = loop
        self._coroutine = coroutine
        self._context = context
        self._finish = finish
        self._task: asyncio.Task[Any] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._coroutine, context=self._context)
        self._task.add_done_callback(self._end)

    def cancel(self) -> None:
        """Cancel the task, from any thread."""
        self.loop.call(lambda: self._task and self._task.cancel())

    def fail(self) -> None:
        """Report that the loop ended before the coroutine."""
        self._coroutine.close()
        self._finish(None)

    def _end(self, task: "asyncio.Task[Any]") -> None:
        self.loop.forget(self)
        self._task = None  # its exception may refer to this object
        self._finish(task)


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

    __slots__ = ("_context", "_failure", "_function", "_job", "_result", "_returned")

    _result: T

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._context = copy_context()
        self._returned: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._failure: Exception | SystemExit | None = None
        self._job: Job | None = None

    def __await__(self) -> Generator[Any, None, T]:
        try:
            yield from self._returned
        except asyncio.CancelledError:
            if self._job is not None:
                self._job.cancel()
            raise
        adopt(self._context)
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
        try:
            self._result = self._context.run(self._call)
        except (Exception, SystemExit) as error:
            self._failure = error
        with suppress(RuntimeError):  # the loop has ended
            self._returned.get_loop().call_soon_threadsafe(self._wake)

    def _call(self) -> T:
        token = _current_call.set(self)
        try:
            return self._function()
        finally:
            _current_call.reset(token)

    def _wake(self) -> None:
        if self._returned.done():  # it was cancelled meanwhile
            self._failure = None
        else:
            self._returned.set_result(None)

    def depend_on(self, job: Job) -> None:
        """Cancel a job that the function started, if this call is cancelled."""
        self._job = job
        if self._returned.cancelled():
            job.cancel()


def run(awaitable: Awaitable[T], calls: Calls | None = None) -> T:
    """Run an awaitable on the loop of this process, and return its result.

    It sees the context variables of the caller, and the caller sees those that it sets. It calls
    plain functions with `calls`.
    """
    loop = choose_loop()
    try:
        return loop.run(awaitable, calls)
    finally:
        loop.release()


def use_debug_mode() -> None:
    """Make later loops check their use, and tell where a coroutine was made that is not awaited."""
    global _is_debug
    _is_debug = True


def find_loop() -> EventLoop | None:
    """Return the loop of this process, if it has started."""
    return _process_loop


def _new_loop() -> asyncio.AbstractEventLoop:
    """Create a loop, with uvloop if it is installed.

    Gevent replaces what the loop of asyncio waits with, so that other requests go on meanwhile. It
    can't do so for uvloop.
    """
    if importlib.util.find_spec("uvloop") and not _is_patched_by_gevent():
        loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    loop.set_debug(_is_debug)
    loop.slow_callback_duration = math.inf  # framework.cli.blocking finds the very line
    return loop


def _is_patched_by_gevent() -> bool:
    gevent = sys.modules.get("gevent.monkey")
    return gevent is not None and gevent.is_module_patched("select")


_process_loop: EventLoop | None = None
_lock = threading.Lock()
_is_debug = False
_loop_threads: set[int] = set()
_current_call: ContextVar[Call[Any] | None] = ContextVar("current_call", default=None)


def choose_loop() -> EventLoop:
    """Return the loop of this process.

    If the caller blocks the thread of a loop, the result is a temporary loop, to be released.
    """
    global _process_loop
    if threading.get_ident() in _loop_threads:
        if _is_patched_by_gevent():  # its threads share what asyncio keeps for each thread
            raise RuntimeError(
                "Under gevent, a coroutine can't call a plain function that runs another coroutine. "
                "Write: await asyncio.to_thread(function, ...)"
            )
        return EventLoop(is_temporary=True).begin()
    with _lock:
        # uWSGI forks without telling Python, so that _after_fork() is not called.
        if _process_loop is not None and _process_loop.process != os.getpid():
            _leave_to_parent()
        if _process_loop is not None and not _process_loop.has_ended:
            return _process_loop
        _process_loop = loop = EventLoop()
    # Under gevent, this runs other requests, which would wait for the lock for ever.
    loop.begin()
    # As with atexit, but also in workers of granian: processes of multiprocessing skip atexit.
    Finalize(None, loop.stop, exitpriority=0)
    return loop


def _after_fork() -> None:
    """Start without a loop in a new process, which has none of the threads of its parent."""
    global _lock
    _lock = threading.Lock()
    _leave_to_parent()


def _leave_to_parent() -> None:
    global _process_loop
    if _process_loop is not None:
        _of_parents.append(_process_loop)
    _process_loop = None
    _loop_threads.clear()


_of_parents: list[EventLoop] = []  # kept: closing one would change what the parent watches
os.register_at_fork(after_in_child=_after_fork)


def adopt(context: Context) -> None:
    """Give the context variables of the caller the values that they have in `context`."""
    for variable, value in context.items():
        if variable.get(_UNSET) is not value:
            variable.set(value)


def result_of(task: "asyncio.Task[Any] | None") -> Any:
    """Return the result of a task, or raise its exception as one that servers survive."""
    if task is None:
        raise RuntimeError("The event loop ended before the coroutine.")
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


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable
