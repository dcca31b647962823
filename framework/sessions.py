"""Sessions: data of one visitor that the site keeps from one request to the next.

A cookie has a random id. The data is JSON text in a cachelib cache.
https://cachelib.readthedocs.io/
"""

import logging
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import time
from typing import Any

from cachelib.base import BaseCache

from .errors import SessionError
from .options import number, option, option_class
from .web.cookies import Cookies
from .web.headers import add_vary
from .web.jsontext import parse_json, write_json
from .web.response import Response

log = logging.getLogger("framework")

COOKIE = "framework-session"
_is_id = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch  # the form of `_make_id()`
_is_session_file = re.compile(r"session-[0-9a-f]{64}(\.\w+\.tmp)?").fullmatch
_LONGEST_COOKIE = 400 * 24 * 60 * 60  # seconds; browsers allow no more
_SWEEP_INTERVAL = 60 * 60  # seconds


@option_class
class Sessions:
    """The options of sessions; `Config(session=Sessions())` turns sessions on.

    `store` is a folder, relative to the site's root, or a cachelib cache such as `RedisCache`.
    A session ends `max_age` seconds after its last change.
    """

    store: str | BaseCache = option(
        ".sessions",
        lambda value: isinstance(value, BaseCache) or (isinstance(value, str) and value != ""),
        "the name of a folder, or a cache such as cachelib.RedisCache(...)",
    )
    max_age: int = number(
        14 * 24 * 60 * 60,
        1,
        f"a number of seconds from 1 to {_LONGEST_COOKIE} (400 days, the limit of browsers)",
        high=_LONGEST_COOKIE,
    )


class Session:
    """The data of one visitor: JSON values by key, loaded from the store at first use.

    Changes are written once, when the response is ready and before its headers are sent. A list
    or dict in the session may be changed in place. If two requests change a session at the same
    time, the one that ends last wins.

    `s["name"]`, `del s["name"]`, `in`, `len` and iteration work as in a dict.
    """

    __slots__ = (
        "_cookies",
        "_data",
        "_id",
        "_is_cookie_set",
        "_is_saved",
        "_is_used",
        "_store",
        "_stored_id",
        "_stored_text",
    )

    def __init__(self, store: "Store", cookies: Cookies) -> None:
        self._store = store
        self._cookies = cookies
        self._data: dict[str, Any] | None = None
        self._id: str | None = None
        # The id of the request's cookie and its text, if the store knows that id.
        self._stored_id: str | None = None
        self._stored_text = ""
        self._is_used = self._is_saved = self._is_cookie_set = False

    @property
    def session_id(self) -> str | None:
        """The id of the session, or `None` while it has no data."""
        self._get_data()
        return self._id

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, or `default`."""
        return self._get_data().get(key, default)

    def set(self, key: str, value: object) -> None:
        """Store a value as JSON: `get` returns a copy, in which tuples are lists and dates text.

        Raises `TypeError` if the key is not a `str` or JSON cannot hold the value.
        """
        if not isinstance(key, str):
            raise TypeError(f"A session key must be a str, not {type(key).__name__}.")
        self._get_writable_data()[key] = parse_json(write_json(value))
        self._id = self._id or _make_id()

    def has(self, key: object) -> bool:
        """Return whether `key` has a value."""
        return key in self._get_data()

    def delete(self, key: str) -> None:
        """Delete the value of `key`, if there is one."""
        self._get_writable_data().pop(key, None)

    def keys(self) -> list[str]:
        """Return the keys that have a value."""
        return list(self._get_data())

    def destroy(self) -> None:
        """Delete all data, from the store too, and the visitor's cookie. Use it to log out."""
        self._get_writable_data().clear()
        self._id = None

    def regenerate(self) -> None:
        """Give the session a new id and make the old one invalid. Use it to log in.

        Otherwise an attacker who knew the id before the login would be logged in as well.
        https://owasp.org/www-community/attacks/Session_fixation
        """
        self._get_writable_data()
        self._id = _make_id()

    def __getitem__(self, key: str) -> Any:
        return self._get_data()[key]

    __setitem__ = set

    def __delitem__(self, key: str) -> None:
        del self._get_writable_data()[key]

    __contains__ = has

    def __iter__(self) -> Iterator[str]:
        return iter(self._get_data())

    def __len__(self) -> int:
        return len(self._get_data())

    # ------------------------------------------------------- called by the application

    def save(self) -> None:
        """Write the changes to the store and set the cookie. Later changes raise `SessionError`.

        Raises what the store raises, and `SessionError` if the store reports a failure.
        """
        self._is_saved = True
        if self._data is None:
            return
        id, stored_id = self._id, self._stored_id
        text = write_json(self._data).decode()
        if id == stored_id:
            # A session that another request has destroyed meanwhile stays destroyed.
            if id is None or text == self._stored_text or self._store.read(id) is None:
                return
        elif stored_id is None and not self._data:
            return
        if id is not None:
            self._store.write(id, text)
        if stored_id is not None and stored_id != id:
            self._store.delete(stored_id)
        self._is_cookie_set = True
        if id is None:
            self._cookies.delete(COOKIE)
        else:
            self._cookies.set(COOKIE, id, max_age=self._store.max_age)

    def add_cache_headers(self, response: Response) -> Response:
        """Return the response with `Vary` and `Cache-Control` for what it shows of the visitor.

        https://www.rfc-editor.org/rfc/rfc9111#section-4.1
        """
        if not self._is_used:
            return response
        response = response.with_own_headers()  # other requests may share this response
        add_vary(response.headers, "cookie")
        if self._is_cookie_set:
            response.headers.setdefault("cache-control", "private")
        return response

    def _get_data(self) -> dict[str, Any]:
        return self._get_writable_data() if self._data is None else self._data

    def _get_writable_data(self) -> dict[str, Any]:
        if self._is_saved:
            raise SessionError(
                "The session is saved when the response is ready, so a streamed body cannot use "
                "it. Use the session before you return the response."
            )
        if self._data is None:
            self._is_used = True
            self._data = self._load_data()
        return self._data

    def _load_data(self) -> dict[str, Any]:
        cookie = self._cookies.get(COOKIE, decode=str)
        # A client may send any id. Ignore one of another form, and one that the store lacks.
        if cookie is None or not _is_id(cookie.value):
            return {}
        text = self._store.read(cookie.value)
        if text is None:
            return {}
        try:
            data = parse_json(text.encode())
        except ValueError:  # a damaged text
            data = None
        if not isinstance(data, dict):
            return {}
        self._id = self._stored_id = cookie.value
        self._stored_text = text
        return data


class Store:
    """The sessions of a site: JSON text by id, kept for `max_age` seconds after it was written."""

    def __init__(self, cache: BaseCache, max_age: int) -> None:
        self.max_age = max_age
        self._cache = cache

    def read(self, id: str) -> str | None:
        """Return the text of a session; `None` if it does not exist or has expired."""
        text = self._cache.get(_cache_key(id))
        return text if isinstance(text, str) else None

    def write(self, id: str, text: str) -> None:
        """Store the text. Raises `SessionError` if the cache reports a failure."""
        if not self._cache.set(_cache_key(id), text, self.max_age):
            raise SessionError(
                "The session store could not write a session. Check its free space and permissions."
            )

    def delete(self, id: str) -> None:
        """Delete a session. Raises `SessionError` if it still exists afterwards."""
        if not self._cache.delete(_cache_key(id)) and self._cache.get(_cache_key(id)) is not None:
            raise SessionError("The session store could not delete a session.")


def open_store(sessions: Sessions, root: Path, out_dir: str = "dist") -> Store:
    """Open the store of the site in `root`, which is built to the folder `out_dir`.

    Raises `OSError` or `ValueError` if the folder of the store cannot be used.
    """
    store = sessions.store
    if isinstance(store, BaseCache):
        return Store(store, sessions.max_age)
    folder, *taken = [(root / name).resolve() for name in (store, "src", "public", out_dir)]
    is_inside = any(folder.is_relative_to(other) for other in taken)
    if is_inside or any(other.is_relative_to(folder) for other in (root.resolve(), *taken)):
        raise ValueError(f"{store!r} has other files of the site")
    return Store(_FolderCache(folder, sessions.max_age), sessions.max_age)


class _FolderCache(BaseCache):
    """One file of JSON for each session, which only its owner can read.

    A session expires `max_age` seconds after the modification time of its file. Expired files are
    deleted once an hour.
    """

    def __init__(self, folder: Path, max_age: int) -> None:
        super().__init__()
        self._folder = folder
        self._max_age = max_age
        self._next_sweep = 0.0
        self._make_folder()
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} belongs to another user")
        with os.scandir(folder) as entries:
            for entry in entries:
                if not (_is_session_file(entry.name) or _is_harmless(entry.name)):
                    raise ValueError(f"{folder} has a file that is not a session: {entry.name}")

    def get(self, key: str) -> str | None:
        """Return the text of a file; `None` if it has expired or cannot be read."""
        path = self._path_of(key)
        try:
            if path.stat().st_mtime >= time() - self._max_age:
                return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            log.warning("The session file %s cannot be read: %s", path, error)
        return None

    def set(self, key: str, value: str, timeout: object = None) -> bool:
        """Write a file, and delete the expired files if an hour has passed. Raises `OSError`."""
        self._make_folder()  # somebody may have deleted it
        now = time()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_INTERVAL
            self._delete_files_older_than(now - self._max_age)
        path = self._path_of(key)
        handle, temporary = tempfile.mkstemp(".tmp", f"{path.name}.", self._folder)
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(value)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        return True

    def delete(self, key: str) -> bool:
        """Delete a file. Raises `OSError`."""
        self._path_of(key).unlink(missing_ok=True)
        return True

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _path_of(self, key: str) -> Path:
        return self._folder / f"session-{sha256(key.encode()).hexdigest()}"

    def _delete_files_older_than(self, oldest: float) -> None:
        try:
            for path in self._folder.iterdir():
                with suppress(FileNotFoundError):  # another process has deleted it
                    is_session = _is_session_file(path.name) and path.is_file()
                    if is_session and path.stat().st_mtime < oldest:
                        path.unlink()
        except OSError as error:
            log.warning("Expired sessions cannot be deleted: %s", error)


def _is_harmless(name: str) -> bool:
    """Whether a folder of sessions may have this file: `.gitignore`, for example."""
    return name.startswith(".") or name == "lost+found"


def _make_id() -> str:
    return secrets.token_urlsafe(32)


def _cache_key(id: str) -> str:
    return f"framework-session:{id}"
