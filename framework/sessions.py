"""What does the site remember of a visitor, from one request to the next?

The visitor's cookie holds a random id; the data is kept below it in a store, a cache of cachelib,
as JSON text and nothing else. https://cachelib.readthedocs.io/
"""

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

from cachelib.file import FileSystemCache
from cachelib.serializers import FileSystemSerializer, JSONSerializer

from .config import Cache, Sessions
from .errors import SessionError
from .web.cookies import Cookies
from .web.jsontext import read_json, write_json
from .web.response import Response

COOKIE = "framework-session"
_is_id = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch  # as `_make_id` makes them
_SWEEP_EVERY = 60 * 60


class Session:
    """What the site keeps of one visitor: JSON values by name, read when first asked for.

    Its changes are written once, when the response is ready and before its headers are sent. A
    list or dict that is in it may be changed in place. Of two requests at the same time, the one
    that ends last decides.

    `s["name"]`, `del s["name"]`, `in`, `len` and iteration work as in a dict.
    """

    __slots__ = (
        "_asked",
        "_closed",
        "_cookies",
        "_data",
        "_id",
        "_known",
        "_sent",
        "_store",
        "_text",
    )

    def __init__(self, store: "Store", cookies: Cookies) -> None:
        self._store = store
        self._cookies = cookies
        self._data: dict[str, Any] | None = None
        self._id: str | None = None
        # The id that the client came with and the store knew, and what it held.
        self._known: str | None = None
        self._text = ""
        self._asked = self._closed = self._sent = False

    @property
    def session_id(self) -> str | None:
        """The id it is kept by; `None` while there is nothing to keep."""
        self._read()
        return self._id

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`, or `default`."""
        return self._read().get(key, default)

    def set(self, key: str, value: object) -> None:
        """Keep a value. It is stored as JSON: what `get` gives is a copy, tuples lists, dates text.

        `TypeError`: the key is no `str`, or JSON has no form for the value.
        """
        if not isinstance(key, str):
            raise TypeError(f"A key of the session is a str, not {type(key).__name__}.")
        self._open()[key] = read_json(write_json(value))
        self._id = self._id or _make_id()

    def has(self, key: object) -> bool:
        """Whether there is a value of `key`."""
        return key in self._read()

    def delete(self, key: str) -> None:
        """Forget the value of `key`, if there is one."""
        self._open().pop(key, None)

    def keys(self) -> list[str]:
        """The keys that have a value."""
        return list(self._read())

    def destroy(self) -> None:
        """Forget everything, here, in the store and at the client: what a logout does."""
        self._open().clear()
        self._id = None

    def regenerate(self) -> None:
        """Keep the data by a new id; the old one is worth nothing any more.

        What a login does, so that an id which somebody knew before is not logged in too.
        https://owasp.org/www-community/attacks/Session_fixation
        """
        self._open()
        self._id = _make_id()

    def __getitem__(self, key: str) -> Any:
        return self._read()[key]

    __setitem__ = set

    def __delitem__(self, key: str) -> None:
        del self._open()[key]

    __contains__ = has

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    # What follows is the application's, not a handler's.

    def save(self) -> None:
        """Write what was changed, and set the cookie for it. Afterwards nothing can be changed.

        Raises what the store raises, and `SessionError` where it refuses.
        """
        self._closed = True
        if self._data is None:
            return
        id, known = self._id, self._known
        text = write_json(self._data).decode()
        if id == known:
            # One that another request has ended meanwhile is not brought back to life.
            if id is None or text == self._text or self._store.read(id) is None:
                return
        elif known is None and not self._data:
            return
        if id is not None:
            self._store.write(id, text)
        if known is not None and known != id:
            self._store.delete(known)
        self._sent = True
        if id is None:
            self._cookies.delete(COOKIE)
        else:
            self._cookies.set(COOKIE, id, max_age=self._store.max_age)

    def mark(self, response: Response) -> Response:
        """The response, saying to caches what it has to do with the visitor.

        https://www.rfc-editor.org/rfc/rfc9111#section-4.1
        """
        if not self._asked:
            return response
        response = response.moved()  # it may be one that answers others too
        vary = response.headers.get("vary", "").lower().split(",")
        if {"*", "cookie"}.isdisjoint(map(str.strip, vary)):
            response.headers.append("vary", "cookie")
        if self._sent:
            response.headers.setdefault("cache-control", "private")
        return response

    def _read(self) -> dict[str, Any]:
        return self._open() if self._data is None else self._data

    def _open(self) -> dict[str, Any]:
        """The data, to be changed."""
        if self._closed:
            raise SessionError(
                "The session was saved when the response was ready; what streams can't use it. "
                "Do so before the response is returned."
            )
        if self._data is None:
            self._asked = True
            self._data = self._load()
        return self._data

    def _load(self) -> dict[str, Any]:
        cookie = self._cookies.get(COOKIE, decode=str)
        # What is no id of ours is never looked up, and one that the store doesn't know not taken.
        if cookie is None or not _is_id(cookie.value):
            return {}
        text = self._store.read(cookie.value)
        if text is None:
            return {}
        self._id = self._known = cookie.value
        self._text = text
        data: dict[str, Any] = read_json(text.encode())
        return data


class Store:
    """Where sessions are kept: JSON text by id, for `max_age` seconds from when it was written."""

    def __init__(self, cache: Cache, max_age: int) -> None:
        self.max_age = max_age
        self._cache = cache

    def read(self, id: str) -> str | None:
        """The text of a session; `None` where there is none, or not any more."""
        text = self._cache.get(_key(id))
        return text if isinstance(text, str) else None

    def write(self, id: str, text: str) -> None:
        """Keep the text; `SessionError` where the store didn't."""
        if not self._cache.set(_key(id), text, self.max_age):
            raise SessionError("The store did not keep the session. Is there room, may it write?")

    def delete(self, id: str) -> None:
        """Forget a session; `SessionError` where it is there afterwards."""
        if not self._cache.delete(_key(id)) and self._cache.get(_key(id)) is not None:
            raise SessionError("The store did not delete the session.")


def open_store(sessions: Sessions, root: Path) -> Store:
    """The store of a site in the folder `root`; `OSError` where its folder can't be used."""
    store = sessions.store
    cache = _Folder(root / store, sessions.max_age) if isinstance(store, str) else store
    return Store(cache, sessions.max_age)


class _AsJson(JSONSerializer, FileSystemSerializer):
    """Reads and writes JSON, where cachelib's own would unpickle what somebody put there."""


class _Folder(FileSystemCache):
    """Files in a folder that only their owner reads. What is past its time goes once an hour."""

    serializer = _AsJson()

    def __init__(self, folder: Path, max_age: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} is another user's")
        # Without a threshold: one would throw out sessions that are still good.
        super().__init__(str(folder), threshold=0)
        self._max_age = max_age
        self._next_sweep = 0.0

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> bool:
        now = time()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_EVERY
            self._sweep(now - self._max_age)
        return super().set(key, value, *args, **kwargs)

    def _sweep(self, before: float) -> None:
        for path in Path(self._path).iterdir():
            try:
                if path.stat().st_mtime < before:
                    path.unlink()
            except FileNotFoundError:  # another process was here first
                continue


def _make_id() -> str:
    return secrets.token_urlsafe(32)


def _key(id: str) -> str:
    return f"framework-session:{id}"
