"""Streams: the chunks of a body, whatever kind of object it comes from."""

import io
import itertools
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from copy import copy
from typing import Protocol, TypeVar

from .iteration import Iteration
from .strings import to_usv

T = TypeVar("T")

BLOCK = 64 * 1024
"""How many bytes of a file are read at a time."""


def to_bytes(piece: object) -> bytes:
    """Return a piece of a body as bytes, a `str` as UTF-8; another type is a `TypeError`."""
    if isinstance(piece, str):
        return to_usv(piece).encode()
    require_piece(piece)
    return bytes(piece)  # type: ignore[call-overload,no-any-return]


def require_piece(piece: object) -> None:
    """Raise `TypeError` unless the piece is `str` or bytes-like."""
    if not isinstance(piece, str | bytes | bytearray | memoryview):
        raise TypeError(
            f"The pieces of a body are str or bytes, not {type(piece).__name__}: {piece!r:.100}. "
            "For data use Response.json(...)."
        )


class Stream:
    """An iterator of non-empty `bytes`, read from `chunks` (`str` or bytes-like) on demand.

    `close()` calls the given `close` once, however often it is called. After an exception, each
    further read raises an equal one, so that a part of a body is never taken for all of it.
    """

    __slots__ = ("_chunks", "_close", "_failure")

    def __init__(self, chunks: Iterator[object], close: Callable[[], object] | None = None) -> None:
        self._chunks = chunks
        self._close = close
        self._failure: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        # A generator that raised an exception only ends; the second iterator raises it again.
        return itertools.chain(self._read_chunks(), iter(self._raise_failure, None))

    def __next__(self) -> bytes:
        for data in self:
            return data
        raise StopIteration

    def _read_chunks(self) -> Iterator[bytes]:
        self._raise_failure()
        try:
            for chunk in self._open():
                if type(chunk) is not bytes:
                    if type(chunk) is str and chunk.isascii():
                        chunk = chunk.encode()
                    else:
                        chunk = to_bytes(chunk)
                if chunk:
                    yield chunk
        except SystemExit as failure:  # it must not end the server
            self._failure = RuntimeError(f"SystemExit({failure}) was raised in a body.")
            raise self._failure from failure
        except Exception as failure:
            self._failure = _copy(failure)
            raise

    def _open(self) -> Iterator[object]:
        return self._chunks

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise _copy(self._failure)

    def read(self) -> bytes:
        """Return the rest."""
        return b"".join(self)

    def close(self) -> None:
        """Release what the chunks come from."""
        close, self._close = self._close, None
        if close is not None:
            close()


def _copy(failure: Exception) -> Exception:
    """Return a copy without the traceback, which refers to the stream and what its readers hold.

    Without that cycle, an uploaded file is deleted as soon as its request ends.
    """
    try:
        return copy(failure)
    except Exception:  # its class can't be called with its `args`
        return OSError(f"The body could not be read: {failure!r}")


def find_stream(source: object) -> Stream | None:
    """Return the stream of an iterable, an async iterable or a binary file, else `None`."""
    if isinstance(source, AsyncIterable):
        iteration = Iteration(source)
        return Stream(iteration, iteration.close)
    if hasattr(source, "read") and not isinstance(source, io.TextIOBase):
        return FileStream(source)
    if not isinstance(source, Iterable):
        return None
    chunks = iter(source)
    return Stream(chunks, getattr(source, "close", None) or getattr(chunks, "close", None))


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> str | bytes | None: ...


class FileStream(Stream):
    """The blocks of a binary file; closing the stream closes the file, if it has `close`."""

    __slots__ = ("_file",)

    def __init__(self, file: _Readable) -> None:
        self._file = file
        # read() of a pipe or a socket waits for a whole block, read1() for what comes next.
        read = getattr(file, "read1", file.read)
        super().__init__(iter(lambda: read(BLOCK) or b"", b""), getattr(file, "close", None))

    def read(self) -> bytes:
        self._raise_failure()
        return to_bytes(self._file.read() or b"")


class Branch(Stream):
    """One of the two streams of `tee`."""

    __slots__ = ("_trunk",)

    def __init__(self, chunks: Iterator[bytes], close: Callable[[], None], trunk: Stream) -> None:
        super().__init__(chunks, close)
        self._trunk = trunk

    def close(self) -> None:
        super().close()
        self._chunks = iter(())  # frees what is kept for this branch


def tee(stream: Stream) -> tuple[Branch, Branch]:
    """Return two streams of the same chunks. A chunk that only one has read stays in memory.

    Closing both closes the original.
    """
    open_branches = [1, 2]

    def close() -> None:
        open_branches.pop()
        if not open_branches:
            stream.close()

    first, second = itertools.tee(stream)
    return Branch(first, close, stream), Branch(second, close, stream)
