"""What can a site be told, and is what it was told right?

`Config` and its parts are frozen; each checks itself when it is made and says every key
that is wrong, with its value and what is allowed.
"""

import difflib
import functools
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol, TypeVar
from unicodedata import normalize

from werkzeug.routing import BaseConverter

from .routing.pattern import PatternError, parse_pattern
from .web.url import URL

_T = TypeVar("_T", bound=type)

_HOST_NAME = re.compile(r"(\*\.)?[^/\s*:\[\]]+|\[[0-9A-Fa-f:.]+\]")
_LONGEST_COOKIE = 400 * 24 * 60 * 60
REDIRECT_STATUSES = (301, 302, 303, 307, 308)


class ConfigError(ValueError):
    """Keys or values of the configuration that can't be; the text names each."""


class Adapter(Protocol):
    """A production server. `framework start` calls it; `framework.adapters` has them."""

    def serve(self, make_application: Callable[[], Any], *, host: str, port: int) -> None:
        """Serve what `make_application` returns, a WSGI application, until told to stop.

        Each process that answers requests may make its own.
        """


def _explained(cls: _T) -> _T:
    """The class, its constructor naming what it takes when it is given another keyword."""
    names = [f.name for f in fields(cls)]
    make = cls.__init__  # type: ignore[misc]

    @functools.wraps(make)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it becomes it
        wrong = []
        for key in kwargs.keys() - names:
            near = difflib.get_close_matches(key, names, 1)
            hint = f"Did you mean {near[0]}? " if near else ""
            wrong.append(
                f"{cls.__name__}({key}={kwargs[key]!r}): there is no such key. "
                f"{hint}{cls.__name__} takes {', '.join(names)}."
            )
        if wrong:
            raise ConfigError("\n".join(sorted(wrong)))
        make(self, *args, **kwargs)

    cls.__init__ = __init__  # type: ignore[misc]
    return cls


class _Check:
    """Collects what is wrong with one object's values."""

    def __init__(self, subject: object) -> None:
        self.subject = subject
        self.wrong: list[str] = []

    def that(self, key: str, test: Callable[[Any], bool], allowed: str) -> bool:
        value = getattr(self.subject, key)
        if not test(value):
            self.wrong.append(f"{type(self.subject).__name__}({key}={value!r}): {allowed}.")
            return False
        return True

    def done(self) -> None:
        if self.wrong:
            raise ConfigError("\n".join(self.wrong))


def _is_int(low: int, high: float = float("inf")) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _is_texts(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(isinstance(v, str) and v for v in value)


def _is_http_url(text: Any) -> bool:
    url = URL.parse(text) if isinstance(text, str) else None
    return url is not None and url.protocol in ("http:", "https:")


@_explained
@dataclass(frozen=True, kw_only=True)
class Build:
    """How a static site is written. `out_dir` is relative to the site's root.

    `compress` makes smaller variants of each file (gzip; Brotli and Zstandard where their
    libraries are installed), which the application serves; unless it is said, it is on where the
    application serves the files, with `output="server"`. `secrets` are names of environment
    variables whose values no file may hold.
    """

    format: Literal["directory", "file", "preserve"] = "directory"
    out_dir: str = "dist"
    compress: bool | None = None
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check = _Check(self)
        formats = ("directory", "file", "preserve")
        check.that("format", formats.__contains__, 'it is "directory", "file" or "preserve"')
        check.that("out_dir", lambda v: isinstance(v, str) and v != "", "it is a folder's name")
        check.that("compress", lambda v: v is None or isinstance(v, bool), "it is True or False")
        check.that("secrets", _is_texts, 'it holds names of environment variables: ("API_KEY",)')
        check.done()
        object.__setattr__(self, "secrets", tuple(self.secrets))


@_explained
@dataclass(frozen=True, kw_only=True)
class Security:
    """What the site believes and refuses.

    `trusted_proxies` counts the proxies in front whose `X-Forwarded-*` headers are believed.
    `max_body_size` is in bytes. `allowed_hosts` may hold `*.example.com`.
    """

    check_origin: bool = True
    trusted_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: int = 0
    max_body_size: int = 10 * 1024 * 1024

    def __post_init__(self) -> None:
        check = _Check(self)
        check.that("check_origin", lambda v: isinstance(v, bool), "it is True or False")
        check.that(
            "trusted_origins",
            lambda v: _is_texts(v) and all(_is_http_url(o) and URL(o).origin == o for o in v),
            'it holds origins such as "https://pay.example.com", without a slash at the end',
        )
        check.that(
            "allowed_hosts",
            lambda v: _is_texts(v) and all(map(_HOST_NAME.fullmatch, v)),
            'it holds host names such as "example.com" and "*.example.com", without a port',
        )
        check.that("trusted_proxies", _is_int(0), "it is a number of proxies, 0 or more")
        check.that("max_body_size", _is_int(0), "it is a number of bytes, 0 or more")
        check.done()
        object.__setattr__(self, "trusted_origins", tuple(self.trusted_origins))
        object.__setattr__(self, "allowed_hosts", tuple(map(str.lower, self.allowed_hosts)))


@_explained
@dataclass(frozen=True, kw_only=True)
class Server:
    """Where the site is served, in development and (unless the adapter says so) production."""

    host: str = "127.0.0.1"
    port: int = 4321

    def __post_init__(self) -> None:
        check = _Check(self)
        check.that("host", lambda v: isinstance(v, str) and v != "", "it is an address or a name")
        check.that("port", _is_int(0, 65535), "it is a number from 0 to 65535")
        check.done()

    @property
    def url_host(self) -> str:
        """The host as a URL writes it: an IPv6 address in brackets."""
        try:
            return f"[{self.host}]" if ipaddress.ip_address(self.host).version == 6 else self.host
        except ValueError:
            return self.host


class Cache(Protocol):
    """What sessions need of their store, as cachelib's caches have it."""

    def get(self, key: str) -> Any:
        """The value, `None` where there is none."""

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool | None:
        """Keep the value for `timeout` seconds; whether that was done."""

    def delete(self, key: str) -> bool:
        """Forget the value; whether that was done."""


@_explained
@dataclass(frozen=True, kw_only=True)
class Sessions:
    """How sessions are kept: `Config(session=Sessions())`.

    `store` is a folder, relative to the site's root, or a cache of cachelib's such as
    `RedisCache`. `max_age` is in seconds, counted from a session's last change.
    """

    store: str | Cache = ".sessions"
    max_age: int = 14 * 24 * 60 * 60

    def __post_init__(self) -> None:
        check = _Check(self)
        check.that(
            "store",
            lambda v: (
                v != ""
                if isinstance(v, str)
                else all(callable(getattr(v, name, None)) for name in ("get", "set", "delete"))
            ),
            "it is a folder's name, or a cache such as cachelib.RedisCache(...)",
        )
        check.that(
            "max_age",
            _is_int(1, _LONGEST_COOKIE),
            f"it is a number of seconds, 1 to {_LONGEST_COOKIE}: browsers keep no cookie longer",
        )
        check.done()


@_explained
@dataclass(frozen=True, kw_only=True)
class Config:
    """A site's configuration: `config = Config(...)` in `framework.config.py`.

    `etag=True` gives responses that are held whole a weak `ETag`, so that clients that have
    them get a 304.
    """

    site: str | None = None
    base: str = "/"
    output: Literal["server", "static"] = "server"
    trailing_slash: Literal["ignore", "always", "never"] = "ignore"
    redirects: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    converters: Mapping[str, type[BaseConverter]] = field(default_factory=dict)
    adapter: Adapter | None = None
    build: Build = field(default_factory=Build)
    security: Security = field(default_factory=Security)
    server: Server = field(default_factory=Server)
    session: Sessions | None = None
    etag: bool = False

    def __post_init__(self) -> None:
        check = _Check(self)
        check.that(
            "site",
            lambda v: v is None or _is_http_url(v),
            'it is a whole URL such as "https://example.com"',
        )
        check.that("base", _is_base, 'it is a path such as "/docs", "/" for none')
        check.that("output", ("server", "static").__contains__, 'it is "server" or "static"')
        slashes = ("ignore", "always", "never")
        check.that("trailing_slash", slashes.__contains__, 'it is "ignore", "always" or "never"')
        if check.that("redirects", _is_mapping, 'it is a mapping: {"/old": "/new"}'):
            check.wrong += [text for item in self.redirects.items() for text in _redirect(*item)]
        check.that(
            "converters",
            lambda v: (
                _is_mapping(v)
                and all(
                    name.isidentifier()
                    and name.isascii()
                    and isinstance(c, type)
                    and issubclass(c, BaseConverter)
                    and c.part_isolating
                    for name, c in v.items()
                )
            ),
            "it maps names (letters, digits and _) to classes derived from "
            "werkzeug.routing.BaseConverter; one whose regex names a slash says "
            "part_isolating = True, and never matches one",
        )
        check.that(
            "adapter",
            lambda v: v is None or callable(getattr(v, "serve", None)),
            "it is an adapter such as framework.adapters.gunicorn(workers=2)",
        )
        check.that("build", lambda v: isinstance(v, Build), "write Build(...)")
        check.that("security", lambda v: isinstance(v, Security), "write Security(...)")
        check.that("server", lambda v: isinstance(v, Server), "write Server(...)")
        check.that("etag", lambda v: isinstance(v, bool), "it is True or False")
        check.that(
            "session",
            lambda v: v is None or isinstance(v, Sessions),
            "write Sessions(...), or leave it out",
        )
        check.done()
        object.__setattr__(self, "base", normalize("NFC", "/" + self.base.strip("/")))


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _is_base(value: Any) -> bool:
    if not isinstance(value, str) or re.search(r"//|[?#%[\]]|\s", value):
        return False
    try:
        return value.startswith("/") and bool(parse_pattern(value))
    except PatternError:
        return False


def _redirect(source: str, target: object) -> list[str]:
    """What is wrong with one entry of `redirects`."""
    where = f"Config(redirects={{{source!r}: {target!r}}})"
    options = target if isinstance(target, Mapping) else {"destination": target}
    wrong = []
    try:
        pattern = parse_pattern(source)
    except PatternError as error:
        return [f"{where}: {error}"]
    if unknown := options.keys() - {"status", "destination"}:
        wrong.append(f"{where}: {min(unknown, key=repr)!r} is none of status, destination.")
    if (status := options.get("status", 301)) not in REDIRECT_STATUSES:
        allowed = ", ".join(map(str, REDIRECT_STATUSES))
        wrong.append(f"{where}: status {status!r} is no redirect. Take one of {allowed}.")
    destination = options.get("destination")
    if not isinstance(destination, str) or not destination:
        return [*wrong, f'{where}: a target is a path or a URL, as in "/new" or "https://...".']
    if destination.startswith("//"):
        wrong.append(f"{where}: browsers read this target as another host. Write https://...")
    elif destination.startswith("/"):
        try:
            missing = {p.name for p in parse_pattern(destination.partition("?")[0]).params}
        except PatternError as error:
            return [*wrong, f"{where}: {error}"]
        if missing := missing - {p.name for p in pattern.params}:
            wrong.append(f"{where}: the target names [{sorted(missing)[0]}], the source doesn't.")
    elif not _is_http_url(destination):
        wrong.append(f'{where}: a target is a path that begins with "/" or an http(s) URL.')
    return wrong
