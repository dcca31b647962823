"""What happens to a request, from the WSGI environ to the response?

Read `App.__call__` and `App._respond` from top to bottom: that is all of it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import BadRequest, HTTPException, NotFound

from .config import Config
from .context import APIContext, Services
from .error_pages import Failures, pass_on_request_id
from .errors import RewriteLoopError, SiteError
from .middleware import Handler, Middleware, Target, compose
from .routing.paths import BadPathError, collapse_slashes, decode_mount, decode_path, quote_path
from .routing.pattern import parse_pattern
from .routing.table import Route
from .security import HostCheck, OriginCheck, make_proxy_fix
from .site.endpoints import Handlers
from .site.explain import explain
from .site.loader import load_site
from .site.static_paths import BUILDING
from .static.built import Built, Notes, find_prerendered
from .static.files import StaticFile
from .version import __version__
from .web.body import BodyInit
from .web.conditional import answer_conditionally
from .web.headers import HeadersInit
from .web.request import Request
from .web.response import Response
from .web.url import URL
from .web.wsgi import Environ, StartResponse, WSGIApplication

_MOST_REWRITES = 8
REWRITTEN = "framework.rewritten"  # in the environ: another route answered


class App:
    """A site as a WSGI application (PEP 3333).

    `root` is the site's folder. `config` is used in place of its `framework.config.py`.
    `fallback`, another WSGI application, answers what no route of the site matches. `dev`
    shows the inside of errors to the client. `building` hears what a build is to warn of; no built
    file is served then, and a crash passes through to the caller.

    Raises `SiteError`, which names every mistake of the site.
    """

    def __init__(
        self,
        root: str | Path,
        config: Config | None = None,
        *,
        fallback: WSGIApplication | None = None,
        dev: bool = False,
        building: Callable[[str], None] | None = None,
    ) -> None:
        self.site = site = load_site(Path(root).resolve(), config, self._compose)
        self.config = site.config
        security = site.config.security
        self._fallback = fallback
        self._base = site.config.base.rstrip("/")
        self._notes = Notes(building)
        try:
            folder = site.root / site.config.build.out_dir
            built = None if building or dev else find_prerendered(folder)
        except SiteError:
            self.close()
            raise
        self._files = self._find_files(built)
        self._says_no_build = not (building or dev)
        self._make_etag = site.config.etag
        self._has_sessions = site.sessions is not None
        self._static = site.routes.static
        self._failures = Failures(site, self._explain if dev else None, building=bool(building))
        self._trust = make_proxy_fix(security.trusted_proxies) if security.trusted_proxies else None
        # In development the names of the real site are not these; the server checks its own.
        self._check_host = HostCheck(() if dev or building else security.allowed_hosts)
        self._check_origin = OriginCheck(security) if security.check_origin else None
        nothing = Handlers({}, _raise_not_found, ())
        self._missing = self._compose(
            Route(parse_pattern("/404"), "no route", "missing", nothing, nothing, site.middleware)
        )
        self._services = Services(
            site=site.config.site,
            generator=f"framework v{__version__}",
            max_body_size=security.max_body_size,
            has_build=built is not None,
            warn_of_headers=self._warn_of_headers,
            url_for=site.routes.url_for,
            rewrite=self._rewrite,
            render=site.templates.render,
            sessions=site.sessions,
        )

    def _find_files(self, built: Built | None) -> dict[str, StaticFile]:
        """Public and built files by `PATH_INFO`; of a build that is older than the site only
        what is still prerendered.
        """
        if built is None:
            return self.site.files
        files, gone = self.site.routes.spell_files(built.files)
        if gone:
            self._notes.old_build(self.config.build.out_dir, gone)
        files.update(built.add_variants(self.site.files, self._base))
        return files

    def close(self) -> None:
        """Take the site's `src/` off `sys.path`."""
        self.site.modules.close()

    def explain(self, method: str, target: str) -> str:
        """Which file would answer a request, with what, and why not another, as text.

        `target` is a path as a client sends it. Raises `ValueError` for one that no site answers.
        """
        if not target.startswith("/"):
            raise ValueError(f"A path begins with a slash: /{target}")
        environ = Request("http://localhost/", method=method).to_environ()
        path, _, environ["QUERY_STRING"] = target.partition("?")
        environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
        return self._explain(environ, target)

    def _explain(self, environ: Environ, target: str) -> str:
        context, method = APIContext(self._services, environ), environ["REQUEST_METHOD"]
        found = self._find(context, environ, environ.get("PATH_INFO", ""), method)
        return explain(self.site, context, found, method, target)

    # --------------------------------------------------------------- one request

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        if self._trust is not None:
            self._trust(environ)
        context = APIContext(self._services, environ)
        response = self._respond(context, environ)
        if response is None:
            return self._fallback(environ, start_response)  # type: ignore[misc]
        if self._has_sessions:
            response = self._save_session(context, response)
        if (
            self._make_etag
            or "HTTP_IF_NONE_MATCH" in environ
            or "HTTP_IF_MODIFIED_SINCE" in environ
        ):
            response = answer_conditionally(environ, response, make_etag=self._make_etag)
        if "HTTP_X_REQUEST_ID" in environ:
            response = pass_on_request_id(environ, response)
        head = environ["REQUEST_METHOD"] == "HEAD"
        try:
            body = response.send(
                start_response, head=head, cookies=context.set_cookies(), run=context.run
            )
        except Exception as error:  # nothing was sent yet: a body that can't be sent
            happened = sys.exc_info()  # start_response may have been called all the same
            response = self._failures.answer_crash(context, error)
            if self._has_sessions:
                response = context.session.mark(response)
            body = response.send(
                lambda status, headers: start_response(status, headers, happened),
                head=head,
                cookies=context.set_cookies(),
            )
        if type(body) is tuple:
            context.close()
            return body
        return _Sending(body, context)

    def _save_session(self, context: APIContext, response: Response) -> Response:
        try:
            context.session.save()
        except Exception as error:
            response.close()
            response = self._failures.answer_crash(context, error)
        return context.session.mark(response)

    def _respond(self, context: APIContext, environ: Environ) -> Response | None:
        """The response of the site; `None` where the fallback is to answer."""
        try:
            try:
                self._check_host(environ)
                if "HTTP_SCRIPT_NAME" in environ and self._trust is None:
                    raise BadRequest("A client may not say where the site is mounted.")
                path = environ.get("PATH_INFO", "")
                method = environ["REQUEST_METHOD"]
                # What is asked for by its only spelling is one look-up; the rest is in `_find`.
                known = self._static.get(path)
                if known is not None and path not in self._files and not environ.get("SCRIPT_NAME"):
                    route, context.path = known
                else:
                    found = self._find(context, environ, path, method)
                    if not isinstance(found, Route):
                        return found
                    route = found
                if self._check_origin is not None and route.check_origin:
                    self._check_origin(environ, lambda: context.url.origin)
                # `http.route` is OpenTelemetry's name for it; its hooks are handed the environ.
                context.route_pattern = environ["http.route"] = route.pattern.text
                return (route.chain.by_method.get(method) or route.chain.other)(context)
            except BadPathError as error:
                return self._failures.answer_error(context, BadRequest(str(error)))
            except HTTPException as error:
                return self._failures.answer_error(context, error)
        except Exception as error:
            return self._failures.answer_crash(context, error)

    def _find(
        self, context: APIContext, environ: Environ, path_info: str, method: str
    ) -> Route | Response | None:
        """The route for a path in any spelling; a `Response` for a file or a redirect to the
        one spelling; `None` where the fallback is to answer.
        """
        asked = decode_path(path_info)
        path = collapse_slashes(asked)
        mount = decode_mount(environ["SCRIPT_NAME"]) if environ.get("SCRIPT_NAME") else ""
        context.path = mount + path if path_info or not mount else mount
        if method in ("GET", "HEAD"):
            key = path if path.isascii() else path.encode().decode("latin-1")
            file = self._files.get(key)
            if file is not None:
                return (
                    self._respell(context, mount + path) if path != asked else file.respond(environ)
                )
        inner = self._without_base(path) if self._base else path
        found = None if inner is None else self.site.routes.match(inner)
        if found is None:
            return None if self._fallback is not None else self._missing
        route, context.params = found
        if route.slash is not None:
            path = (path.rstrip("/") + "/" if route.slash else path.rstrip("/")) or "/"
        if path != asked and route.kind != "redirect":
            return self._respell(context, mount + path)
        return route

    def _without_base(self, path: str) -> str | None:
        is_below = path == self._base or path.startswith(f"{self._base}/")
        return path[len(self._base) :] if is_below else None

    def _respell(self, context: APIContext, path: str) -> Response:
        """A redirect to the path's one spelling. Always to this host: it begins with one slash."""
        status = 301 if context.request.method in ("GET", "HEAD") else 308
        location = quote_path(path) + context.url.search
        return Response(None, status=status, headers={"location": location})

    # ---------------------------------------------------------------- start-up

    def _compose(self, route: Route) -> Route:
        """The route with its middleware composed around each of its answers."""
        if route.middleware:
            chain = route.handlers.wrap(lambda answer: self._around(route, answer))
            route = replace(route, chain=chain)
        if route.static is not None:
            answers = {
                method: self._prerendering(answer, route) if method in ("GET", "HEAD") else answer
                for method, answer in route.chain.by_method.items()
            }
            route = replace(route, chain=replace(route.chain, by_method=answers))
        return route

    def _prerendering(self, answer: Handler, route: Route) -> Handler:
        """`answer` run as the build runs it, where there is none."""

        def run(context: APIContext) -> Response:
            if context.has_build:  # a rewrite, or a path that has no file
                return answer(context)
            context.is_prerendered = True
            if self._says_no_build:
                self._notes.no_build(self.config.build.out_dir)
            response = answer(context)
            is_set = bool(context.set_cookies()) or "set-cookie" in response.headers
            self._notes.cookies(route.file, read=context.read_cookies(), written=is_set)
            return response

        return run

    def _warn_of_headers(self, context: APIContext) -> None:
        self._notes.headers_read(self.site.routes.place_of(context.route_pattern))

    def _around(
        self, route: Route, answer: Handler, passed: tuple[Middleware, ...] = ()
    ) -> Handler:
        layers = [layer for layer in route.middleware if layer not in passed]
        return compose(layers, self._catch(answer), self._rewrite, passed)

    def _catch(self, answer: Handler) -> Handler:
        """`answer`, an `HTTPException` turned into its response, so that middleware sees one."""

        def caught(context: APIContext) -> Response:
            try:
                # A response may be shared, made once for all requests; what middleware changes
                # in it is this request's alone.
                return answer(context).moved()
            except HTTPException as error:
                return self._failures.answer_error(context, error)

        return caught

    # ---------------------------------------------------------------- rewrites

    def _rewrite(
        self, context: APIContext, target: Target, passed: tuple[Middleware, ...] = ()
    ) -> Response:
        """The response of another route; the layers in `passed` stand around it already."""
        trail = (*context.trail, context.route_pattern)
        if len(trail) > _MOST_REWRITES:
            raise RewriteLoopError(f"Rewrites lead in a circle: {' -> '.join(trail)}.")
        if BUILDING in context.environ:
            context.environ[REWRITTEN] = True
        request = target if isinstance(target, Request) else None
        url = URL(request.url if request is not None else str(target), context.url)
        if url.host != context.url.host:
            raise ValueError(f"rewrite({str(target)!r}) leaves this site: take redirect().")
        # Decoded once, as a server does; then it is read as any request's path is.
        path = collapse_slashes(decode_path(unquote_to_bytes(url.pathname).decode("latin-1")))
        mount = decode_mount(context.environ.get("SCRIPT_NAME", ""))
        if mount and (path == mount or path.startswith(f"{mount}/")):
            path = path[len(mount) :]
        inner = self._without_base(path)
        found = self.site.routes.match(path if inner is None else inner)
        route, params = found or (self._missing, {})
        full = path if inner is not None else self._base + path
        moved = context.moved(trail, full, url.search[1:], request)
        moved.route_pattern = route.pattern.text
        moved.params = params
        answer = route.handlers.get(moved.request.method)
        return self._around(route, answer, passed)(moved)

    # -------------------------------------------------------------- in process

    def fetch(
        self,
        url_or_request: "str | URL | Request",
        *,
        method: str = "GET",
        headers: HeadersInit = None,
        body: BodyInit = None,
    ) -> Response:
        """The response to one request, run through the whole application in this process.

        A relative URL is one of `http://localhost`. `method`, `headers` and `body` make the
        request where a URL is given.
        """
        if isinstance(url_or_request, Request):
            request = url_or_request
        else:
            url = URL(url_or_request, "http://localhost")
            request = Request(url, method=method, headers=headers, body=body)
        started: list[Any] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[..., None]:
            started[:] = [status, headers]
            return written.append

        written: list[bytes] = []
        chunks = self(request.to_environ(), start_response)
        if not started or written:  # a fallback that starts late or writes: let it finish
            try:
                written += chunks
            finally:
                _close(chunks)
            chunks = written
        status, _, text = started[0].partition(" ")
        content: BodyInit = b"".join(chunks) if isinstance(chunks, (list, tuple)) else chunks
        if request.method == "HEAD" or status in ("204", "205", "304"):
            _close(chunks)
            content = None
        return Response(content, status=int(status), status_text=text, headers=started[1])


class _Sending:
    """A body on its way; closing it ends what the request left running."""

    __slots__ = ("_body", "_context")

    def __init__(self, body: Any, context: APIContext) -> None:
        self._body = body
        self._context = context

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            self._body.close()
        finally:
            self._context.close()


def _close(chunks: object) -> None:
    close = getattr(chunks, "close", None)
    if close is not None:
        close()


def _raise_not_found(context: APIContext) -> Response:
    raise NotFound
