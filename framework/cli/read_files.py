"""Notice the changes of files that a running site has read, wherever they are.

A site depends on more than its source: content, data, `.env`, the names in `public/`, the targets
of links. Python reports each file that the process opens, and each folder that it lists, as an
audit event (PEP 578). The state of a file is recorded before the site reads it, so no change is
missed. What the site writes itself is not a change.
"""

import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .changes import is_source, is_temporary

# The arguments of events that name a path which the process is about to change.
_WRITES = {
    **dict.fromkeys(("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.utime"), (0,)),
    **dict.fromkeys(("shutil.rmtree", "sqlite3.connect"), (0,)),
    **dict.fromkeys(("os.link", "os.symlink"), (1,)),
    "os.rename": (0, 1),
}
# Folders of the system and of installed libraries.
_LIBRARIES = (
    *(sys.prefix, sys.base_prefix, tempfile.gettempdir()),
    *("/dev", "/etc", "/proc", "/run", "/sys", "/usr", "/var"),
)
_CLOCK_TICK = 0.02  # seconds; two changes of a file within a tick may have the same time


class ReadFiles:
    """The files that the site in `root` has read, and the folders that it has listed.

    `on_write` is called with the real path of each file that the site is about to write.
    """

    def __init__(self, root: Path, on_write: Callable[[str], None]) -> None:
        self._root = str(root)
        self._on_write = on_write
        self._libraries = [name for name in _LIBRARIES if not root.is_relative_to(name)]
        self._files: dict[str, object] = {}
        self._folders: dict[str, tuple[object, frozenset[str]]] = {}
        self._written: set[str] = set()

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Handle one audit event; a hook for `sys.addaudithook`."""
        if event == "open":
            path, _, flags = arguments
            if (flags or 0) & (os.O_WRONLY | os.O_RDWR):
                self._write(_path_of(path))
            else:
                self._read(_path_of(path), is_folder=False)
        elif event in ("os.listdir", "os.scandir"):
            # The import system lists every folder of sys.path, the current one among them.
            if "importlib" not in sys._getframe(1).f_globals.get("__name__", ""):
                self._read(_path_of(arguments[0] or "."), is_folder=True)
        elif event in _WRITES:
            if event in ("os.remove", "os.rmdir") and arguments[1] != -1:
                return  # the path is relative to an open folder, as in shutil.rmtree()
            for number in _WRITES[event]:
                self._write(_path_of(arguments[number]))

    def find_changes(self) -> list[str]:
        """Return the files that have changed; inside the site, relative to its root."""
        changed = {path for path, stamp in list(self._files.items()) if stamp != _stamp_of(path)}
        changed = {path for path in changed if os.path.realpath(path) not in self._written}
        for folder, (stamp, names) in list(self._folders.items()):
            new_stamp = _stamp_of(folder)
            if new_stamp == stamp:
                continue
            new_names = _names_in(folder)
            self._folders[folder] = new_stamp, new_names
            # A new file in public/ has no URL yet, even if the site has written it.
            is_public = _is_inside(folder, os.path.join(self._root, "public"))
            for name in names ^ new_names:
                path = os.path.join(folder, name)
                if is_public or os.path.realpath(path) not in self._written:
                    changed.add(path)
        return sorted(self._relative(path) for path in changed)

    def _read(self, path: str, *, is_folder: bool) -> None:
        if path.endswith(".pyc"):
            with suppress(ValueError):  # a module that has no source
                path = importlib.util.source_from_cache(path)
        is_known = path in (self._folders if is_folder else self._files)
        if is_known or not self._matters(path, is_folder=is_folder):
            return
        if is_folder:
            self._folders[path] = None, frozenset()  # listing it is an event, too
            self._folders[path] = _stamp_of(path), _names_in(path)
        elif not os.path.isdir(path):
            self._files[path] = _stamp_of(path)

    def _write(self, path: str) -> None:
        real = os.path.realpath(path) if path else ""
        if real and real not in self._written:
            self._written.add(real)
            self._on_write(real)

    def _matters(self, path: str, *, is_folder: bool) -> bool:
        """Whether others may change the path, and `watch_source` does not watch it."""
        if not path or any(_is_inside(path, library) for library in self._libraries):
            return False
        real = os.path.realpath(path)
        if real in self._written:
            return False
        if path == self._root or not _is_inside(path, self._root):
            return True
        name = self._relative(path)
        # A site may read a hidden file, such as .env, but not what tools have in hidden folders.
        is_of_tool = is_temporary(name if is_folder else os.path.dirname(name))
        is_watched = real == path and is_source(name)
        return not is_of_tool and not is_watched

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self._root) if _is_inside(path, self._root) else path


def _path_of(name: Any) -> str:
    """Return the absolute path for the argument of an event; `""` if there is none.

    There is none for a file descriptor, or if the current folder has been deleted.
    """
    try:
        return os.path.abspath(os.fsdecode(name))
    except (OSError, TypeError):
        return ""


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _stamp_of(path: str) -> object:
    """Return a value that differs after a change of the file, or of the names in the folder."""
    try:
        found = os.stat(path)
        if 0 <= time.time() - found.st_mtime < _CLOCK_TICK:
            time.sleep(_CLOCK_TICK)
            found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _names_in(folder: str) -> frozenset[str]:
    try:
        return frozenset(name for name in os.listdir(folder) if not is_temporary(name))
    except (OSError, ValueError):
        return frozenset()
