"""URLs as browsers parse and write them: the interface of the standard around ada's parser.

A `URL` keeps its href, as the serialiser of the standard writes it, and splits it when a part is
read. The URL of a request keeps its path and query, and joins its href when it is read.
"""

import re
import weakref
from contextlib import suppress
from functools import lru_cache
from typing import Self, overload

import ada_url

from .search_params import URLSearchParams, parse_query
from .strings import to_text, to_usv
from .wsgi import Environ

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
# The printable ASCII characters that the parser leaves as they are in a query.
_is_plain_query = re.compile(r"[!$-&(-;=?-~]*").fullmatch


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
        return url._read(self._name)

    def __set__(self, url: "URL", value: str | float) -> None:
        url._write(self._name, value)


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

    __slots__ = ("__weakref__", "_href", "_origin", "_params", "_parts", "_pathname", "_search")

    _href: str | None  # of a request's URL, it is joined when it is read
    _origin: str | None
    _params: URLSearchParams | None
    _parts: re.Match[str] | None  # of a request's URL, without its path and query
    _pathname: str | None
    _search: str | None

    protocol = _Part()
    username = _Part()
    password = _Part()
    host = _Part()
    hostname = _Part()
    port = _Part()
    hash = _Part()

    def __init__(self, url: "str | URL", base: "str | URL | None" = None) -> None:
        self._href = _parse(url, base)
        self._params = self._parts = self._origin = self._pathname = self._search = None

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
        if self._href is None:
            self._href = f"{self._origin}{self._pathname}{self._search}"
        return self._href

    @href.setter
    def href(self, href: "str | URL") -> None:
        self._change(_parse(href))

    @property
    def pathname(self) -> str:
        """The path, percent-encoded; it can be set."""
        if self._pathname is None:
            self._pathname = self._read("pathname")
        return self._pathname

    @pathname.setter
    def pathname(self, value: str | float) -> None:
        self._write("pathname", value)

    @property
    def search(self) -> str:
        """The query, percent-encoded, after a question mark; `""` if it is empty."""
        if self._search is None:
            self._search = self._read("search")
        return self._search

    @search.setter
    def search(self, value: str | float) -> None:
        self._write("search", value)

    @property
    def origin(self) -> str:
        """Scheme, host and port; `"null"` if the scheme has no such origin."""
        if self._origin is None:
            protocol = self.protocol
            if protocol in ("http:", "https:"):
                self._origin = f"{protocol}//{self.host}"
            else:
                self._origin = ada_url.parse_url(self.href, ("origin",))["origin"]
        return self._origin

    @property
    def search_params(self) -> URLSearchParams:
        """The query, to read and to change; a change of it or of `search` changes both."""
        if self._params is None:
            self._params = params = object.__new__(URLSearchParams)
            params._pairs = parse_query(self.search[1:])
            params._url = weakref.ref(self)
        return self._params

    def _read(self, part: str) -> str:
        if self._parts is None:
            self._parts = _split(self.href)
        return self._parts[part] or ""  # type: ignore[index]  # each href matches

    def _write(self, part: str, value: str | float) -> None:
        parsed = ada_url.URL(self.href)
        # ada may change the URL up to the point where the value is invalid.
        with suppress(ValueError):
            setattr(parsed, part, to_usv(to_text(value)))
        self._change(parsed.href)

    def _change(self, href: str) -> None:
        self._href = href
        self._parts = self._origin = self._pathname = self._search = None
        if self._params is not None:
            self._params._pairs = parse_query(self.search[1:])

    def __str__(self) -> str:
        return self.href

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, URL):
            return NotImplemented
        return self.href == other.href

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.href,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.href!r})"


def make_request_url(environ: Environ, pathname: str) -> URL:
    """Return the URL of a WSGI request, as `URL` parses it; its path is given.

    The parser must not change `pathname`: it begins with a slash, is percent-encoded and has no
    segment `.` or `..`.
    """
    scheme = environ["wsgi.url_scheme"]
    host = environ.get("HTTP_HOST") or _find_server(environ)
    query = environ.get("QUERY_STRING", "")
    root = _find_root(scheme, host)
    if root is None or (query and not _is_plain_query(query)):
        query = query.partition("#")[0]
        if query:  # WSGI gives bytes as latin-1
            query = "?" + "".join(c if c < "\x80" else f"%{ord(c):02X}" for c in query)
        return URL(f"{scheme}://{host}{pathname}{query}")
    url = object.__new__(URL)
    url._href = url._params = None
    url._origin, url._parts = root._origin, root._parts
    url._pathname = pathname
    url._search = f"?{query}" if query else ""
    return url


def _find_server(environ: Environ) -> str:
    """Return name and port of the server: the host of a request without the header."""
    name, port = environ["SERVER_NAME"], environ["SERVER_PORT"]
    if "/" in name or not name:  # a server on a Unix socket has no name
        return "localhost"
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


@lru_cache(maxsize=32)
def _find_root(scheme: str, host: str) -> URL | None:
    """Return the URL of the path `/`, with its parts, if it is an origin and nothing more."""
    url = URL.parse(f"{scheme}://{host}/")
    return url if url is not None and url.href == f"{url.origin}/" else None


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
