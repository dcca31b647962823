"""The types of WSGI, and calling a WSGI application in this process (PEP 3333)."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApplication = Callable[[Environ, StartResponse], Iterable[bytes]]

_NO_BODY = (204, 205, 304)


class WSGIResponse(NamedTuple):
    """The response of an application, in the parts that `Response` takes.

    `body` is `None` if HTTP allows none: for HEAD, and for status 204, 205 and 304.
    """

    status: int
    status_text: str
    headers: list[tuple[str, str]]
    body: bytes | Iterable[bytes] | None


def call(application: WSGIApplication, environ: Environ) -> WSGIResponse:
    """Call the application with `environ` and return its response.

    A body that is a list or tuple is joined; any other iterable is returned as it is, and the
    caller must close it. If the application calls `write()`, or calls `start_response` only when
    its body is iterated, the whole body is read here.
    """
    started: list[Any] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], None]:
        started[:] = status, headers
        return written.append

    chunks: Iterable[bytes] = application(environ, start_response)
    if not started or written:
        try:
            written += chunks
        finally:
            close(chunks)
        chunks = written
    if not started:
        raise RuntimeError("The WSGI application did not call start_response().")
    code, _, text = started[0].partition(" ")
    status = int(code)
    if environ["REQUEST_METHOD"] == "HEAD" or status in _NO_BODY:
        close(chunks)
        return WSGIResponse(status, text, started[1], None)
    body = b"".join(chunks) if isinstance(chunks, list | tuple) else chunks
    return WSGIResponse(status, text, started[1], body)


def close(chunks: object) -> None:
    """Close the iterable that an application returned, if it has `close()`."""
    close = getattr(chunks, "close", None)
    if close is not None:
        close()


def path_info_of(pathname: str) -> str:
    """Return the `PATH_INFO` of a percent-encoded path: its bytes as latin-1.

    >>> path_info_of("/caf%C3%A9")
    '/cafÃ©'
    """
    return unquote_to_bytes(pathname).decode("latin-1")
