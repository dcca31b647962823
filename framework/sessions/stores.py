"""Where sessions are stored: text by id, in a folder or in a cachelib cache."""

import fcntl
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import monotonic, sleep, time

from cachelib.base import BaseCache

from ..errors import SessionError

log = logging.getLogger("framework")

_is_session_file = re.compile(r"session-[0-9a-f]{64}(\.\w+\.tmp)?").fullmatch
_SWEEP_INTERVAL = 60 * 60  # seconds
_LOCK_TIMEOUT = 10  # seconds, after which the lock of a process that was killed ends


class FolderStore:
    """One file for each session, which only its owner can read.

    A session expires `max_age` seconds after the modification time of its file. Expired files are
    deleted once an hour.
    """

    def __init__(self, folder: Path, max_age: int) -> None:
        self.max_age = max_age
        self._folder = folder
        self._next_sweep = 0.0
        self._make_folder()
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} belongs to another user")
        with os.scandir(folder) as entries:
            for entry in entries:
                if not (_is_session_file(entry.name) or _is_harmless(entry.name)):
                    raise ValueError(f"{folder} has a file that is not a session: {entry.name}")

    def read(self, id: str) -> str | None:
        """Return the text of a session; `None` if it has expired or cannot be read."""
        path = self._path_of(id)
        try:
            if path.stat().st_mtime >= time() - self.max_age:
                return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            log.warning("The session file %s can't be read: %s", path, error)
        return None

    def write(self, id: str, text: str, max_age: int) -> None:
        """Store the text for `max_age` seconds. Raises `OSError`.

        Deletes the expired files if an hour has passed.
        """
        self._make_folder()  # somebody may have deleted it
        now = time()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_INTERVAL
            self._delete_files_older_than(now - self.max_age)
        path = self._path_of(id)
        handle, temporary = tempfile.mkstemp(".tmp", f"{path.name}.", self._folder)
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
            modified = now - self.max_age + max_age
            os.utime(temporary, (modified, modified))
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def delete(self, id: str) -> None:
        """Delete a session. Raises `OSError`."""
        self._path_of(id).unlink(missing_ok=True)

    @contextmanager
    def lock(self, id: str) -> Iterator[None]:
        """Lock a session, if it exists, for all threads and processes."""
        path = self._path_of(id)
        with ExitStack() as stack:
            while path.exists():
                with suppress(FileNotFoundError):
                    # NFS locks only files that are open for writing.
                    file = stack.enter_context(path.open("r+b"))
                    fcntl.flock(file, fcntl.LOCK_EX)
                    # Whoever held the lock may have replaced the file.
                    if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                        break
            yield

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _path_of(self, id: str) -> Path:
        return self._folder / f"session-{sha256(_key_of(id).encode()).hexdigest()}"

    def _delete_files_older_than(self, oldest: float) -> None:
        try:
            for path in self._folder.iterdir():
                with suppress(FileNotFoundError):  # another process has deleted it
                    is_session = _is_session_file(path.name) and path.is_file()
                    if is_session and path.stat().st_mtime < oldest:
                        path.unlink()
        except OSError as error:
            log.warning("Expired sessions cannot be deleted: %s", error)


class CacheStore:
    """Sessions in a cachelib cache."""

    def __init__(self, cache: BaseCache, max_age: int) -> None:
        self.max_age = max_age
        self._cache = cache
        self._locks = [Lock() for _ in range(64)]

    def read(self, id: str) -> str | None:
        """Return the text of a session; `None` if it does not exist or has expired."""
        text = self._cache.get(_key_of(id))
        return text if isinstance(text, str) else None

    def write(self, id: str, text: str, max_age: int) -> None:
        """Store the text for `max_age` seconds. Raises `SessionError` if the cache refuses."""
        if not self._cache.set(_key_of(id), text, max_age):
            raise SessionError(
                "The session store could not write a session. Check its free space and permissions."
            )

    def delete(self, id: str) -> None:
        """Delete a session. Raises `SessionError` if it still exists afterwards."""
        if not self._cache.delete(_key_of(id)) and self._cache.get(_key_of(id)) is not None:
            raise SessionError("The session store could not delete a session.")

    @contextmanager
    def lock(self, id: str) -> Iterator[None]:
        """Lock a session for all threads, and for other processes if `cache.add` is atomic.

        Raises `SessionError` if another process does not release its lock.
        """
        key = f"{_key_of(id)}:lock"
        with self._locks[hash(id) % len(self._locks)]:
            end = monotonic() + _LOCK_TIMEOUT
            while not self._cache.add(key, "locked", _LOCK_TIMEOUT):
                if monotonic() > end:
                    raise SessionError("The session store could not lock a session.")
                sleep(0.005)
            try:
                yield
            finally:
                self._cache.delete(key)


Store = FolderStore | CacheStore


def _is_harmless(name: str) -> bool:
    """Whether a folder of sessions may have this file: `.gitignore`, for example."""
    return name.startswith(".") or name == "lost+found"


def _key_of(id: str) -> str:
    return f"framework-session:{id}"
