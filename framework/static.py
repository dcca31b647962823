"""Which files does the site serve as they are?

The folder is read once, at start-up: a request looks its path up among what was found there,
so that no path can lead out of the folder. Links that lead out of it are left out, as are
dotfiles (`.well-known` aside).
"""

import mimetypes
import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from unicodedata import normalize

from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable
from werkzeug.http import http_date, parse_date

from .conditional import is_unmodified, precondition_fails
from .context import Environ
from .web.response import Response

_BLOCK = 64 * 1024
_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)
UNKNOWN_TYPE = "application/octet-stream"
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
    """A file that is served as it is."""

    path: Path
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()

    def respond(self, environ: Environ) -> Response:
        """The file as the request wants it: whole, a range of it, or not modified.

        RFC 9110, 13 (conditional requests) and 14 (one range, of GET; more than one gives the
        whole file). Raises Werkzeug's `NotFound` where the file is gone or can't be read, and
        `RequestedRangeNotSatisfiable`.
        """
        try:
            with ExitStack() as opened:
                file = opened.enter_context(self.path.open("rb"))
                response = self._respond(file, environ)
                if response.status in (200, 206):
                    opened.pop_all()  # the response closes it
                return response
        except OSError:
            raise NotFound from None

    def _respond(self, file: BinaryIO, environ: Environ) -> Response:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise NotFound
        own = dict(self.headers)
        modified = datetime.fromtimestamp(int(facts.st_mtime), UTC)
        modified = parse_date(own.get("last-modified")) or modified
        etag = own.get("etag") or f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        headers = {
            "content-type": self.content_type,
            "etag": etag,
            "last-modified": http_date(modified),
            "accept-ranges": "bytes",
            "cache-control": "public, max-age=0",
            "x-content-type-options": "nosniff",
            **own,
        }
        if precondition_fails(environ, etag, modified):
            return Response(None, status=412, headers=headers)
        if is_unmodified(environ, etag, modified):
            return Response(None, status=304, headers=headers)
        size = facts.st_size
        wanted = _find_range(environ, size, etag, modified)
        if wanted is None:
            headers["content-length"] = str(size)
            return Response(_Part(file, 0, size), headers=headers)
        start, stop = wanted
        if start >= stop:
            raise RequestedRangeNotSatisfiable(size)
        headers["content-range"] = f"bytes {start}-{stop - 1}/{size}"
        headers["content-length"] = str(stop - start)
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
    inside = os.path.realpath(folder) + os.sep
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if _is_public(name)]
        for name in filter(_is_public, names):
            path = Path(parent, name)
            if path.is_file() and os.path.realpath(path).startswith(inside):
                relative = normalize("NFC", path.relative_to(folder).as_posix())
                key = f"{base.rstrip('/')}/{relative}".encode(errors="surrogateescape")
                found[key.decode("latin-1")] = StaticFile(path, content_type_of(name))
    return found


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
