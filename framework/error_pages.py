"""Responses for errors: the site's own error pages, or a document in the form the client accepts.

A client sees nothing of an error's inside unless the site is being developed.
"""

import logging
import re
import traceback
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from unicodedata import normalize

import jinja2
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_accept_header

from .context import APIContext
from .errors import RewriteLoopError
from .route import Route
from .routing.paths import decode_mount, find_path_below
from .routing.table import RouteTable
from .web.errors import InvalidDataError
from .web.headers import add_vary
from .web.response import Response
from .web.wsgi import Environ

log = logging.getLogger("framework")

Crash = Exception | SystemExit
"""What a handler may raise. `sys.exit()` in a handler is a mistake and must not end the server."""

ERROR_PAGES = {"404": 404, "500": 500}
"""The status of each error page, by the last segment of its pattern."""

_TITLES = {status.value: status.phrase for status in HTTPStatus} | {
    # Names of RFC 9110 that some versions of Python do not have yet.
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
_HTML_TYPES = {"text/html", "application/xhtml+xml"}
_OTHER_HTML = ("application/xhtml+xml", "text/*")
_is_request_id = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII).fullmatch
_HTML = jinja2.Environment(autoescape=True).from_string(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ status }} {{ title }}</title>
<style>
:root { color-scheme: light dark }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 15vh auto; padding: 0 1.5rem }
h1 { font-size: 1.6rem }
p { white-space: pre-line }
pre { overflow: auto; font-size: .85rem; border: 1px solid; border-radius: .4rem; padding: 1rem }
</style>
</head>
<body>
<main>
<h1>{{ status }} {{ title }}</h1>
{% if detail %}<p>{{ detail }}</p>
{% endif %}{% if inside %}<pre>{{ inside }}</pre>
{% endif %}</main>
</body>
</html>
"""
)


class ErrorPages:
    """Makes the error responses of one site.

    `explain` is given in development: clients then see tracebacks, and why no route matches.
    With `reraise`, as in a build, a crash is raised again.
    """

    def __init__(
        self,
        routes: RouteTable[Route],
        *,
        explain: Callable[[Environ, str], str] | None = None,
        reraise: bool = False,
    ) -> None:
        self._routes = routes
        self._explain = explain
        self._reraise = reraise
        self._pages = {
            route.pattern.text: route
            for route in routes.all
            if route.pattern.last_name in ERROR_PAGES and route.kind != "redirect"
        }
        patterns = [page.pattern for page in self._pages.values()]
        # The most segments of a path that can be the folder of a page without a rest parameter.
        self._depth = max((len(pattern.segments) - 1 for pattern in patterns), default=-1)
        self._has_rest = any(param.rest for pattern in patterns for param in pattern.params)

    def respond(self, context: APIContext, error: Crash) -> Response:
        """Return the response for an exception; log one that is not an `HTTPException`."""
        if isinstance(error, HTTPException):
            try:
                return self._respond_to_http(context, error)
            except (Exception, SystemExit) as failure:
                error = failure
        return self._respond_to_crash(context, error)

    def _respond_to_http(self, context: APIContext, error: HTTPException) -> Response:
        environ = context.environ
        status = error.code or 500
        if error.response is not None or status < 400:  # it has a response of its own
            own = error.get_response(environ)
            return Response(
                own.get_data() or None, status=own.status_code, headers=list(own.headers.items())
            )
        response = self._render_page(context, status, error)
        if response is None:
            inside = ""
            if self._explain is not None and status == 404:
                inside = self._explain(environ, context.origin_pathname)
            response = render_error(
                environ,
                status,
                _description_of(error) if status < 500 else "",
                errors=error.errors if isinstance(error, InvalidDataError) else (),
                inside=inside,
                asked_json=context.path.endswith(".json"),
            )
        for name, value in error.get_headers(environ):
            if name.lower() != "content-type":
                response.headers.append(name, value)
        return response

    def _respond_to_crash(self, context: APIContext, error: Crash) -> Response:
        if self._reraise:
            raise error
        request_id = find_request_id(context.environ)
        log.error(
            "%s %s failed in %s%s",
            context.environ["REQUEST_METHOD"],
            context.origin_pathname,
            "no route" if context.route is None else context.route.file,
            f", request {request_id}" if request_id else "",
            exc_info=error,
        )
        status = 508 if isinstance(error, RewriteLoopError) else 500
        asked_json = context.path.endswith(".json")
        if self._explain is not None:
            inside = "".join(traceback.format_exception(error))
            return render_error(context.environ, status, inside=inside, asked_json=asked_json)
        page = self._render_page(context, status, error)
        return page or render_error(context.environ, status, asked_json=asked_json)

    def _render_page(self, context: APIContext, status: int, error: Crash) -> Response | None:
        """Return the response of the nearest error page, if the client accepts HTML."""
        if str(status) not in ERROR_PAGES or not accepts_html(context.environ):
            return None
        page = self._find_page(context, status)
        if page is None:
            return None
        context.route = page
        context.props = {"error": error}
        handlers, method = page.handlers, context.request.method
        handler = None if method == "OPTIONS" else handlers.by_method.get(method)
        handler = handler or handlers.get("GET")
        try:
            response = handler(context).with_own_headers()
        except (Exception, SystemExit) as failure:
            if status != 500:
                return self._respond_to_crash(context, failure)
            log.error("The site's 500 page failed", exc_info=failure)
            return render_error(context.environ, 500)
        add_vary(response.headers, "accept")
        return response

    def _find_page(self, context: APIContext, status: int) -> Route | None:
        """Find the error page in the nearest folder: around the route's file, or on the path."""
        route = context.route
        if route is None or route.kind == "missing":
            return self._find_page_on_path(context, status)
        file = "/" if route.kind == "redirect" else route.file.removeprefix("src/pages")
        folders = normalize("NFC", file).split("/")[:-1]
        for count in range(len(folders), 0, -1):
            page = self._pages.get("/".join([*folders[:count], str(status)]))
            if page is not None:
                return page
        return None

    def _find_page_on_path(self, context: APIContext, status: int) -> Route | None:
        mount = decode_mount(context.environ.get("SCRIPT_NAME", ""))
        path = find_path_below(mount, context.path) or "/"
        names = (self._routes.find_path_below(path) or "/").strip("/").split("/")
        counts = [*range(min(self._depth, len(names)), -1, -1)]
        if self._has_rest:
            counts.insert(0, len(names))
        for count in counts:
            folder = self._routes.add_prefix("/".join(["", *filter(None, names[:count])]))
            match = self._routes.match(f"{folder}/{status}")
            if match is not None and match.route.pattern.text in self._pages:
                context.params = match.params
                return match.route
        return None


def find_request_id(environ: Environ) -> str | None:
    """Return the request's `X-Request-Id` if it is valid: up to 128 harmless characters."""
    found = _is_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
    return found[0] if found else None


def add_request_id(environ: Environ, response: Response) -> Response:
    """Return the response with the request's `X-Request-Id`, unless it has one of its own."""
    request_id = find_request_id(environ)
    if request_id is None or "x-request-id" in response.headers:
        return response
    response = response.with_own_headers()
    response.headers.set("x-request-id", request_id)
    return response


def _description_of(error: HTTPException) -> str:
    """Return the description given where the error was raised, not Werkzeug's standard one."""
    description = error.description
    return description if description and description != type(error).description else ""


def accepts_html(environ: Environ) -> bool:
    """Whether the client accepts the site's own error pages.

    It names HTML or has no preference at all. Clients of an API send only `*/*`.
    """
    if not environ.get("HTTP_ACCEPT"):
        return True
    quality = {kind.partition(";")[0].lower(): q for kind, q in reversed(_parse_accept(environ))}
    return quality.get("text/html", max(quality.get(kind, 0) for kind in _OTHER_HTML)) > 0


def render_error(
    environ: Environ,
    status: int,
    detail: str = "",
    *,
    errors: Sequence[tuple[str, str]] = (),
    inside: str = "",
    asked_json: bool = False,
) -> Response:
    """Return a response for an error: a problem document (RFC 9457), HTML or plain text.

    `detail` is for the client. `errors` are pairs of a JSON pointer and what is wrong there.
    `inside`, such as a traceback, is for developers only. `asked_json` says that the path ends
    in `.json`.
    """
    title = _TITLES.get(status, "Error")
    accepted = [(kind.partition(";")[0].lower(), q) for kind, q in _parse_accept(environ)]
    html = max([0, *(q for kind, q in accepted if kind in _HTML_TYPES)])
    text = max([0, *(q for kind, q in accepted if kind == "text/plain")])
    json = max([0, *(q for kind, q in accepted if _is_json(kind))])
    sent = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if (json and json >= max(html, text)) or (not html and (_is_json(sent) or asked_json)):
        problem: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
        if errors:
            problem["errors"] = [{"pointer": pointer, "detail": what} for pointer, what in errors]
        elif detail:
            problem["detail"] = detail
        if inside:
            problem["traceback"] = inside
        response = Response.json(problem, status=status)
        response.headers.set("content-type", "application/problem+json")
    elif html and html >= text:
        page = _HTML.render(status=status, title=title, detail=detail, inside=inside)
        response = Response(page, status=status)
        response.headers.set("content-type", "text/html;charset=UTF-8")
    else:
        parts = [f"{status} {title}", detail, inside]
        response = Response("\n".join(filter(None, parts)) + "\n", status=status)
    response.headers.set("vary", "accept")
    response.headers.set("x-content-type-options", "nosniff")
    return response


def _parse_accept(environ: Environ) -> MIMEAccept:
    return parse_accept_header(environ.get("HTTP_ACCEPT"), MIMEAccept)


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")
