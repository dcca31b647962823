"""Which files does the site serve as they are?

The folder is read once, at start-up: a request looks its path up among what was found there,
so that no path can lead out of the folder. Links that lead out of it are left out, as are
dotfiles (`.well-known` aside). A file may have variants beside it, compressed when the site was
built: a client gets the one that it likes best.
"""

import mimetypes
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import BinaryIO
from unicodedata import normalize

from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable
from werkzeug.http import http_date, parse_accept_header, parse_date

from ..web.conditional import is_unmodified, precondition_fails
from ..web.headers import Headers
from ..web.response import Response
from ..web.wsgi import Environ

_BLOCK = 64 * 1024
_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)
UNKNOWN_TYPE = "application/octet-stream"
SUFFIXES = {"br": ".br", "gzip": ".gz", "zstd": ".zst"}
"""What a variant's name has at its end, by its content coding."""
_NEVER = range(0)
_TYPES = mimetypes.MimeTypes()  # what Python knows, whatever this machine has in /etc
for _kind, _suffixes in {
    "application/atom+xml": (".atom",),
    "application/json": (".json", ".map"),
    "application/rss+xml": (".rss",),
    "font/otf": (".otf",),
    "font/ttf": (".ttf",),
    "font/woff": (".woff",),
    "font/woff2": (".woff2",),
    "image/webp": (".webp",),
    "text/javascript": (".js", ".mjs"),  # RFC 9239
    "text/markdown": (".md",),
}.items():  # and what some versions of it don't know
    for _suffix in _suffixes:
        _TYPES.add_type(_kind, _suffix)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file that is served as it is, or as one of its variants.

    `headers` are what every response for it says; files share them, so nobody changes them.
    `etag` is the validator of its content, as the header has it: it and the variants count as
    long as the file's time of modification, in nanoseconds, is one of `times`. `encodings` are
    the content codings of its variants, the smallest first; their files are `variants` and a
    suffix.
    """

    path: str
    headers: Headers
    etag: str = ""
    times: range = _NEVER
    encodings: tuple[str, ...] = ()
    variants: str = ""

    @property
    def content_type(self) -> str:
        """What its content is, encoded or not."""
        return self.headers["content-type"]

    def respond(self, environ: Environ) -> Response:
        """The file as the request wants it: whole, encoded, a range of it, or not modified.

        RFC 9110, 12.5.3 (the encoding), 13 (conditional requests) and 14 (one range, of GET and
        never of a variant; more than one gives the whole file). Raises Werkzeug's `NotFound`
        where the file is gone or can't be read, and `RequestedRangeNotSatisfiable`.
        """
        if self.encodings and "HTTP_ACCEPT_ENCODING" in environ and not _has_range(environ):
            encoding = choose_encoding(environ["HTTP_ACCEPT_ENCODING"], self.encodings)
            if encoding is not None:
                with suppress(OSError):  # without the variant there is the file itself
                    return self._open(environ, self.variants + SUFFIXES[encoding], encoding)
        try:
            return self._open(environ, self.path)
        except OSError:
            raise NotFound from None

    def _open(self, environ: Environ, path: str, encoding: str | None = None) -> Response:
        """The response from the file at `path`; `OSError` where that is not what it should be."""
        with ExitStack() as opened:
            file = opened.enter_context(open(path, "rb"))
            held = os.fstat(file.fileno())
            # Looked at after the variant was opened: a build in between replaces both.
            own = held if encoding is None else os.stat(self.path)
            is_known = own.st_mtime_ns in self.times
            if not stat.S_ISREG(held.st_mode) or not (is_known or encoding is None):
                raise FileNotFoundError(path)
            modified, written = _read_time(int(own.st_mtime))
            headers = Headers(self.headers)
            etag = self.etag if is_known else f'"{own.st_mtime_ns:x}-{own.st_size:x}"'
            if encoding is not None:
                etag = _etag_of_variant(etag, encoding)
            headers.set("etag", etag)
            said = headers.get("last-modified") if is_known else None
            if said is None:
                headers.set("last-modified", written)
            else:
                modified = parse_date(said) or modified
            response = _respond(environ, file, held.st_size, headers, etag, modified)
            if response.status in (200, 206):
                opened.pop_all()  # the response closes it
                if encoding is not None:
                    response.headers.set("content-encoding", encoding)
            return response


def _respond(
    environ: Environ, file: BinaryIO, size: int, headers: Headers, etag: str, modified: datetime
) -> Response:
    if precondition_fails(environ, etag, modified):
        return Response(None, status=412, headers=headers)
    if is_unmodified(environ, etag, modified):
        return Response(None, status=304, headers=headers)
    wanted = _find_range(environ, size, etag, modified)
    if wanted is None:
        headers.set("content-length", str(size))
        return Response(_Part(file, 0, size), headers=headers)
    start, stop = wanted
    if start >= stop:
        raise RequestedRangeNotSatisfiable(size)
    headers.set("content-range", f"bytes {start}-{stop - 1}/{size}")
    headers.set("content-length", str(stop - start))
    return Response(_Part(file, start, stop - start), status=206, headers=headers)


class _Part:
    """The blocks of a part of a file, never more than was said; closing it closes the file."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        file.seek(start)
        self._file = file
        self._left = size

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = self._file.read(min(_BLOCK, self._left))
        if not block:
            raise StopIteration
        self._left -= len(block)
        return block

    def close(self) -> None:
        self._file.close()


def find_static_files(folder: Path, base: str = "/") -> dict[str, StaticFile]:
    """The files of a folder by the `PATH_INFO` that asks for them; none where it isn't there."""
    found = {}
    headers_of = cache(make_headers)
    inside = os.path.realpath(folder) + os.sep
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if _is_public(name)]
        for name in filter(_is_public, names):
            path = Path(parent, name)
            if path.is_file() and os.path.realpath(path).startswith(inside):
                key = path_info_of(path.relative_to(folder).as_posix(), base)
                found[key] = StaticFile(str(path), headers_of(content_type_of(name)))
    return found


def path_info_of(name: str, base: str = "/") -> str:
    """The `PATH_INFO` that asks for the file of that name, whose folder is at `base`.

    >>> path_info_of("a b/café.txt", "/docs")
    '/docs/a b/cafÃ©.txt'
    """
    path = f"{base.rstrip('/')}/{normalize('NFC', name)}"
    return path.encode(errors="surrogateescape").decode("latin-1")


def make_headers(
    content_type: str, own: Iterable[tuple[str, str]] = (), *, varies: bool = False
) -> Headers:
    """What each response for such a file says; `own` headers before the usual ones.

    `varies`: the file has variants, so what is sent depends on `Accept-Encoding`.
    """
    headers = Headers(
        {
            "content-type": content_type,
            "accept-ranges": "bytes",
            "cache-control": "public, max-age=0",
            "x-content-type-options": "nosniff",
        }
    )
    headers.update(own)
    if varies:
        vary = headers.get("vary", "").lower().split(",")
        if {"*", "accept-encoding"}.isdisjoint(map(str.strip, vary)):
            headers.append("vary", "accept-encoding")
    return headers


@lru_cache(maxsize=256)
def choose_encoding(accepted: str, available: tuple[str, ...]) -> str | None:
    """The content coding that an `Accept-Encoding` likes best; `None` for the file as it is.

    `available` is in the order that counts among equals; a coding comes before none at all. What
    the client doesn't name it doesn't get, but for the file as it is, which is also sent where
    nothing that there is would be acceptable.

    https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3

    >>> choose_encoding("gzip, br;q=0.9", ("br", "gzip"))
    'gzip'
    >>> choose_encoding("gzip;q=0, *", ("gzip", "br"))
    'br'
    """
    qualities: dict[str, float] = {}
    for name, quality in parse_accept_header(accepted):
        name = name.lower()
        if name == "x-gzip":
            name = "gzip"  # RFC 9110, 8.4.1.3
        qualities[name] = max(quality, qualities.get(name, 0))
    rest = qualities.get("*", 0)
    best = max(available, key=lambda name: qualities.get(name, rest))
    quality = qualities.get(best, rest)
    return best if quality > 0 and quality >= qualities.get("identity", rest) else None


def content_type_of(name: str) -> str:
    """The content type of a file's name, with its charset where it is text.

    >>> content_type_of("a.css"), content_type_of("photo.webp"), content_type_of("LICENSE")
    ('text/css;charset=UTF-8', 'image/webp', 'application/octet-stream')
    """
    kind, encoding = _TYPES.guess_type(f"file:///{name}")
    if kind is None or encoding is not None:
        return UNKNOWN_TYPE
    return f"{kind};charset=UTF-8" if kind.startswith("text/") or kind == "image/svg+xml" else kind


def _is_public(name: str) -> bool:
    return not name.startswith(".") or name == ".well-known"


@lru_cache(maxsize=1024)
def _read_time(seconds: int) -> tuple[datetime, str]:
    """A file's time, and as a header has it."""
    time = datetime.fromtimestamp(seconds, UTC)
    return time, http_date(time)


def _etag_of_variant(etag: str, encoding: str) -> str:
    """Each representation has a validator of its own (RFC 9110, 8.8.3.3); a weak one stays weak.

    >>> _etag_of_variant('"3f2a"', "gzip"), _etag_of_variant('W/"7"', "br")
    ('"3f2a-gzip"', 'W/"7-br"')
    """
    start, quote, end = etag.rpartition('"')
    return f"{start}{end}-{encoding}{quote}"


def _has_range(environ: Environ) -> bool:
    return environ["REQUEST_METHOD"] == "GET" and "HTTP_RANGE" in environ


def _find_range(
    environ: Environ, size: int, etag: str, modified: datetime
) -> tuple[int, int] | None:
    """(start, stop) of the range asked for, `start >= stop` where it is out of reach."""
    if environ["REQUEST_METHOD"] != "GET":
        return None
    wanted = _ONE_RANGE.fullmatch(environ.get("HTTP_RANGE", ""))
    if wanted is None or wanted[1] == wanted[2] == "":
        return None
    only_if = environ.get("HTTP_IF_RANGE")
    if only_if and (only_if != etag or etag.startswith("W/")):  # RFC 9110, 13.1.5: strong ones
        date = parse_date(only_if)
        if date is None or date != modified:
            return None
    if not wanted[1]:
        return max(0, size - int(wanted[2])), size if int(wanted[2]) else 0
    start, last = int(wanted[1]), int(wanted[2]) if wanted[2] else size - 1
    if wanted[2] and last < start:
        return None  # RFC 9110, 14.1.1: such a range is invalid, so the header is ignored
    return start, min(last + 1, size)
