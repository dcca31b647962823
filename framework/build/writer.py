"""Write the files of a build to its folder."""

import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..app import App
from ..errors import StaticPathsError
from ..route import Route
from ..site.static_paths import Listing, StaticPath
from ..static.built import new_digest
from ..static.files import SUFFIXES, StaticFile
from .encodings import Encoder, encode, is_compressible
from .renderer import OutputError, Renderer
from .results import Clash, Result, WrittenFile
from .secrets import Secrets

_CHUNK_SIZE = 2**20  # bytes


class _FileExistsError(Exception):
    """The file, or a file where one of its folders must be, already exists."""


class Writer:
    """Writes files to `folder`, in one process.

    A file that has the same bytes in `last`, the folder of the last build, keeps its modification
    time, so that caches need not fetch it again.
    """

    def __init__(self, app: App, folder: Path, last: Path, encoders: Mapping[str, Encoder]) -> None:
        self.stop_app = app.stop
        self.secrets = Secrets(app.config.build.secrets)
        self._renderer = Renderer(app)
        self._folder = str(folder)
        self._last = str(last) if last.is_dir() else None
        self._last_folder = self._folder
        self._encoders = encoders

    def write_paths(self, route: Route, listing: Listing) -> Iterator[Result]:
        """Render and write each path of a route."""
        paths = iter(listing)
        while True:
            try:
                path = next(paths, None)
            except StaticPathsError as error:
                yield Result(error=str(error))
                continue
            if path is None:
                return
            yield self._write_path(route, path)

    def _write_path(self, route: Route, path: StaticPath) -> Result:
        started = time.perf_counter()
        try:
            output = self._renderer.render(route, path)
        except OutputError as error:
            return Result(error=str(error))
        if output is None:
            return Result()
        file, content = output.file, output.content
        try:
            self._refuse_secrets(file, content)
            self._write(file.name, file.source, [content])
            self._keep_time(file.name, content)
            if self._encoders and "content-encoding" not in dict(file.headers or ()):
                variants = encode(content, output.content_type, self._encoders)
                file = self._write_variants(file, variants)
        except OutputError as error:
            return Result(error=str(error))
        except _FileExistsError as error:
            return Result(clash=Clash(str(error), file, output.url_path))
        return Result(time.perf_counter() - started, file)

    def copy(self, public: StaticFile, name: str, source: str) -> WrittenFile:
        """Copy a file of `public/`, and write its compressed variants. Raises `OutputError`."""
        try:
            name.encode()
            return self._copy(public, name, source)
        except UnicodeEncodeError:
            raise OutputError(f"{source!r}: the name is not UTF-8. Rename the file.") from None
        except _FileExistsError:
            raise OutputError(
                f"{source}: another file or folder of public/ has the same name in another "
                "Unicode form.\n    Rename one of them."
            ) from None

    def _copy(self, public: StaticFile, name: str, source: str) -> WrittenFile:
        size = os.stat(public.path).st_size
        file = WrittenFile(name, source, size=size)
        content = b""
        if self.secrets or (self._encoders and is_compressible(public.content_type, size)):
            content = Path(public.path).read_bytes()
            self._refuse_secrets(file, content)
            file = file._replace(etag=new_digest(content).hexdigest())
        with open(public.path, "rb") as original:
            self._write(name, source, iter(partial(original.read, _CHUNK_SIZE), b""))
        shutil.copystat(public.path, f"{self._folder}/{name}")
        # A file of public/ that is named as a variant stays as it is.
        missing = {
            encoding: encoder
            for encoding, encoder in self._encoders.items()
            if not os.path.exists(public.path + SUFFIXES[encoding])
        }
        return self._write_variants(file, encode(content, public.content_type, missing))

    def _write_variants(self, file: WrittenFile, variants: Mapping[str, bytes]) -> WrittenFile:
        for encoding, content in variants.items():
            name = file.name + SUFFIXES[encoding]
            self._write(name, file.source, [content])
            modified = os.stat(f"{self._folder}/{file.name}").st_mtime_ns
            os.utime(f"{self._folder}/{name}", ns=(modified, modified))
        # The application sends the first of the variants that a client prefers.
        smallest_first = sorted(variants, key=lambda encoding: len(variants[encoding]))
        return file._replace(encodings=tuple(smallest_first))

    def _refuse_secrets(self, file: WrittenFile, content: bytes) -> None:
        if not self.secrets:
            return
        values = "\n".join(value for _, value in file.headers or ())
        name, holder = self.secrets.find(file.name.encode()), "the name of a file"
        if name is None:
            name, holder = self.secrets.find(content, values.encode()), file.name
        if name is not None:
            raise OutputError(
                f"{file.source}: {holder} would hold the value of {name}, which "
                "Build(secrets=...) lists.\n"
                "    Use it on the server only: set prerender = False, or leave it out."
            )

    def _write(self, name: str, source: str, chunks: Iterable[bytes]) -> None:
        """Write a new file. Raises `_FileExistsError` if it exists, `OutputError` if it fails."""
        path = f"{self._folder}/{name}"
        try:
            folder = path.rpartition("/")[0]
            if folder != self._last_folder:
                os.makedirs(folder, exist_ok=True)
                self._last_folder = folder
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            try:
                for chunk in chunks:
                    while chunk:
                        chunk = chunk[os.write(file, chunk) :]
            finally:
                os.close(file)
        except (FileExistsError, NotADirectoryError):
            raise _FileExistsError(name) from None
        except OSError as error:
            raise OutputError(f"{source}: {name} can't be written: {error.strerror}.") from error

    def _keep_time(self, name: str, content: bytes) -> None:
        """Give a file the modification time that it has in the last build, if it is the same."""
        if self._last is None:
            return
        path = f"{self._last}/{name}"
        with suppress(OSError):
            last = os.stat(path)
            is_candidate = stat.S_ISREG(last.st_mode) and last.st_size == len(content)
            if is_candidate and Path(path).read_bytes() == content:
                os.utime(f"{self._folder}/{name}", ns=(last.st_mtime_ns, last.st_mtime_ns))
