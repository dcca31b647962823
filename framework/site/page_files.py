"""Find the routes and the middleware among the files below `src/pages`."""

import os
from dataclasses import dataclass
from pathlib import Path

KINDS = {".py": "endpoint", ".jinja": "page", ".md": "page"}
MIDDLEWARE = "_middleware.py"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file below `src/pages`; `name` is its path relative to that folder."""

    path: Path
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class PageFolder:
    """The files below `src/pages`, sorted by name.

    `middleware` maps a folder (`"."` is `src/pages` itself) to its `_middleware.py`. `others` are
    files that are neither routes nor middleware.
    """

    routes: tuple[PageFile, ...]
    middleware: dict[str, PageFile]
    others: tuple[PageFile, ...]


def find_page_files(pages: Path) -> PageFolder:
    """Find the files of the folder `src/pages`; none if it does not exist.

    Files and folders whose name begins with `_` or `.` are skipped, except `.well-known`
    (RFC 8615).
    """
    routes, others = [], []
    middleware = {}
    for folder, folders, names in os.walk(pages):
        folders[:] = sorted(name for name in folders if not _is_private(name))
        for name in sorted(names):
            path = Path(folder, name)
            relative = path.relative_to(pages)
            kind = KINDS.get(path.suffix, "other")
            file = PageFile(path, relative.as_posix(), kind)
            if name == MIDDLEWARE:
                middleware[relative.parent.as_posix()] = file
            elif _is_private(name):
                continue
            elif kind == "other":
                others.append(file)
            else:
                routes.append(file)
    return PageFolder(tuple(routes), middleware, tuple(others))


def _is_private(name: str) -> bool:
    return name[0] in "_." and name != ".well-known" and not name.startswith(".well-known.")
