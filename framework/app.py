"""`App`: a site as a WSGI application. `App.__call__` handles a request from top to bottom."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextvars import copy_context
from itertools import repeat, starmap
from pathlib import Path
from typing import Any

from .config import Config
from .context import APIContext, Services, State
from .error_pages import Crash, ErrorPages, add_request_id
from .middleware import Rewriter
from .route import Handler, Handlers, Route
from .routing.paths import decode_mount, decode_path, is_plain_path, quote_path
from .routing.pattern import Pattern
from .routing.table import Match
from .security import SAFE_METHODS, HostCheck, OriginCheck, make_proxy_fix
from .site.explain import explain
from .site.loader import Mode, load_site
from .version import __version__
from .web.body import BodyInit
from .web.conditional import apply_conditions
from .web.headers import HeadersInit
from .web.request import Request
from .web.requeststream import BodyLimits
from .web.response import Response
from .web.url import URL
from .web.wsgi import Environ, StartResponse, WSGIApplication, call, path_info_of


class App:
    """A site as a WSGI application (PEP 3333).

    `root` is the site's folder. `config` replaces its `framework.config.py`. `fallback` is a WSGI
    application for paths that no route matches. `mode` is `"production"`; `"dev"`, which shows
    errors to the client and ignores the build; or `"build"`, which ignores the build too, raises
    crashes, and collects warnings in `site.warnings` instead of the log.

    Raises `SiteError` with every mistake in the site. In development only a mistake in the
    configuration is raised; a route with any other mistake shows it.
    """

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request (PEP 3333). Its code runs with context variables of its own."""
        if self._trust_proxies is not None:
            self._trust_proxies(environ)
        variables = copy_context()
        context: APIContext | None = None
        response: Response | None = None
        try:
            if self._lifespan is not None and self._lifespan.process != os.getpid():
                variables.run(self._lifespan.start, self)
            if environ.get("HTTP_HOST") not in self._good_hosts or "HTTP_SCRIPT_NAME" in environ:
                self._check_host(environ)
            match = self._exact.get(environ.get("PATH_INFO", ""))
            if match is None or environ.get("SCRIPT_NAME"):
                match = self._match(environ)
            if match is not None:
                # All requests share the {} of an exact match.
                route, params = match.route, match.params or {}
                context = APIContext(self._services, environ, variables, route, params, match.path)
                method = environ["REQUEST_METHOD"]
                if method not in SAFE_METHODS and route.check_origin:
                    self._check_origin(context)
                if name := route.pattern.text:
                    environ["http.route"] = name  # the name that OpenTelemetry uses
                handler = route.chain.by_method.get(method, route.chain.other)
                response = variables.run(handler, context)
        except (Exception, SystemExit) as error:
            if context is None:
                context = APIContext(self._services, environ, variables)
            response = variables.run(self._error_pages.respond, context, error)
        if context is None or response is None:
            return self._fallback(environ, start_response)  # type: ignore[misc]
        try:
            if self._has_sessions:
                variables.run(context.session.save)
            return self._send(context, response, start_response)
        except (Exception, SystemExit) as error:
            variables.run(response.close)
            return self._send_error(context, error, start_response)

    def _match(self, environ: Environ) -> Match[Route] | None:
        """Find what handles the path: a route, a file, or a redirect to the canonical spelling.

        The result is `None` if the fallback application handles it.
        """
        path_info = environ.get("PATH_INFO", "")
        mount = decode_mount(environ.get("SCRIPT_NAME", ""))
        path = path_info if is_plain_path(path_info) else decode_path(path_info)
        file = self._files.get(path)
        match: Match[Route] | None = None
        if file is not None and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            match = Match(_FILE, {"file": file}, path)
        else:
            match = self._routes.match(path)
        if match is None:
            return None if self._fallback is not None else Match(self._missing, {}, mount + path)
        if (match.path != path or "//" in path_info) and match.route.kind != "redirect":
            return Match(_OTHER_SPELLING, {}, mount + match.path)
        if not mount:
            return match
        return Match(match.route, match.params, mount + path if path_info else mount)

    def _send(
        self, context: APIContext, response: Response, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Finish the response and send it: caching of sessions, conditional request, request id."""
        environ = context.environ
        if self._has_sessions:
            response = context.session.add_cache_headers(response)
        if (
            self._make_etag
            or "HTTP_IF_NONE_MATCH" in environ
            or "HTTP_IF_MODIFIED_SINCE" in environ
        ):
            response = context.variables.run(
                apply_conditions, environ, response, make_etag=self._make_etag
            )
        if "HTTP_X_REQUEST_ID" in environ:
            response = add_request_id(environ, response)
        cookies = () if context.made_cookies is None else context.made_cookies.headers()
        if environ["REQUEST_METHOD"] == "HEAD":  # closes a stream
            body = context.variables.run(response.send, start_response, True, cookies)
        else:
            body = response.send(start_response, False, cookies)
        if type(body) is list or context.route is _FILE:
            if context.props:
                context.close()
            return body
        return _StreamedBody(body, context)

    def _send_error(
        self, context: APIContext, error: Crash, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Send the response for an error of the session or of sending another response."""
        exc_info = sys.exc_info()

        def start_again(status: str, headers: list[tuple[str, str]]) -> Any:
            return start_response(status, headers, exc_info)

        run = context.variables.run
        response = run(self._error_pages.respond, context, error)
        try:
            return self._send(context, response, start_again)
        except (Exception, SystemExit) as failure:
            response = run(self._error_pages.fail, context, failure)
            return self._send(context, response, start_again)

    def __init__(
        self,
        root: str | Path,
        config: Config | None = None,
        *,
        fallback: WSGIApplication | None = None,
        mode: Mode = "production",
    ) -> None:
        if not isinstance(config, Config | None):
            raise TypeError(f"config is a Config, not {type(config).__name__}.")
        # Path.resolve() raises RuntimeError for a link that leads to itself.
        self.site = site = load_site(Path(os.path.realpath(root)), config, mode)
        self.config = site.config
        self._fallback = fallback
        self._files, self._routes, self._missing = site.files, site.routes, site.missing
        self._make_etag = site.config.etag
        self._has_sessions = site.sessions is not None
        self._lifespan = site.lifespan
        # Without the paths of files, which come first.
        self._exact = {key: m for key, m in site.routes.exact.items() if m.path not in site.files}
        self._error_pages = ErrorPages(
            site.error_folders,
            explain=self._explain if mode == "dev" else None,
            reraise=mode == "build",
        )
        security = site.config.security
        self._services = Services(
            site=site.config.site,
            generator=f"framework v{__version__}",
            limits=BodyLimits(security.max_body_size, security.max_text_size),
            url_for=site.routes.url_for,
            rewrite=Rewriter(site.routes, site.missing),
            render=site.templates.render,
            markdown=site.templates.markdown.render,
            error_response=self._error_pages.respond,
            get_state=self._get_state,
            sessions=site.sessions,
        )
        self._trust_proxies = (
            make_proxy_fix(security.trusted_proxies) if security.trusted_proxies else None
        )
        # In development and in a build the host is not that of the real site.
        self._check_host = HostCheck(security.allowed_hosts if mode == "production" else ())
        self._good_hosts = self._check_host.accepted
        self._check_origin = OriginCheck(security)

    def fetch(
        self,
        url_or_request: "str | URL | Request",
        *,
        method: str = "GET",
        headers: HeadersInit = None,
        body: BodyInit = None,
    ) -> Response:
        """Run one request through the whole application in this process; return its `Response`.

        A relative URL is one of `http://localhost`. `method`, `headers` and `body` are those of
        the request if a URL is given.
        """
        if isinstance(url_or_request, Request):
            request = url_or_request
        else:
            url = URL(url_or_request, "http://localhost")
            request = Request(url, method=method, headers=headers, body=body)
        status, status_text, header_list, content = call(self, request.to_environ())
        return Response(content, status=status, status_text=status_text, headers=header_list)

    def explain(self, method: str, target: str) -> str:
        """Return which file handles a request, and why not another, as text.

        `target` is a path as a client sends it. Raises `ValueError` for a path that no site
        accepts, and `StaticPathsError` if a `get_static_paths()` fails.
        """
        if not target.startswith("/"):
            raise ValueError(f"A path begins with a slash: /{target}")
        environ = Request("http://localhost/", method=method).to_environ()
        path, _, environ["QUERY_STRING"] = target.partition("?")
        environ["PATH_INFO"] = path_info_of(path)
        return self._explain(environ, target)

    def _explain(self, environ: Environ, target: str) -> str:
        context = APIContext(self._services, environ)
        match = self._match(environ)
        if match is not None:
            context.route, context.params, context.path = match.route, match.params, match.path
        return explain(self.site, context, environ["REQUEST_METHOD"], target)

    def start(self) -> None:
        """Run the `lifespan()` of the site in this process, unless it runs already.

        The first request does so too. Raises `SiteError` for an error in it.
        """
        if self._lifespan is not None:
            self._lifespan.start(self)

    def stop(self) -> None:
        """Run the end of the `lifespan()`, if it runs in this process."""
        if self._lifespan is not None:
            self._lifespan.stop()

    def _get_state(self) -> State:
        return State() if self._lifespan is None else self._lifespan.state

    def close(self) -> None:
        """Stop, and remove the site's modules from `sys.modules` and its `src/` from `sys.path`.

        If another `App` of the same folder is open, they stay until it is closed.
        """
        self.stop()
        self.site.modules.close()


class _StreamedBody:
    """A body that the server iterates, with the context variables of its request.

    Closing it closes the context of the request.
    """

    __slots__ = ("_body", "_context")

    def __init__(self, body: Any, context: APIContext) -> None:
        self._body = body
        self._context = context
        context.cookies.mark_sent()

    def __iter__(self) -> Iterator[bytes]:
        # For each chunk, variables.run(next, chunks) without a frame of Python around it.
        return starmap(self._context.variables.run, repeat((next, iter(self._body))))

    def close(self) -> None:
        try:
            self._context.variables.run(self._body.close)
        finally:
            self._context.close()


def _make_route(kind: str, handler: Handler) -> Route:
    handlers = Handlers({}, handler)
    return Route(Pattern("", (), (), ()), kind, kind, handlers, handlers, check_origin=False)


def _send_file(context: APIContext) -> Response:
    response: Response = context.params["file"].respond(context.environ)
    return response


def _redirect_to_spelling(context: APIContext) -> Response:
    """Redirect to the canonical spelling, `context.path`, which begins with one slash."""
    status = 301 if context.request.method in ("GET", "HEAD") else 308
    location = quote_path(context.path) + context.url.search
    return Response(None, status=status, headers={"location": location})


_FILE = _make_route("file", _send_file)
_OTHER_SPELLING = _make_route("spelling", _redirect_to_spelling)
