"""How does a site become a folder of files?

Each prerendered route's GET runs once for each of its paths, through the whole application.
The files are written beside the last build and take its place at the end, in one step.
"""

import ctypes
import html
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from .app import App
from .config import Config
from .errors import StaticPathsError
from .prerendered import write_manifest
from .routes import Route
from .site import ERROR_PAGES
from .static import find_static_files

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class BuildError(Exception):
    """The site can't be built; the text names each route and what to do."""


@dataclass(frozen=True, slots=True)
class Output:
    """One file of the build: the URL path that asks for it, who wrote it, and its headers."""

    file: str
    path: str
    place: str
    content: bytes
    headers: dict[str, str]


@dataclass(slots=True)
class Report:
    """What a build wrote."""

    folder: Path
    files: int = 0
    size: int = 0
    warnings: list[str] = field(default_factory=list)


def build(root: Path) -> Report:
    """Write the site's prerendered routes and its public files to `build.out_dir`.

    Raises `SiteError` for mistakes that start-up finds and `BuildError` for those that only a
    build can; either leaves the last build as it was.
    """
    with closing(App(root, building=True)) as app:
        config = app.config
        target = (root / config.build.out_dir).resolve()
        if not target.is_relative_to(root.resolve()) or target == root.resolve():
            raise BuildError(f"build.out_dir is {config.build.out_dir!r}, outside the site.")
        if target.is_relative_to((root / "src").resolve()) or target.is_relative_to(
            (root / "public").resolve()
        ):
            raise BuildError(f"build.out_dir is {config.build.out_dir!r}, among the site's files.")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
            fresh = Path(beside) / target.name
            fresh.mkdir()
            report = _write(app, fresh)
            _swap(fresh, target)
    report.folder = target
    return report


def _write(app: App, folder: Path) -> Report:
    report = Report(folder)
    owners = _Owners()
    wrong: list[str] = []
    manifest: dict[str, dict[str, Any]] = {}
    base = app.config.base.rstrip("/")
    for file in find_static_files(app.site.root / "public").values():
        name = file.path.relative_to(app.site.root / "public").as_posix()
        owners.add(name, f"public/{name}")
        copied = folder / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, copied)
        report.files += 1
        report.size += copied.stat().st_size
    for output in _outputs(app, wrong, report):
        clash = owners.add(output.file, output.place)
        if clash is not None:
            wrong.append(clash)
            continue
        path = folder / output.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(output.content)
        manifest[output.file] = {"path": output.path.removeprefix(base), "headers": output.headers}
        report.files += 1
        report.size += len(output.content)
    if wrong:
        raise BuildError("\n".join(["The site can't be built:", *sorted(wrong)]))
    write_manifest(folder, manifest)
    return report


class _Owners:
    """Who writes which file, and who made which folder; two can't have the same."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, file: str, owner: str) -> str | None:
        """What is wrong where this file and another can't both be; else it is owned."""
        if file in self._files:
            return (
                f"{owner} and {self._files[file]} would both write {file}.\n    Keep one of them."
            )
        parents = [p.as_posix() for p in PurePosixPath(file).parents][:-1]
        for folder in parents:
            if folder in self._files:
                return _both(self._files[folder], folder, owner, file)
        if file in self._folders:
            return _both(owner, file, self._folders[file], f"{file}/...")
        self._files[file] = owner
        for folder in parents:
            self._folders.setdefault(folder, owner)
        return None


def _both(owner: str, file: str, other: str, below: str) -> str:
    return (
        f"{owner} would write the file {file}, and {other} needs a folder there for {below}.\n"
        "    Rename one, or give it an extension."
    )


def _outputs(app: App, wrong: list[str], report: Report) -> Iterator[Output]:
    for route in app.site.routes.all:
        if route.kind == "redirect":
            if app.config.output == "static" and not route.pattern.params:
                yield from _run(app, route, route.pattern.text, report, wrong)
        elif route.prerender and route.static is not None:
            try:
                paths = [
                    app.site.routes.url_for(route.pattern.text, path.params)
                    for path in route.static.all(app.site.routes.url_for)
                ]
            except StaticPathsError as error:
                wrong.append(str(error))
                continue
            except ValueError as error:
                wrong.append(f"{route.place}: {error}")
                continue
            for path in paths:
                yield from _run(app, route, path, report, wrong)


def _run(app: App, route: Route, path: str, report: Report, wrong: list[str]) -> Iterator[Output]:
    origin = (app.config.site or "http://localhost").rstrip("/")
    host = "/".join(origin.split("/")[:3])
    response = app.fetch(f"{host}{path}")
    expected = ERROR_PAGES.get(route.pattern.text.rpartition("/")[2])
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    if "set-cookie" in headers:
        report.warnings.append(f"{route.place}: sets a cookie, which a file can't. It is left out.")
        del headers["set-cookie"]
    try:
        content = response.bytes()
    except Exception as error:
        wrong.append(f"{route.place}: {path} failed while it was written: {error}")
        return
    if 300 <= response.status < 400 and "location" in headers:
        content = _redirect_page(headers.pop("location"))
        headers["content-type"] = "text/html;charset=UTF-8"
    elif response.status != expected and not response.ok:
        wrong.append(
            f"{route.place}: {path} answered {response.status}, so it can't be a file.\n"
            "    Take it out of get_static_paths(), or set prerender = False."
        )
        return
    local = unquote(path)[len(app.config.base.rstrip("/")) :].strip("/")
    file = _file_of(route, local, app.config, headers.get("content-type", ""))
    yield Output(file, unquote(path), route.place, content, headers)


def _file_of(route: Route, local: str, config: Config, content_type: str) -> str:
    """The file, below the output folder, for a path without `base` and slashes at its ends."""
    is_page = route.kind in ("page", "redirect") and not route.pattern.has_extension
    if not is_page:
        return local or ("index.html" if content_type.startswith("text/html") else "index")
    name = local.rpartition("/")[2]
    if route.pattern.text.rpartition("/")[2] in ERROR_PAGES:
        return f"{local}.html"
    form = config.build.format
    if form == "preserve":
        is_index = Path(route.place).stem == "index"
        form = "directory" if is_index else "file"
    if not local:
        return "index.html"
    return f"{local}/index.html" if form == "directory" and name else f"{local}.html"


def _redirect_page(location: str) -> bytes:
    to = html.escape(location)
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>Redirecting to {to}</title>\n'
        f'<meta http-equiv="refresh" content="0;url={to}">\n'
        '<meta name="robots" content="noindex">\n'
        f'<link rel="canonical" href="{to}"></head>\n'
        f'<body><p>Redirecting to <a href="{to}">{to}</a></p></body></html>\n'
    ).encode()


def _swap(fresh: Path, target: Path) -> None:
    """Put the fresh folder in the place of the last build, in one step where Linux can."""
    if not target.exists():
        fresh.rename(target)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    exchange = getattr(libc, "renameat2", None)
    if exchange is not None:
        names = os.fsencode(fresh), os.fsencode(target)
        if exchange(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
            return
    old = fresh.with_name(f"{fresh.name}.old")
    target.rename(old)
    fresh.rename(target)
