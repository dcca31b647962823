"""The body of a request, read from a WSGI server and checked against its headers."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from werkzeug.exceptions import HTTPException, LengthRequired, RequestEntityTooLarge

from .errors import BadBodyError, BodyUsedError
from .stream import BLOCK, Stream
from .wsgi import Environ


def has_body(environ: Environ) -> bool:
    """Return whether a request has a body, even an empty one.

    In HTTP/1 a length or a transfer coding announces it; later versions need neither.

    https://www.rfc-editor.org/rfc/rfc9112#section-6.3
    """
    if environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:
        return True
    if not environ.get("wsgi.input_terminated"):
        return False
    return not environ.get("SERVER_PROTOCOL", "HTTP/1.1").startswith("HTTP/1")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The most bytes that are read of a body.

    `text` limits JSON, text and urlencoded forms, and all text fields of a multipart form.
    `of_route` says that the `max_body_size` of a route sets both.
    """

    body: int
    text: int
    of_route: bool = False

    def body_error(self) -> RequestEntityTooLarge:
        """Return the exception for a body that is too large; it names the setting."""
        setting = "max_body_size of this route" if self.of_route else "security.max_body_size"
        return RequestEntityTooLarge(f"The body is larger than {setting}: {self.body} bytes.")

    def text_error(self) -> RequestEntityTooLarge:
        """Return the exception for text that is too long; it names the setting."""
        if self.text >= self.body:
            return self.body_error()
        return RequestEntityTooLarge(
            f"The text of the body is larger than security.max_text_size: {self.text} bytes."
        )


class RequestStream(Stream):
    """The body of a WSGI request, read on demand: exactly what its headers announce, or an error.

    Reading raises `BadBodyError` if the length is not a number, the body is shorter, or the
    server can't read it; and `RequestEntityTooLarge` if there are more bytes than `limits` allow.
    `limits` may be replaced until the first read.
    """

    __slots__ = ("_environ", "_known", "_left", "_read", "limits")

    def __init__(self, environ: Environ, limits: BodyLimits) -> None:
        self._environ = environ
        self.limits = limits
        self._read: Callable[[int], bytes] | None = None
        self._failure = self._close = None

    def read(self) -> bytes:
        block = self._read_block(sys.maxsize)
        if not block or (self._known and not self._left):  # the usual case: a single read
            return block
        return b"".join([block, *iter(partial(self._read_block, sys.maxsize), b"")])

    def _open(self) -> Iterator[bytes]:
        return iter(partial(self._read_block, BLOCK), b"")

    def _read_block(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end."""
        if self._read is None:
            self._known, self._left = _framing(self._environ, self.limits)
            self._read = self._environ["wsgi.input"].read
        # A byte beyond the limit shows that the body is too long.
        most = self._left if self._known else self._left + 1
        if size > most:
            size = most
        if not size:
            return b""
        try:
            data = self._read(size)
        except (HTTPException, BodyUsedError):  # the stream of another request, or middleware
            raise
        except Exception as error:  # the server's own exception for a bad chunk or a lost client
            raise BadBodyError(f"The body could not be read: {error}") from error
        if len(data) > self._left:
            raise self.limits.body_error()
        if self._known and not data:
            raise BadBodyError(f"The body ended {self._left} bytes before its Content-Length.")
        self._left -= len(data)
        return data

    def limit_text(self, body: Stream) -> Stream:
        """Return a stream of this body, which raises an exception if it is too long for text."""
        limits = self.limits
        length = _find_length(self._environ.get("CONTENT_LENGTH") or "")
        if length is None:
            return Stream(_count(body, limits), body.close)
        if length > limits.text:
            raise limits.text_error()
        return body  # it has no more bytes


def _framing(environ: Environ, limits: BodyLimits) -> tuple[bool, int]:
    """Return whether the length is known, and how many bytes may be read."""
    length = environ.get("CONTENT_LENGTH")
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if coding is None and length:
        number = _find_length(length)
        if number is None:
            raise BadBodyError(f"Content-Length {length!r:.50} is not a number.")
        if number > limits.body:
            raise limits.body_error()
        return True, number
    if length:
        raise BadBodyError("A body has a Content-Length or a Transfer-Encoding, not both.")
    if coding is not None and coding.strip().lower() != "chunked":
        raise BadBodyError(f"Transfer-Encoding {coding!r:.50} is not supported. Use chunked.")
    if not environ.get("wsgi.input_terminated"):
        raise LengthRequired("This server needs a Content-Length.")
    return False, limits.body


def _find_length(text: str) -> int | None:
    """Return the number in a Content-Length, or `None`. 10**18 stands for all larger numbers."""
    if not (text.isascii() and text.isdigit()):  # int() would take "+2", " 2" and "0_2" too
        return None
    if len(text) > 18:  # int() refuses more than 4,300 digits, even zeros
        text = text.lstrip("0") or "0"
    return int(text) if len(text) <= 18 else 10**18


def _count(body: Stream, limits: BodyLimits) -> Iterator[bytes]:
    """Yield the chunks of a body as long as they are within the limit of text."""
    left = limits.text
    for chunk in body:
        left -= len(chunk)
        if left < 0:
            raise limits.text_error()
        yield chunk
