"""A client for tests, which calls a WSGI application in this process."""

import re
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Self, TypedDict, Unpack
from wsgiref.validate import WSGIWarning, validator

from .web.body import BodyInit
from .web.formdata import File, FormData
from .web.headers import Headers, HeadersInit, find_date
from .web.jsontext import write_json
from .web.request import Request
from .web.response import Response
from .web.search_params import URLSearchParams
from .web.stream import Stream
from .web.url import URL
from .web.wsgi import Environ, StartResponse, WSGIApplication, call, close

_MOST_REDIRECTS = 20
_is_seconds = re.compile("-?[0-9]+").fullmatch

Form = Mapping[str, str | File] | Iterable[tuple[str, str | File]]


class RequestOptions(TypedDict, total=False):
    """The options of `Client.request`."""

    headers: HeadersInit
    body: BodyInit
    json: Any
    form: Form
    follow_redirects: bool


class Client:
    """Calls a WSGI application and keeps cookies, as a browser does.

    The application may be any WSGI application. `wsgiref.validate` checks every call. A response
    can be read more than once. `cookies` has the cookies by host and name; the client
    ignores their path, domain and `Secure`. `url` is the URL of the last response.

    As a context manager it runs the `lifespan()` of an `App`: `with Client(app) as client: ...`.
    """

    def __init__(self, application: WSGIApplication, base_url: str = "http://localhost") -> None:
        self.url = URL(base_url)
        self.cookies: dict[str, dict[str, str]] = {}
        self.application = application
        self._base = self.url

    def __enter__(self) -> Self:
        start = getattr(self.application, "start", None)
        if start is not None:
            start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        stop = getattr(self.application, "stop", None)
        if stop is not None:
            stop()

    def request(self, method: str, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Send one request and return the response. A relative `url` starts at `base_url`.

        `headers` and `body` are as in `Request`. `json` is sent as JSON text. `form`, a mapping
        or pairs, is sent urlencoded, or as multipart if a value is a `File`. With
        `follow_redirects=True` the client returns the response after all redirects, or the
        redirect that leads to another host; more than 20 redirects raise `RuntimeError`.
        """
        headers = Headers(options.get("headers"))
        body = _body_of(options, headers)
        target = URL(url, self._base)
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(method, target, headers, body)
            location = response.headers.get("location")
            if not (options.get("follow_redirects") and response.status // 100 == 3 and location):
                return response
            onward = URL(location, target)
            if onward.host != target.host:
                return response
            target = onward
            # https://fetch.spec.whatwg.org/#http-redirect-fetch, step 12
            becomes_get = response.status == 303 and method not in ("GET", "HEAD")
            if becomes_get or (response.status in (301, 302) and method == "POST"):
                method, body = "GET", None
                headers.delete("content-type")
        raise RuntimeError(f"More than {_MOST_REDIRECTS} redirects, the last to {target}")

    def get(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Send a GET request; see `request`."""
        return self.request("GET", url, **options)

    def head(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Send a HEAD request; see `request`."""
        return self.request("HEAD", url, **options)

    def post(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Send a POST request; see `request`."""
        return self.request("POST", url, **options)

    def put(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Send a PUT request; see `request`."""
        return self.request("PUT", url, **options)

    def patch(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Send a PATCH request; see `request`."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Send a DELETE request; see `request`."""
        return self.request("DELETE", url, **options)

    def options(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Send an OPTIONS request; see `request`."""
        return self.request("OPTIONS", url, **options)

    def _send(self, method: str, url: URL, headers: Headers, body: BodyInit) -> Response:
        headers = Headers(headers)
        jar = self.cookies.setdefault(url.host, {})
        if jar and "cookie" not in headers:
            headers.set("cookie", "; ".join(f"{name}={value}" for name, value in jar.items()))
        self.url = url
        response = _call(self.application, Request(url, method=method, headers=headers, body=body))
        for line in response.headers.get_set_cookie():
            _store_cookie(jar, line)
        return response


def _body_of(options: RequestOptions, headers: Headers) -> BodyInit:
    """Return the body for the options; for JSON, set its content type in `headers`."""
    if "json" in options:
        headers.setdefault("content-type", "application/json")
        return write_json(options["json"])
    if "form" not in options:
        return options.get("body")
    form = options["form"]
    data = FormData()
    for name, value in form.items() if isinstance(form, Mapping) else form:
        data.append(name, value)
    if any(isinstance(value, File) for value in data.values()):
        return data
    return URLSearchParams([(name, str(value)) for name, value in data.items()])


def _store_cookie(jar: dict[str, str], line: str) -> None:
    """Store the cookie of a `Set-Cookie` header, or delete it if it has expired (RFC 6265, 5.3)."""
    pair, *rest = (part.partition("=") for part in line.split(";"))
    attributes = {name.strip().lower(): value.strip() for name, _, value in rest}
    name, value = pair[0].strip(), pair[2].strip()
    expires = find_date(attributes.get("expires"))
    if _is_seconds(attributes.get("max-age", "")):
        expired = int(attributes["max-age"]) <= 0
    else:
        expired = expires is not None and expires <= datetime.now(UTC)
    if expired:
        jar.pop(name, None)
    else:
        jar[name] = value


class _Response(Response):
    """A response whose body can be read any number of times."""

    __slots__ = ()

    def _take(self) -> Stream:
        chunks = super()._take()
        self._used = False
        return chunks


def _call(application: WSGIApplication, request: Request) -> Response:
    """Call the application and read its response to the end."""
    environ = request.to_environ()
    body_of_request = environ["wsgi.input"]

    def run(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        # The validator refuses read() without a size, which `wsgi.input_terminated` allows.
        environ["wsgi.input"] = body_of_request
        return application(environ, start_response)

    with warnings.catch_warnings():
        # The validator warns about every method that is not in RFC 2616, such as PURGE.
        warnings.filterwarnings("ignore", "Unknown REQUEST_METHOD", WSGIWarning)
        status, text, headers, body = call(validator(run), environ)
    if body is not None and not isinstance(body, bytes):
        chunks = body
        try:
            body = b"".join(chunks)
        finally:
            close(chunks)
    return _Response(body, status=status, status_text=text, headers=headers)
