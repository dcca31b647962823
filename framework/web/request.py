"""Requests."""

import io
import sys
from collections.abc import Callable
from typing import Any, Never, Self, TypeVar, overload

import werkzeug
from typing_extensions import TypeForm
from werkzeug.exceptions import UnsupportedMediaType

from .body import Body, BodyInit, extract
from .errors import BadBodyError, FormTypeError
from .formdata import File, FormData
from .headers import HeadersInit, RequestHeaders, is_token
from .requeststream import BodyLimits, RequestStream, has_body
from .stream import Stream, to_bytes
from .url import URL
from .validation import convert, convert_fields
from .wsgi import Environ, path_info_of

T = TypeVar("T")

_UPPER = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})
_FORBIDDEN = frozenset({"CONNECT", "TRACE", "TRACK"})


class Request(Body):
    """A request: method, URL, headers, which are read-only, and a body that is read once.

    `url` is an absolute URL; `headers` and `body` are as in `Response`.

    `TypeError`: a body with GET or HEAD. `ValueError`: an invalid URL or one with a user name or
    password, an invalid method or one of CONNECT, TRACE and TRACK, an invalid header.

    Unlike in the standard, the readers return plain values, `json` and `form_data` take a type,
    `werkzeug` is the same request as Werkzeug's class, and mode, cache, credentials and signal do
    not exist.

    https://fetch.spec.whatwg.org/#request-class

    >>> request = Request("https://example.com/a b", method="post", body="hello")
    >>> request.method, request.url, request.text()
    ('POST', 'https://example.com/a%20b', 'hello')
    """

    __slots__ = ("_environ", "_headers", "_input", "_make_url", "_url", "_werkzeug", "method")

    method: str
    _environ: Environ | None  # of a request from a WSGI server
    _headers: RequestHeaders | None
    _input: RequestStream | None  # what the body of such a request is read from
    _make_url: Callable[[], str]
    _url: str | None
    _werkzeug: werkzeug.Request | None

    _bad_body = BadBodyError
    _not_a_form = FormTypeError
    _strict = True

    def __init__(
        self,
        url: str | URL,
        *others: Never,
        method: str = "GET",
        headers: HeadersInit = None,
        body: BodyInit = None,
    ) -> None:
        if others:
            raise TypeError('Name the options of a Request: Request(url, method="POST").')
        parsed = URL(url)
        if parsed.username or parsed.password:
            raise ValueError("A request's URL can't have a user name or password. Use headers.")
        self.method = _method(method)
        if body is not None and self.method in ("GET", "HEAD"):
            raise TypeError(f"A {self.method} request can't have a body.")
        self._make_url = parsed.__str__
        self._source, content_type = extract(body)
        self._headers = RequestHeaders(headers)
        if content_type is not None:
            self._headers._values.setdefault("content-type", content_type)
        self._environ = self._input = self._reader = self._url = self._werkzeug = None
        self._used = False

    @classmethod
    def from_environ(
        cls, environ: Environ, make_url: Callable[[], str], limits: BodyLimits
    ) -> Self:
        """Return the request of a WSGI environ, unchecked.

        `make_url` is called when `url` is first read. Reading more of the body than `limits`
        allow raises `RequestEntityTooLarge`.
        """
        request = object.__new__(cls)
        request.method = environ["REQUEST_METHOD"]
        request._environ = environ
        request._make_url = make_url
        request._headers = request._reader = request._url = request._werkzeug = None
        request._used = False
        input = RequestStream(environ, limits) if has_body(environ) else None
        request._input = request._source = input
        return request

    def limit_body(self, limits: BodyLimits) -> None:
        """Replace the limits of the body of a server's request, unless it is being read."""
        if self._input is not None:
            self._input.limits = limits

    @property
    def url(self) -> str:
        """The URL, as `URL.href` writes it."""
        if self._url is None:
            self._url = self._make_url()
        return self._url

    @property
    def headers(self) -> RequestHeaders:
        """The headers; changing them is a `TypeError`."""
        if self._headers is None:
            self._headers = RequestHeaders.from_environ(self._environ or {})
        return self._headers

    @overload
    def json(self, kind: None = None) -> Any: ...
    @overload
    def json(self, kind: TypeForm[T]) -> T: ...
    def json(self, kind: Any = None) -> Any:
        """Return the value of the JSON in the body, whatever the content type.

        With a type (a dataclass, TypedDict, msgspec Struct, attrs class, pydantic model,
        `list[int]`, `int | None`, ...), return a value of that type. `InvalidDataError` (422)
        names each invalid field.
        """
        data = self._read_json()
        return data if kind is None else convert(data, kind)

    @overload
    def form_data(self, kind: None = None) -> FormData: ...
    @overload
    def form_data(self, kind: TypeForm[T]) -> T: ...
    def form_data(self, kind: Any = None) -> Any:
        """Return the form in the body; with a type, a value of that type.

        Text becomes what a field's type wants: a number, a date, a `bool`. A list takes every
        value of its name, and `File` an upload, which counts as missing if no file was chosen.
        `InvalidDataError` (422) names each invalid field.
        """
        form = super().form_data()
        if kind is None:
            return form
        return convert_fields((pair for pair in form.items() if not _is_no_file(pair[1])), kind)

    def clone(self) -> Self:
        """Return a second request whose body can be read independently."""
        source = self._copy_source()
        other = self.with_url(self._make_url)
        other._source = source
        self._used = False  # the body is not moved but copied
        return other

    def with_url(self, make_url: Callable[[], str]) -> Self:
        """Return a copy with another URL. The body moves to the copy; here it counts as read."""
        other = object.__new__(type(self))
        other.method = self.method
        other._environ = self._environ
        other._headers = self._headers
        other._input = self._input
        other._make_url = make_url
        other._reader = other._url = other._werkzeug = None
        other._source = self._source
        other._used = self._used
        self._used = self._source is not None
        return other

    @property
    def werkzeug(self) -> werkzeug.Request:
        """The same request as Werkzeug's class, for ranges, languages and the like.

        The two share one body: only one of them can read it.
        """
        if self._werkzeug is None:
            self._werkzeug = werkzeug.Request(self.to_environ())
        return self._werkzeug

    def to_environ(self) -> Environ:
        """Return a WSGI environ of this request; its `wsgi.input` reads this body.

        A `content-length` among the headers is used as it is, right or wrong. `ValueError`: the
        URL is neither http nor https.
        """
        environ = _make_environ(self) if self._environ is None else self._environ.copy()
        environ["wsgi.input"] = self.body or io.BytesIO()
        environ["wsgi.input_terminated"] = True
        return environ

    def _find_input(self) -> RequestStream | None:
        return self._input

    def _refuse_coding(self) -> None:
        if self._environ is None:
            coding = self.headers.get("content-encoding", "")
        else:
            coding = self._environ.get("HTTP_CONTENT_ENCODING", "")
        if coding and coding.lower() != "identity":
            # A few kilobytes may decompress to gigabytes; bytes() and body don't decompress.
            raise UnsupportedMediaType(f"Content-Encoding {coding!r:.50} is not supported here.")

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url}>"


def _is_no_file(value: str | File) -> bool:
    """Return whether this is what browsers send if no file was chosen."""
    return isinstance(value, File) and not value.name and not value.size


def _method(method: str) -> str:
    """Return the method, in upper case if the standard says so.

    https://fetch.spec.whatwg.org/#concept-method-normalize
    """
    if not isinstance(method, str):
        raise TypeError(f"A method is a str, not {type(method).__name__}.")
    if not is_token(method):
        raise ValueError(f"{method!r:.100} is not a method. Use letters.")
    upper = method.upper()
    if upper in _FORBIDDEN:
        raise ValueError(f"A Request can't have the method {upper}.")
    return upper if upper in _UPPER else method


def _make_environ(request: Request) -> Environ:
    url = URL(request.url)
    scheme = url.protocol[:-1]
    if scheme not in ("http", "https"):
        raise ValueError(f"Only http and https URLs have an environ, not {request.url}")
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path_info_of(url.pathname),
        "QUERY_STRING": url.search[1:],
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": url.port or ("443" if scheme == "https" else "80"),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.host,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    source = request._source
    if source is not None and "CONTENT_LENGTH" not in environ:
        if isinstance(source, Stream):
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        else:
            environ["CONTENT_LENGTH"] = str(len(to_bytes(source)))
    return environ
