"""Which files did the last build write, and what did their responses say?"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Literal

import msgspec

from ..errors import Mistake, SiteError
from ..web.headers import Headers
from .files import StaticFile, make_headers, path_info_of
from .types import UNKNOWN_TYPE

log = logging.getLogger("framework")

MANIFEST = ".framework.json"
VERSION = 2
"""Of the manifest, the list of its files that a build leaves in its folder."""
new_digest = partial(blake2b, digest_size=16)
"""The hash of a file's content whose hexadecimal form is the `etag` in the manifest."""

_Encodings = tuple[Literal["br", "gzip", "zstd"], ...]


class _File(msgspec.Struct, gc=False):
    """`path` is without `base`. `encodings` are those of its variants, the smallest first."""

    path: str
    etag: str
    headers: msgspec.Raw
    encodings: _Encodings = ()


class _PublicFile(msgspec.Struct):
    etag: str
    encodings: _Encodings


class _Manifest(msgspec.Struct):
    version: Literal[2]
    files: dict[str, _File]
    public: dict[str, _PublicFile] = {}


_read_manifest = msgspec.json.Decoder(_Manifest).decode
_read_headers = msgspec.json.Decoder(dict[str, str]).decode


@dataclass(frozen=True, slots=True)
class Built:
    """What a build wrote to `folder`: its files by the path, without `base`, that asks for each."""

    folder: str
    files: dict[str, StaticFile]
    _public: Mapping[str, _PublicFile]

    def add_variants(self, public: Mapping[str, StaticFile], base: str) -> dict[str, StaticFile]:
        """The files of `public/`, by `PATH_INFO`; with the variants that the build made, where
        they still are what it made them from.
        """
        files = dict(public)
        share_headers = cache(partial(make_headers, varies=True))
        for name, entry in self._public.items():
            key = path_info_of(name, base)
            file = files.get(key)
            if file is not None and (mtime := _find_mtime(file.path, entry.etag)) is not None:
                files[key] = replace(
                    file,
                    headers=share_headers(file.content_type),
                    etag=f'"{entry.etag}"',
                    oldest_mtime=mtime,
                    newest_mtime=mtime,
                    encodings=entry.encodings,
                    variant_stem=f"{self.folder}/{name}",
                )
        return files


def find_prerendered(folder: Path) -> Built | None:
    """What the last build wrote to the folder; `None` without one.

    Raises `SiteError` for a list of files that no build of this framework wrote.
    """
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            written, now = os.fstat(file.fileno()).st_mtime_ns, time.time_ns()
            manifest = _read_manifest(file.read())
        # The build writes its manifest last: a file newer than it, and than now, is of another build.
        newest = max(written, now)
        return Built(str(folder), _read_files(str(folder), manifest.files, newest), manifest.public)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        what = "is not what this framework's build wrote"
        raise SiteError([Mistake(str(path), what, "Run: framework build")]) from None


def _read_files(folder: str, listed: dict[str, _File], newest_mtime: int) -> dict[str, StaticFile]:
    files = {}
    share_encodings = cache(lambda encodings: encodings)
    share_headers = lru_cache(maxsize=256)(make_headers)

    @lru_cache(maxsize=256)
    def read_headers(text: bytes, varies: bool) -> tuple[Headers, str | None]:
        """Headers that files share where they are equal, and the etag among them."""
        own = _read_headers(text)
        etag = own.pop("etag", None)
        kind = own.pop("content-type", UNKNOWN_TYPE)
        return share_headers(kind, tuple(own.items()), varies=varies), etag

    for name in list(listed):
        entry = listed.pop(name)  # not kept beside what is made of it: there may be many
        path = f"{folder}/{name}"
        headers, etag = read_headers(bytes(entry.headers), bool(entry.encodings))
        etag = etag or f'"{entry.etag}"'
        encodings = share_encodings(entry.encodings)
        files[entry.path] = StaticFile(
            path, headers, etag, 0, newest_mtime, encodings, variant_stem=path
        )
    return files


def _find_mtime(path: str, etag: str) -> int | None:
    """The modification time of the file with that content; `None` if its content is another."""
    try:
        with open(path, "rb") as file:
            mtime = os.fstat(file.fileno()).st_mtime_ns
            is_same = file_digest(file, new_digest).hexdigest() == etag
    except OSError:
        return None
    return mtime if is_same else None


class Notes:
    """What an application says about its prerendered routes, each thing once.

    It says it to `listener`, or in the log.
    """

    def __init__(self, listener: Callable[[str], None] | None = None) -> None:
        self._say_it = listener or log.warning
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def no_build(self, folder: str) -> None:
        """A prerendered route runs for a request, for there is no build."""
        self._say(
            f"There is no build in {folder}: prerendered routes run for each request. "
            "Run: framework build"
        )

    def old_build(self, folder: str, paths: Sequence[str]) -> None:
        """The build has files for paths where nothing is prerendered any more."""
        more = f" (and {len(paths) - 3} more)" if len(paths) > 3 else ""
        self._say(
            f"The build in {folder} is older than the site: nothing is prerendered any more at "
            f"{', '.join(paths[:3])}{more}. Run: framework build"
        )

    def headers_read(self, place: str) -> None:
        """`request.headers` was read while a route ran as a build runs it."""
        self._visitor_asked(place, "request.headers was read")

    def cookies(self, place: str, *, read: bool, written: bool) -> None:
        """What a route did with cookies, the session's too, while it ran as a build runs it."""
        if read:
            self._visitor_asked(place, "cookies or the session were read")
        if written:
            self._say(f"{place}: sets a cookie, which a file can't. It is left out.")

    def _visitor_asked(self, place: str, what: str) -> None:
        self._say(
            f"{place}: {what}, and the route is prerendered: they are not a visitor's. "
            "Set prerender = False, or do without them."
        )

    def _say(self, text: str) -> None:
        with self._lock:
            new = text not in self._said
            self._said.add(text)
        if new:
            self._say_it(text)
