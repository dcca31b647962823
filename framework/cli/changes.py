"""Watch the files of a site for changes."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from watchfiles import watch
from watchfiles.main import FileChange

from ..site.config_file import CONFIG_FILE

_FOLDERS = ("src", "public")
# Caches, folders and temporary files of other tools, and databases that a site writes.
_IGNORED = re.compile(
    r"(^|/)(__pycache__|node_modules|\.(git|hg|svn|idea|venv|\w+_cache))(/|$)"
    r"|\.py[co]$|~$|\.(sw\w|tmp|bak)$|(^|/)(\.#[^/]*|#[^/]*#|4913|\.DS_Store)$"
    r"|\.(db|sqlite3?)(-\w+)?$"
)


def is_site_file(path: str) -> bool:
    """Return whether a site uses this file or folder, a path relative to the site's root."""
    inside = path in (CONFIG_FILE, *_FOLDERS) or path.startswith(("src/", "public/"))
    return inside and not _IGNORED.search(path)


def watch_site(root: Path) -> Iterator[list[str]]:
    """Yield, about five times a second, the paths that have changed since the last time.

    They are relative to `root`. A file that was created or deleted has changed, too.
    """

    # With a filter of its own, `watch` would not yield while only ignored files change.
    follow = partial(watch, watch_filter=None, rust_timeout=100, yield_on_timeout=True)

    def follow_folders() -> Iterator[set[FileChange]]:
        folders = [folder for name in _FOLDERS if (folder := root / name).is_dir()]
        return follow(*folders, recursive=True)

    def next_paths(changes: Iterator[set[FileChange]]) -> set[str]:
        paths = (Path(path).relative_to(root).as_posix() for _, path in next(changes))
        return set(filter(is_site_file, paths))

    # The root is not watched recursively: it may contain a virtual environment.
    top, inside = follow(root, recursive=False), follow_folders()
    while True:
        found = next_paths(top)
        if found:  # src or public may have been created or deleted
            inside = follow_folders()
        try:
            found |= next_paths(inside)
        except FileNotFoundError:  # a folder was deleted while `watch` began to watch it
            inside = follow_folders()
        yield sorted(found)
