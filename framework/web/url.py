"""URLs as browsers parse and write them: the interface of the standard around ada's parser.

A `URL` keeps its href, as the serialiser of the standard writes it, and splits it when a part is
read.
"""

import re
import weakref
from contextlib import suppress
from typing import Self, overload

import ada_url

from .search_params import URLSearchParams, parse_query
from .strings import to_text, to_usv

# An href of the serialiser: user name, password and host contain none of the delimiters, and a
# path that begins with "//" follows "/." if the host is missing.
_split = re.compile(
    r"""(?P<protocol> [^:]+: )
        (?: //
            (?: (?P<username> [^/?\#:@]* ) (?: : (?P<password> [^/?\#@]* ) )? @ )?
            (?P<host>
                (?P<hostname> \[[^\]]*\] | [^/?\#:]* )
                (?: : (?P<port> [0-9]+ ) )?
            )
        )?
        (?: /\.(?=//) )?
        (?P<pathname> [^?\#]* )
        (?P<search> \?[^\#]+ )? \??
        (?P<hash> \#.+ )? \#?""",
    re.VERBOSE,
).fullmatch


class _Part:
    """A part of a URL as an attribute: read from the href, written by the standard's setter.

    An invalid value leaves the URL unchanged.
    """

    __slots__ = ("_name",)

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, url: None, owner: type) -> Self: ...
    @overload
    def __get__(self, url: "URL", owner: type) -> str: ...
    def __get__(self, url: "URL | None", owner: type) -> "Self | str":
        if url is None:
            return self
        if url._parts is None:
            url._parts = _split(url._href)
        return url._parts[self._name] or ""  # type: ignore[index]  # each href matches

    def __set__(self, url: "URL", value: str | float) -> None:
        parsed = ada_url.URL(url._href)
        # ada may change the URL up to the point where the value is invalid.
        with suppress(ValueError):
            setattr(parsed, self._name, to_usv(to_text(value)))
        url._change(parsed.href)


class URL:
    """A URL, parsed and written as browsers do.

    `url` is resolved against `base`, a `str` or `URL`, if it is relative; an invalid URL is a
    `ValueError`. Every part but `origin` can be set. An invalid value for a part is ignored, as
    the standard says, except that an invalid `href` is a `ValueError`.

    URLs are equal if their hrefs are. They can change and so have no hash: use `str(url)` as a
    key.

    https://url.spec.whatwg.org/#url-class

    >>> url = URL("../b?q=1#top", "https://example.com/a/x/")
    >>> url.href
    'https://example.com/a/b?q=1#top'
    >>> url.search_params.set("q", "ä")
    >>> url.search
    '?q=%C3%A4'
    """

    __slots__ = ("__weakref__", "_href", "_params", "_parts")

    _params: URLSearchParams | None
    _parts: re.Match[str] | None

    protocol = _Part()
    username = _Part()
    password = _Part()
    host = _Part()
    hostname = _Part()
    port = _Part()
    pathname = _Part()
    search = _Part()
    hash = _Part()

    def __init__(self, url: "str | URL", base: "str | URL | None" = None) -> None:
        self._href = _parse(url, base)
        self._params = self._parts = None

    @classmethod
    def parse(cls, url: "str | URL", base: "str | URL | None" = None) -> Self | None:
        """Return the URL, or `None` if it is invalid."""
        try:
            return cls(url, base)
        except ValueError:
            return None

    @classmethod
    def can_parse(cls, url: "str | URL", base: "str | URL | None" = None) -> bool:
        """Return whether the URL is valid."""
        return cls.parse(url, base) is not None

    @property
    def href(self) -> str:
        """The whole URL."""
        return self._href

    @href.setter
    def href(self, href: "str | URL") -> None:
        self._change(_parse(href))

    @property
    def origin(self) -> str:
        """Scheme, host and port; `"null"` if the scheme has no such origin."""
        protocol = self.protocol
        if protocol in ("http:", "https:"):
            return f"{protocol}//{self.host}"
        return ada_url.parse_url(self._href, ("origin",))["origin"]

    @property
    def search_params(self) -> URLSearchParams:
        """The query, to read and to change; a change of it or of `search` changes both."""
        if self._params is None:
            self._params = URLSearchParams(self.search)
            self._params._url = weakref.ref(self)
        return self._params

    def _change(self, href: str) -> None:
        self._href = href
        self._parts = None
        if self._params is not None:
            self._params._pairs = parse_query(self.search[1:])

    def __str__(self) -> str:
        return self._href

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, URL):
            return NotImplemented
        return self._href == other._href

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._href,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._href!r})"


def _parse(url: str | URL, base: str | URL | None = None) -> str:
    """Return the href of a URL, resolved against `base`."""
    try:
        text = to_usv(_require_url(url))
        if base is None:
            return ada_url.normalize_url(text)
        return ada_url.join_url(to_usv(_require_url(base)), text)
    except ValueError:
        against = "" if base is None else f" relative to {str(base)!r}"
        raise ValueError(f"{str(url)!r}{against} is not a valid URL.") from None


def _require_url(url: str | URL) -> str:
    if not isinstance(url, str | URL):
        raise TypeError(f"A URL takes a str or a URL, not {type(url).__name__}.")
    return str(url)
