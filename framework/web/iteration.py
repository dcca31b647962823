"""Iterate over async iterables in plain code."""

import asyncio
import queue
from collections.abc import AsyncIterable
from contextvars import Context, copy_context
from typing import Any, Self

from .loop import Job, adopt, choose_loop, result_of


class Iteration:
    """Iterates over an async iterable, which runs as one task from its first to its last item.

    The task waits until the next item is asked for. `close()` cancels it and waits for its end.
    """

    __slots__ = ("_context", "_has_ended", "_inbox", "_is_closing", "_items", "_job", "_wanted")

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
        if self._job is None:
            self._job = self._start()
        else:
            self._job.loop.call(self._want)
        message = self._inbox.get()
        if type(message) is tuple:
            return message[0]
        self._end(self._job)
        try:
            result_of(message)
        finally:
            del message  # the traceback of its exception refers to this frame
        raise StopIteration

    def close(self) -> None:
        """End the task. Raises what the iterable raises while it is closed."""
        if self._has_ended:
            return
        self._is_closing = True
        if self._job is None:
            self._job = self._start()
        else:
            self._job.cancel()
        while type(message := self._inbox.get()) is tuple:
            pass
        self._end(self._job)
        if message is not None and not message.cancelled():
            message.result()

    def _start(self) -> Job:
        self._context = copy_context()
        return choose_loop().start(self._produce(), self._context, self._inbox.put)

    def _end(self, job: Job) -> None:
        self._has_ended = True
        job.loop.release()
        adopt(self._context)

    def _want(self) -> None:
        if not self._wanted.done():
            self._wanted.set_result(None)

    async def _produce(self) -> None:
        items = self._items
        try:
            step = None if self._is_closing else anext(items)
            while step is not None:
                item = await step
                self._wanted = asyncio.get_running_loop().create_future()
                self._inbox.put((item,))
                try:
                    await self._wanted
                    step = anext(items)
                except asyncio.CancelledError as error:
                    # Unless the body is closed, a timeout around its `yield` cancels the task.
                    if self._is_closing or not hasattr(items, "athrow"):
                        raise
                    step = items.athrow(error)
        except StopAsyncIteration:
            pass
        finally:
            if hasattr(items, "aclose"):
                await items.aclose()
