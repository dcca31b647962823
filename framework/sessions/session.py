"""`Session`: the data of one visitor during one request."""

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import SessionError
from ..web.cookies import Cookies
from ..web.headers import add_vary
from ..web.jsontext import parse_json, write_json
from ..web.response import Response
from .stores import Store

COOKIE = "framework-session"
_is_id = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch  # the form of `_make_id()`
# Longer than any request: how long the store knows what became of an id after `regenerate()`.
_MOVED_AGE = 10 * 60  # seconds

# What the store has for an id: the data, or the new ids after `regenerate()`.
_Stored = dict[str, Any] | list[str]


class Session:
    """The data of one visitor: JSON values by key, loaded from the store at first use.

    Changes are written once, when the response is ready and before its headers are sent. A list
    or dict in the session may be changed in place. Only the keys that changed are written, so
    requests at the same time keep each other's changes; for a key that both change, the one that
    ends last wins.

    `s["name"]`, `del s["name"]`, `in`, `len` and iteration work as in a dict.
    """

    __slots__ = (
        "_cookies",
        "_data",
        "_id",
        "_is_cookie_set",
        "_is_destroyed",
        "_is_saved",
        "_is_used",
        "_store",
        "_stored_id",
        "_stored_text",
    )

    def __init__(self, store: Store, cookies: Cookies) -> None:
        self._store = store
        self._cookies = cookies
        self._data: dict[str, Any] | None = None
        self._id: str | None = None
        # The id of the request's cookie and its text, if the store knows that id.
        self._stored_id: str | None = None
        self._stored_text = ""
        self._is_used = self._is_saved = False
        self._is_cookie_set = self._is_destroyed = False

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
        """Delete all data, from the store too, and the visitor's cookie. Use it to log out.

        Another request at the same time cannot bring the data back.
        """
        self._get_writable_data().clear()
        self._id = None
        self._is_destroyed = True

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
        old = self._stored_id
        if old is not None and self._is_destroyed:
            self._visit(old, lambda id, stored: self._store.delete(id))
            self._is_cookie_set = True
            self._cookies.delete(COOKIE)
            old = None
        if self._id is None:
            return
        if old is None:
            if self._data:
                self._store.write(self._id, _text_of(self._data), self._store.max_age)
                self._set_cookie(self._id)
        elif self._id != old:
            self._move(old, self._id)
        elif _text_of(self._data) != self._stored_text:
            self._visit(old, self._write_changes)

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
        data = _parse_stored(text)
        if text is None or not isinstance(data, dict):
            return {}
        self._id = self._stored_id = cookie.value
        self._stored_text = text
        return data

    def _set_cookie(self, id: str) -> None:
        self._is_cookie_set = True
        self._cookies.set(COOKIE, id, max_age=self._store.max_age)

    # ------------------------------------------------------- beside other requests

    def _visit(self, id: str, function: Callable[[str, _Stored], None]) -> None:
        """Call `function(id, stored)` for a session and those that replaced it, each locked."""
        pending = [id]
        while pending:
            id = pending.pop()
            with self._store.lock(id):
                stored = _parse_stored(self._store.read(id))
                if stored is not None:
                    function(id, stored)
            if isinstance(stored, list):
                pending += stored

    def _write_changes(self, id: str, stored: _Stored) -> None:
        if isinstance(stored, dict):
            self._store.write(id, _text_of(self._merge(stored)), self._store.max_age)
            if id == self._stored_id:  # a client must not learn the new id of another request
                self._set_cookie(id)

    def _move(self, old: str, new: str) -> None:
        """Store the session under a new id, unless another request has destroyed it.

        If another request has moved it too, each has a session of its own from now on: a client
        that knows only the old id must not get the data of the other's login.
        """
        states: list[_Stored] = []
        self._visit(old, lambda id, stored: states.append(stored))
        with self._store.lock(old):
            stored = _parse_stored(self._store.read(old))
            if isinstance(stored, dict):
                data, ids = self._merge(stored), [new]
            elif stored and any(isinstance(state, dict) for state in states):
                data, ids = self._data or {}, [*stored, new]
            else:
                return
            self._store.write(new, _text_of(data), self._store.max_age)
            try:
                self._store.write(old, _text_of(ids), min(_MOVED_AGE, self._store.max_age))
            except Exception:
                self._store.delete(new)
                raise
        self._set_cookie(new)

    def _merge(self, stored: dict[str, Any]) -> dict[str, Any]:
        """Return the stored data with the changes of this request."""
        data, before = self._data or {}, parse_json(self._stored_text.encode())
        kept = {key: value for key, value in stored.items() if key in data or key not in before}
        changed = {
            key: value
            for key, value in data.items()
            if key not in before or write_json(value) != write_json(before[key])
        }
        return kept | changed


def _parse_stored(text: str | None) -> _Stored | None:
    """Return what the store has for an id; `None` for nothing, or if it is damaged."""
    try:
        stored = parse_json((text or "").encode())
    except ValueError:  # a damaged text
        return None
    if isinstance(stored, list):
        return stored if all(isinstance(id, str) and _is_id(id) for id in stored) else None
    return stored if isinstance(stored, dict) else None


def _text_of(stored: _Stored) -> str:
    return write_json(stored).decode()


def _make_id() -> str:
    return secrets.token_urlsafe(32)
