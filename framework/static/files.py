"""Files that a server sends from the disk: whole, compressed, or a range of them.

The folder `public/` is read once, at start-up. A request looks its path up in the result, so no
path can lead out of the folder. Symbolic links that lead out of it are skipped, and so are names
that begin with a dot, except `.well-known`.
"""

import logging
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
from werkzeug.http import http_date

from ..errors import Mistake, SiteError
from ..web.conditional import is_unmodified, precondition_fails
from ..web.headers import Headers, add_vary, find_date, parse_accept
from ..web.response import Response
from ..web.wsgi import Environ
from .types import content_type_of

log = logging.getLogger("framework")

_BLOCK_SIZE = 64 * 1024
_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)
SUFFIXES = {"br": ".br", "gzip": ".gz", "zstd": ".zst"}
"""The suffixes of compressed variants, by content coding."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, and the compressed variants of it that a build wrote.

    `headers` are part of every response with the file. Files share them: copy before a change.

    The other fields are for files that a build knows. `route` is the file of the route, `etag` the
    value of the header. `encodings` are the content codings of the variants, the smallest variant
    first; a variant's path is `variant_stem` and a suffix. Etag and variants are valid while the
    modification time of the file (`st_mtime_ns`) is from `oldest_mtime` to `newest_mtime`.
    """

    path: str
    headers: Headers
    etag: str = ""
    oldest_mtime: int = 0
    newest_mtime: int = -1
    encodings: tuple[str, ...] = ()
    variant_stem: str = ""
    route: str = ""

    @property
    def content_type(self) -> str:
        """The content type of the file, compressed or not."""
        return self.headers["content-type"]

    def respond(self, environ: Environ) -> Response:
        """Respond to a GET or HEAD request: with status 200, 206, 304 or 412.

        This chooses the encoding, checks the conditions and sends one range (RFC 9110, 12.5.3, 13
        and 14). A GET with several ranges gets the whole file, and a range is never compressed.
        Raises Werkzeug's `NotFound` if the file cannot be read, and `RequestedRangeNotSatisfiable`.
        """
        if self.encodings and "HTTP_ACCEPT_ENCODING" in environ and not _has_range(environ):
            encoding = choose_encoding(environ["HTTP_ACCEPT_ENCODING"], self.encodings)
            if encoding is not None:
                with suppress(OSError):  # without the variant, send the file itself
                    return self._send(environ, self.variant_stem + SUFFIXES[encoding], encoding)
        try:
            return self._send(environ, self.path)
        except OSError:
            raise self._not_found() from None

    def _not_found(self) -> NotFound:
        if self.etag:
            log.warning("%s, a file of the build, is gone. Run: framework build", self.path)
        return NotFound()

    def _send(self, environ: Environ, path: str, encoding: str | None = None) -> Response:
        """Respond with the content of `path`; raise `OSError` if it cannot be sent."""
        with ExitStack() as stack:
            file = stack.enter_context(open(path, "rb"))
            opened = os.fstat(file.fileno())
            # Check the file after the variant is open: a build may replace both in between.
            own = opened if encoding is None else os.stat(self.path)
            is_current = self.oldest_mtime <= own.st_mtime_ns <= self.newest_mtime
            if not stat.S_ISREG(opened.st_mode) or not (is_current or encoding is None):
                raise FileNotFoundError(path)
            modified, last_modified = _format_time(int(own.st_mtime))
            headers = Headers(self.headers)
            etag = self.etag if is_current else f'"{own.st_mtime_ns:x}-{own.st_size:x}"'
            if encoding is not None:
                etag = _etag_of_variant(etag, encoding)
            headers.set("etag", etag)
            if is_current and "last-modified" in headers:  # the route set it during the build
                modified = find_date(headers["last-modified"]) or modified
            else:
                headers.set("last-modified", last_modified)
            response = _respond(environ, file, opened.st_size, headers, etag, modified)
            if response.status in (200, 206):
                stack.pop_all()  # the response closes the file
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
        return Response(_FilePart(file, 0, size), headers=headers)
    start, stop = wanted
    if start >= stop:
        raise RequestedRangeNotSatisfiable(size)
    headers.set("content-range", f"bytes {start}-{stop - 1}/{size}")
    headers.set("content-length", str(stop - start))
    return Response(_FilePart(file, start, stop - start), status=206, headers=headers)


class _FilePart:
    """`size` bytes of a file from `start`, in blocks; `close` closes the file."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        file.seek(start)
        self._file = file
        self._left = size

    def __iter__(self) -> Iterator[bytes]:
        while block := self._file.read(min(_BLOCK_SIZE, self._left)):
            self._left -= len(block)
            yield block

    def close(self) -> None:
        self._file.close()


def find_static_files(folder: Path, prefix: str = "") -> dict[str, StaticFile]:
    """Find the files in a folder, by their decoded URL path; none if it does not exist.

    Raises `SiteError` for two files with one path.
    """
    found: dict[str, StaticFile] = {}
    share_headers = cache(make_headers)
    inside, start = os.path.realpath(folder) + os.sep, len(str(folder)) + 1
    for parent, folders, names in os.walk(folder):
        folders[:] = filter(_is_public, folders)
        for name in filter(_is_public, names):
            path = os.path.join(parent, name)
            # A link to a folder is not followed, so only the file itself may lead out.
            is_inside = not os.path.islink(path) or os.path.realpath(path).startswith(inside)
            if is_inside and os.path.isfile(path):
                key = path_of_file(path[start:].replace(os.sep, "/"), prefix)
                if key in found:
                    raise SiteError([_explain_same_path(folder, found[key].path, path)])
                found[key] = StaticFile(path, share_headers(content_type_of(name)))
    return found


def _explain_same_path(folder: Path, *paths: str) -> Mistake:
    names = sorted(os.path.relpath(path, folder.parent) for path in paths)
    what = (
        f"{' and '.join(names)} have the same URL: their names are one text in two Unicode forms, "
        f"{' and '.join(map(ascii, names))}"
    )
    return Mistake("", what, "Remove or rename one of them.")


def path_of_file(name: str, prefix: str = "") -> str:
    """Return the URL path, decoded, of the file `name` in a folder served below `prefix`."""
    return f"{prefix}/{normalize('NFC', name)}"


def make_headers(
    content_type: str, own: Iterable[tuple[str, str]] = (), *, varies: bool = False
) -> Headers:
    """Return the headers of every response with a file; `own` headers override the defaults.

    `varies` says that the file has compressed variants: the response depends on `Accept-Encoding`.
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
        add_vary(headers, "accept-encoding")
    return headers


@lru_cache(maxsize=256)
def choose_encoding(accepted: str, available: tuple[str, ...]) -> str | None:
    """Return the content coding that an `Accept-Encoding` header prefers; `None` for no coding.

    Of codings with the same quality the first of `available` wins, and a coding wins over none.
    A coding that the header does not name is not acceptable. If nothing is acceptable, the result
    is `None` too.

    https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3

    >>> choose_encoding("gzip, br;q=0.9", ("br", "gzip"))
    'gzip'
    >>> choose_encoding("gzip;q=0, *", ("gzip", "br"))
    'br'
    """
    qualities = parse_accept(accepted)
    if "x-gzip" in qualities:  # the same as gzip (RFC 9110, 8.4.1.3)
        gzip = max(qualities["x-gzip"], qualities.get("gzip", 0))
        qualities = {**qualities, "gzip": gzip}
    others = qualities.get("*", 0)
    best = max(available, key=lambda name: qualities.get(name, others))
    quality = qualities.get(best, others)
    return best if quality > 0 and quality >= qualities.get("identity", others) else None


def _is_public(name: str) -> bool:
    return not name.startswith(".") or name == ".well-known"


@lru_cache(maxsize=1024)
def _format_time(seconds: int) -> tuple[datetime, str]:
    """Return a time since the epoch as a `datetime` and as the value of a header."""
    time = datetime.fromtimestamp(seconds, UTC)
    return time, http_date(time)


def _etag_of_variant(etag: str, encoding: str) -> str:
    """Return the etag of a compressed variant; it is weak if the file's is (RFC 9110, 8.8.3.3).

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
    """Return (start, stop) of the requested range, or `None` for the whole file.

    A range that cannot be satisfied has `start >= stop`.
    """
    wanted = _ONE_RANGE.fullmatch(environ.get("HTTP_RANGE", ""))
    if environ["REQUEST_METHOD"] != "GET" or wanted is None or wanted[1] == wanted[2] == "":
        return None
    only_if = environ.get("HTTP_IF_RANGE")
    if only_if and (only_if != etag or etag.startswith("W/")):  # RFC 9110, 13.1.5: strong etags
        date = find_date(only_if)
        if date is None or date != modified:
            return None
    if not wanted[1]:  # the last bytes, as in "bytes=-500"
        return max(0, size - int(wanted[2])), size if int(wanted[2]) else 0
    start, last = int(wanted[1]), int(wanted[2]) if wanted[2] else size - 1
    if wanted[2] and last < start:
        return None  # RFC 9110, 14.1.1: a recipient ignores an invalid range
    return start, min(last + 1, size)
