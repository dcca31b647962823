"""The configuration of a site: `Config` and its parts."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, runtime_checkable
from unicodedata import normalize

from markdown_it import MarkdownIt
from werkzeug.routing import BaseConverter

from .options import ConfigError, choice, flag, instance, number, option, option_class
from .routing.destination import Destination
from .routing.pattern import PatternError, parse_pattern
from .sessions import Sessions
from .web.response import Response
from .web.url import URL

_HOST_NAME = re.compile(r"(\*\.)?[^/\s*:\[\]]+|\[[0-9A-Fa-f:.]+\]")
REDIRECT_STATUSES = (301, 302, 303, 307, 308)


@runtime_checkable
class Adapter(Protocol):
    """A production server, which `framework start` runs; see `framework.adapters`."""

    def serve(self, make_application: Callable[[], Any], *, host: str, port: int) -> None:
        """Serve the WSGI application that `make_application` returns, until a signal ends it.

        An adapter may call `make_application` once in each worker process.
        """


# ------------------------------------------------------------------------- checks


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_text_list(value: object) -> bool:
    return isinstance(value, tuple | list) and all(map(_is_text, value))


def _is_text_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _is_http_url(value: object) -> bool:
    url = URL.parse(value) if isinstance(value, str) else None
    return url is not None and url.protocol in ("http:", "https:")


def _is_origin_list(value: Any) -> bool:
    return _is_text_list(value) and all(_is_http_url(o) and URL(o).origin == o for o in value)


def _is_host_list(value: Any) -> bool:
    return _is_text_list(value) and all(map(_HOST_NAME.fullmatch, value))


def _is_base(value: Any) -> bool:
    if not isinstance(value, str) or re.search(r"//|[?#%[\]]|\s", value):
        return False
    try:
        return value.startswith("/") and bool(parse_pattern(value))
    except PatternError:
        return False


def _is_converter_mapping(value: Any) -> bool:
    return _is_text_mapping(value) and all(
        name.isidentifier()
        and name.isascii()
        and isinstance(converter, type)
        and issubclass(converter, BaseConverter)
        and converter.part_isolating
        for name, converter in value.items()
    )


def _is_safe_url(value: object) -> bool:
    """Whether the value is an absolute URL to which a redirect may lead."""
    if not isinstance(value, str) or not URL.can_parse(value):
        return False
    try:
        Response.redirect(value)
    except ValueError:
        return False
    return True


def _is_redirect_mapping(value: Any) -> bool:
    if not _is_text_mapping(value):
        return False
    if problems := [text for item in value.items() for text in _find_redirect_problems(*item)]:
        raise ConfigError("\n".join(problems))
    return True


def _find_redirect_problems(source: str, target: object) -> list[str]:
    """Return what is wrong with one entry of `redirects`."""
    entry = f"Config(redirects={{{source!r}: {target!r}}})"
    options = target if isinstance(target, Mapping) else {"destination": target}
    try:
        params = set(parse_pattern(source).names)
    except PatternError as error:
        return [f"{entry}: {error}"]
    problems = []
    if unknown := options.keys() - {"status", "destination"}:
        key = min(unknown, key=repr)
        problems.append(f"unknown key {key!r}. A redirect has the keys status and destination.")
    if (status := options.get("status", 301)) not in REDIRECT_STATUSES:
        allowed = ", ".join(map(str, REDIRECT_STATUSES))
        problems.append(f"{status!r} is not a redirect status. Use one of {allowed}.")
    destination = options.get("destination")
    if isinstance(destination, str) and destination.startswith("//"):
        problems.append(
            "browsers take a destination that begins with // for another host. Write https://..."
        )
    elif isinstance(destination, str) and destination.startswith("/"):
        try:
            parse_pattern(Destination(destination).path)
        except PatternError as error:
            problems.append(str(error))
    elif not _is_safe_url(destination):
        allowed = 'a path that begins with "/" or a URL of a safe scheme'
        problems.append(f"the destination must be {allowed}.")
    used = Destination(destination).names if isinstance(destination, str) else set()
    if not problems and (missing := sorted(used - params)):
        problems.append(f"the destination uses [{missing[0]}], which {source} does not have.")
    return [f"{entry}: {problem}" for problem in problems]


# ------------------------------------------------------------------ option classes


@option_class
class Build:
    """How `framework build` writes a site. `out_dir` is relative to the site's root.

    `compress` writes smaller variants of each file (gzip; Brotli and Zstandard where their
    libraries are installed), which the application serves. By default it is on with
    `output="server"`. A build fails if a file contains the value of one of the environment
    variables named in `secrets`.
    """

    format: Literal["directory", "file", "preserve"] = choice("directory", "file", "preserve")
    out_dir: str = option("dist", _is_text, "the name of a folder")
    compress: bool | None = instance(None, bool, "True, False or None")
    secrets: tuple[str, ...] = option(
        (), _is_text_list, 'names of environment variables, as in ("API_KEY",)', tuple
    )


@option_class
class Proxies:
    """The number of proxies in front that set `X-Forwarded-For`, `-Proto` and `-Host`."""

    x_for: int = number(1, 0, "a number of proxies, 0 or more")
    x_proto: int = number(1, 0, "a number of proxies, 0 or more")
    x_host: int = number(1, 0, "a number of proxies, 0 or more")


@option_class
class Security:
    """Which requests a site accepts.

    `trusted_proxies` is the number of proxies in front whose `X-Forwarded-*` headers count, or
    `Proxies(...)` where the headers pass different numbers of them. `allowed_hosts` may contain
    `*.example.com`. `max_body_size` limits every body, in bytes; `max_text_size` those that are
    read whole as JSON, text or an urlencoded form, and the text fields of a multipart form.
    """

    check_origin: bool = flag(True)
    trusted_origins: tuple[str, ...] = option(
        (),
        _is_origin_list,
        'a list of origins such as "https://pay.example.com", without a slash at the end',
        tuple,
    )
    allowed_hosts: tuple[str, ...] = option(
        (),
        _is_host_list,
        'a list of host names such as "example.com" and "*.example.com", without a port',
        lambda hosts: tuple(map(str.lower, hosts)),
    )
    trusted_proxies: int | Proxies = option(
        0,
        lambda value: isinstance(value, Proxies) or (type(value) is int and value >= 0),
        "a number of proxies, 0 or more, or Proxies(x_for=2, x_proto=1, x_host=1)",
    )
    max_body_size: int = number(10 * 1024 * 1024, 0, "a number of bytes, 0 or more")
    max_text_size: int = number(5 * 1024 * 1024 // 2, 0, "a number of bytes, 0 or more")


@option_class
class Server:
    """Where a site is served, in development and, unless the adapter has its own, in production."""

    host: str = option("127.0.0.1", _is_text, "an address or a host name")
    port: int = number(4321, 0, "a port number (0-65535)", high=65535)


@option_class
class Config:
    """The configuration of a site: `config = Config(...)` in `framework.config.py`.

    With `etag=True` a response whose body is in memory gets a weak `ETag`, so that a client
    which has the body already receives a 304.
    """

    site: str | None = option(None, _is_http_url, 'a URL such as "https://example.com"')
    base: str = option(
        "/",
        _is_base,
        'a path such as "/docs", or "/"',
        lambda base: normalize("NFC", base.rstrip("/") or "/"),
    )
    output: Literal["server", "static"] = choice("server", "static")
    trailing_slash: Literal["ignore", "always", "never"] = choice("ignore", "always", "never")
    redirects: Mapping[str, str | Mapping[str, Any]] = option(
        {}, _is_redirect_mapping, 'a mapping such as {"/old": "/new"}'
    )
    converters: Mapping[str, type[BaseConverter]] = option(
        {},
        _is_converter_mapping,
        "a mapping from names (letters, digits and _) to subclasses of "
        "werkzeug.routing.BaseConverter. A converter whose regex contains a slash must set "
        "part_isolating = True; it never matches a slash",
    )
    adapter: Adapter | None = instance(
        None, Adapter, "an adapter such as framework.adapters.gunicorn(workers=2)"
    )
    build: Build = instance(Build(), Build, "Build(...)")
    security: Security = instance(Security(), Security, "Security(...)")
    server: Server = instance(Server(), Server, "Server(...)")
    markdown: Callable[[MarkdownIt], object] | None = option(
        None, callable, "a function that takes a markdown_it.MarkdownIt, or None"
    )
    session: Sessions | None = instance(None, Sessions, "Sessions(...) or None")
    etag: bool = flag(False)

    @property
    def prefix(self) -> str:
        """`base` without a slash at the end: `""` or `"/docs"`."""
        return self.base.rstrip("/")
