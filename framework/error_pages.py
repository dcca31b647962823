"""What is answered when something goes wrong, and what is logged?

The site's own error page that is nearest, where the client takes HTML; else an answer in the
form that it asked for.
"""

import logging
import re
import traceback
from collections.abc import Callable

from werkzeug.exceptions import HTTPException

from .context import APIContext
from .error_documents import render_error, takes_html
from .errors import RewriteLoopError
from .routing.paths import decode_mount
from .routing.table import Route
from .site.loader import Site
from .web.errors import InvalidDataError
from .web.response import Response
from .web.wsgi import Environ

log = logging.getLogger("framework")

_PAGES = {404, 500}
_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)


class Failures:
    """Makes the answers of one site for errors.

    `explain` is given while the site is developed: clients then see the inside of errors, and
    on a 404 why no route answered. `building` says that a crash has no client to be hidden from:
    it is raised.
    """

    def __init__(
        self,
        site: Site,
        explain: Callable[[Environ, str], str] | None,
        *,
        building: bool = False,
    ) -> None:
        self._explain = explain
        self._building = building
        self._routes = site.routes
        self._base = site.config.base.rstrip("/")
        self._by_pattern = {r.pattern.text: r for r in site.routes.all if r.kind != "redirect"}

    def answer_error(self, context: APIContext, error: HTTPException) -> Response:
        """The answer for an `HTTPException`: the site's page, or one in the form asked for."""
        status = error.code or 500
        if error.response is not None or status < 400:  # it brings a response of Werkzeug's
            made = error.get_response(context.environ)
            return Response(
                made.get_data() or None, status=made.status_code, headers=list(made.headers.items())
            )
        response = self._error_page(context, status, error) or render_error(
            context.environ,
            status,
            _own_words(error) if status < 500 else "",
            errors=error.errors if isinstance(error, InvalidDataError) else (),
            inside=self._explain(context.environ, context.origin_pathname)
            if self._explain and status == 404
            else "",
            asked_json=context.path.endswith(".json"),
        )
        for name, value in error.get_headers(context.environ):
            if name.lower() != "content-type":
                response.headers.append(name, value)
        return response

    def answer_crash(self, context: APIContext, error: Exception) -> Response:
        """The answer for an exception that nobody caught, which is logged here, once."""
        if self._building:
            raise error
        environ = context.environ
        route = self._by_pattern.get(context.route_pattern)
        log.error(
            "%s %s failed in %s%s",
            environ["REQUEST_METHOD"],
            context.origin_pathname,
            route.file if route else "no route",
            f", request {known}" if (known := find_request_id(environ)) else "",
            exc_info=error,
        )
        status = 508 if isinstance(error, RewriteLoopError) else 500
        inside = "".join(traceback.format_exception(error)) if self._explain else ""
        page = None if inside else self._error_page(context, status, error)
        asked_json = context.path.endswith(".json")
        return page or render_error(environ, status, inside=inside, asked_json=asked_json)

    def _error_page(
        self, context: APIContext, status: int, error: BaseException
    ) -> Response | None:
        """The site's own page for the status, if there is one and the client takes HTML."""
        if status not in _PAGES or not takes_html(context.environ):
            return None
        route = self._nearest(context, status)
        if route is None:
            return None
        context.route_pattern = route.pattern.text
        context.props = {"error": error}
        answers = route.handlers.by_method
        method = context.request.method
        own = None if method == "OPTIONS" else answers.get(method)
        answer = own or answers.get("GET") or route.handlers.other
        try:
            page = answer(context).moved()
            if "accept" not in re.split(r"[\s,]+", page.headers.get("vary", "").lower()):
                page.headers.append("vary", "accept")
            return page
        except Exception as failure:
            if status == 500:
                log.error("The site's 500 page failed", exc_info=failure)
                return render_error(context.environ, 500)
            return self.answer_crash(context, failure)

    def _nearest(self, context: APIContext, status: int) -> Route | None:
        """The error page in the nearest folder: of the file, or of the path where none matched."""
        mount = decode_mount(context.environ.get("SCRIPT_NAME", ""))
        path = context.path.removeprefix(mount).removeprefix(self._base).rstrip("/")
        matched = self._routes.match(path)
        if matched is not None:
            folder = re.sub(r"^src/pages/?|/?[^/]*$", "", matched[0].file)
            for above in _and_above(f"/{folder}" if folder else ""):
                page = self._by_pattern.get(f"{above}/{status}")
                if page is not None:
                    return page
            return None
        for above in _and_above(path):
            found = self._routes.match(f"{above}/{status}")
            if found is not None and _is_page(found[0], status):
                context.params = found[1]
                return found[0]
        return None


def _is_page(route: Route, status: int) -> bool:
    return route.kind != "redirect" and route.pattern.segments[-1] == (str(status),)


def find_request_id(environ: Environ) -> str | None:
    """The client's or proxy's `X-Request-Id`, if it is one: up to 128 harmless characters."""
    found = _REQUEST_ID.fullmatch(environ.get("HTTP_X_REQUEST_ID", ""))
    return found[0] if found else None


def pass_on_request_id(environ: Environ, response: Response) -> Response:
    """The response with the request's `X-Request-Id`, unless the site has set its own."""
    known = find_request_id(environ)
    if known is None or "x-request-id" in response.headers:
        return response
    response = response.moved()
    response.headers.set("x-request-id", known)
    return response


def _own_words(error: HTTPException) -> str:
    """What the raiser says of the error; Werkzeug's stock sentences are for its own pages."""
    described = error.description
    return described if described and described != type(error).description else ""


def _and_above(path: str) -> list[str]:
    """The path and those above it: `/a/b`, `/a`, and the empty one.

    >>> _and_above("/a/b")
    ['/a/b', '/a', '']
    """
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
