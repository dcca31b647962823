"""The files that the last build wrote, and the headers that it recorded for them."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..errors import Mistake, SiteError
from .files import StaticFile, make_headers, path_of_file
from .types import UNKNOWN_TYPE

MANIFEST = ".framework.json"
VERSION = 3
"""The version of the manifest, the list of files in the folder of a build."""
new_digest = partial(blake2b, digest_size=16)
"""The hash of a file's content. Its hexadecimal form is the `etag` in the manifest."""

_Encodings = tuple[Literal["br", "gzip", "zstd"], ...]


class _File(msgspec.Struct, gc=False):
    """A file of a route, whose file is `route`. `path` has no `base`.

    `encodings` are those of its variants, the smallest first.
    """

    path: str
    route: str
    etag: str
    headers: msgspec.Raw
    encodings: _Encodings = ()


class _PublicFile(msgspec.Struct):
    etag: str
    encodings: _Encodings


class _Manifest(msgspec.Struct):
    version: Literal[3]
    files: dict[str, _File]
    public: dict[str, _PublicFile] = {}
    base: str | None = None


_read_manifest = msgspec.json.Decoder(_Manifest).decode
_read_headers = msgspec.json.Decoder(dict[str, str]).decode


@dataclass(frozen=True, slots=True)
class Built:
    """The build in `folder`, made for the path `base`. `files` are by their paths without `base`."""

    folder: str
    base: str | None
    files: dict[str, StaticFile]
    _public: Mapping[str, _PublicFile]

    def explain_outdated(
        self, base: str, outdated: Sequence[str], missing: Sequence[str]
    ) -> Iterator[str]:
        """Yield warnings of a build that does not fit the site, which has this `base`.

        `outdated` are paths that are not prerendered any more, `missing` files of routes that the
        build lacks.
        """
        where = f"The build in {Path(self.folder).name}"
        for names, what in (
            (outdated, "nothing is prerendered any more at"),
            (missing, "it has no file for"),
        ):
            if names:
                more = f" (and {len(names) - 3} more)" if len(names) > 3 else ""
                yield (
                    f"{where} is older than the site: {what} {', '.join(names[:3])}{more}. "
                    "Run: framework build"
                )
        if self.base not in (None, base):
            yield (
                f"{where} is for the base {self.base!r}, not {base!r}, so links in it may be wrong. "
                "Run: framework build"
            )

    def add_variants(self, public: Mapping[str, StaticFile], prefix: str) -> dict[str, StaticFile]:
        """Return the files of `public/` with the variants that the build made.

        `public` and the result are by decoded URL path. A file that changed since has no variants.
        """
        files = dict(public)
        share_headers = cache(partial(make_headers, varies=True))
        for name, entry in self._public.items():
            key = path_of_file(name, prefix)
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


def find_built(folder: Path) -> Built | None:
    """Find the build in a folder. Raises `SiteError` for a manifest that can't be read."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            written, now = os.fstat(file.fileno()).st_mtime_ns, time.time_ns()
            manifest = _read_manifest(file.read())
        # The manifest is written last: a newer file belongs to another build.
        newest = max(written, now)
        files = _read_files(str(folder), manifest.files, newest)
        return Built(str(folder), manifest.base, files, manifest.public)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        what = f"can't be read: {error.strerror}"
    except ValueError:
        what = "is not a manifest of this version of the framework"
    raise SiteError([Mistake(str(path), what, "Run: framework build")])


def _read_files(folder: str, listed: dict[str, _File], newest_mtime: int) -> dict[str, StaticFile]:
    files = {}
    share: Callable[[Any], Any] = cache(lambda value: value)
    share_headers = lru_cache(maxsize=256)(make_headers)
    for name in list(listed):
        entry = listed.pop(name)  # frees it: a build may have very many files
        own = _read_headers(entry.headers)
        etag = own.pop("etag", None) or f'"{entry.etag}"'
        kind = own.pop("content-type", UNKNOWN_TYPE)
        headers = share_headers(kind, tuple(own.items()), varies=bool(entry.encodings))
        path = f"{folder}/{name}"
        files[entry.path] = StaticFile(
            path, headers, etag, 0, newest_mtime, share(entry.encodings), path, share(entry.route)
        )
    return files


def _find_mtime(path: str, etag: str) -> int | None:
    """Find the modification time (ns) of a file; `None` if its content has another hash."""
    try:
        with open(path, "rb") as file:
            mtime = os.fstat(file.fileno()).st_mtime_ns
            is_same = file_digest(file, new_digest).hexdigest() == etag
    except OSError:
        return None
    return mtime if is_same else None
