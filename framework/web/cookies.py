"""Which cookies came with the request, and which go out with the response?"""

import json
import math
import numbers
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from types import EllipsisType
from typing import Any, Literal, NoReturn, TypeAlias
from urllib.parse import quote, unquote

import msgspec

from .headers import is_token
from .strings import to_text

_Off: TypeAlias = Literal[False] | None
SameSite: TypeAlias = Literal["strict", "lax", "none", "Strict", "Lax", "None"] | bool | None

# RFC 6265's cookie-octet without "%", which would be read as an escape.
_goes_as_it_is = re.compile(r"[!#$&-+\--:<-\[\]-~]*").fullmatch
_is_value = re.compile(r"[!-:<-~]*").fullmatch
_is_attribute = re.compile(r"[ -:<-~]*").fullmatch
_is_domain = re.compile(r"\.?[\w-]+(\.[\w-]+)*", re.ASCII).fullmatch
_broken_escape = re.compile("%(?![0-9A-Fa-f]{2})").search
_is_decimal = re.compile(r"[+-]?(Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)").fullmatch
_is_prefixed_integer = re.compile("0(x[0-9a-f]+|o[0-7]+|b[01]+)", re.I).fullmatch

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie's value, which the client may have made up.

    The value isn't in the `repr`: it may be a secret.
    """

    value: str = field(repr=False)

    def json(self) -> Any:
        """The value read as JSON; `ValueError` where it is none."""
        try:
            return json.loads(self.value, parse_constant=_refuse_constant)
        except RecursionError:
            raise ValueError("The cookie's JSON is nested too deeply.") from None

    def number(self) -> float:
        """The value read as JavaScript's `Number` does; NaN where it is no number."""
        text = self.value.strip()
        if _is_decimal(text):
            number = float(text)
            exact = number.is_integer() and abs(number) < 2**53
            return int(number) if exact else number
        if _is_prefixed_integer(text):
            return int(text, 0)
        return math.nan

    def boolean(self) -> bool:
        """`False` for `"false"`, `"0"` and an empty value, else `True`."""
        return self.value not in ("false", "0", "")


class Cookies:
    """The cookies of a request, and those to set with its response.

    `header` is the request's `Cookie` header, of which nothing is read before it is asked for;
    `secure` says that the request came by https. Reading sees what was written before.

    The web has no such class (the browsers' CookieStore is another's view); this is Astro's.

    https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html

    >>> cookies = Cookies("theme=dark")
    >>> cookies.get("theme").value
    'dark'
    >>> cookies.set("visits", 3)
    >>> cookies.headers()
    ['visits=3; Path=/; HttpOnly; SameSite=Lax']
    """

    __slots__ = ("_header", "_incoming", "_outgoing", "_secure")

    def __init__(self, header: str = "", *, secure: bool = False) -> None:
        self._header = header
        self._incoming: dict[str, str] | None = None
        # By name: the value (None: deleted) and the line that says so.
        self._outgoing: dict[str, tuple[str | None, str]] = {}
        self._secure = secure

    def get(self, name: str, *, decode: Callable[[str], str] | None = None) -> Cookie | None:
        """The cookie of that name, `None` where there is none.

        `decode` turns what the client sent into the value; the default undoes percent-encoding.
        What can't be decoded (a `ValueError`) is returned as it was sent.
        """
        if name in self._outgoing:
            value = self._outgoing[name][0]
            return None if value is None else Cookie(value)
        sent = self._sent().get(name)
        if sent is None:
            return None
        try:
            return Cookie((decode or _decoded)(sent))
        except ValueError:
            return Cookie(sent)

    def has(self, name: str) -> bool:
        """Whether there is a cookie of that name."""
        if name in self._outgoing:
            return self._outgoing[name][0] is not None
        return name in self._sent()

    __contains__ = has

    def set(
        self,
        name: str,
        value: object,
        *,
        domain: str | _Off = None,
        path: str | _Off = "/",
        expires: datetime | str | _Off = None,
        max_age: float | timedelta | None = None,
        http_only: bool | None = True,
        same_site: SameSite = "lax",
        secure: bool | EllipsisType | None = ...,
        partitioned: bool | None = None,
        encode: Callable[[str], str] | None = None,
    ) -> None:
        """Set a cookie; `None` or `False` leaves an attribute out.

        `value` is a `str`, a number or a `bool`; anything else is stored as JSON. `expires` is a
        `datetime` (a naive one is UTC) or an HTTP date; `max_age` whole seconds or a
        `timedelta`. `secure` is, unless given, whether the request came by https. `encode` makes
        the value one that a cookie can hold; the default percent-encodes where it must.

        `ValueError`: the name is no token, name and value are over 4096 bytes, an attribute is
        none, or browsers would refuse the cookie (the prefixes `__Host-`, `__Secure-` and `__Http-`,
        `same_site="none"` and `partitioned` need `secure`).
        """
        if isinstance(value, str | numbers.Number):
            text = to_text(value)
        else:
            text = msgspec.json.encode(value).decode()
        self._write(
            name,
            text,
            (encode or _encoded)(text),
            _attributes(
                domain=domain,
                path=path,
                expires=expires,
                max_age=max_age,
                http_only=http_only,
                same_site=same_site,
                secure=self._secure if secure is ... else secure,
                partitioned=partitioned,
            ),
        )

    def delete(
        self,
        name: str,
        *,
        domain: str | _Off = None,
        path: str | _Off = "/",
        secure: bool | EllipsisType | None = ...,
        http_only: bool | None = True,
        same_site: SameSite = "lax",
        partitioned: bool | None = None,
    ) -> None:
        """Make the client forget a cookie; domain and path are those it was set with."""
        self._write(
            name,
            None,
            "deleted",
            _attributes(
                domain=domain,
                path=path,
                expires=_EPOCH,
                http_only=http_only,
                same_site=same_site,
                secure=self._secure if secure is ... else secure,
                partitioned=partitioned,
            ),
        )

    def merge(self, other: "Cookies") -> None:
        """Take over what was set and deleted in other cookies."""
        self._outgoing.update(other._outgoing)

    @property
    def were_read(self) -> bool:
        """Whether anybody asked for what the client sent."""
        return self._incoming is not None

    def headers(self) -> list[str]:
        """The values of the `Set-Cookie` headers, one for each name set or deleted."""
        return [line for _, line in self._outgoing.values()]

    def _sent(self) -> dict[str, str]:
        if self._incoming is None:
            self._incoming = _parsed(self._header)
        return self._incoming

    def _write(self, name: str, value: str | None, sent: str, attributes: list[str]) -> None:
        if not is_token(name):
            raise ValueError(
                f"{name!r} is no cookie name: only letters, digits and !#$%&'*+-.^_`|~ may be in it."
            )
        if not _is_value(sent):
            raise ValueError(
                f"Cookie {name}: what encode() returned holds a blank, a semicolon, a control "
                "character or one that is not ASCII."
            )
        if len(name) + len(sent) > _MAX_BYTES:
            raise ValueError(
                f"Cookie {name}: name and value have {len(name) + len(sent)} bytes; browsers keep "
                f"no more than {_MAX_BYTES}. Keep the data on the server (context.session)."
            )
        _check_promises(name, attributes)
        self._outgoing[name] = (value, "; ".join([f"{name}={sent}", *attributes]))

    def __repr__(self) -> str:
        names = dict.fromkeys([*self._sent(), *self._outgoing])
        return f"<Cookies: {', '.join(filter(self.has, names))}>"


def _parsed(header: str) -> dict[str, str]:
    """The cookies of a `Cookie` header as they were sent; of two with one name the first."""
    cookies: dict[str, str] = {}
    for part in header.split(";"):
        name, equals, value = part.partition("=")
        name = name.strip(" \t")
        if equals and name not in cookies and is_token(name):
            cookies[name] = value.strip(" \t")
    return cookies


def _decoded(sent: str) -> str:
    """As `decodeURIComponent`; `ValueError` for what it refuses."""
    if "%" not in sent:
        return sent
    if _broken_escape(sent):
        raise ValueError("A % without two hexadecimal digits.")
    return unquote(sent, errors="strict")


def _encoded(value: str) -> str:
    """The value itself where a cookie can hold it, else as `encodeURIComponent`."""
    return value if _goes_as_it_is(value) else quote(value, safe="!'()*")


def _attributes(
    *,
    domain: str | _Off,
    path: str | _Off,
    expires: datetime | str | _Off,
    max_age: float | timedelta | None = None,
    http_only: bool | None,
    same_site: SameSite,
    secure: bool | None,
    partitioned: bool | None,
) -> list[str]:
    """The attributes as they stand in the header, each one checked."""
    attributes = []
    if path:
        if not _is_attribute(path):
            raise ValueError(f"path={path!r}: percent-encode what is not ASCII, and semicolons.")
        attributes.append(f"Path={path}")
    if domain:
        if not _is_domain(domain):
            raise ValueError(f"domain={domain!r} is no domain, such as example.com.")
        attributes.append(f"Domain={domain}")
    if max_age is not None and max_age is not False:
        attributes.append(f"Max-Age={_seconds(max_age)}")
    if expires is not None and expires is not False:
        attributes.append(f"Expires={_http_date(expires)}")
    if http_only:
        attributes.append("HttpOnly")
    if secure:
        attributes.append("Secure")
    if same_site:
        value = "Strict" if same_site is True else str(same_site).capitalize()
        if value not in ("Strict", "Lax", "None"):
            raise ValueError(
                f'same_site={same_site!r}: allowed are "strict", "lax", "none" and None.'
            )
        attributes.append(f"SameSite={value}")
    if partitioned:
        attributes.append("Partitioned")
    return attributes


def _check_promises(name: str, attributes: list[str]) -> None:
    """Refuse what a browser would drop without a word."""
    if "Secure" not in attributes:
        for attribute, argument in (
            ("SameSite=None", 'same_site="none"'),
            ("Partitioned", "partitioned"),
        ):
            if attribute in attributes:
                raise ValueError(f"Cookie {name}: {argument} needs secure=True.")
    lower = name.lower()
    if not lower.startswith("__"):
        return
    on_host = lower.startswith("__host-")
    if (on_host or lower.startswith(("__secure-", "__http-"))) and "Secure" not in attributes:
        raise ValueError(f"Cookie {name}: a name with this prefix needs secure=True.")
    if lower.startswith(("__http-", "__host-http-")) and "HttpOnly" not in attributes:
        raise ValueError(f"Cookie {name}: a name with this prefix needs http_only=True.")
    if on_host and ("Path=/" not in attributes or any(a.startswith("Domain=") for a in attributes)):
        raise ValueError(f'Cookie {name}: a name with this prefix needs path="/" and no domain.')


def _seconds(max_age: float | timedelta) -> int:
    seconds = max_age.total_seconds() // 1 if isinstance(max_age, timedelta) else max_age
    if not isinstance(seconds, int | float) or seconds is True or seconds % 1 != 0:
        raise ValueError(f"max_age={max_age!r} is no whole number of seconds.")
    return int(seconds)


def _http_date(expires: datetime | str) -> str:
    """https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7"""
    if isinstance(expires, str) and _is_attribute(expires):
        expires = parsedate_to_datetime(expires)
    if not isinstance(expires, datetime):
        raise ValueError(f"expires={expires!r} is no datetime and no HTTP date.")
    if expires.tzinfo is None:
        expires = expires.replace(tzinfo=UTC)
    return format_datetime(expires.astimezone(UTC), usegmt=True)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON.")
