"""Responses, and sending them to a WSGI server."""

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from http import HTTPStatus
from typing import Any, Never, Protocol, Self, TypedDict, TypeVar, Unpack, overload
from urllib.parse import quote

from .body import PLAIN_TEXT, Body, BodyInit, extract
from .errors import BodyUsedError
from .headers import Headers, HeadersInit, add_headers
from .jsontext import write_json
from .stream import Stream, to_bytes
from .strings import to_usv
from .url import URL
from .wsgi import StartResponse

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_STATUS_LINES = {code: f"{code} {_PHRASES.get(code, 'Unknown')}" for code in range(200, 600)}
_NULL_BODY = frozenset({204, 205, 304})
# The server's own (RFC 9110, 7.6.1): PEP 3333 forbids applications to send them.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)
_NOT_SENT = _HOP_BY_HOP | {"content-length"}  # the length that is computed is sent
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNSAFE_SCHEMES = frozenset({"blob:", "data:", "file:", "javascript:", "vbscript:"})
_is_status_text = re.compile(r"[\t\x20-\x7e\x80-\xff]*").fullmatch
_control_or_space_end = re.compile(r"[\x00-\x1f\x7f]|^ | $").search
_has_scheme = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:").match
_leaves_host = re.compile(r"[^?#]*\\|//").match
# Characters of a relative URL that are sent as they are, percent signs included.
_URL_SAFE = "!#$%&'()*+,/:;=?@[\\]^`{|}~"


_R = TypeVar("_R", bound="Response")
_R_co = TypeVar("_R_co", bound="Response", covariant=True)


class ResponseInit(TypedDict, total=False):
    """The options of `Response.json`."""

    status: int
    status_text: str
    headers: HeadersInit


class _MakeJson(Protocol[_R_co]):
    def __call__(self, data: object, **init: Unpack[ResponseInit]) -> _R_co: ...


class _Json:
    """`Response.json(data)` returns a response, `response.json()` reads one, as in the standard."""

    @overload
    def __get__(self, response: None, owner: type[_R]) -> _MakeJson[_R]: ...
    @overload
    def __get__(self, response: "Response", owner: type[_R]) -> Callable[[], Any]: ...
    def __get__(
        self, response: "Response | None", owner: type[_R]
    ) -> _MakeJson[_R] | Callable[[], Any]:
        return owner._from_json if response is None else response._read_json


class Response(Body):
    """A response: status, headers and a body.

    `body` is `str`, bytes-like, an iterable or async iterable of either (sent piece by piece), a
    binary file, `URLSearchParams`, `FormData`, `File` or `None`. `headers` is a mapping, an
    iterable of pairs or `Headers`. Unless a content type is set, a `str` is
    `text/plain;charset=UTF-8`, and forms and files have their own types.

    `ValueError`: a status outside 200-599, an invalid status text or header. `TypeError`: a body
    with 204, 205 or 304, a mapping as body (use `Response.json`).

    Unlike the standard's, the readers return plain values, the headers of `redirect()` and
    `error()` can be changed, and a response can be awaited, which returns itself.

    https://fetch.spec.whatwg.org/#response-class

    >>> response = Response("Not here", status=404)
    >>> response.ok, response.headers["content-type"], response.text()
    (False, 'text/plain;charset=UTF-8', 'Not here')
    """

    __slots__ = ("_cookies", "_headers", "_status", "_status_text", "_values")

    # The headers as they were given; never changed, so that copies of the response share them.
    _values: dict[str, str]
    _cookies: Sequence[str]
    _headers: Headers | None  # made by `headers`, and then in place of these

    # The standard has these for responses that were fetched.
    url = ""
    redirected = False

    def __init__(
        self,
        body: BodyInit = None,
        *others: Never,
        status: int = 200,
        status_text: str = "",
        headers: HeadersInit = None,
    ) -> None:
        if others:
            raise TypeError("Name the options of a Response: Response(body, status=404).")
        if status != 200 or type(status) is not int:
            status = _checked_status(status, body)
        self._status = status
        self._status_text = _checked_text(status_text) if status_text != "" else ""
        values: dict[str, str] = {}
        self._values = values
        self._cookies = () if headers is None else add_headers(values, headers)
        self._headers = self._reader = None
        self._used = False
        if type(body) is str:
            self._source = body
            content_type: str | None = PLAIN_TEXT
        else:
            self._source, content_type = extract(body)
        if content_type is not None and "content-type" not in values:
            values["content-type"] = content_type  # a known type needs no check

    json = _Json()

    @classmethod
    def _from_json(
        cls,
        data: object,
        *others: Never,
        status: int = 200,
        status_text: str = "",
        headers: HeadersInit = None,
    ) -> Self:
        """Return a response with `data` as JSON; its type is `application/json` unless set.

        `data` may contain dates, UUIDs, decimals, paths, enums, dataclasses, attrs classes and
        pydantic models. NaN becomes `null`, and the key `True` becomes `"true"`.
        """
        if others:
            raise TypeError("Name the options of Response.json: Response.json(data, status=201).")
        response = cls(status=status, status_text=status_text, headers=headers)
        response._source = source = write_json(data)
        if response._status != 200:
            _checked_status(response._status, source)
        response._find_values().setdefault("content-type", "application/json")
        return response

    @classmethod
    def redirect(cls, url: str | URL, status: int = 302) -> Self:
        """Return a response that redirects the client to `url`.

        An absolute URL is normalised, as by `URL`; in a relative one only what a header can't
        hold is percent-encoded. Any scheme is fine (`myapp://callback`, `mailto:`) except
        `javascript:`, `data:`, `vbscript:`, `blob:` and `file:`. `ValueError`: one of these, a URL
        that may lead to an unexpected address (`//host`, a backslash in the path, control
        characters, spaces at the ends), or a status that is not 301, 302, 303, 307 or 308.
        """
        if status not in _REDIRECTS:
            raise ValueError(f"A redirect has status 301, 302, 303, 307 or 308, not {status!r}.")
        response = cls(status=status)
        response._find_values()["location"] = _location(url)
        return response

    @classmethod
    def error(cls) -> Self:
        """Return a network error: status 0, type `"error"`. It can't be sent."""
        response = cls()
        response._status = 0
        return response

    @property
    def status(self) -> int:
        """The status code."""
        return self._status

    @property
    def status_text(self) -> str:
        """The reason phrase; `""` stands for the usual one."""
        return self._status_text

    @property
    def ok(self) -> bool:
        """Whether the status is in 200-299."""
        return 200 <= self._status <= 299

    @property
    def type(self) -> str:
        """`"default"`, or `"error"` for `Response.error()`."""
        return "default" if self._status else "error"

    @property
    def headers(self) -> Headers:
        """The headers; they can be changed."""
        if self._headers is None:
            self._headers = Headers._of(self._values.copy(), list(self._cookies))
        return self._headers

    def _find_values(self) -> dict[str, str]:
        """Return the values to change: those of `headers`, if a subclass has used it already."""
        return self._values if self._headers is None else self._headers._values

    def clone(self) -> Self:
        """Return a second response whose body can be read or sent independently."""
        source = self._copy_source()
        other = self.with_own_headers()
        other._source = source
        self._used = False  # the stream is not moved but copied
        return other

    def with_status(self, status: int, status_text: str = "") -> Self:
        """Return a copy with another status. A stream moves to the copy."""
        status, status_text = _checked_status(status, self._source), _checked_text(status_text)
        other = self.with_own_headers()
        other._status = status
        other._status_text = status_text
        return other

    def with_own_headers(self) -> Self:
        """Return a copy with its own headers. A stream moves to the copy."""
        other = object.__new__(type(self))
        other._source = source = self._source
        other._used = self._used
        other._reader = other._headers = None
        other._status = self._status
        other._status_text = self._status_text
        if self._headers is None:
            other._values, other._cookies = self._values, self._cookies
        else:
            other._values = self._headers._values.copy()
            other._cookies = self._headers._cookies.copy()
        if type(source) is not str and isinstance(source, Stream):
            self._used = True
        return other

    def send(
        self,
        start_response: StartResponse,
        head: bool = False,
        cookies: Sequence[str] = (),
    ) -> Iterable[bytes]:
        """Send this response to a WSGI server; return what the application returns.

        `head`: the request was HEAD, so send headers only. `cookies` are the values of further
        `set-cookie` headers.

        A response that does not stream can be sent again; a stream is sent once
        (`BodyUsedError`). The content length is computed if it is known. Without a content type,
        bytes are `application/octet-stream`, and an empty body is text: WSGI requires a type for
        every status but 204 and 304. Hop-by-hop headers (`Connection`, `Transfer-Encoding`, ...) are
        left out.
        """
        status, text = self._status, self._status_text
        if not status:
            raise ValueError("Response.error() is a network error: it can't be sent.")
        values, own_cookies = self._values, self._cookies
        if self._headers is not None:
            values, own_cookies = self._headers._values, self._headers._cookies
        source = self._source
        stream, data = None, b""
        if type(source) is str and source.isascii():
            data = source.encode()
        elif isinstance(source, Stream):
            stream = source
        elif source is not None:
            data = to_bytes(source)
        has_content = status != 204 and status != 304
        if not has_content or not _NOT_SENT.isdisjoint(values):
            values = {name: text for name, text in values.items() if name not in _HOP_BY_HOP}
            if not has_content:
                values.pop("content-type", None)
            # A stream keeps its length, and a HEAD handler may set the length of GET.
            if not has_content or not (stream is not None or (source is None and head)):
                values.pop("content-length", None)
        headers = [*values.items()]
        if has_content:
            if "content-type" not in values:
                kind = PLAIN_TEXT if source is None else "application/octet-stream"
                headers.append(("content-type", kind))
            if stream is None and "content-length" not in values:
                headers.append(("content-length", f"{len(data)}"))
        if cookies or own_cookies:
            headers += [("set-cookie", cookie) for cookie in (*own_cookies, *cookies)]
        line = f"{status} {text}" if text else _STATUS_LINES[status]
        if stream is not None:
            return self._send_stream(stream, start_response, line, headers, head)
        start_response(line, headers)
        return [data] if data and not head else []  # granian sends a list at once

    def _send_stream(
        self,
        stream: Stream,
        start_response: StartResponse,
        line: str,
        headers: list[tuple[str, str]],
        head: bool,
    ) -> Iterable[bytes]:
        if self._used:
            raise BodyUsedError(
                "This response is a stream that was already read or sent. "
                "Return a new Response for each request, or clone() it."
            )
        self._used = True
        try:
            start_response(line, headers)
        except BaseException:
            stream.close()
            raise
        if head:
            stream.close()
            return []
        return stream

    def __await__(self) -> Generator[Any, Any, Self]:
        """Return this response: `await next()` works for async and plain middleware."""
        yield from ()
        return self

    def __repr__(self) -> str:
        kind = self.headers.get("content-type", "no content type")
        return f"<Response {self._status} {kind}>"


def _checked_status(status: int, source: object) -> int:
    if not isinstance(status, int) or isinstance(status, bool):
        raise TypeError(f"A status is an int, not {status!r:.50}.")
    if not 200 <= status <= 599:
        raise ValueError(f"A status is from 200 to 599, not {status}.")
    if source is not None and status in _NULL_BODY:
        raise TypeError(f"A response with status {status} can't have a body.")
    return int(status)


def _checked_text(status_text: str) -> str:
    if not isinstance(status_text, str):
        raise TypeError(f"A status text is a str, not {type(status_text).__name__}.")
    if not _is_status_text(status_text):
        raise ValueError(f"The status text {status_text!r:.100} contains an invalid character.")
    return status_text


def _location(url: str | URL) -> str:
    if not isinstance(url, str | URL):
        raise TypeError(f"A redirect takes a str or a URL, not {type(url).__name__}.")
    text = to_usv(str(url))
    if _control_or_space_end(text):
        raise ValueError(f"Can't redirect to {text!r:.200}: control character, or space at an end.")
    if _leaves_host(text):
        raise ValueError(
            f"Can't redirect to {text!r:.200}: it leads to another host. "
            "To redirect there, write the whole URL, with https://."
        )
    if not _has_scheme(text):
        return quote(text, safe=_URL_SAFE)
    parsed = URL(text)
    scheme = parsed.protocol
    if scheme in _UNSAFE_SCHEMES:
        raise ValueError(f"Can't redirect to {text!r:.200}: {scheme} is not a safe scheme.")
    if scheme in ("http:", "https:") and not text.lower().startswith(f"{scheme}//"):
        raise ValueError(f"Can't redirect to {text!r:.200}: write {scheme}// and a host.")
    return parsed.href
