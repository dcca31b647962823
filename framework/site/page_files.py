"""Find the routes, the middleware and the error handlers among the files below `src/pages`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

KINDS = {".py": "endpoint", ".jinja": "page", ".md": "page"}
MIDDLEWARE = "_middleware.py"
ERRORS = "_error.py"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file below `src/pages`; `name` is its path relative to that folder."""

    path: Path
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
    for path in walk_files(pages, root):
        relative = path.relative_to(pages)
        if any(name.startswith("_") for name in relative.parts[:-1]):
            continue
        kind = "other" if path.is_dir() else KINDS.get(path.suffix, "other")
        file = PageFile(path, relative.as_posix(), kind)
        if path.name == MIDDLEWARE:
            found.middleware.append(file)
        elif path.name == ERRORS:
            found.errors.append(file)
        elif path.name.startswith("_"):
            found.private.append(file)
        elif kind == "other":
            found.others.append(file)
        else:
            found.routes.append(file)
    return found


def walk_files(folder: Path, root: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield the files below a folder of the site in `root`, those of each folder sorted by name.

    Ignored names are skipped. A link to a folder is followed if the folder is inside the site and
    does not contain the link; otherwise the link itself is yielded. `above` are the folders around
    this one. Raises `OSError` for a folder that cannot be read.
    """
    if not folder.is_dir():
        return
    above = (*above, folder.resolve())
    folders = []
    for path in sorted(folder.iterdir()):
        if is_ignored(path.name):
            continue
        if path.is_dir() and (not path.is_symlink() or _is_followed(path, root, above)):
            folders.append(path)
        else:
            yield path
    for path in folders:
        yield from walk_files(path, root, above)


def is_ignored(name: str) -> bool:
    """Whether the site ignores a file or folder in `src/`: it belongs to an editor or a tool.

    `.well-known` is not ignored (RFC 8615).
    """
    if name == ".well-known" or name.startswith(".well-known."):
        return False
    return name.startswith(".") or name in ("__pycache__", "node_modules")


def _is_followed(link: Path, root: Path, above: tuple[Path, ...]) -> bool:
    target = link.resolve()
    contains_itself = any(folder.is_relative_to(target) for folder in above)
    return target.is_relative_to(root.resolve()) and not contains_itself
