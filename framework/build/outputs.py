"""What does one path of a site become: which file, with which content and headers?"""

import html
import io
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..app import App
from ..config import Config
from ..errors import BuildError
from ..route import Route
from ..error_pages import ERROR_PAGES
from ..site.static_paths import STATIC_PATH, StaticPath, StaticPaths
from ..web.request import Request
from ..web.response import Response
from ..web.url import URL


class OutputError(BuildError):
    """One path can't become a file; the text names its route, and says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path of a route: `full` as a client asks for it, `local` without `base` and the slashes
    at its ends. Neither is percent-encoded.
    """

    route: Route
    full: str
    local: str

    @property
    def path(self) -> str:
        """What the application knows the file by: `/about`, and `""` for the home page."""
        return f"/{self.local}" if self.local else ""


@dataclass(frozen=True, slots=True)
class Output:
    """A file of the build.

    `headers` is `None` for what the application answers itself: redirects and error pages.
    `location` is where a redirect leads. `depends_on_others` says that the answer was that of
    another route, by a rewrite.
    """

    file: str
    content: bytes
    headers: dict[str, str] | None
    content_type: str
    status: int
    location: str | None
    depends_on_others: bool


def find_sources(app: App) -> Iterator[tuple[Route, StaticPaths]]:
    """Every route that becomes files, with what lists its paths."""
    redirects = app.config.output == "static"
    for route in app.site.routes.all:
        if route.prerender:
            yield route, app.site.static_paths[route.pattern.text]
        elif route.kind == "redirect" and redirects and not route.pattern.params:
            yield route, StaticPaths(route.file, route.pattern, None)


class Outputs:
    """Makes the outputs of one application, which was made for a build."""

    def __init__(self, app: App) -> None:
        self._app = app
        origin = URL(app.config.site or "http://localhost").origin
        self._environ = Request(origin).to_environ()
        self._base = app.config.base.rstrip("/")

    def locate(self, route: Route, path: StaticPath) -> Place:
        """The path of the route. Raises `OutputError` where there is none, or another route
        answers it.
        """
        routes = self._app.site.routes
        try:
            full = unquote(routes.url_for(route.pattern.text, path.params))
        except ValueError as error:
            raise OutputError(
                f"{route.file}: item {path.number} of get_static_paths(): {error}\n"
                "    A value is never empty, and has no slash, but for that of a [...rest], which may "
                "be None."
            ) from error
        # Canonical: no `..`, no empty segment, no backslash. As a file's name it stays in its folder.
        local = full[len(self._base) :].strip("/")
        match = routes.match(full)
        if match is not None and match.route is not route:
            raise OutputError(
                f"{route.file} and {match.route.file} both have the path {full}; the second "
                f"answers.\n    {_leave_out(route)}."
            )
        return Place(route, full, local)

    def make(self, place: Place, path: StaticPath) -> Output:
        """The output for the path, by running its route. Raises `OutputError`."""
        route, environ = place.route, self._environ.copy()
        environ["PATH_INFO"] = place.full.encode().decode("latin-1")
        environ["wsgi.input"] = io.BytesIO()
        environ[STATIC_PATH] = path
        try:
            status, headers, content = _call(self._app, environ)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            where = _where(error, self._app.site.root)
            raise OutputError(f"{route.file}: {place.full} failed{where}: {told}") from error
        error_status = ERROR_PAGES.get(route.pattern.text.rpartition("/")[2])
        location = headers.pop("location", None) if 300 <= status < 400 else None
        if location is not None:
            try:
                content = _redirect_page(location)
            except ValueError as error:
                raise OutputError(f"{route.file}: {place.full}: {error}") from error
            headers["content-type"] = "text/html;charset=UTF-8"
        elif status != error_status and not 200 <= status < 300:
            raise OutputError(
                f"{route.file}: {place.full} answered {status}, so it can't be a file.\n"
                f"    {_leave_out(route)}, or set prerender = False."
            )
        kind = headers.get("content-type", "")
        return Output(
            file=_file_of(place, self._app.config, is_html=kind.startswith("text/html")),
            content=content,
            headers=None if route.kind == "redirect" or error_status is not None else headers,
            content_type=kind,
            status=status,
            location=location,
            depends_on_others=True,
        )


def _leave_out(route: Route) -> str:
    return "Take it out of get_static_paths()" if route.pattern.params else "Take out the file"


def _call(app: App, environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers without cookies and length, and the whole body."""
    started: list[Any] = []
    chunks = app(environ, lambda status, headers, exc_info=None: started.extend((status, headers)))
    try:
        content = b"".join(chunks)
    finally:
        if not isinstance(chunks, tuple):
            chunks.close()  # type: ignore[attr-defined]
    headers: dict[str, str] = {}
    for name, value in started[1]:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    headers.pop("set-cookie", None)
    headers.pop("content-length", None)
    return int(started[0][:3]), headers, content


def _where(error: Exception, root: Path) -> str:
    """The last line of the site's own that the error passed: ` in src/lib/catalog.py:33`."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(root / "src")]
    return f" in {Path(own[-1].filename).relative_to(root)}:{own[-1].lineno}" if own else ""


def _file_of(place: Place, config: Config, *, is_html: bool) -> str:
    """The file, below the output folder."""
    pattern, local = place.route.pattern, place.local
    if is_html and pattern.text.rpartition("/")[2] in ERROR_PAGES:
        return f"{local}.html"
    if place.route.kind == "endpoint" or pattern.has_extension:
        return local or ("index.html" if is_html else "index")
    form = config.build.format
    if form == "preserve":
        is_index = place.route.file.rpartition("/")[2].startswith("index.")
        form = "directory" if is_index else "file"
    if not local:
        return "index.html"
    return f"{local}/index.html" if form == "directory" else f"{local}.html"


def _redirect_page(location: str) -> bytes:
    """Raises `ValueError` for an address that no redirect may have."""
    to = html.escape(Response.redirect(location).headers["location"])
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>Redirecting to {to}</title>\n'
        f'<meta http-equiv="refresh" content="0;url={to}">\n'
        '<meta name="robots" content="noindex">\n'
        f'<link rel="canonical" href="{to}"></head>\n'
        f'<body><p>Redirecting to <a href="{to}">{to}</a></p></body></html>\n'
    ).encode()
