"""Render the paths of routes to the contents of files."""

import html
import io
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from ..app import App
from ..error_pages import ERROR_PAGES
from ..errors import BuildError, StaticPathsError
from ..route import Route
from ..routing.paths import encode_path
from ..site.static_paths import StaticPath, StaticPaths, build_path
from ..static.built import new_digest
from ..static.types import content_type_of
from ..web.request import Request
from ..web.response import Response
from ..web.url import URL
from ..web.wsgi import call, close
from .results import HeaderItems, WrittenFile


class OutputError(BuildError):
    """A path that cannot become a file."""


class Output(NamedTuple):
    """A file to write. `url_path` is its path with `base`, not percent-encoded."""

    file: WrittenFile
    content: bytes
    content_type: str
    url_path: str


def list_sources(app: App) -> Iterator[tuple[Route, StaticPaths]]:
    """Yield each route that a build renders, and its paths."""
    with_redirects = app.config.output == "static"
    for route in app.site.routes.all:
        if route.prerender:
            yield route, app.site.static_paths[route.file]
        elif route.kind == "redirect" and with_redirects and not route.pattern.params:
            yield route, StaticPaths(route.file, route.pattern, None, app.site.routes.url_for)


class Renderer:
    """Renders the paths of an application in build mode."""

    def __init__(self, app: App) -> None:
        self._app = app
        origin = URL(app.config.site or "http://localhost").origin
        self._environ = Request(origin).to_environ()
        self._prefix = app.config.prefix
        self._headers: dict[HeaderItems, HeaderItems] = {}

    def render(self, route: Route, path: StaticPath) -> Output | None:
        """Call the application for a path of a route. Raises `OutputError` if it fails.

        The result is `None`, with a warning, if another route answers the path.
        """
        site = self._app.site
        if route.prerender:
            site.static_paths[route.file].set_rendered(path)
        try:
            url_path = unquote(build_path(route.file, route.pattern, path, site.routes.url_for))
            match = site.routes.match(url_path)
        except StaticPathsError as error:  # a wrong item, of this route or of one that comes first
            raise OutputError(str(error)) from error
        if match is not None and match.route is not route:
            site.warnings.add(
                f"{route.file}: {url_path} is left out, because {match.route.file} comes first "
                "and answers it."
            )
            return None
        public = site.files.get(url_path)
        if public is not None:
            name = Path(public.path).relative_to(site.root).as_posix()
            raise OutputError(
                f"{route.file} and {name} have the same path, {url_path}.\n    Keep one of them."
            )
        where = f"{route.file}: {url_path}"
        environ = {**self._environ, "PATH_INFO": encode_path(url_path), "wsgi.input": io.BytesIO()}
        try:
            status, _, items, body = call(self._app, environ)
            content = body if isinstance(body, bytes) else _read(body)
        except (Exception, SystemExit) as error:
            line = _find_line(error, site.root)
            raise OutputError(f"{where} failed{line}: {type(error).__name__}: {error}") from error
        # The application sends each name once, in lower case; only set-cookie may be repeated.
        headers = dict(items)
        headers.pop("set-cookie", None)
        headers.pop("content-length", None)
        error_status = ERROR_PAGES.get(route.pattern.last_name)
        location = headers.get("location") if 300 <= status < 400 else None
        if location is not None:
            del headers["location"]
            headers["content-type"] = "text/html;charset=UTF-8"
            try:
                content = _redirect_page(location)
            except ValueError as error:
                raise OutputError(f"{where}: {error}") from error
        elif status != error_status and not 200 <= status < 300:
            remove = "it from get_static_paths()" if route.pattern.params else "the file"
            raise OutputError(
                f"{where} responded with status {status}, so it cannot be a file.\n"
                f"    Remove {remove}, or set prerender = False."
            )
        elif status not in (200, error_status):
            site.warnings.add(
                f"{route.file}: responds with status {status}, but a file has the status 200. "
                "Set prerender = False to keep it."
            )
        content_type = headers.get("content-type", "")
        is_live = route.kind == "redirect" or error_status is not None
        local = self._below_base(url_path)
        file = WrittenFile(
            name=self._find_name(route, url_path, content_type),
            source=route.file,
            path=f"/{local}" if local else "",
            number=path.number,
            size=len(content),
            etag=new_digest(content).hexdigest(),
            headers=None if is_live else self._share(headers),
            redirect=None if location is None else (status, location),
        )
        return Output(file, content, content_type, url_path)

    def _share(self, headers: dict[str, str]) -> HeaderItems:
        """Return the headers as they are recorded. Most files have the same, and share one tuple."""
        items = tuple(sorted(headers.items()))
        return self._headers.setdefault(items, items)

    def _below_base(self, url_path: str) -> str:
        """Return the path without `base` and without slashes at its ends.

        `url_for` gives no "..", empty segment or backslash, so it is inside the output folder.
        """
        return url_path[len(self._prefix) :].strip("/")

    def _find_name(self, route: Route, url_path: str, content_type: str) -> str:
        """Return the name of the file that a static host sends for a path.

        Raises `OutputError` if the host of a static site would send the file as HTML and it is not.
        """
        local = self._below_base(url_path)
        is_html = content_type.startswith("text/html")
        if route.pattern.last_name in ERROR_PAGES:
            return f"{local}.html" if is_html else local
        is_folder = not local or url_path.endswith("/")
        if is_folder and not is_html and self._app.config.output == "static":
            kind = content_type.partition(";")[0] or "a response without a content type"
            source = PurePosixPath(route.file)
            raise OutputError(
                f"{route.file}: {url_path} is {kind}, but static hosts send the file for this path, "
                "index.html, as HTML.\n"
                f"    Name the file with an extension, as in {source.stem}.json{source.suffix}, or "
                "set prerender = False."
            )
        if not is_html:
            return local or "index"  # for the application of a site with live routes
        name = local.rpartition("/")[2]
        if not is_folder and "." in name and content_type_of(name).startswith("text/html"):
            return local
        form = self._app.config.build.format
        if form == "preserve":
            is_index = route.file.rpartition("/")[2].startswith("index.")
            form = "directory" if is_index else "file"
        if is_folder or form == "directory":
            return f"{local}/index.html".lstrip("/")
        return f"{local}.html"


def _read(body: Iterable[bytes] | None) -> bytes:
    """Return the content of a body that is not bytes, and close it."""
    try:
        return b"".join(body or ())
    finally:
        close(body)


def _find_line(error: Exception | SystemExit, root: Path) -> str:
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
