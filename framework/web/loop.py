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
import re
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from multiprocessing.util import Finalize
from typing import Any, Self, TypeVar

from .calls import Calls, adopt, find_call

T = TypeVar("T")
Finish = Callable[["asyncio.Task[Any] | None"], object]
"""Takes a task that has finished, or `None` if the loop ended before."""

log = logging.getLogger("framework")
_is_await_of_plain_value = re.compile("can't be (used in 'await'|awaited)").search
_STOP_TIMEOUT = 5.0  # seconds that cancelled coroutines have to end when the process ends


class EventLoop:
    """An event loop that runs in a thread of its own, from `begin()` to `stop()`."""

    def __init__(self, *, is_temporary: bool = False) -> None:
        self.has_ended = False
        self.is_temporary = is_temporary
        self.process = os.getpid()
        self.is_stopping = False
        self._jobs: set[Job] = set()
        self._loop = _new_loop()
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
    def is_current(self) -> bool:
        """Whether the caller runs in the loop's thread."""
        return threading.get_ident() == self.thread_id

    @property
    def thread_id(self) -> int:
        """The identifier of the loop's thread."""
        return self._thread.ident or 0

    def run(self, awaitable: Awaitable[T], calls: Calls | None = None) -> T:
        """Run an awaitable and return its result. It calls plain functions with `calls`.

        It sees the context variables of the caller, and the caller sees those that it sets.
        """
        calls = calls or Calls()
        coroutine = awaitable if inspect.iscoroutine(awaitable) else _await(awaitable)
        before, context = copy_context(), copy_context()
        job = Job(self, coroutine, context, calls.finish)
        self.start(job)
        try:
            task = calls.run_until_finished()
        except BaseException:  # the server ends the request
            calls.is_finished = True
            job.cancel()
            raise
        adopt(context, before)
        try:
            return result_of(task)  # type: ignore[no-any-return]
        finally:
            del task  # the traceback of its exception refers to this frame

    def start(self, job: "Job") -> None:
        """Start the coroutine of a job as a task."""
        self._jobs.add(job)
        self.call(job.start)
        if self.has_ended:
            self._fail_jobs()
        call = find_call()
        if call is not None:
            call.depend_on(job.cancel)

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
        self.call(self._stop)
        self._thread.join(_STOP_TIMEOUT)

    def _stop(self) -> None:
        if not self.is_stopping:
            self.is_stopping = True
            self._loop.stop()

    def _main(self) -> None:
        _loop_threads.add(threading.get_ident())
        try:
            while not self.is_stopping:
                with suppress(SystemExit, KeyboardInterrupt):  # the task that raised it has it too
                    self._loop.run_forever()
            self._loop.run_until_complete(self._cancel_tasks())
        except BaseException:
            log.exception("The event loop failed. The next coroutine starts another one.")
        finally:
            self._loop.close()
            self._end()
            _loop_threads.discard(threading.get_ident())

    async def _cancel_tasks(self) -> None:
        """Cancel all tasks. Calls of `to_thread` are not waited for, unlike in `asyncio.run()`."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._loop.shutdown_asyncgens()

    def _end(self) -> None:
        self.has_ended = True
        self._fail_jobs()

    def _fail_jobs(self) -> None:
        for job in [*self._jobs]:
            job.fail()


class Job:
    """A coroutine that runs on a loop, as one task, in a context.

    `finish` is called in the loop's thread.
    """

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
        if self.loop.is_stopping:  # it fails when the loop has ended
            return
        self._task = asyncio.get_running_loop().create_task(self._coroutine, context=self._context)
        self._task.add_done_callback(self._end)

    def cancel(self) -> None:
        """Cancel the task, from any thread."""
        self.loop.call(self.cancel_here)

    def cancel_here(self) -> None:
        """Cancel the task, in the loop's thread."""
        if self._task is not None:
            self._task.cancel()

    def fail(self) -> None:
        """Report that the loop ended before the coroutine."""
        self.loop.forget(self)
        self._finish(None)
        with suppress(Exception):  # it can't await anything in a `finally`
            self._coroutine.close()

    def _end(self, task: "asyncio.Task[Any]") -> None:
        self.loop.forget(self)
        self._task = None  # its exception may refer to this object
        self._finish(task)


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
_lock = threading.RLock()  # the garbage collector may close a body meanwhile
_is_debug = False
_loop_threads: set[int] = set()


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
    _lock = threading.RLock()
    _leave_to_parent()


def _leave_to_parent() -> None:
    global _process_loop
    if _process_loop is not None:
        _of_parents.append(_process_loop)
    _process_loop = None
    _loop_threads.clear()


_of_parents: list[EventLoop] = []  # kept: closing one would change what the parent watches
os.register_at_fork(after_in_child=_after_fork)


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
