"""Which files below `src/pages` are routes, middleware, or neither?"""

import os
from dataclasses import dataclass
from pathlib import Path

KINDS = {".py": "endpoint", ".jinja": "page", ".md": "page"}
MIDDLEWARE = "_middleware.py"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file below `src/pages`: its path relative to that folder, and what kind it is."""

    path: Path
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class PageFolder:
    """What was found below `src/pages`, in order of name.

    `middleware` maps a folder (`""` for the top one) to its `_middleware.py`.
    """

    routes: tuple[PageFile, ...]
    middleware: dict[str, PageFile]
    others: tuple[PageFile, ...]


def find_page_files(pages: Path) -> PageFolder:
    """Walk `src/pages`; a folder that isn't there has no files.

    A name that begins with `_` or `.` is no route, nor is anything below such a folder;
    `.well-known` is the exception (RFC 8615).
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
                parent = relative.parent.as_posix()
                middleware["" if parent == "." else parent] = file
            elif _is_private(name):
                continue
            elif kind == "other":
                others.append(file)
            else:
                routes.append(file)
    return PageFolder(tuple(routes), middleware, tuple(others))


def _is_private(name: str) -> bool:
    return name[0] in "_." and name != ".well-known" and not name.startswith(".well-known.")
