"""Iterate over async iterables in plain code."""

import asyncio
import queue
from collections.abc import AsyncIterable
from contextvars import Context, copy_context
from typing import Any, Self

from .calls import adopt
from .loop import Job, choose_loop, result_of


class Iteration:
    """Iterates over an async iterable, which runs as one task from its first to its last item.

    The task waits until the next item is asked for. `close()` cancels it and waits for its end.
    """

    __slots__ = (
        "_before",
        "_context",
        "_has_ended",
        "_inbox",
        "_is_closing",
        "_items",
        "_job",
        "_wanted",
    )

    _before: Context
    _context: Context
    _wanted: "asyncio.Future[None]"

    def __init__(self, items: AsyncIterable[Any]) -> None:
        self._items: Any = aiter(items)
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._job: Job | None = None
        self._is_closing = False
        self._has_ended = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        if self._has_ended:
            raise StopIteration
        job = self._job
        if job is None:
            job = self._start()
        elif job.loop.is_current:
            raise RuntimeError(
                "A coroutine can't read the rest of an async body that plain code began to read."
            )
        elif self._inbox.empty():
            job.loop.call(self._want)
        message = self._inbox.get()
        if type(message) is tuple:
            return message[0]
        if self._has_ended:  # another thread closed it
            raise StopIteration
        self._end(job)
        try:
            result_of(message)
        finally:
            del message  # the traceback of its exception refers to this frame
        raise StopIteration

    def close(self) -> None:
        """End the task. Raises what the iterable raises while it is closed."""
        if self._has_ended:
            return
        job = self._job
        if job is None:
            self._is_closing = True
            job = self._start()
        else:
            job.loop.call(lambda: self._cancel(job))
        if job.loop.is_current:  # the loop can't run the task while its thread waits
            self._has_ended = True
            return
        while type(message := self._inbox.get()) is tuple:
            pass
        self._end(job)
        if message is not None and not message.cancelled():
            message.result()

    def _start(self) -> Job:
        self._before, self._context = copy_context(), copy_context()
        job = Job(choose_loop(), self._produce(), self._context, self._inbox.put)
        self._job = job  # before it runs: another thread may close what has begun
        job.loop.start(job)
        return job

    def _end(self, job: Job) -> None:
        self._has_ended = True
        self._inbox.put(None)  # for another thread that waits for an item
        job.loop.release()
        adopt(self._context, self._before)

    def _want(self) -> None:
        if not self._is_closing and not self._wanted.done():
            self._wanted.set_result(None)

    def _cancel(self, job: Job) -> None:
        self._is_closing = True
        job.cancel_here()

    async def _produce(self) -> None:
        items = self._items
        try:
            step = None if self._is_closing else anext(items)
            while step is not None:
                self._inbox.put((await step,))
                if self._is_closing:  # the iterable caught the cancellation
                    break
                self._wanted = asyncio.get_running_loop().create_future()
                try:
                    await self._wanted
                    step = anext(items)
                except asyncio.CancelledError as error:  # by close(), or a timeout around `yield`
                    if not hasattr(items, "athrow"):
                        raise
                    step = items.athrow(error)
        except StopAsyncIteration:
            pass
        finally:
            step = None  # it refers to the error, and the traceback of that to this frame
            if hasattr(items, "aclose"):
                await items.aclose()
