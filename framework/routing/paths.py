"""Decoding and encoding of URL paths, so that every path has exactly one spelling.

The router, `url.pathname`, middleware, public files and the log all use this spelling. A guard in
middleware therefore sees the path that the router matches.
"""

import re
from unicodedata import combining, normalize
from urllib.parse import quote

from werkzeug.exceptions import BadRequest

# Characters that both RFC 3986 and the URL standard leave unencoded in a path.
_PATH_SAFE = "/:@!$&'()*+,;=-._~|[]"
_is_safe = re.compile(r"[!$&-;=@-\[\]_a-z|~]*").fullmatch  # ranges match faster than \w
_is_refused = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ufffd]|(?:^|/)\.\.?(?:/|$)").search
_MAX_MARKS = 30
_SLASHES = re.compile("//+")


class BadPathError(BadRequest, ValueError):
    """A path that no site accepts (400)."""

    def __str__(self) -> str:
        return str(self.description)


def is_plain_path(path_info: str) -> bool:
    """Return whether `decode_path` returns a path as it is: the case for most paths.

    The path is printable ASCII, without a backslash, a repeated slash, or a segment that begins
    with a dot.
    """
    return (
        path_info.isascii()
        and path_info.isprintable()
        and path_info[:1] == "/"
        and "//" not in path_info
        and "/." not in path_info
        and "\\" not in path_info
    )


def decode_path(path_info: str) -> str:
    """Decode a WSGI `PATH_INFO` to text in NFC, with repeated slashes replaced by one.

    Raises `BadPathError` for invalid UTF-8, a `.` or `..` segment, a backslash, a control
    character, more than 30 combining marks in a row, and a path that does not begin with a slash.

    >>> decode_path("/caf\\xc3\\xa9//au//lait/")
    '/café/au/lait/'
    """
    try:
        path = to_nfc(path_info.encode("latin-1").decode())
    except UnicodeError:
        raise BadPathError("The path is not valid UTF-8.") from None
    if not path:
        return "/"
    if not path.startswith("/"):
        raise BadPathError("The path does not begin with a slash.")
    if _is_refused(path):
        raise BadPathError(
            "The path contains a . or .. segment, a backslash or a control character."
        )
    return _SLASHES.sub("/", path)


def to_nfc(text: str) -> str:
    """Return the text in NFC, in linear time.

    Raises `BadPathError` for more than 30 combining marks in a row: sorting them takes time that
    grows with the square of their number, and no language needs so many.

    https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format
    """
    if text.isascii():
        return text
    marks = 0
    for character in text:
        for part in character if character.isascii() else normalize("NFD", character):
            marks = marks + 1 if combining(part) else 0
        if marks > _MAX_MARKS:
            raise BadPathError(f"There are more than {_MAX_MARKS} combining marks in a row.")
    return normalize("NFC", text)


def encode_path(path: str) -> str:
    """Encode a path as WSGI's `PATH_INFO`: its UTF-8 bytes as latin-1.

    A file name that is not UTF-8 (surrogate escapes) is encoded with its own bytes.

    >>> encode_path("/café")
    '/cafÃ©'
    """
    return path if path.isascii() else path.encode(errors="surrogateescape").decode("latin-1")


def decode_mount(script_name: str) -> str:
    """Decode a WSGI `SCRIPT_NAME`, the path at which an application is mounted.

    The result has no slash at its end. Raises `BadPathError` as `decode_path` does.

    >>> decode_mount("//shop/"), decode_mount("/"), decode_mount("")
    ('/shop', '', '')
    """
    return decode_path(script_name).rstrip("/") if script_name else ""


def find_path_below(prefix: str, path: str) -> str | None:
    """Return the part of `path` below `prefix`, or `None` if the path is outside.

    `prefix` is `""` or a path without a slash at its end. The path of the prefix itself is `/`.

    >>> find_path_below("/docs", "/docs/a"), find_path_below("/docs", "/docs")
    ('/a', '/')
    >>> find_path_below("/docs", "/docs-old")
    """
    if not path.startswith(prefix):
        return None
    below = path[len(prefix) :]
    return below if below.startswith("/") else None if below else "/"


def quote_path(path: str) -> str:
    """Percent-encode a path as a URL spells it.

    >>> quote_path("/café/50%/a:b")
    '/caf%C3%A9/50%25/a:b'
    """
    return path if _is_safe(path) else quote(path, safe=_PATH_SAFE)
