"""The headers of a request or a response."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NoReturn, Self, TypeAlias, overload

from werkzeug.http import parse_accept_header, parse_date

from .pairs import to_pairs
from .strings import to_text
from .wsgi import Environ

_MAX_ACCEPT = 1000
is_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
# CR, LF, NUL and all above U+00FF. Python takes 4 ms to compile a range up to U+10FFFF.
_unsendable = re.compile("[^\x01-\t\x0b\x0c\x0e-\xff]").search
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})


@lru_cache(maxsize=256)
def _key(name: str) -> str:
    """Return the name in lower case; `ValueError` if it is not a token."""
    if not isinstance(name, str):
        raise TypeError(f"A header name is a str, not {type(name).__name__}.")
    if not is_token(name):
        raise ValueError(
            f"{name!r} is not a header name. Use only letters, digits and !#$%&'*+-.^_`|~"
        )
    return str.lower(name)


def _value(name: str, value: object) -> str:
    """Return the value as it is sent, without spaces and tabs at its ends."""
    if type(value) is not str:
        try:
            value = to_text(value)
        except TypeError as error:
            raise TypeError(f"Header {name}: {error}") from None
    # The two cheap checks suffice for nearly every value.
    if not (value.isascii() and value.isprintable()) and (bad := _unsendable(value)):
        raise ValueError(
            f"Header {name}: {bad[0]!r} can't be sent. Percent-encode CR, LF, NUL and characters "
            "above U+00FF."
        )
    return value.strip(" \t")


class Headers:
    """The headers of a request or a response; the case of names does not matter.

    `init` is a mapping, an iterable of `(name, value)` pairs or `Headers`. Values are `str` or
    numbers. Several values of one name are combined with `", "`, except those of `set-cookie`.
    Names are listed in lower case, sorted.

    An invalid name, or a value with CR, LF, NUL or a character above U+00FF, is a `ValueError`
    (the standard's is a TypeError). Unlike the standard's, this is a mapping, with `update`,
    `setdefault` and a default for `get`.

    https://fetch.spec.whatwg.org/#headers-class

    >>> headers = Headers({"Accept": "text/html"})
    >>> headers.append("accept", "text/plain")
    >>> headers["ACCEPT"]
    'text/html, text/plain'
    """

    __slots__ = ("_cookies", "_values")

    _cookies: list[str]
    _values: dict[str, str]

    def __init__(self, init: "HeadersInit" = None) -> None:
        self._values = {}
        self._cookies = [*add_headers(self._values, init)]

    @classmethod
    def _of(cls, values: dict[str, str], cookies: list[str]) -> Self:
        """Return headers that hold these checked values and `set-cookie` values."""
        headers = object.__new__(cls)
        headers._values = values
        headers._cookies = cookies
        return headers

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the values of that name, combined with `", "`, or `default`."""
        key = _key(name)
        if key == "set-cookie" and self._cookies:
            return ", ".join(self._cookies)
        return self._values.get(key, default)

    def get_set_cookie(self) -> list[str]:
        """Return each `set-cookie` value, in the order of addition."""
        return self._cookies.copy()

    def has(self, name: str) -> bool:
        """Return whether there is a value of that name."""
        return _key(name) in self

    def set(self, name: str, value: object) -> None:
        """Set the only value of that name."""
        key = _key(name)
        text = _value(key, value)
        if key == "set-cookie":
            self._cookies = [text]
        else:
            self._values[key] = text

    def append(self, name: str, value: object) -> None:
        """Add a value to those of that name."""
        key = _key(name)
        text = _value(key, value)
        if key == "set-cookie":
            self._cookies.append(text)
        elif key in self._values:
            self._values[key] += f", {text}"
        else:
            self._values[key] = text

    def delete(self, name: str) -> None:
        """Remove the values of that name, if any."""
        key = _key(name)
        if key == "set-cookie":
            self._cookies = []
        self._values.pop(key, None)

    def update(self, init: "HeadersInit") -> None:
        """Replace the values of each name in `init`."""
        other = Headers(init)
        self._values.update(other._values)
        if other._cookies:
            self._cookies = other._cookies

    def setdefault(self, name: str, value: object) -> str:
        """Return the values of that name; set this value first if there are none."""
        if not self.has(name):
            self.set(name, value)
        return self[name]

    def items(self) -> list[tuple[str, str]]:
        """Return the pairs of name and value, sorted by name; each `set-cookie` is its own pair."""
        pairs = [*self._values.items(), *(("set-cookie", value) for value in self._cookies)]
        return sorted(pairs, key=itemgetter(0))

    def keys(self) -> list[str]:
        """Return the names of `items()`."""
        return [name for name, _ in self.items()]

    def values(self) -> list[str]:
        """Return the values of `items()`."""
        return [value for _, value in self.items()]

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: object) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        if not self.has(name):
            raise KeyError(name)
        self.delete(name)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        key = name.lower()
        return key in self._values or (key == "set-cookie" and bool(self._cookies))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._values) + len(self._cookies)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._values == other._values and self._cookies == other._cookies

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        return type(self)(self)

    def __repr__(self) -> str:
        shown = {name: "..." if name in _SECRET else value for name, value in self.items()}
        return f"{type(self).__name__}({shown!r})"


HeadersInit: TypeAlias = (
    Headers | Mapping[str, str | float] | Iterable[Iterable[str | float]] | None
)


def add_headers(values: dict[str, str], init: HeadersInit) -> Sequence[str]:
    """Add values by name in lower case to `values`; return those of `set-cookie`.

    Raises what `Headers` raises.
    """
    cookies: list[str] = []
    if init is None:
        return cookies
    if isinstance(init, Headers):
        values.update(init._values)
        return init._cookies.copy()
    for name, value in init.items() if type(init) is dict else to_pairs(init, "Headers"):
        key = _key(name)
        # The cheap checks suffice for nearly every value.
        if type(value) is str and value.isascii() and value.isprintable():
            text = value.strip(" ")
        else:
            text = _value(key, value)
        if key in values:
            values[key] += f", {text}"
        elif key == "set-cookie":
            cookies.append(text)
        else:
            values[key] = text
    return cookies


@lru_cache(maxsize=256)
def _name_of(key: str) -> str:
    """Return the header that a key of the WSGI environ stands for, or `""`."""
    if not key.startswith("HTTP_") or key in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
        return ""
    return key[5:].replace("_", "-").lower()


@lru_cache(maxsize=256)
def _key_of(name: str) -> str:
    """Return the key of the WSGI environ for a header, or `""`; `ValueError` as in `_key`."""
    key = _key(name).replace("-", "_").upper()
    if "_" in name:
        return ""
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


class RequestHeaders(Headers):
    """Read-only headers: changing them is a `TypeError`."""

    __slots__ = ("_environ",)

    _environ: Environ | None  # of a request from a WSGI server

    def __init__(self, init: "HeadersInit" = None) -> None:
        super().__init__(init)
        self._environ = None

    @classmethod
    def from_environ(cls, environ: Environ) -> Self:
        """Return the headers of a WSGI request; their values are not checked.

        The headers of the body come from `CONTENT_TYPE` and `CONTENT_LENGTH` only: a client can
        set `HTTP_CONTENT_LENGTH` to anything.
        """
        headers = object.__new__(cls)
        headers._environ = environ
        return headers

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the values of that name, combined with `", "`, or `default`."""
        if self._environ is None:
            return super().get(name, default)  # type: ignore[arg-type]
        key = _key_of(name)
        value = self._environ.get(key, default)
        return default if value == "" and key.startswith("CONTENT") else value

    def __getstate__(self) -> object:
        self._values  # noqa: B018 - reads the environ, which can't be copied
        return super().__getstate__()

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("A request's headers can't be changed. Copy them: Headers(request.headers)")

    set = append = delete = update = setdefault = __setitem__ = __delitem__ = _refuse


def _read_environ(headers: RequestHeaders, name: str) -> Any:
    """Read all headers from the environ when `_values` or `_cookies` is first needed."""
    if name not in ("_values", "_cookies"):
        raise AttributeError(f"{type(headers).__name__!r} object has no attribute {name!r}")
    environ, values = headers._environ or {}, {}
    for key, value in environ.items():
        if "HTTP_" in key and (header := _name_of(key)):
            values[header] = value
    if value := environ.get("CONTENT_TYPE"):
        values["content-type"] = value
    if value := environ.get("CONTENT_LENGTH"):
        values["content-length"] = value
    headers._cookies = [values.pop("set-cookie")] if "set-cookie" in values else []
    headers._values = values
    headers._environ = None
    return getattr(headers, name)


# Not in the body of the class: type checkers would take every name for an attribute.
RequestHeaders.__getattr__ = _read_environ  # type: ignore[attr-defined]


def add_vary(headers: Headers, name: str) -> None:
    """Add a field name to `Vary`, unless the header lists it or `*` already."""
    listed = headers.get("vary", "").lower().split(",")
    if {"*", name.lower()}.isdisjoint(map(str.strip, listed)):
        headers.append("vary", name)


def parse_accept(value: str | None) -> Mapping[str, float]:
    """Parse `Accept` or `Accept-Encoding`: return the quality of each name, in lower case.

    Parameters other than `q` and items with an invalid `q` are ignored. The highest quality of a
    name counts. A value of more than 1,000 characters counts as an empty one.

    >>> dict(parse_accept("text/html;level=1, */*;q=0.8"))
    {'text/html': 1, '*/*': 0.8}
    """
    return _parse_accept(value) if value and len(value) <= _MAX_ACCEPT else {}


@lru_cache(maxsize=64)  # clients send few different values
def _parse_accept(value: str) -> Mapping[str, float]:
    qualities: dict[str, float] = {}
    # Not as MIMEAccept, which takes time in proportion to the square of the length.
    for item, quality in parse_accept_header(value):
        name = item.partition(";")[0].lower()
        qualities[name] = max(quality, qualities.get(name, 0))
    return MappingProxyType(qualities)


def find_date(value: str | None) -> datetime | None:
    """Return the date of a header, or `None` if there is none or it is invalid."""
    try:
        return parse_date(value)
    except OverflowError:  # a number of many digits
        return None
