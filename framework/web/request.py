"""What did the client ask for?"""

import io
import sys
from collections.abc import Callable
from typing import Any, Self, TypeVar, overload
from urllib.parse import unquote_to_bytes

import werkzeug
from werkzeug.exceptions import UnsupportedMediaType

from .body import Body, BodyInit, Source, extract
from .errors import BadBodyError, FormTypeError
from .formdata import File, FormData
from .headers import HeadersInit, RequestHeaders, is_token
from .requeststream import RequestStream, has_body
from .stream import FileStream, Stream, to_bytes
from .url import URL
from .validation import convert, convert_fields

T = TypeVar("T")

_UPPER = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})
_FORBIDDEN = frozenset({"CONNECT", "TRACE", "TRACK"})


class Request(Body):
    """A request: method, address, headers and a body that is read once.

    `url` is an absolute URL; `headers` and `body` are as in `Response`. A request's headers can't
    be changed.

    `TypeError`: a body with GET or HEAD. `ValueError`: an invalid URL or one with a user name or
    password, a method that is no token or one of CONNECT, TRACE and TRACK, a header that can't be
    sent.

    Unlike the standard's it is what a server gets: the readers return plain values, and there is
    no mode, cache, credentials or signal. Beside the standard `json` and `form_data` take a type,
    and `werkzeug` is the same request as Werkzeug sees it.

    https://fetch.spec.whatwg.org/#request-class

    >>> request = Request("https://example.com/a b", method="post", body="hello")
    >>> request.method, request.url, request.text()
    ('POST', 'https://example.com/a%20b', 'hello')
    """

    __slots__ = ("_environ", "_find_url", "_headers", "_url", "_werkzeug", "method")

    method: str
    _environ: dict[str, Any] | None  # of a request that came over WSGI
    _find_url: Callable[[], str] | None
    _headers: RequestHeaders | None
    _url: str | None
    _werkzeug: werkzeug.Request | None

    _bad_body = BadBodyError
    _no_form = FormTypeError
    _strict = True

    def __init__(
        self,
        url: str | URL,
        *,
        method: str = "GET",
        headers: HeadersInit = None,
        body: BodyInit = None,
    ) -> None:
        parsed = URL(url)
        if parsed.username or parsed.password:
            raise ValueError("A request's URL has no user name or password: use headers.")
        self.method = _method(method)
        if body is not None and self.method in ("GET", "HEAD"):
            raise TypeError(f"A {self.method} request has no body.")
        self._url = parsed.href
        self._source, content_type = extract(body)
        self._headers = RequestHeaders(headers)
        if content_type is not None:
            self._headers._values.setdefault("content-type", content_type)
        self._environ = self._find_url = self._reader = self._werkzeug = None
        self._used = False

    @classmethod
    def from_environ(
        cls, environ: dict[str, Any], url: Callable[[], str], *, max_body_size: int
    ) -> Self:
        """The request of a WSGI environ, as the client sent it.

        `url` is called when the address is asked for, once. Reading a body of more than
        `max_body_size` bytes is refused with `RequestEntityTooLarge`.
        """
        request = object.__new__(cls)
        request.method = environ["REQUEST_METHOD"]
        request._environ = environ
        request._find_url = url
        request._headers = request._reader = request._url = request._werkzeug = None
        request._used = False
        request._source = (
            FileStream(RequestStream(environ, max_body_size)) if has_body(environ) else None
        )
        return request

    @property
    def url(self) -> str:
        """The address, as `URL` writes it."""
        if self._url is None:
            self._url = self._find_url()  # type: ignore[misc]  # one of the two is there
        return self._url

    @property
    def headers(self) -> RequestHeaders:
        """The headers; changing one is a `TypeError`."""
        if self._headers is None:
            self._headers = RequestHeaders.from_environ(self._environ or {})
        return self._headers

    @overload
    def json(self) -> Any: ...
    @overload
    def json(self, kind: type[T]) -> T: ...
    def json(self, kind: type[Any] | None = None) -> Any:
        """The value of the JSON text that the body is, whatever its content type says.

        With a type (a dataclass, TypedDict, msgspec Struct, attrs class, pydantic model,
        `list[int]`, ...) it is a value of that type. `InvalidDataError` (422) names each field
        that is not as the type says.
        """
        data = self._read_json()
        return data if kind is None else convert(data, kind)

    @overload
    def form_data(self) -> FormData: ...
    @overload
    def form_data(self, kind: type[T]) -> T: ...
    def form_data(self, kind: type[Any] | None = None) -> Any:
        """The form that the body holds; with a type, a value of that type.

        Text becomes what a field's type wants: a number, a date, a `bool`. A field that is a
        list takes every value of its name, `File` an upload; where a browser's user has chosen no
        file, it counts as left out. `InvalidDataError` (422) names each field that is not as the
        type says.
        """
        form = super().form_data()
        if kind is None:
            return form
        return convert_fields((pair for pair in form.items() if not _is_no_file(pair[1])), kind)

    def clone(self) -> Self:
        """A second request whose body can be read beside this one's."""
        return self._with_source(self._copy_source())

    def moved(self, find_url: Callable[[], str]) -> Self:
        """This request at another address; the body goes there, so here it counts as read."""
        other = self._with_source(self._source)
        other._used = self._used
        other._find_url = find_url
        other._url = None
        self._used = self._source is not None
        return other

    def _with_source(self, source: Source) -> Self:
        other = object.__new__(type(self))
        other._source = source
        other._used = False
        other._reader = other._werkzeug = None
        other.method = self.method
        other._environ = self._environ
        other._find_url = self._find_url
        other._headers = self._headers
        other._url = self._url
        return other

    @property
    def werkzeug(self) -> werkzeug.Request:
        """The same request as Werkzeug sees it, for what is not here: ranges, languages, ...

        It shares the body: what one of them has read the other can't.
        """
        if self._werkzeug is None:
            self._werkzeug = werkzeug.Request(self.to_environ())
        return self._werkzeug

    def to_environ(self) -> dict[str, Any]:
        """A WSGI environ of this request. Who reads its `wsgi.input` reads this body.

        A `content-length` among the headers counts as it is, right or wrong, as if a client had
        sent it. `ValueError`: an address that is neither http nor https.

        https://peps.python.org/pep-3333/#environ-variables
        """
        environ = _environ_of(self) if self._environ is None else self._environ.copy()
        environ["wsgi.input"] = self.body or io.BytesIO()
        environ["wsgi.input_terminated"] = True
        return environ

    def _refuse_coding(self) -> None:
        if self._environ is None:
            coding = self.headers.get("content-encoding", "")
        else:
            coding = self._environ.get("HTTP_CONTENT_ENCODING", "")
        if coding and coding.lower() != "identity":
            # Unpacking could make gigabytes of kilobytes. bytes() and body give it as it is.
            raise UnsupportedMediaType(f"Content-Encoding {coding!r:.50} is not supported here.")

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url}>"


def _is_no_file(value: str | File) -> bool:
    """Whether this is what browsers send for a file input where nothing was chosen."""
    return isinstance(value, File) and not value.name and not value.size


def _method(method: str) -> str:
    """The method as the standard writes it.

    https://fetch.spec.whatwg.org/#concept-method-normalize
    """
    if not isinstance(method, str):
        raise TypeError(f"A method is a str, not {type(method).__name__}.")
    if not is_token(method):
        raise ValueError(f"{method!r:.100} is no method: only letters, digits and -_.!#$... are.")
    upper = method.upper()
    if upper in _FORBIDDEN:
        raise ValueError(f"A Request can't have the method {upper}.")
    return upper if upper in _UPPER else method


def _environ_of(request: Request) -> dict[str, Any]:
    url = URL(request.url)
    scheme = url.protocol[:-1]
    if scheme not in ("http", "https"):
        raise ValueError(f"Only http and https can be requested, not {request.url}")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.pathname).decode("latin-1"),
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
    for name, value in request.headers.to_wsgi():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):  # CGI's own names
        if f"HTTP_{key}" in environ:
            environ[key] = environ.pop(f"HTTP_{key}")
    source = request._source
    if source is not None and "CONTENT_LENGTH" not in environ:
        if isinstance(source, Stream):
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        else:
            environ["CONTENT_LENGTH"] = str(len(to_bytes(source)))
    return environ
