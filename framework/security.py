"""Checks of each request before a route is matched: trusted proxies, `Host` and `Origin`."""

import logging
import re
from collections.abc import Callable
from functools import cache

from werkzeug.exceptions import BadRequest, Forbidden
from werkzeug.middleware.proxy_fix import ProxyFix

from .config import Proxies, Security
from .context import APIContext
from .web.url import URL
from .web.wsgi import Environ

log = logging.getLogger("framework")

_parse_host = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?").fullmatch
_MAX_HOSTS = 256
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_FORM_TYPES = {"", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}


def make_proxy_fix(trusted: int | Proxies) -> Callable[[Environ], None]:
    """Return a function that applies the `X-Forwarded-*` headers of the trusted proxies.

    It writes the values of `X-Forwarded-For`, `-Proto` and `-Host` into the environ, and the
    values before that into `werkzeug.proxy_fix.orig`. A header with fewer values than there are
    proxies is ignored, and logged once.

    A scheme other than http and https is ignored. `-Prefix` and `-Port` are ignored as well: few
    proxies set them, so they usually come from the client, and a prefix changes the path that
    middleware checks.
    """
    if isinstance(trusted, int):
        trusted = Proxies(x_for=trusted, x_proto=trusted, x_host=trusted)
    counts = {"For": trusted.x_for, "Proto": trusted.x_proto, "Host": trusted.x_host}
    fix = ProxyFix(
        lambda environ, _: environ,  # type: ignore[arg-type, return-value]
        x_for=trusted.x_for,
        x_proto=trusted.x_proto,
        x_host=trusted.x_host,
        x_prefix=0,
    )

    @cache  # logs each header once
    def warn(name: str, found: int) -> None:
        log.warning(
            "X-Forwarded-%s has %d of %d values, so it is ignored. If that is right for this "
            "header, set Security(trusted_proxies=Proxies(x_%s=%d, ...)).",
            *(name, found, counts[name], name.lower(), found),
        )

    def apply_headers(environ: Environ) -> None:
        for name, count in counts.items():
            value = environ.get(f"HTTP_X_FORWARDED_{name.upper()}")
            if value and value.count(",") + 1 < count:
                warn(name, value.count(",") + 1)
        scheme = environ["wsgi.url_scheme"]
        fix(environ, None)  # type: ignore[arg-type]
        if environ["wsgi.url_scheme"] not in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme

    return apply_headers


class HostCheck:
    """Refuse a request whose `Host` is missing, malformed or not allowed (400)."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._names = {name for name in allowed if not name.startswith("*.")}
        self._suffixes = tuple(name[1:] for name in allowed if name.startswith("*."))
        self.accepted: set[str] = set()
        """The hosts of requests that it accepted: no more than 256."""

    def __call__(self, environ: Environ) -> None:
        if "HTTP_SCRIPT_NAME" in environ:
            raise BadRequest("A client may not set SCRIPT_NAME.")
        host = environ.get("HTTP_HOST")
        if host is not None:
            self._check_name(host)
            if len(self.accepted) >= _MAX_HOSTS:
                self.accepted.clear()
            self.accepted.add(host)
        elif environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
            raise BadRequest("The request has no Host header.")

    def _check_name(self, host: str) -> None:
        found = _parse_host(host)
        if found is None or not URL.can_parse(f"http://{host}/"):
            raise BadRequest("The Host header is malformed.")
        name, is_limited = found[1].lower(), self._names or self._suffixes
        if is_limited and name not in self._names and not name.endswith(self._suffixes):
            text = "refused a request for the host %r, which is not in Security(allowed_hosts=...)"
            log.warning(text, host)
            raise BadRequest("This host is not allowed.")


class OriginCheck:
    """Refuse a form that a page of another site sent with a visitor's cookies (403).

    A browser sends `Sec-Fetch-Site` or `Origin`. A request with neither does not come from one.
    https://developer.mozilla.org/docs/Web/Security/Attacks/CSRF
    """

    def __init__(self, security: Security) -> None:
        self._trusted_origins = security.trusted_origins
        self._trusts_proxies = bool(security.trusted_proxies)

    def __call__(self, context: APIContext) -> None:
        """Check a request."""
        environ = context.environ
        kind = environ.get("CONTENT_TYPE", "")
        if kind == "application/json":  # the usual case, before the work for others
            return
        kind = kind.partition(";")[0].strip(" \t").lower()
        if environ["REQUEST_METHOD"] in SAFE_METHODS or kind not in _FORM_TYPES:
            return
        origin, site = environ.get("HTTP_ORIGIN"), environ.get("HTTP_SEC_FETCH_SITE")
        if origin in self._trusted_origins or site in ("same-origin", "none"):
            return
        expected = context.url.origin
        if site is None and origin in (None, expected):
            return
        log.warning(
            "refused %s %s: Sec-Fetch-Site is %s, Origin is %s, expected %s. %s",
            environ["REQUEST_METHOD"],
            _printable(environ.get("PATH_INFO", "")),
            "missing" if site is None else _printable(site),
            "missing" if origin is None else _printable(origin),
            expected,
            self._advise(environ, origin, expected),
        )
        raise Forbidden("Another site sent this form. Send it from a page of this site.")

    def _advise(self, environ: Environ, origin: str | None, expected: str) -> str:
        url = URL.parse(origin or "")
        if url is None or url.origin != origin:
            return "To accept such forms, set check_origin = False in the file of the route."
        is_forwarded = "HTTP_X_FORWARDED_PROTO" in environ or "HTTP_FORWARDED" in environ
        is_other_scheme = url.host == URL(expected).host and origin != expected
        if (is_forwarded or is_other_scheme) and not self._trusts_proxies:
            return "Behind a proxy that sets X-Forwarded-Proto, set Security(trusted_proxies=1)."
        return "To accept this origin, add it to Security(trusted_origins=...)."


def _printable(text: str) -> str:
    return ascii(text)[1:-1]
