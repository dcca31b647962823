"""Watch `src/` and the configuration of a site for changes."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from watchfiles import watch
from watchfiles.main import FileChange

from ..site.config_file import CONFIG_FILE

# Names that a site ignores, temporary files of editors, and those of SQLite.
_TEMPORARY = re.compile(
    r"(^|/)(__pycache__|node_modules|\.(?!well-known([./]|$))[^/]*)(/|$)"
    r"|(^|/)(4913|#[^/]*#)$|~$|\.\w+-(journal|shm|wal)$"
)
_NOT_SOURCE = re.compile(r"\.(py[co]|sw\w|tmp|bak|db|sqlite3?)$")


def is_temporary(path: str) -> bool:
    """Return whether a file or folder is temporary, or belongs to an editor or another tool."""
    return _TEMPORARY.search(path) is not None


def is_source(path: str) -> bool:
    """Return whether a path, relative to the site's root, is the configuration or in `src/`."""
    if path == CONFIG_FILE:
        return True
    is_inside = path == "src" or path.startswith("src/")
    return is_inside and not is_temporary(path) and not _NOT_SOURCE.search(path)


def watch_source(root: Path) -> Iterator[list[str]]:
    """Yield, about ten times a second, the paths that have changed since the last time.

    They are relative to `root`. A file that was created or deleted has changed, too.
    """

    # With a filter of its own, `watch` would not yield while only ignored files change.
    follow = partial(
        watch,
        watch_filter=None,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )

    def follow_source() -> Iterator[set[FileChange]]:
        folders = [folder] if (folder := root / "src").is_dir() else []
        return follow(*folders, recursive=True, rust_timeout=100)

    def next_paths(changes: Iterator[set[FileChange]]) -> set[str]:
        paths = (Path(path).relative_to(root).as_posix() for _, path in next(changes))
        return set(filter(is_source, paths))

    # The root is not watched recursively: it may contain a virtual environment. Only the watcher
    # of src waits for changes.
    top, inside = follow(root, recursive=False, rust_timeout=1, step=1), follow_source()
    while True:
        found = next_paths(top)
        if found:  # src may have been created or deleted
            inside = follow_source()
        try:
            found |= next_paths(inside)
        except FileNotFoundError:  # a folder was deleted while `watch` began to watch it
            inside = follow_source()
        yield sorted(found)
