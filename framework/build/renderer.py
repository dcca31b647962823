"""Render a path of a route to the content of a file."""

import html
import io
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ..app import App
from ..error_pages import ERROR_PAGES
from ..errors import BuildError
from ..route import Route
from ..routing.paths import encode_path
from ..site.static_paths import STATIC_PATH, StaticPath, StaticPaths
from ..web.request import Request
from ..web.response import Response
from ..web.url import URL
from ..web.wsgi import call
from .results import HeaderItems


class OutputError(BuildError):
    """A path that cannot become a file."""


@dataclass(frozen=True, slots=True)
class OutputPath:
    """A URL path of a route, not percent-encoded.

    `local` is `full` without `base` and without slashes at both ends.
    """

    route: Route
    full: str
    local: str

    @property
    def path(self) -> str:
        """The path without `base`, as `WrittenFile` has it."""
        return f"/{self.local}" if self.local else ""


@dataclass(frozen=True, slots=True)
class Output:
    """The content of the file `name`; the other fields are those of `WrittenFile`."""

    name: str
    content: bytes
    content_type: str
    headers: HeaderItems | None
    redirect: tuple[int, str] | None


def list_sources(app: App) -> Iterator[tuple[Route, StaticPaths]]:
    """Yield each route that a build renders, and its paths."""
    with_redirects = app.config.output == "static"
    for route in app.site.routes.all:
        if route.prerender:
            yield route, app.site.static_paths[route.pattern.text]
        elif route.kind == "redirect" and with_redirects and not route.pattern.params:
            yield route, StaticPaths(route.file, route.pattern, None)


class Renderer:
    """Renders the paths of an application in build mode."""

    def __init__(self, app: App) -> None:
        self._app = app
        origin = URL(app.config.site or "http://localhost").origin
        self._environ = Request(origin).to_environ()
        self._prefix = app.config.prefix

    def locate(self, route: Route, path: StaticPath) -> OutputPath:
        """Return the URL path. Raises `OutputError` if it has none or matches another route."""
        routes = self._app.site.routes
        try:
            full = unquote(routes.url_for(route.pattern.text, path.params))
        except ValueError as error:
            raise OutputError(
                f"{route.file}: item {path.number} of get_static_paths(): {error}\n"
                "    A value must not be empty or contain a slash. Only a [...rest] parameter may "
                "contain slashes or be None."
            ) from error
        # url_for gives no "..", empty segment or backslash, so the file is in the output folder.
        local = full[len(self._prefix) :].strip("/")
        match = routes.match(full)
        if match is not None and match.route is not route:
            raise OutputError(
                f"{route.file} and {match.route.file} both have the path {full}; the second "
                f"serves it.\n    {_how_to_leave_out(route)}."
            )
        return OutputPath(route, full, local)

    def render(self, output_path: OutputPath, path: StaticPath) -> Output:
        """Call the application and return the output. Raises `OutputError` if it fails."""
        route, where = output_path.route, f"{output_path.route.file}: {output_path.full}"
        environ = self._environ.copy()
        environ["PATH_INFO"] = encode_path(output_path.full)
        environ["wsgi.input"] = io.BytesIO()
        environ[STATIC_PATH] = path
        try:
            status, status_text, items, body = call(self._app, environ)
            response = Response(body, status=status, status_text=status_text, headers=items)
            content = response.bytes()
        except Exception as error:
            line = _find_line(error, self._app.site.root)
            raise OutputError(f"{where} failed{line}: {type(error).__name__}: {error}") from error
        headers = response.headers
        headers.delete("set-cookie")
        headers.delete("content-length")
        error_status = ERROR_PAGES.get(route.pattern.text.rpartition("/")[2])
        location = headers.get("location") if 300 <= status < 400 else None
        if location is not None:
            headers.delete("location")
            headers.set("content-type", "text/html;charset=UTF-8")
            try:
                content = _redirect_page(location)
            except ValueError as error:
                raise OutputError(f"{where}: {error}") from error
        elif status != error_status and not 200 <= status < 300:
            raise OutputError(
                f"{where} responded with status {status}, so it cannot be a file.\n"
                f"    {_how_to_leave_out(route)}, or set prerender = False."
            )
        content_type = headers.get("content-type", "")
        is_live = route.kind == "redirect" or error_status is not None
        return Output(
            name=self._name_of(output_path, is_html=content_type.startswith("text/html")),
            content=content,
            content_type=content_type,
            headers=None if is_live else tuple(headers.items()),
            redirect=None if location is None else (status, location),
        )

    def _name_of(self, path: OutputPath, *, is_html: bool) -> str:
        """Return the name of the file, below the output folder."""
        pattern, local = path.route.pattern, path.local
        if is_html and pattern.text.rpartition("/")[2] in ERROR_PAGES:
            return f"{local}.html"
        if path.route.kind == "endpoint" or pattern.has_extension:
            return local or ("index.html" if is_html else "index")
        form = self._app.config.build.format
        if form == "preserve":
            is_index = path.route.file.rpartition("/")[2].startswith("index.")
            form = "directory" if is_index else "file"
        if not local:
            return "index.html"
        return f"{local}/index.html" if form == "directory" else f"{local}.html"


def _how_to_leave_out(route: Route) -> str:
    return "Remove it from get_static_paths()" if route.pattern.params else "Remove the file"


def _find_line(error: Exception, root: Path) -> str:
    """Return the site's last line in the traceback, as in ` in src/lib/catalog.py:33`."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(root / "src")]
    return f" in {Path(own[-1].filename).relative_to(root)}:{own[-1].lineno}" if own else ""


def _redirect_page(location: str) -> bytes:
    """Return a page that redirects. Raises `ValueError` if `location` is not allowed."""
    to = html.escape(Response.redirect(location).headers["location"])
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>Redirecting to {to}</title>\n'
        f'<meta http-equiv="refresh" content="0;url={to}">\n'
        '<meta name="robots" content="noindex">\n'
        f'<link rel="canonical" href="{to}"></head>\n'
        f'<body><p>Redirecting to <a href="{to}">{to}</a></p></body></html>\n'
    ).encode()
