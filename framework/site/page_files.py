"""Find the routes, the middleware and the error handlers among the files below `src/pages`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

KINDS = {".py": "endpoint", ".jinja": "page", ".md": "page"}
MIDDLEWARE = "_middleware.py"
ERRORS = "_error.py"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file below `src/pages`; `name` is its path relative to that folder."""

    path: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class PageFolder:
    """The files below `src/pages`, sorted by name.

    `middleware` are the files `_middleware.py`, `errors` the files `_error.py`, `private` the others
    whose name begins with `_`, and `others` the remaining files that are not routes.
    """

    routes: list[PageFile] = field(default_factory=list)
    middleware: list[PageFile] = field(default_factory=list)
    errors: list[PageFile] = field(default_factory=list)
    private: list[PageFile] = field(default_factory=list)
    others: list[PageFile] = field(default_factory=list)


def find_page_files(pages: Path, root: Path) -> PageFolder:
    """Find the files of the folder `src/pages` of the site in `root`; none if it does not exist.

    Folders whose name begins with `_` are skipped. Raises `OSError` for a folder that cannot be
    read.
    """
    found = PageFolder()
    start = len(str(pages)) + 1
    for entry in walk_files(pages, root):
        relative = entry.path[start:].replace(os.sep, "/")
        if "/_" in f"/{relative.rpartition('/')[0]}":
            continue
        is_link_to_folder = entry.is_symlink() and os.path.isdir(entry.path)
        suffix = os.path.splitext(entry.name)[1]
        kind = "other" if is_link_to_folder else KINDS.get(suffix, "other")
        file = PageFile(entry.path, relative, kind)
        if entry.name == MIDDLEWARE:
            found.middleware.append(file)
        elif entry.name == ERRORS:
            found.errors.append(file)
        elif entry.name.startswith("_"):
            found.private.append(file)
        elif kind == "other":
            found.others.append(file)
        else:
            found.routes.append(file)
    return found


def walk_files(
    folder: str | Path, root: Path, above: tuple[str, ...] = ()
) -> Iterator["os.DirEntry[str]"]:
    """Yield the files below a folder of the site in `root`, those of each folder sorted by name.

    Ignored names are skipped. A link to a folder is followed if the folder is inside the site and
    does not contain the link; otherwise the link itself is yielded. `above` are the folders around
    this one. Raises `OSError` for a folder that cannot be read.
    """
    if not os.path.isdir(folder):
        return
    above = (*above, str(folder))
    folders = []
    for entry in sorted(os.scandir(folder), key=attrgetter("name")):
        if is_ignored(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False) or _is_followed(entry, root, above):
            folders.append(entry.path)
        else:
            yield entry
    for path in folders:
        yield from walk_files(path, root, above)


def is_ignored(name: str) -> bool:
    """Whether the site ignores a file or folder in `src/`: it belongs to an editor or a tool.

    `.well-known` is not ignored (RFC 8615).
    """
    if name == ".well-known" or name.startswith(".well-known."):
        return False
    return name.startswith(".") or name in ("__pycache__", "node_modules")


def _is_followed(entry: "os.DirEntry[str]", root: Path, above: tuple[str, ...]) -> bool:
    if not (entry.is_symlink() and os.path.isdir(entry.path)):
        return False
    target = Path(entry.path).resolve()
    contains_itself = any(Path(folder).resolve().is_relative_to(target) for folder in above)
    return target.is_relative_to(root.resolve()) and not contains_itself
