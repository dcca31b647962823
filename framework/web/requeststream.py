"""The body of a request, read from a WSGI server and checked against its headers."""

import re
import sys
from collections.abc import Callable

from werkzeug.exceptions import HTTPException, LengthRequired, RequestEntityTooLarge

from .errors import BadBodyError, BodyUsedError
from .wsgi import Environ

_is_length = re.compile("[0-9]+").fullmatch


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


class RequestStream:
    """The body of a WSGI request, read on demand: exactly what its headers announce, or an error.

    Reading raises `BadBodyError` if the length is not a number, the body is shorter, or the
    server can't read it; and `RequestEntityTooLarge` if there are more than `limit` bytes.
    """

    __slots__ = ("_environ", "_known", "_left", "_limit", "_read")

    def __init__(self, environ: Environ, limit: int) -> None:
        self._environ = environ
        self._limit = limit
        self._read: Callable[[int], bytes] | None = None

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, or all that are left; none at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(sys.maxsize), b""))
        if self._read is None:
            self._known, self._left = _framing(self._environ, self._limit)
            self._read = self._environ["wsgi.input"].read
        # A byte beyond the limit shows that the body is too long.
        size = min(size, self._left if self._known else self._left + 1)
        if not size:
            return b""
        data = _read(self._read, size)
        if len(data) > self._left:
            raise RequestEntityTooLarge(_too_large(self._limit))
        if self._known and not data:
            raise BadBodyError(f"The body ended {self._left} bytes before its Content-Length.")
        self._left -= len(data)
        return data


def _framing(environ: Environ, limit: int) -> tuple[bool, int]:
    """Return whether the length is known, and how many bytes may be read."""
    length = environ.get("CONTENT_LENGTH")
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if coding is None and length:
        if not _is_length(length):  # int() would take "+2", " 2" and "0_2" too
            raise BadBodyError(f"Content-Length {length!r:.50} is not a number.")
        if len(length.lstrip("0")) > 18 or int(length) > limit:
            raise RequestEntityTooLarge(_too_large(limit))
        return True, int(length)
    if length:
        raise BadBodyError("A body has a Content-Length or a Transfer-Encoding, not both.")
    if coding is not None and coding.strip().lower() != "chunked":
        raise BadBodyError(f"Transfer-Encoding {coding!r:.50} is not supported. Use chunked.")
    if not environ.get("wsgi.input_terminated"):
        raise LengthRequired("This server needs a Content-Length.")
    return False, limit


def _read(read: Callable[[int], bytes], count: int) -> bytes:
    try:
        return read(count)
    except (HTTPException, BodyUsedError):  # from the stream of another request, or from middleware
        raise
    except Exception as error:  # the server's own exception for a bad chunk or a lost client
        raise BadBodyError(f"The body could not be read: {error}") from error


def _too_large(limit: int) -> str:
    return f"The body is larger than the limit of {limit} bytes."
