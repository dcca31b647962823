"""Which path did the client ask for? One spelling of it, for everyone.

Router, `url.pathname`, middleware, files and log all use what `canonical_path` gives, so
that no guard can read another path than the router does.
"""

import re
from unicodedata import normalize
from urllib.parse import quote

# What RFC 3986's path and the URL standard's path percent-encode set both leave alone.
_PATH_SAFE = "/:@!$&'()*+,;=-._~|[]"
_NO_QUOTES = re.compile(r"[\w/:@!$&'()*+,;=\-.~|\[\]]*", re.ASCII)

_REFUSED = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ufffd]|(?:^|/)\.\.?(?:/|$)")
_SLASHES = re.compile("//+")


class BadPathError(ValueError):
    """A path that no site answers: 400."""


def decode_path(path_info: str) -> str:
    """The path of a WSGI `PATH_INFO` as text, NFC, its slashes as the client sent them.

    Raises `BadPathError` for invalid UTF-8, a `.` or `..` segment, a backslash, a control
    character, and a path that does not begin with a slash.

    >>> decode_path("/caf\\xc3\\xa9")
    '/café'
    """
    path = path_info
    # What nearly every path is: nothing to decode, and nothing in it that could be refused.
    if path.isascii() and path.isprintable() and path[:1] == "/" and "/." not in path:
        if "\\" not in path:
            return path
    elif not path.isascii():
        try:
            path = normalize("NFC", path.encode("latin-1").decode())
        except UnicodeError:
            raise BadPathError("The path is not valid UTF-8.") from None
    if not path.startswith("/"):
        if path:
            raise BadPathError("The path does not begin with a slash.")
        path = "/"
    if _REFUSED.search(path):
        raise BadPathError("The path holds a . or .. segment, a backslash or a control character.")
    return path


def decode_mount(script_name: str) -> str:
    """The path of a WSGI `SCRIPT_NAME`, where an application is mounted: canonical, no slash
    at its end. Raises `BadPathError` as `decode_path` does.

    >>> decode_mount("//shop/"), decode_mount("/"), decode_mount("")
    ('/shop', '', '')
    """
    return collapse_slashes(decode_path(script_name)).rstrip("/") if script_name else ""


def collapse_slashes(path: str) -> str:
    """The path with one slash wherever there are more.

    >>> collapse_slashes("//evil.example///x/")
    '/evil.example/x/'
    """
    return _SLASHES.sub("/", path) if "//" in path else path


def quote_path(path: str) -> str:
    """The path as a URL spells it: UTF-8, percent-encoded where it must be.

    >>> quote_path("/café/50%/a:b")
    '/caf%C3%A9/50%25/a:b'
    """
    return path if _NO_QUOTES.fullmatch(path) else quote(path, safe=_PATH_SAFE)
