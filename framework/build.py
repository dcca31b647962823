"""How does a site become a folder of files?

Each prerendered route's GET runs once for each of its paths, through the whole application.
The files are written beside the last build and take its place at the end, in one step.
"""

import ctypes
import fcntl
import html
import os
import shutil
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote

from .app import App
from .config import Config
from .errors import StaticPathsError
from .prerendered import MANIFEST, write_manifest
from .routes import Route
from .site import CONFIG_FILE, ERROR_PAGES
from .web.response import Response
from .web.url import URL

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class BuildError(Exception):
    """The site can't be built; the text names each route and what to do."""


@dataclass(frozen=True, slots=True)
class Output:
    """One file of the build, with the URL path that asks for it, without `base`.

    `headers` is `None` for what the application answers itself: redirects and error pages.
    """

    file: str
    path: str
    place: str
    content: bytes
    headers: dict[str, str] | None


@dataclass(slots=True)
class Report:
    """What a build wrote. `warnings` has each thing once."""

    folder: Path
    files: int = 0
    size: int = 0
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def build(root: Path) -> Report:
    """Write the site's prerendered routes and its public files to `build.out_dir`.

    Raises `SiteError` for mistakes that start-up finds and `BuildError` for those that only a
    build can; either leaves the last build as it was.
    """
    root = root.resolve()
    with closing(App(root, building=True)) as app:
        target = _find_target(root, app.config)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with _folder_beside(target) as fresh:
                report = _write(app, fresh)
                _swap(fresh, target)
        except OSError as error:
            raise BuildError(f"The site can't be built: {error}") from error
    report.folder = target
    return report


def _find_target(root: Path, config: Config) -> Path:
    path = root / config.build.out_dir
    target = Path(os.path.abspath(path))
    what = None
    if not target.is_relative_to(root) or target == root:
        what = "outside the site"
    elif target.is_relative_to(root / "src") or target.is_relative_to(root / "public"):
        what = "among the site's files"
    elif target.resolve() != target:
        what = "a link, or below one"
    elif target.exists() and not target.is_dir():
        what = "a file"
    if what is not None:
        raise BuildError(
            f"{CONFIG_FILE}: build.out_dir is {config.build.out_dir!r}, {what}.\n"
            "    A build replaces the whole folder: give it one of its own in the site."
        )
    return target


@contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """An empty folder on the same disk as `target`, gone at the end with what is in it then.

    One build at a time has it; one that was killed left it to the next.
    """
    beside = target.with_name(f".{target.name}-building")
    fresh, old = beside / "new", beside / "old"
    lock = os.open(target.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError(f"Another build to {target} is running. Wait for its end.") from None
        if old.exists() and not target.exists():  # killed between the two steps of `_swap`
            old.rename(target)
        if beside.exists():
            shutil.rmtree(beside)
        fresh.mkdir(parents=True)
        try:
            yield fresh
        finally:
            shutil.rmtree(beside)
    finally:
        os.close(lock)


def _swap(fresh: Path, target: Path) -> None:
    """Put the fresh folder in the place of the last build, in one step where Linux can."""
    if not target.exists():
        fresh.rename(target)
        return
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    if exchange is not None:
        names = os.fsencode(fresh), os.fsencode(target)
        if exchange(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
            return
    old = fresh.with_name("old")
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise


def _write(app: App, folder: Path) -> Report:
    report = Report(folder)
    owners = _Owners()
    owners.add(MANIFEST, "The build")
    wrong: list[str] = []
    manifest: dict[str, dict[str, Any]] = {}
    public = app.site.root / "public"
    for source in app.site.files.values():
        name = source.path.relative_to(public).as_posix()
        owners.add(name, f"public/{name}")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.path, path)
        report.files += 1
        report.size += path.stat().st_size
    for output in _outputs(app, report, wrong):
        clash = owners.add(output.file, output.place)
        if clash is not None:
            wrong.append(clash)
            continue
        path = folder / output.file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(output.content)
        except OSError as error:
            wrong.append(f"{output.place}: {output.file} can't be written: {error.strerror}.")
            continue
        if output.headers is not None:
            manifest[output.file] = {"path": output.path, "headers": output.headers}
        report.files += 1
        report.size += len(output.content)
    if wrong:
        raise BuildError("\n".join(["The site can't be built:", *sorted(wrong)]))
    write_manifest(folder, manifest)
    return report


class _Owners:
    """Who writes which file, and who made which folder; two can't have the same.

    Names that differ only in how accents are composed are one: some disks take them for one,
    and so does a URL.
    """

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, tuple[str, str]] = {}

    def add(self, file: str, owner: str) -> str | None:
        """What is wrong where this file and another can't both be; else it is owned."""
        file = normalize("NFC", file)
        if file in self._files:
            other = self._files[file]
            return f"{owner} and {other} would both write {file}.\n    Keep one of them."
        folders = [parent.as_posix() for parent in PurePosixPath(file).parents][:-1]
        for folder in folders:
            if folder in self._files:
                return _both(self._files[folder], folder, owner, file)
        if file in self._folders:
            return _both(owner, file, *self._folders[file])
        self._files[file] = owner
        for folder in folders:
            self._folders.setdefault(folder, (owner, file))
        return None


def _both(owner: str, file: str, other: str, below: str) -> str:
    return (
        f"{owner} would write the file {file}, and {other} needs a folder there for {below}.\n"
        "    Rename one, or give it an extension."
    )


def _outputs(app: App, report: Report, wrong: list[str]) -> Iterator[Output]:
    """Every output, made one after the other; what can't be made is told in `wrong`."""
    routes = app.site.routes
    for route in routes.all:
        if route.kind == "redirect" and app.config.output == "static":
            if route.pattern.params:
                report.warn(f"{route.place}: has parameters, so no file can redirect.")
            else:
                yield from _run(app, route, {}, report, wrong)
        elif route.static is not None:
            try:
                paths = route.static.all(routes.url_for)
            except StaticPathsError as error:
                wrong.append(str(error))
                continue
            for path in paths:
                yield from _run(app, route, path.params, report, wrong)


def _run(
    app: App, route: Route, params: dict[str, Any], report: Report, wrong: list[str]
) -> Iterator[Output]:
    origin = URL(app.config.site or "http://localhost").origin
    try:
        path = app.site.routes.url_for(route.pattern.text, params)
    except ValueError as error:
        wrong.append(f"{route.place}: {error}")
        return
    # Canonical: no `..`, no empty segment, no backslash. As a file's name it stays in its folder.
    local = unquote(path)[len(app.config.base.rstrip("/")) :].strip("/")
    match = app.site.routes.match(local)
    if match is not None and match[0] is not route:
        wrong.append(
            f"{route.place} and {match[0].place} both have the path {path}; the second answers.\n"
            "    Take it out of get_static_paths()."
        )
        return
    try:
        response = app.fetch(f"{origin}{path}")
        content = response.bytes()
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        wrong.append(f"{route.place}: {path} failed{_where(error, app.site.root)}: {told}")
        return
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    if headers.pop("set-cookie", None) is not None:
        report.warn(f"{route.place}: sets a cookie, which a file can't. It is left out.")
    error_status = ERROR_PAGES.get(route.pattern.text.rpartition("/")[2])
    if 300 <= response.status < 400 and "location" in headers:
        location = headers.pop("location")
        try:
            content = _redirect_page(location)
        except ValueError as error:
            wrong.append(f"{route.place}: {path}: {error}")
            return
        headers["content-type"] = "text/html;charset=UTF-8"
    elif response.status != error_status and not response.ok:
        wrong.append(
            f"{route.place}: {path} answered {response.status}, so it can't be a file.\n"
            "    Take it out of get_static_paths(), or set prerender = False."
        )
        return
    is_html = headers.get("content-type", "").startswith("text/html")
    file = _file_of(route, local, app.config, is_html)
    live = route.kind == "redirect" or error_status is not None
    yield Output(
        file, f"/{local}" if local else "", route.place, content, None if live else headers
    )


def _where(error: Exception, root: Path) -> str:
    """The last line of the site's own that the error passed: ` in src/lib/catalog.py:33`."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(root / "src")]
    return f" in {Path(own[-1].filename).relative_to(root)}:{own[-1].lineno}" if own else ""


def _file_of(route: Route, local: str, config: Config, is_html: bool) -> str:
    """The file, below the output folder, for a path without `base` and slashes at its ends."""
    is_error_page = route.pattern.text.rpartition("/")[2] in ERROR_PAGES
    if is_error_page and is_html:
        return f"{local}.html"
    if route.kind == "endpoint" or route.pattern.has_extension:
        return local or ("index.html" if is_html else "index")
    form = config.build.format
    if form == "preserve":
        form = "directory" if route.place.rpartition("/")[2].startswith("index.") else "file"
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
