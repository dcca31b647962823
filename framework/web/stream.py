"""How do the chunks of a body arrive, from whatever it was made of?"""

import io
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Protocol, Self, TypeVar

from .loop import Loop
from .strings import to_usv

T = TypeVar("T")

BLOCK = 64 * 1024
"""How many bytes of a file are read and sent at a time."""


class Run(Protocol):
    """Runs a coroutine to its end, in a context, and returns its result."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /, *, context: Context) -> T: ...


_END = object()


def to_bytes(piece: object) -> bytes:
    """The bytes of a piece of a body: a `str` as UTF-8; what is neither is a `TypeError`."""
    if isinstance(piece, str):
        return to_usv(piece).encode()
    require_piece(piece)
    return bytes(piece)  # type: ignore[call-overload,no-any-return]


def require_piece(piece: object) -> None:
    """`TypeError` unless a body may consist of such pieces."""
    if not isinstance(piece, str | bytes | bytearray | memoryview):
        raise TypeError(
            f"The pieces of a body are str or bytes, not {type(piece).__name__}: {piece!r:.100}. "
            "For data use Response.json(...)."
        )


class Stream:
    """Chunks of bytes that come once, none of them empty; pulled only when asked for.

    `chunks` are `str` or bytes-like. `close` gives back what they come from; it happens once,
    however often it is asked for. After a failure every further pull fails in the same way, so
    that half a body is never taken for a whole.
    """

    __slots__ = ("_chunks", "_close", "_failure")

    def __init__(self, chunks: Iterator[object], close: Callable[[], object] | None = None) -> None:
        self._chunks = chunks
        self._close = close
        self._failure: Exception | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        try:
            for chunk in self._chunks:
                data = chunk if type(chunk) is bytes else to_bytes(chunk)
                if data:
                    return data
        except Exception as failure:
            self._failure = failure
            raise
        raise StopIteration

    def read(self) -> bytes:
        """All that is left."""
        return b"".join(self)

    def close(self) -> None:
        close, self._close = self._close, None
        if close is not None:
            close()

    def use(self, run: Run) -> None:
        """Await with `run` what has to be awaited."""


def stream_of(source: object) -> Stream | None:
    """The stream of an iterable, an async iterable or a binary file; `None` for anything else."""
    if isinstance(source, AsyncIterable):
        return AsyncStream(source)
    if hasattr(source, "read") and not isinstance(source, io.TextIOBase):
        return FileStream(source)
    if not isinstance(source, Iterable):
        return None
    chunks = iter(source)
    return Stream(chunks, getattr(source, "close", None) or getattr(chunks, "close", None))


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> str | bytes | None: ...


class FileStream(Stream):
    """The blocks of a binary file, which is closed at the end unless it has no `close`."""

    __slots__ = ("_file",)

    def __init__(self, file: _Readable) -> None:
        self._file = file
        super().__init__(iter(lambda: file.read(BLOCK) or b"", b""), getattr(file, "close", None))

    def read(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        return to_bytes(self._file.read() or b"")


class AsyncStream(Stream):
    """The chunks of an async iterable, each awaited to its end.

    They are awaited with what `use` was given, else on an event loop of the stream's own; all in
    one context, so that what the iterable sets there stays.
    """

    __slots__ = ("_waiter",)

    def __init__(self, source: AsyncIterable[object]) -> None:
        self._waiter = _Waiter()
        chunks = aiter(source)
        super().__init__(_pulled(chunks, self._waiter), partial(_finish, chunks, self._waiter))

    def use(self, run: Run) -> None:
        self._waiter.run = run


class _Waiter:
    """Awaits on behalf of a stream; apart from it, so that the two make no circle."""

    __slots__ = ("_context", "_loop", "run")

    def __init__(self) -> None:
        self._context = copy_context()
        self._loop = Loop()
        self.run: Run = self._loop.run

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.run(coroutine, context=self._context)

    def close(self) -> None:
        self._loop.close()


def _pulled(chunks: AsyncIterator[object], waiter: _Waiter) -> Iterator[object]:
    async def pull() -> object:
        return await anext(chunks, _END)

    while (chunk := waiter.wait(pull())) is not _END:
        yield chunk


def _finish(chunks: AsyncIterator[object], waiter: _Waiter) -> None:
    async def finish() -> None:
        await chunks.aclose()  # type: ignore[attr-defined]

    try:
        if hasattr(chunks, "aclose"):
            waiter.wait(finish())
    finally:
        waiter.close()


def tee(stream: Stream) -> "tuple[Branch, Branch]":
    """Two streams of the same chunks; what one is ahead of the other is kept for it."""
    waiting: list[deque[bytes] | None] = [deque(), deque()]
    return Branch(stream, waiting, 0), Branch(stream, waiting, 1)


class Branch(Stream):
    """One of the two streams that a stream was split into; the last to be closed closes that."""

    __slots__ = ("_trunk",)

    def __init__(self, trunk: Stream, waiting: list[deque[bytes] | None], side: int) -> None:
        self._trunk = trunk
        super().__init__(_shared(trunk, waiting, side), partial(_leave, trunk, waiting, side))

    def use(self, run: Run) -> None:
        self._trunk.use(run)


def _shared(trunk: Stream, waiting: list[deque[bytes] | None], side: int) -> Iterator[bytes]:
    while (mine := waiting[side]) is not None:
        if mine:
            yield mine.popleft()
            continue
        chunk = next(trunk, None)
        if chunk is None:
            return
        other = waiting[1 - side]
        if other is not None:
            other.append(chunk)
        yield chunk


def _leave(trunk: Stream, waiting: list[deque[bytes] | None], side: int) -> None:
    waiting[side] = None
    if waiting[1 - side] is None:
        trunk.close()
