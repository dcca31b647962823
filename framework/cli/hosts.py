"""Host names of the developer's machine: the URL of a server, and the `Host`s that it accepts."""

import ipaddress
import re
from collections.abc import Iterable

from ..web.response import Response
from ..web.wsgi import Environ, StartResponse, WSGIApplication


def url_of(host: str, port: int) -> str:
    """Return a URL that a browser can open for a server that listens on `host`."""
    return f"http://{'localhost' if _is_unspecified(host) else _url_host(host)}:{port}"


class HostGuard:
    """Refuses requests from the pages of other sites, and requests for other hosts, with 403.

    A page on the Internet can point a host name of its own at 127.0.0.1 (DNS rebinding), or fetch
    http://localhost:4321/ in the developer's browser. If the server listens on every address, the
    guard accepts each IP address as `Host`, because DNS rebinding needs a name.
    """

    def __init__(self, application: WSGIApplication, host: str) -> None:
        self._application = application
        self._hosts = {"localhost", "127.0.0.1", "[::1]", _url_host(host).lower()}
        self._accepts_any_ip = _is_unspecified(host)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request (PEP 3333)."""
        reason = self._find_reason_to_refuse(environ)
        if reason is None:
            return self._application(environ, start_response)
        response = Response(f"403 Forbidden\n{reason}\n", status=403)
        return response.send(start_response, head=environ["REQUEST_METHOD"] == "HEAD")

    def _find_reason_to_refuse(self, environ: Environ) -> str | None:
        host = environ.get("HTTP_HOST")
        if host is not None and not self._accepts(re.sub(r":\d*$", "", host).lower()):
            return f"The development server accepts requests for localhost, not for {host}."
        site, mode = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_SEC_FETCH_MODE")
        if site == "cross-site" and mode != "navigate":
            return "The development server refuses requests from the pages of other sites."
        return None

    def _accepts(self, host: str) -> bool:
        if host in self._hosts or host.endswith(".localhost"):
            return True
        return self._accepts_any_ip and _find_ip(host.strip("[]")) is not None


def _find_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_unspecified(host: str) -> bool:
    ip = _find_ip(host)
    return ip is not None and ip.is_unspecified


def _url_host(host: str) -> str:
    """Return the host as a URL has it: an IPv6 address in brackets."""
    return f"[{host}]" if isinstance(_find_ip(host), ipaddress.IPv6Address) else host
