"""Prerendered routes while they run: in a build, or in an application that has no build."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Self

from werkzeug.exceptions import NotFound

from ..context import APIContext
from ..route import Handler, Handlers
from ..web.headers import RequestHeaders
from ..web.request import Request
from ..web.response import Response
from .endpoints import method_not_allowed
from .static_paths import StaticPaths

log = logging.getLogger("framework")


class Warnings:
    """The warnings about the prerendered routes of one application, each given once.

    `texts` holds them. They are also logged, unless `log_them` is false.
    """

    def __init__(self, *, log_them: bool) -> None:
        self.texts: list[str] = []
        self._log_them = log_them
        self._lock = threading.Lock()

    def add(self, text: str) -> None:
        """Add a warning if it is new."""
        with self._lock:
            if text in self.texts:
                return
            self.texts.append(text)
        if self._log_them:
            log.warning(text)

    def visitor_data(self, file: str, what: str) -> None:
        """Warn that a prerendered route read data of a visitor."""
        self.add(
            f"{file}: reads {what}, but the route is prerendered: they are not those of a visitor. "
            "Set prerender = False, or remove that code."
        )


class _WatchedRequest(Request):
    """The request used while prerendering: reading its headers warns."""

    __slots__ = ("on_headers",)

    on_headers: Callable[[], None]

    @property
    def headers(self) -> RequestHeaders:
        self.on_headers()
        return super().headers

    def with_url(self, make_url: Callable[[], str]) -> Self:
        other = super().with_url(make_url)
        other.on_headers = self.on_headers
        return other


def prerender_handlers(
    handlers: Handlers,
    paths: StaticPaths,
    *,
    has_build: bool,
    only: bool,
    is_error_page: bool,
) -> Handlers:
    """Return handlers whose GET and HEAD get the props of a listed path.

    With a build the application serves the listed paths as files, so only a rewrite leads to the
    handlers. `only` says that the route has no other methods. An error page also runs for
    paths that are not listed.
    """

    def wrap(handler: Handler) -> Handler:
        def run(context: APIContext) -> Response:
            is_rewritten = context.rewritten_from is not None
            path = None
            if is_rewritten or is_error_page or not has_build:
                path = paths.find(context.params)
            if path is not None:
                context.props = {**path.props, **context.props}  # with the error of an error page
            elif not is_error_page:
                raise NotFound
            return handler(context)

        return run

    by_method = {
        method: wrap(handlers.get(method))
        for method in ("GET", "HEAD")
        if method in handlers.by_method or handlers.takes_all
    }
    if only:
        methods = tuple(by_method)
        return Handlers(by_method, method_not_allowed(methods), methods)
    return replace(handlers, by_method=handlers.by_method | by_method)


def watch_handlers(
    handlers: Handlers, file: str, warnings: Warnings, *, missing_build: str | None
) -> Handlers:
    """Return handlers whose GET and HEAD warn when they use data of a visitor.

    `file` is the route's. `missing_build` is the folder in which a build was expected.
    """

    def wrap(handler: Handler) -> Handler:
        def run(context: APIContext) -> Response:
            context.is_prerendered = True
            request = context.make_request(_WatchedRequest)
            request.on_headers = lambda: warnings.visitor_data(file, "request.headers")
            if missing_build is not None:
                warnings.add(
                    f"No build found in {missing_build}: prerendered routes run for each request. "
                    "Run: framework build"
                )
            response = handler(context)
            if context.read_cookies():
                warnings.visitor_data(file, "cookies or the session")
            if (
                context.made_cookies and context.made_cookies.headers()
            ) or "set-cookie" in response.headers:
                warnings.add(f"{file}: sets a cookie, which a file can't. It is left out.")
            return response

        return run

    by_method = {
        method: wrap(handler) if method in ("GET", "HEAD") else handler
        for method, handler in handlers.by_method.items()
    }
    return replace(handlers, by_method=by_method)
