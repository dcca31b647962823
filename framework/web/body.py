"""The body of a request or a response, and how it is read."""

import builtins
import io
import secrets
from abc import abstractmethod
from collections.abc import AsyncIterable, Iterable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, ClassVar, TypeAlias, cast

from werkzeug.http import parse_options_header

from .errors import BadBodyError, BodyUsedError
from .formdata import File, FormData
from .headers import Headers
from .jsontext import parse_json
from .multipart import parse_multipart, parse_urlencoded, write_multipart
from .requeststream import RequestStream
from .search_params import URLSearchParams
from .stream import Stream, find_stream, require_piece, tee, to_bytes

BodyInit: TypeAlias = (
    str
    | bytes
    | bytearray
    | memoryview
    | File
    | FormData
    | URLSearchParams
    | BinaryIO
    | Iterable[str | bytes]
    | AsyncIterable[str | bytes]
    | None
)

Source: TypeAlias = str | bytes | Stream | None
"""A body as it is kept until its bytes are needed."""

PLAIN_TEXT = "text/plain;charset=UTF-8"
_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


def extract(body: BodyInit) -> tuple[Source, str | None]:
    """Return what is kept of a body, and the content type that its kind implies."""
    if body is None:
        return None, None
    if isinstance(body, str):
        return body, PLAIN_TEXT
    if isinstance(body, bytes):
        return body, None
    if isinstance(body, URLSearchParams):
        return str(body), f"{_URLENCODED};charset=UTF-8"
    if isinstance(body, FormData):
        boundary = f"----formdata-{secrets.token_hex(12)}"
        return write_multipart(body, boundary), f"{_MULTIPART}; boundary={boundary}"
    if isinstance(body, File):
        return body.bytes(), body.type or None
    with suppress(TypeError):
        return memoryview(body).tobytes(), None  # type: ignore[arg-type]  # a copy of a buffer
    if isinstance(body, list | tuple):
        for piece in body:  # refuse a list of data here, not when it is sent
            require_piece(piece)
    stream = None if hasattr(body, "keys") else find_stream(body)
    if stream is None:
        raise TypeError(
            "A body is str, bytes, an iterable of them, a binary file, URLSearchParams, FormData "
            f"or None, not {type(body).__name__}. For data use Response.json(...)."
        )
    return stream, None


class Body:
    """A body that is read once: the base of `Request` and `Response`.

    The readers return plain values. Reading a second time raises `BodyUsedError`, unless the body
    is `None`.

    https://fetch.spec.whatwg.org/#body-mixin
    """

    __slots__ = ("__weakref__", "_reader", "_source", "_used")

    _source: Source
    _used: bool
    _reader: io.BufferedReader | None

    # A bad body of a request is the client's fault, so Request overrides these.
    _bad_body: ClassVar[type[ValueError]] = ValueError
    _not_a_form: ClassVar[type[TypeError]] = TypeError
    _strict: ClassVar[bool] = False

    @property
    @abstractmethod
    def headers(self) -> Headers: ...

    @property
    def body(self) -> BinaryIO | None:
        """The body as a binary stream, or `None`; the same object each time."""
        if self._source is None:
            return None
        if self._reader is None:
            self._reader = io.BufferedReader(_Reader(self))
        return cast("BinaryIO", self._reader)

    @property
    def streams(self) -> bool:
        """Whether the body is a stream, not held in memory. The standard has no such property."""
        return isinstance(self._source, Stream)

    @property
    def body_used(self) -> bool:
        """Whether the body was read, at least in part."""
        return self._used

    def text(self) -> str:
        """Return the body decoded as UTF-8, without a byte order mark."""
        data = self._read_text()
        try:
            text = data.decode("utf-8", "strict" if self._strict else "replace")
        except UnicodeDecodeError as error:
            raise self._bad_body(f"The body is not UTF-8 at byte {error.start}.") from None
        return text.removeprefix("\ufeff")

    def bytes(self) -> builtins.bytes:
        """Return the body as it is."""
        chunks = self._take()
        try:
            return chunks.read()
        finally:
            chunks.close()

    def form_data(self) -> FormData:
        """Return the form in the body; its content type is urlencoded or multipart."""
        self._refuse_coding()
        chunks = self._take()
        content_type = self.headers.get("content-type", "")
        kind, parameters = parse_options_header(content_type)
        kind = kind.lower()
        if kind not in (_URLENCODED, _MULTIPART):
            raise self._not_a_form(
                f"A form's content type is {_URLENCODED} or {_MULTIPART}, not {content_type!r:.100}."
            )
        input = self._find_input()
        try:
            if kind == _URLENCODED:
                if input is not None:
                    chunks = input.limit_text(chunks)
                return parse_urlencoded(chunks.read(), strict=self._strict)
            boundary = parameters.get("boundary")
            if not boundary:
                raise ValueError("its content type has no boundary")
            limits = None if input is None else input.limits
            return parse_multipart(chunks, boundary, strict=self._strict, limits=limits)
        except BadBodyError:
            raise
        except ValueError as error:
            raise self._bad_body(f"This form can't be read: {error}.") from error
        finally:
            self.close()

    def close(self) -> None:
        """Close what the body comes from, an open file or a generator, read or not."""
        if isinstance(self._source, Stream):
            self._used = True
            self._source.close()

    def _read_json(self) -> Any:
        data = self._read_text()
        if not self._strict:
            data = data.decode("utf-8", "replace").encode()
        try:
            return parse_json(data)
        except ValueError as error:
            raise self._bad_body(str(error)) from None

    def _read_text(self) -> builtins.bytes:
        """Return the bytes of a text; a request limits their number."""
        self._refuse_coding()
        chunks = self._take()
        input = self._find_input()
        try:
            return (chunks if input is None else input.limit_text(chunks)).read()
        finally:
            chunks.close()

    def _refuse_coding(self) -> None:
        """Raise an exception if the body is compressed, for a request."""

    def _find_input(self) -> RequestStream | None:
        """Return what a server's request is read from."""
        return None

    def _take(self) -> Stream:
        """Mark the body as read, and return its chunks."""
        if self._used:
            raise BodyUsedError(
                f"The body of this {type(self).__name__} was already read. "
                "Call clone() before the first read to read it twice."
            )
        source = self._source
        self._used = source is not None
        return source if isinstance(source, Stream) else Stream(iter([to_bytes(source or b"")]))

    def _copy_source(self) -> Source:
        """Return a source for a clone, which reads the same at its own pace."""
        if self._used:
            raise BodyUsedError(
                f"The body of this {type(self).__name__} was already read, so it can't be cloned."
            )
        if not isinstance(self._source, Stream):
            return self._source
        self._source, other = tee(self._source)
        return other


class _Reader(io.RawIOBase):
    """A body as a raw stream; reading its first byte marks the body as used."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._chunks: Iterator[bytes] | None = None
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            if self._chunks is None:
                self._chunks = self._body._take()
            self._rest = memoryview(next(self._chunks, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        if self._chunks is not None or not self._body.body_used:  # else another reader has it
            self._body.close()
        super().close()
