"""Responses for errors: those of the site's `on_error`, its error pages, or a small document.

A client sees nothing of an error's inside unless the site is being developed.
"""

import inspect
import logging
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from unicodedata import normalize

import jinja2
from werkzeug.exceptions import HTTPException

from .context import APIContext
from .errors import HandlerError, RewriteLoopError, SiteError
from .route import Route
from .routing.paths import decode_mount, find_path_below
from .routing.pattern import Param, Pattern, parse_pattern
from .routing.rules import Compiler
from .routing.table import RouteTable
from .routing.tree import Tree
from .web.body import PLAIN_TEXT
from .web.errors import InvalidDataError
from .web.headers import add_vary, parse_accept
from .web.jsontext import write_json
from .web.loop import run
from .web.response import Response
from .web.wsgi import Environ

log = logging.getLogger("framework")

Crash = Exception | SystemExit
"""What a handler may raise. `sys.exit()` in a handler is a mistake and must not end the server."""

ERROR_PAGES = {"404": 404, "500": 500}
"""The status of each error page, by the last segment of its pattern."""

FIX_IT = "Fix the mistake, save the file and reload this page."

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


@dataclass(frozen=True, slots=True)
class ErrorHandler:
    """One `on_error` function; `where` names it in messages: `src/pages/api/_error.py:4`."""

    function: Callable[[APIContext, Crash], Any]
    where: str


@dataclass(frozen=True, slots=True)
class ErrorFolder:
    """The handlers and pages for the errors below a folder: its own and those of outer folders.

    `handlers` begins with the nearest. `pages` are the nearest error pages, by status.
    """

    handlers: tuple[ErrorHandler, ...]
    pages: Mapping[int, Route]


class ErrorFolders:
    """The folders of `src/pages` that have an `_error.py` or an error page.

    `handlers` are the handlers of the site by the pattern of their folder: `/api`, or `""`.
    """

    def __init__(
        self, routes: RouteTable[Route], handlers: Mapping[str, ErrorHandler], compiler: Compiler
    ) -> None:
        self._routes = routes
        pages: dict[str, dict[int, Route]] = {}
        for route in routes.all:
            folder, _, name = route.pattern.text.rpartition("/")
            if name in ERROR_PAGES and route.kind != "redirect":
                pages.setdefault(folder, {})[ERROR_PAGES[name]] = route
        self._by_name: dict[str, ErrorFolder] = {}
        for name in sorted({"", *handlers, *pages}):  # outer folders first
            own = (handlers[name],) if name in handlers else ()
            outer = self._get_nearest(name) if name else ErrorFolder((), {})
            found = ErrorFolder((*own, *outer.handlers), {**outer.pages, **pages.get(name, {})})
            self._by_name[name] = found
        patterns = [_pattern_below(name) for name in self._by_name if name]
        self._patterns = sorted(patterns, key=compiler.sort_key)
        self._tree = Tree(compiler)
        for position, pattern in enumerate(self._patterns):
            self._tree.add(pattern.segments, position)

    def find(self, context: APIContext) -> ErrorFolder:
        """Find the folder of a request: that of the route's file, or the one on the path.

        In the second case the context gets the parameters of the folder.
        """
        route = context.route
        if route is not None and route.kind in ("endpoint", "page"):
            file = normalize("NFC", route.file.removeprefix("src/pages"))
            return self._get_nearest(file.rpartition("/")[0])
        match = None
        if self._patterns and route is not None:  # without a route the path may be malformed
            mount = decode_mount(context.environ.get("SCRIPT_NAME", ""))
            path = find_path_below(mount, context.path) or "/"
            match = self._tree.match(self._routes.find_path_below(path) or "/")
        if match is None:
            return self._by_name[""]
        pattern = self._patterns[match[0]]
        context.params = dict(zip(pattern.names, match[1], strict=True))
        context.params.pop(_BELOW.name, None)
        return self._by_name[pattern.text]

    def _get_nearest(self, name: str) -> ErrorFolder:
        """Return the folder of that name, or the first one around it."""
        while name not in self._by_name:
            name = name.rpartition("/")[0]
        return self._by_name[name]


_BELOW = Param("", rest=True)
"""The rest of a path below a folder."""


def _pattern_below(folder: str) -> Pattern:
    """Return the pattern of a folder, extended to match every path below the folder."""
    pattern = parse_pattern(folder)
    if any(param.rest for param in pattern.params):
        return pattern
    segments, names = (*pattern.segments, (_BELOW,)), (*pattern.names, _BELOW.name)
    return replace(pattern, segments=segments, names=names)


class ErrorPages:
    """Makes the error responses of one site.

    `explain` is given in development: clients then see tracebacks, and why no route matches.
    With `reraise`, as in a build, a crash is raised again.
    """

    def __init__(
        self,
        folders: ErrorFolders,
        *,
        explain: Callable[[Environ, str], str] | None = None,
        reraise: bool = False,
    ) -> None:
        self._folders = folders
        self._explain = explain
        self._reraise = reraise

    def respond(self, context: APIContext, error: Crash) -> Response:
        """Return the response for an exception; log one that is not an `HTTPException`."""
        if isinstance(error, HTTPException):
            try:
                return self._respond_to_http(context, error)
            except (Exception, SystemExit) as failure:
                error = failure
        return self._respond_to_crash(context, error)

    def fail(self, context: APIContext, failure: Crash, file: str = "") -> Response:
        """Return the framework's own response after the site's response to an error failed.

        `file` is the file that failed; by default it is that of the route.
        """
        self._record(context, failure, file)
        return self._render_crash(context, 500, failure)

    def _respond_to_http(self, context: APIContext, error: HTTPException) -> Response:
        environ = context.environ
        status = error.code or 500
        if error.response is not None or status < 400:  # it has a response of its own
            own = error.get_response(environ)
            return Response(
                own.get_data() or None, status=own.status_code, headers=list(own.headers.items())
            )
        if context.route is None:  # on_error makes no URL of a malformed host or mount point
            environ.pop("HTTP_HOST", None)
            environ["SCRIPT_NAME"] = ""
        folder = self._folders.find(context)
        response = self._call_handlers(context, folder, error)
        response = response or self._render_page(context, folder, status, error)
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
                path=context.path,
            )
        # By default an exception has a content type only. on_error may choose another status.
        if type(error).get_headers is not HTTPException.get_headers and response.status == status:
            own_names = set(response.headers)
            for name, value in error.get_headers(environ):
                if name.lower() not in ("content-type", *own_names):
                    response.headers.append(name, value)
        return response

    def _respond_to_crash(self, context: APIContext, error: Crash) -> Response:
        if self._explain is not None and isinstance(error, SiteError):
            path = context.path
            return render_error(context.environ, 500, FIX_IT, inside=str(error), path=path)
        self._record(context, error)
        folder = self._folders.find(context)
        response = self._call_handlers(context, folder, error)
        if response is not None:
            return response
        status = 508 if isinstance(error, RewriteLoopError) else 500
        if self._explain is None:
            response = self._render_page(context, folder, status, error)
        return response or self._render_crash(context, status, error)

    def _record(self, context: APIContext, error: Crash, file: str = "") -> None:
        """Log an exception of a file, by default that of the route. In a build, raise it again."""
        if self._reraise:
            raise error
        request_id = _find_request_id(context.environ)
        log.error(
            "%s %s failed in %s%s",
            context.environ["REQUEST_METHOD"],
            context.origin_pathname,
            file or ("no route" if context.route is None else context.route.file),
            f", request {request_id}" if request_id else "",
            exc_info=error,
        )

    def _render_crash(self, context: APIContext, status: int, error: Crash) -> Response:
        """Return the framework's response, with the traceback in development."""
        inside = "" if self._explain is None else "".join(traceback.format_exception(error))
        return render_error(context.environ, status, inside=inside, path=context.path)

    def _call_handlers(
        self, context: APIContext, folder: ErrorFolder, error: Crash
    ) -> Response | None:
        """Return the response of the nearest `on_error` that returns one.

        An `on_error` that raises the error again passes it on, as if it returned `None`.
        """
        for handler in folder.handlers:
            try:
                result = handler.function(context, error)
                if not isinstance(result, Response) and inspect.isawaitable(result):
                    result = run(result)
                if isinstance(result, Response):
                    return result.with_own_headers()
                if result is not None:
                    raise HandlerError(
                        f"{handler.where}: on_error returned {type(result).__name__}. "
                        "Return a Response, or None to leave the error to others."
                    )
            except (Exception, SystemExit) as failure:
                if failure is not error:
                    return self.fail(context, failure, handler.where)
        return None

    def _render_page(
        self, context: APIContext, folder: ErrorFolder, status: int, error: Crash
    ) -> Response | None:
        """Return the response of the nearest error page, if the client accepts HTML."""
        page = folder.pages.get(status)
        if page is None or not accepts_html(context.environ):
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
            return self.fail(context, failure)
        add_vary(response.headers, "accept")
        return response


def _find_request_id(environ: Environ) -> str:
    """Return the request's `X-Request-Id`, up to 128 harmless characters; `""` if it has none."""
    found = _is_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
    return found[0] if found else ""


def add_request_id(environ: Environ, response: Response) -> Response:
    """Return the response with the request's `X-Request-Id`, unless it has one of its own."""
    request_id = _find_request_id(environ)
    if not request_id or "x-request-id" in response.headers:
        return response
    response = response.with_own_headers()
    response.headers.set("x-request-id", request_id)
    return response


def _description_of(error: HTTPException) -> str:
    """Return the description given where the error was raised, not Werkzeug's standard one."""
    description = error.description
    return description if description and description != type(error).description else ""


def accepts_html(environ: Environ) -> bool:
    """Whether `Accept` names HTML or is missing. Clients of an API send only `*/*`."""
    if not environ.get("HTTP_ACCEPT"):
        return True
    accepted = parse_accept(environ["HTTP_ACCEPT"])
    return accepted.get("text/html", max(accepted.get(kind, 0) for kind in _OTHER_HTML)) > 0


def render_error(
    environ: Environ,
    status: int,
    detail: str = "",
    *,
    errors: Sequence[tuple[str, str]] = (),
    inside: str = "",
    path: str = "",
) -> Response:
    """Return a response for an error: a problem document (RFC 9457), HTML or plain text.

    `detail` is for the client. `errors` are pairs of a JSON pointer and what is wrong there.
    `inside`, such as a traceback, is for developers only. `path` is the path of the request.
    """
    title = _TITLES.get(status, "Error")
    accepted = parse_accept(environ.get("HTTP_ACCEPT"))
    html = max(accepted.get(kind, 0) for kind in _HTML_TYPES)
    text = accepted.get("text/plain", 0)
    json = max((q for kind, q in accepted.items() if _is_json(kind)), default=0)
    sent = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if (json and json >= max(html, text)) or (
        not html and (_is_json(sent) or path.endswith(".json"))
    ):
        problem: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
        if errors:
            problem["errors"] = [{"pointer": pointer, "detail": what} for pointer, what in errors]
        elif detail:
            problem["detail"] = detail
        if inside:
            problem["traceback"] = inside
        kind, body = "application/problem+json", write_json(problem).decode()
    elif html and html >= text:
        kind = "text/html;charset=UTF-8"
        body = _HTML.render(status=status, title=title, detail=detail, inside=inside)
    else:
        parts = [f"{status} {title}", detail, inside]
        kind, body = PLAIN_TEXT, "\n".join(filter(None, parts)) + "\n"
    headers = {"content-type": kind, "vary": "accept", "x-content-type-options": "nosniff"}
    return Response(body, status=status, headers=headers)


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")
