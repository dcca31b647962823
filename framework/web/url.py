"""What are the parts of a URL, and what is its query?

The parser is ada's, which passes the standard's own tests; here is the interface around it.
A `URL` holds its href, which the standard's serialiser wrote, and takes it apart when asked.
"""

import re
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Self, TypeAlias, TypeVar, overload
from urllib.parse import quote_plus, unquote_to_bytes

import ada_url

from .strings import to_pairs, to_text, to_usv
from .validation import convert_fields

T = TypeVar("T")

# An href that the serialiser wrote. Userinfo and host hold none of their delimiters there; a
# path that begins with "//" has "/." before it where there is no host.
_split = re.compile(
    r"""([^:]+:)
        (?://
            (?: ([^/?\#:@]*) (?: :([^/?\#@]*) )? @ )?
            ( \[[^\]]*\] | [^/?\#:]* )
            (?: :([0-9]+) )?
        )?
        (?: /\.(?=//) )?
        ([^?\#]*)
        (\?[^\#]+)? \??
        (\#.+)? \#?""",
    re.VERBOSE,
).fullmatch
_PROTOCOL, _USERNAME, _PASSWORD, _HOSTNAME, _PORT, _PATHNAME, _SEARCH, _HASH = range(8)


class _Part:
    """One part of a URL as an attribute: read from its href, written by the standard's setter.

    A value that the setter can't use leaves the URL as it is.
    """

    __slots__ = ("_index", "_name")

    def __init__(self, index: int) -> None:
        self._index = index

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, url: None, owner: type) -> Self: ...
    @overload
    def __get__(self, url: "URL", owner: type) -> str: ...
    def __get__(self, url: "URL | None", owner: type) -> "Self | str":
        if url is None:
            return self
        return url._parts()[self._index]

    def __set__(self, url: "URL", value: str | float) -> None:
        url._set(self._name, value)
        url._reread_query()


class URL:
    """A URL, parsed and written as browsers do.

    `base` (a `str` or `URL`) is what a relative `url` is resolved against. Invalid is
    `ValueError`. Every part but `origin` can be set; a value that a part can't have is ignored
    (the standard's setters do that), except that an invalid `href` is `ValueError`.

    URLs are equal when their hrefs are; since they can change, they have no hash: use `str(url)`
    as a key.

    https://url.spec.whatwg.org/#url-class

    >>> url = URL("../b?q=1#top", "https://example.com/a/x/")
    >>> url.href
    'https://example.com/a/b?q=1#top'
    >>> url.search_params.set("q", "ä")
    >>> url.search
    '?q=%C3%A4'
    """

    __slots__ = ("__weakref__", "_groups", "_href", "_params")

    _groups: tuple[str, ...] | None
    _href: str
    _params: "URLSearchParams | None"

    protocol = _Part(_PROTOCOL)
    username = _Part(_USERNAME)
    password = _Part(_PASSWORD)
    hostname = _Part(_HOSTNAME)
    port = _Part(_PORT)
    pathname = _Part(_PATHNAME)
    search = _Part(_SEARCH)
    hash = _Part(_HASH)

    def __init__(self, url: "str | URL", base: "str | URL | None" = None) -> None:
        self._href = _parsed(url, base)
        self._groups = None
        self._params = None

    @classmethod
    def from_href(cls, href: str) -> Self:
        """The URL of an href that a `URL` wrote, or that is spelt as one would.

        Nothing is checked or changed, so it costs almost nothing.
        """
        url = object.__new__(cls)
        url._href = href
        url._groups = None
        url._params = None
        return url

    @classmethod
    def parse(cls, url: "str | URL", base: "str | URL | None" = None) -> Self | None:
        """The URL, or `None` where it is invalid."""
        try:
            return cls(url, base)
        except ValueError:
            return None

    @classmethod
    def can_parse(cls, url: "str | URL", base: "str | URL | None" = None) -> bool:
        """Whether the URL is valid."""
        return cls.parse(url, base) is not None

    @property
    def href(self) -> str:
        """The whole URL."""
        return self._href

    @href.setter
    def href(self, href: "str | URL") -> None:
        self._href = _parsed(href, None)
        self._groups = None
        self._reread_query()

    @property
    def origin(self) -> str:
        """Scheme, host and port; `"null"` where the scheme has no origin of its own.

        https://url.spec.whatwg.org/#origin
        """
        protocol = self.protocol
        if protocol in ("http:", "https:"):
            return f"{protocol}//{self.host}"
        return ada_url.parse_url(self._href, ("origin",))["origin"]

    @property
    def host(self) -> str:
        """Host name and port."""
        parts = self._parts()
        return f"{parts[_HOSTNAME]}:{parts[_PORT]}" if parts[_PORT] else parts[_HOSTNAME]

    @host.setter
    def host(self, host: str) -> None:
        self._set("host", host)

    @property
    def search_params(self) -> "URLSearchParams":
        """The query, to read and to change: it and `search` follow each other."""
        if self._params is None:
            self._params = URLSearchParams(self.search)
            self._params._url = weakref.ref(self)
        return self._params

    def _parts(self) -> tuple[str, ...]:
        groups = self._groups
        if groups is None:
            found = _split(self._href)
            if found is None:
                raise ValueError(f"{self._href!r} is not the href of a URL.")
            groups = self._groups = found.groups("")
        return groups

    def _set(self, name: str, value: str | float) -> None:
        url = ada_url.URL(self._href)
        # What is refused may have been understood up to some point; that much counts.
        with suppress(ValueError):
            setattr(url, name, to_usv(to_text(value)))
        self._href = url.href
        self._groups = None

    def _reread_query(self) -> None:
        if self._params is not None:
            self._params._pairs = _parse_query(self.search[1:])

    def __str__(self) -> str:
        return self._href

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, URL):
            return NotImplemented
        return self._href == other._href

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        return type(self).from_href, (self._href,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._href!r})"


def _parsed(url: str | URL, base: str | URL | None) -> str:
    """The href of `url`, resolved against `base`."""
    try:
        text = to_usv(_input(url))
        if base is None:
            return ada_url.normalize_url(text)
        return ada_url.join_url(to_usv(_input(base)), text)
    except ValueError:
        against = "" if base is None else f" relative to {str(base)!r}"
        raise ValueError(f"{str(url)!r}{against} is no valid URL.") from None


def _input(url: str | URL) -> str:
    if isinstance(url, URL):
        return url._href
    if isinstance(url, str):
        return url
    raise TypeError(f"A URL is made from a str or a URL, not {type(url).__name__}.")


class URLSearchParams:
    """Names and values of a query, in their order; a name may come more than once.

    `init` is a `str` (a leading `?` is dropped), a mapping, an iterable of `(name, value)` pairs
    or `URLSearchParams`. Values are `str` or numbers. Beside the standard `get` takes a default,
    and `parse` makes a value of a type.

    https://url.spec.whatwg.org/#interface-urlsearchparams

    >>> params = URLSearchParams("?q=red+shoes&size=42")
    >>> params.get("q")
    'red shoes'
    >>> params.append("size", 43)
    >>> str(params)
    'q=red+shoes&size=42&size=43'
    """

    __slots__ = ("_pairs", "_url")

    _pairs: list[tuple[str, str]]
    _url: weakref.ref[URL] | None  # weak: each dies as soon as nobody needs it

    def __init__(self, init: "URLSearchParamsInit" = None) -> None:
        self._url = None
        if init is None:
            self._pairs = []
        elif isinstance(init, str):
            self._pairs = _parse_query(to_usv(init.removeprefix("?")))
        else:
            self._pairs = [(_text(n), _text(v)) for n, v in to_pairs(init, "URLSearchParams")]

    @property
    def size(self) -> int:
        """The number of pairs."""
        return len(self._pairs)

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of that name; `default` where there is none."""
        name = _text(name)
        for other, value in self._pairs:
            if other == name:
                return value
        return default

    def get_all(self, name: str) -> list[str]:
        """Each value of that name."""
        name = _text(name)
        return [v for n, v in self._pairs if n == name]

    def has(self, name: str, value: str | float | None = None) -> bool:
        """Whether there is that name, or that name with that value."""
        if value is None:
            name = _text(name)
            return any(n == name for n, _ in self._pairs)
        return (_text(name), _text(value)) in self._pairs

    def set(self, name: str, value: str | float) -> None:
        """Make this the one value of that name, in the place of the first."""
        name, value = _text(name), _text(value)
        first = next((i for i, (n, _) in enumerate(self._pairs) if n == name), None)
        if first is None:
            self._pairs.append((name, value))
        else:
            rest = [pair for pair in self._pairs[first:] if pair[0] != name]
            self._pairs[first:] = [(name, value), *rest]
        self._changed()

    def append(self, name: str, value: str | float) -> None:
        """Add a pair at the end."""
        self._pairs.append((_text(name), _text(value)))
        self._changed()

    def delete(self, name: str, value: str | float | None = None) -> None:
        """Remove each pair of that name, or of that name and value."""
        name = _text(name)
        if value is None:
            self._pairs = [pair for pair in self._pairs if pair[0] != name]
        else:
            gone = (name, _text(value))
            self._pairs = [pair for pair in self._pairs if pair != gone]
        self._changed()

    def parse(self, kind: type[T]) -> T:
        """The parameters as a value of a type: a dataclass, TypedDict, pydantic model, ...

        Text becomes what a field's type wants: a number, a date, a `bool`; a field that is a list
        takes every value of its name. `InvalidDataError` (422) names each field that is not as
        the type says. The standard has nothing like it.
        """
        return convert_fields(self._pairs, kind)

    def sort(self) -> None:
        """Sort by name, by UTF-16 code units; pairs of one name keep their order."""
        self._pairs.sort(key=lambda pair: pair[0].encode("utf-16-be"))
        self._changed()

    def items(self) -> list[tuple[str, str]]:
        """The pairs."""
        return self._pairs.copy()

    def keys(self) -> list[str]:
        """The name of each pair."""
        return [name for name, _ in self._pairs]

    def values(self) -> list[str]:
        """The value of each pair."""
        return [value for _, value in self._pairs]

    def _changed(self) -> None:
        url = None if self._url is None else self._url()
        if url is not None:
            url._set("search", str(self))

    def __str__(self) -> str:
        return "&".join([f"{_quote(name)}={_quote(value)}" for name, value in self._pairs])

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._pairs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, URLSearchParams):
            return NotImplemented
        return self._pairs == other._pairs

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._pairs.copy(),)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


URLSearchParamsInit: TypeAlias = (
    str | URLSearchParams | Mapping[str, str | float] | Iterable[Iterable[str | float]] | None
)


def _text(value: object) -> str:
    return to_usv(to_text(value))


def _parse_query(query: str) -> list[tuple[str, str]]:
    """https://url.spec.whatwg.org/#concept-urlencoded-parser"""
    parts = [part.partition("=") for part in query.replace("+", " ").split("&") if part]
    if "%" in query:
        return [(_unquote(name), _unquote(value)) for name, _, value in parts]
    return [(name, value) for name, _, value in parts]


def _unquote(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


def _quote(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")
