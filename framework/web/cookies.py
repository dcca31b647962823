"""Cookies: those that the request brings, and those that the response sets."""

import math
import numbers
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, TypedDict, Unpack, cast
from urllib.parse import quote, unquote

from msgspec import Struct
from werkzeug.http import http_date

from .headers import find_date, is_token
from .jsontext import parse_json, write_json
from .strings import to_text

SameSite: TypeAlias = Literal["strict", "lax", "none", "Strict", "Lax", "None"] | bool | None

# RFC 6265's cookie-octet without "%", which would be read as an escape.
_needs_no_escape = re.compile(r"[!#$&-+\--:<-\[\]-~]*").fullmatch
_is_value = re.compile(r"[!-:<-~]*").fullmatch
_is_attribute = re.compile(r"[ -:<-~]*").fullmatch
_is_domain = re.compile(r"\.?[\w-]+(\.[\w-]+)*", re.ASCII).fullmatch
_broken_escape = re.compile("%(?![0-9A-Fa-f]{2})").search
_is_decimal = re.compile(
    r"[+-]?(Infinity|([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?)"
).fullmatch
_is_prefixed_integer = re.compile("0(x[0-9a-f]+|o[0-7]+|b[01]+)", re.I).fullmatch
# What JavaScript strips.
_BLANKS = (
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_BYTES = 4096


class CookieOptions(TypedDict, total=False):
    """The options of `Cookies.set` and `Cookies.delete`; `None` and `False` omit an attribute."""

    domain: str | Literal[False] | None
    path: str | Literal[False] | None
    http_only: bool | None
    same_site: SameSite
    secure: bool | None
    partitioned: bool | None


class SetCookieOptions(CookieOptions, total=False):
    """The options of `Cookies.set`."""

    expires: datetime | str | Literal[False] | None
    max_age: float | timedelta | None
    encode: Callable[[str], str] | None


class Cookie(Struct, frozen=True):
    """The value of a cookie, which the client may have changed.

    The `repr` hides the value: it may be a secret.
    """

    value: str

    def json(self) -> Any:
        """Return the value parsed as JSON; `ValueError` if it is not JSON."""
        return parse_json(self.value.encode("utf-8", "surrogatepass"))

    def number(self) -> float:
        """Return the value converted as JavaScript's `Number` does: NaN if it is not a number.

        An empty value is 0, and a number too large for a float is infinity.
        """
        text = self.value.strip(_BLANKS)
        if not text:
            return 0.0
        if _is_decimal(text):
            return float(text)
        if not _is_prefixed_integer(text):
            return math.nan
        try:
            return float(int(text, 0))
        except OverflowError:
            return math.inf

    def boolean(self) -> bool:
        """Return `False` for `"false"`, `"0"` and an empty value, else `True`."""
        return self.value not in ("false", "0", "")

    def __repr__(self) -> str:
        return "Cookie()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []  # msgspec's shows the value


class Cookies:
    """The cookies of a request, and those to set with its response.

    `header` is the request's `Cookie` header, which is parsed when a cookie is first read;
    `secure` tells whether the request came over https. Reading sees what was written before.

    The web platform has no such class for servers; this one follows Astro's.

    https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html

    >>> cookies = Cookies("theme=dark")
    >>> cookies.get("theme").value
    'dark'
    >>> cookies.set("visits", 3)
    >>> cookies.headers()
    ['visits=3; Path=/; HttpOnly; SameSite=Lax']
    """

    __slots__ = ("_header", "_incoming", "_outgoing", "_secure", "_were_sent")

    def __init__(self, header: str = "", *, secure: bool = False) -> None:
        self._header = header
        self._incoming: dict[str, str] | None = None
        # By name: the value (None: deleted) and the line that says so.
        self._outgoing: dict[str, tuple[str | None, str]] = {}
        self._secure = secure
        self._were_sent = False

    def get(self, name: str, *, decode: Callable[[str], str] | None = None) -> Cookie | None:
        """Return the cookie of that name, or `None`.

        `decode` turns what the client sent into the value; by default percent-encoding is
        decoded. A value that can't be decoded (`ValueError`) is returned as it was sent.
        """
        if name in self._outgoing:
            value = self._outgoing[name][0]
            return None if value is None else Cookie(value)
        sent = self._sent().get(name)
        if sent is None:
            return None
        if decode is None and "%" not in sent:
            return Cookie(sent)
        try:
            return Cookie((decode or _decode)(sent))
        except ValueError:
            return Cookie(sent)

    def has(self, name: str) -> bool:
        """Return whether there is a cookie of that name."""
        if name in self._outgoing:
            return self._outgoing[name][0] is not None
        return name in self._sent()

    __contains__ = has

    def set(self, name: str, value: object, **options: Unpack[SetCookieOptions]) -> None:
        """Set a cookie.

        `value` is a `str`, a number or a `bool`; anything else is stored as JSON. Options:

        - `path` is `"/"`, `http_only` is `True` and `same_site` is `"lax"` by default.
        - `secure` is by default whether the request came over https.
        - `expires` is a `datetime` (UTC if it is naive) or an HTTP date.
        - `max_age` is a whole number of seconds or a `timedelta`.
        - `encode` turns the value into text that a cookie can hold; by default it is
          percent-encoded where necessary.

        `ValueError`: an invalid name or option, name and value of more than 4096 bytes, or a
        cookie that browsers would drop (the prefixes `__Host-`, `__Secure-` and `__Http-`,
        `same_site="none"` and `partitioned` need `secure`). `RuntimeError`: the headers were sent
        already; a streamed body can't set cookies.
        """
        if options:
            _check_names(options, SetCookieOptions.__optional_keys__)
        if isinstance(value, str | numbers.Number):
            text = to_text(value)
        else:
            text = write_json(value).decode()
        encode = options.get("encode")
        sent = _encode(text) if encode is None else _checked_value(name, encode(text))
        self._write(name, text, sent, options)

    def delete(self, name: str, **options: Unpack[CookieOptions]) -> None:
        """Make the client delete a cookie; pass the `domain` and `path` that it was set with."""
        _check_names(options, CookieOptions.__optional_keys__)
        expired = cast("SetCookieOptions", {**options, "expires": _EPOCH})
        self._write(name, None, "deleted", expired)

    def merge(self, other: "Cookies") -> None:
        """Take over what was set and deleted in other cookies."""
        self._require_unsent("merge cookies")
        self._outgoing.update(other._outgoing)

    @property
    def were_read(self) -> bool:
        """Whether a cookie that the client sent was looked up."""
        return self._incoming is not None

    def headers(self) -> list[str]:
        """Return the values of the `Set-Cookie` headers, one for each name set or deleted."""
        return [line for _, line in self._outgoing.values()]

    def mark_sent(self) -> None:
        """Make each later change an exception: the headers were sent."""
        self._were_sent = True

    def _require_unsent(self, what: str) -> None:
        if self._were_sent:
            raise RuntimeError(
                f"Can't {what}: the headers of this response were sent already. "
                "Set cookies before the handler returns, not in a streamed body."
            )

    def _sent(self) -> dict[str, str]:
        if self._incoming is None:
            self._incoming = _parse(self._header)
        return self._incoming

    def _write(self, name: str, value: str | None, sent: str, options: SetCookieOptions) -> None:
        self._require_unsent(f"{'delete' if value is None else 'set'} the cookie {name!r:.100}")
        if not is_token(name):
            raise ValueError(
                f"{name!r} is not a cookie name. Use only letters, digits and !#$%&'*+-.^_`|~"
            )
        if len(name) + len(sent) > _MAX_BYTES:
            raise ValueError(
                f"Cookie {name}: name and value have {len(name) + len(sent)} bytes; browsers keep "
                f"no more than {_MAX_BYTES}. Keep the data on the server (context.session)."
            )
        attributes = _attributes(options, self._secure) if options else _DEFAULTS[self._secure]
        _check_requirements(name, attributes)
        self._outgoing[name] = (value, "; ".join([f"{name}={sent}", *attributes]))

    def __repr__(self) -> str:
        names = dict.fromkeys([*self._sent(), *self._outgoing])
        return f"<Cookies: {', '.join(filter(self.has, names))}>"


def _parse(header: str) -> dict[str, str]:
    """Return the cookies of a `Cookie` header as they were sent; the first of each name counts.

    Browsers send any name that `document.cookie` accepted, and write it in UTF-8.
    """
    cookies: dict[str, str] = {}
    for part in header.split(";"):
        if not part.isascii():
            with suppress(UnicodeError):
                part = part.encode("latin-1").decode()
        name, equals, value = part.partition("=")
        name = name.strip(" \t")
        if equals and name and name not in cookies:
            cookies[name] = value.strip(" \t")
    return cookies


def _decode(sent: str) -> str:
    """Decode as `decodeURIComponent`; `ValueError` for what it refuses."""
    if _broken_escape(sent):
        raise ValueError("A % without two hexadecimal digits.")
    return unquote(sent, errors="strict")


def _encode(value: str) -> str:
    """Encode as `encodeURIComponent`, if a cookie can't hold the value itself."""
    return value if _needs_no_escape(value) else quote(value, safe="!'()*")


def _checked_value(name: str, sent: str) -> str:
    if not _is_value(sent):
        raise ValueError(
            f"Cookie {name}: encode() returned a space, a semicolon, a control character or "
            "one that is not ASCII."
        )
    return sent


def _check_names(options: Iterable[str], known: frozenset[str]) -> None:
    if not known.issuperset(options):
        unknown = ", ".join(set(options) - known)
        raise TypeError(f"Unknown option {unknown}. The options are {', '.join(sorted(known))}.")


def _attributes(options: SetCookieOptions, is_https: bool) -> list[str]:
    """Return the attributes as they stand in the header, each one checked."""
    attributes = []
    if path := options.get("path", "/"):
        if not _is_attribute(path):
            raise ValueError(f"path={path!r}: percent-encode semicolons and what is not ASCII.")
        attributes.append(f"Path={path}")
    if domain := options.get("domain"):
        if not _is_domain(domain):
            raise ValueError(f"domain={domain!r} is not a domain name such as example.com.")
        attributes.append(f"Domain={domain}")
    max_age = options.get("max_age")
    if max_age is not None and max_age is not False:
        attributes.append(f"Max-Age={_seconds(max_age)}")
    expires = options.get("expires")
    if expires is not None and expires is not False:
        attributes.append(f"Expires={_http_date(expires)}")
    if options.get("http_only", True):
        attributes.append("HttpOnly")
    if options.get("secure", is_https):
        attributes.append("Secure")
    if same_site := options.get("same_site", "lax"):
        value = "Strict" if same_site is True else str(same_site).capitalize()
        if value not in ("Strict", "Lax", "None"):
            raise ValueError(f'same_site={same_site!r} is not "strict", "lax", "none" or None.')
        attributes.append(f"SameSite={value}")
    if options.get("partitioned"):
        attributes.append("Partitioned")
    return attributes


_DEFAULTS = {is_https: _attributes({}, is_https) for is_https in (False, True)}


def _check_requirements(name: str, attributes: list[str]) -> None:
    """Refuse a cookie that browsers drop silently."""
    is_secure = "Secure" in attributes
    if not is_secure and "SameSite=None" in attributes:
        raise ValueError(f'Cookie {name}: same_site="none" needs secure=True.')
    if not is_secure and "Partitioned" in attributes:
        raise ValueError(f"Cookie {name}: partitioned needs secure=True.")
    if not name.startswith("__"):
        return
    lower = name.lower()
    if not is_secure and lower.startswith(("__host-", "__secure-", "__http-")):
        raise ValueError(f"Cookie {name}: a name with this prefix needs secure=True.")
    if lower.startswith(("__http-", "__host-http-")) and "HttpOnly" not in attributes:
        raise ValueError(f"Cookie {name}: a name with this prefix needs http_only=True.")
    if lower.startswith("__host-") and (
        "Path=/" not in attributes or any(a.startswith("Domain=") for a in attributes)
    ):
        raise ValueError(f'Cookie {name}: a name with this prefix needs path="/" and no domain.')


def _seconds(max_age: float | timedelta) -> int:
    seconds = max_age.total_seconds() // 1 if isinstance(max_age, timedelta) else max_age
    if not isinstance(seconds, int | float) or seconds is True or seconds % 1 != 0:
        raise ValueError(f"max_age={max_age!r} is not a whole number of seconds.")
    return int(seconds)


def _http_date(expires: datetime | str) -> str:
    date = find_date(expires) if isinstance(expires, str) else expires
    if not isinstance(date, datetime) or not _is_attribute(str(expires)):
        raise ValueError(f"expires={expires!r} is neither a datetime nor an HTTP date.")
    try:
        return http_date(date)
    except OverflowError:
        raise ValueError(f"expires={expires!r} is not in the years 1 to 9999 in UTC.") from None
