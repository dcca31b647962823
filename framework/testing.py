"""How does a site's author test the site?"""

import io
import re
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack
from wsgiref.validate import WSGIWarning, validator

from werkzeug.http import parse_date

from .web.body import BodyInit
from .web.formdata import File, FormData
from .web.headers import Headers, HeadersInit
from .web.jsontext import write_json
from .web.request import Request
from .web.response import Response
from .web.url import URL, URLSearchParams
from .web.wsgi import WSGIApplication

_MOST_REDIRECTS = 20
_is_seconds = re.compile("-?[0-9]+").fullmatch

Form = Mapping[str, str | File] | Iterable[tuple[str, str | File]]


class Options(TypedDict, total=False):
    """What a request may have; see `Client.request`."""

    headers: HeadersInit
    body: BodyInit
    json: Any
    form: Form
    follow_redirects: bool


class Client:
    """Asks a WSGI application in this process as a browser would: it keeps cookies, sends
    `Origin` with forms, and follows redirects if told to.

    Every call passes `wsgiref.validate`. `cookies` holds what was set, by host and name; paths,
    domains and `Secure` are not looked at. `url` is where the last response came from.

    >>> from framework.web.response import Response
    >>> def application(environ, start_response):
    ...     response = Response(environ.get("HTTP_COOKIE", "nobody"))
    ...     return response.send(start_response, cookies=["user=ada; Path=/"])
    >>> client = Client(application)
    >>> client.get("/").text(), client.get("/").text()
    ('nobody', 'user=ada')
    """

    def __init__(self, application: WSGIApplication, base_url: str = "http://localhost") -> None:
        self.url = URL(base_url)
        self.cookies: dict[str, dict[str, str]] = {}
        self._application = application
        self._base = self.url

    def request(self, method: str, url: str | URL, **options: Unpack[Options]) -> Response:
        """The response to one request. A relative `url` is one of the client's `base_url`.

        `headers` and `body` are as in `Request`. `json` is sent as JSON text; `form`, a mapping
        or pairs, as a form, with the parts of a multipart one if a value is a `File`. With
        `follow_redirects=True` the response is the one at the end, or the redirect that leads
        to another host. `RuntimeError`: it leads on and on.
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
            as_get = response.status == 303 and method not in ("GET", "HEAD")
            if as_get or (response.status in (301, 302) and method == "POST"):
                method, body = "GET", None
                headers.delete("content-type")
        raise RuntimeError(f"More than {_MOST_REDIRECTS} redirects, the last to {target}")

    def get(self, url: str | URL, **options: Unpack[Options]) -> Response:
        """GET; see `request`."""
        return self.request("GET", url, **options)

    def head(self, url: str | URL, **options: Unpack[Options]) -> Response:
        """HEAD; see `request`."""
        return self.request("HEAD", url, **options)

    def post(self, url: str | URL, **options: Unpack[Options]) -> Response:
        """POST; see `request`."""
        return self.request("POST", url, **options)

    def put(self, url: str | URL, **options: Unpack[Options]) -> Response:
        """PUT; see `request`."""
        return self.request("PUT", url, **options)

    def patch(self, url: str | URL, **options: Unpack[Options]) -> Response:
        """PATCH; see `request`."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str | URL, **options: Unpack[Options]) -> Response:
        """DELETE; see `request`."""
        return self.request("DELETE", url, **options)

    def options(self, url: str | URL, **options: Unpack[Options]) -> Response:
        """OPTIONS; see `request`."""
        return self.request("OPTIONS", url, **options)

    def _send(self, method: str, url: URL, given: Headers, body: BodyInit) -> Response:
        headers = Headers(given)
        jar = self.cookies.setdefault(url.host, {})
        if jar and "cookie" not in headers:
            headers.set("cookie", "; ".join(f"{name}={value}" for name, value in jar.items()))
        if method not in ("GET", "HEAD") and "origin" not in headers:
            headers.set("origin", url.origin)
        self.url = url
        response = _call(self._application, Request(url, method=method, headers=headers, body=body))
        for line in response.headers.get_set_cookie():
            _keep(jar, line)
        return response


def _body_of(options: Options, headers: Headers) -> BodyInit:
    """The body that the options ask for; its content type goes into `headers`."""
    if "json" in options:
        headers.setdefault("content-type", "application/json")
        return write_json(options["json"])
    if "form" not in options:
        return options.get("body")
    form = options["form"]
    pairs = list(form.items() if isinstance(form, Mapping) else form)
    if not any(isinstance(value, File) for _, value in pairs):
        return URLSearchParams([(name, str(value)) for name, value in pairs])
    data = FormData()
    for name, value in pairs:
        data.append(name, value)
    return data


def _keep(jar: dict[str, str], line: str) -> None:
    """Put a `Set-Cookie` into the jar, or take the cookie out (RFC 6265, section 5.3)."""
    pair, *rest = (part.partition("=") for part in line.split(";"))
    attributes = {name.strip().lower(): value.strip() for name, _, value in rest}
    name, value = pair[0].strip(), pair[2].strip()
    expires = parse_date(attributes.get("expires"))
    if _is_seconds(attributes.get("max-age", "")):
        gone = int(attributes["max-age"]) <= 0
    else:
        gone = expires is not None and expires <= datetime.now(UTC)
    if gone:
        jar.pop(name, None)
    else:
        jar[name] = value


def _call(application: WSGIApplication, request: Request) -> Response:
    """The application's response, read to its end."""
    started: list[Any] = []
    content = io.BytesIO()

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        started[:] = [status, headers]
        return content.write

    with warnings.catch_warnings():
        # The validator knows no other methods than HTTP's oldest; PURGE is one all the same.
        warnings.filterwarnings("ignore", "Unknown REQUEST_METHOD", WSGIWarning)
        chunks: Any = validator(application)(request.to_environ(), start_response)
    try:
        content.writelines(chunks)
    finally:
        chunks.close()
    status, _, text = started[0].partition(" ")
    null = request.method == "HEAD" or status in ("204", "205", "304")
    body = None if null else content.getvalue()
    return Response(body, status=int(status), status_text=text, headers=started[1])
