"""Forms and their files: `FormData` and `File`."""

import builtins
import io
import os
import re
import secrets
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from werkzeug.utils import secure_filename

from .pairs import Pairs, to_name
from .strings import to_usv

_is_type = re.compile(r"[\x20-\x7e]*").fullmatch
_IN_MEMORY = 1024 * 1024  # bytes; a form with more in its files keeps them all on disk


class Spool:
    """A binary file that holds the contents of several `File`s, one after the other."""

    __slots__ = ("__weakref__", "_file", "_lock")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()  # two threads may read two uploads of one form

    @classmethod
    def temporary(cls) -> "Spool":
        """Return an empty spool, in memory or on disk, which is deleted with its last `File`."""
        file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - below
        spool = cls(file)
        weakref.finalize(spool, file.close)
        return spool

    def append(self, data: bytes) -> None:
        """Write at the end; not after the first `read`."""
        self._file.write(data)

    def read(self, start: int, count: int) -> bytes:
        """Return up to `count` bytes from `start` on."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(count)


class _Part(io.RawIOBase):
    """The bytes of a spool from `start` on, as a stream of `size` bytes."""

    def __init__(self, spool: Spool, start: int, size: int) -> None:
        self._spool = spool
        self._start = start
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = max(0, min(len(buffer), self._size - self._position))
        data = self._spool.read(self._start + self._position, wanted)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        position = offset + (0, self._position, self._size)[whence]
        if position < 0:
            raise ValueError(f"A position can't be negative: {position}")
        self._position = position
        return position


class File:
    """A file of a form: its bytes, a name and a media type.

    `content` is bytes-like, a `str` (written as UTF-8), a `File`, a list of these, or a seekable
    binary file, which is read when its content is needed. `name` is chosen by the client: never
    use it as a path (`save_to` is safe). `type` is in lower case, and `""` if it is unknown or
    invalid. `size` counts bytes.

    Unlike in the standard, `Blob` and `last_modified` do not exist, content and text are plain
    values, and `save_to` writes to disk.

    https://w3c.github.io/FileAPI/#file-section

    >>> file = File(["Hello, ", b"world"], "hello.txt", type="text/plain")
    >>> file.size, file.text()
    (12, 'Hello, world')
    """

    __slots__ = ("_content", "_start", "name", "size", "type")

    _content: builtins.bytes | Spool
    size: int

    def __init__(self, content: "FileContent", name: str, *, type: str = "") -> None:
        self._start = 0
        if isinstance(content, File):
            self._content, self._start, self.size = content._content, content._start, content.size
        elif hasattr(content, "read"):
            file = cast("BinaryIO", content)
            self._content = Spool(file)
            self.size = file.seek(0, os.SEEK_END)
        else:
            self._content = _bytes_of(content)
            self.size = len(self._content)
        self.name = to_name(name)
        self.type = type.lower() if _is_type(type) else ""

    @classmethod
    def from_spool(cls, spool: Spool, start: int, size: int, name: str, *, type: str) -> "File":
        """Return the file whose bytes begin at `start` in the spool."""
        file = cls(b"", name, type=type)
        file._content, file._start, file.size = spool, start, size
        return file

    def bytes(self) -> builtins.bytes:
        """Return the content."""
        content = self._content
        return content.read(self._start, self.size) if isinstance(content, Spool) else content

    def text(self) -> str:
        """Return the content decoded as UTF-8, with U+FFFD for invalid bytes and without a BOM."""
        return self.bytes().decode("utf-8", "replace").removeprefix("\ufeff")

    def stream(self) -> BinaryIO:
        """Return the content as a new binary stream, which can seek."""
        content = self._content
        if isinstance(content, Spool):
            part = _Part(content, self._start, self.size)
            return cast("BinaryIO", io.BufferedReader(part))
        return io.BytesIO(content)

    def save_to(self, directory: str | os.PathLike[str], name: str | None = None) -> Path:
        """Write the content to a new file in `directory` and return its path.

        The file has the given name, by default the client's, reduced to letters, digits, `.`, `-`
        and `_`. A random part is added if no character is left or if the file exists: nothing is
        overwritten.
        """
        wanted = secure_filename(self.name if name is None else name)
        stem, suffix = os.path.splitext(wanted)
        stem, suffix = stem[:100], suffix[:20]
        path = Path(directory, f"{stem or secrets.token_hex(16)}{suffix}")
        while True:
            try:
                target = path.open("xb")
                break
            except FileExistsError:
                path = Path(directory, f"{stem}-{secrets.token_hex(8)}{suffix}")
        try:
            with target:
                shutil.copyfileobj(self.stream(), target)
        except BaseException:
            path.unlink()
            raise
        return path

    def __repr__(self) -> str:
        return f"File({self.name!r}, type={self.type!r}, size={self.size})"


_Content: TypeAlias = str | bytes | bytearray | memoryview | File
FileContent: TypeAlias = _Content | BinaryIO | Iterable[_Content]


def _bytes_of(content: object) -> bytes:
    if isinstance(content, str):
        return to_usv(content).encode()
    if isinstance(content, File):
        return content.bytes()
    with suppress(TypeError):
        return memoryview(content).tobytes()  # type: ignore[arg-type]
    if isinstance(content, Iterable) and not hasattr(content, "keys"):
        return b"".join(map(_bytes_of, content))
    raise TypeError(
        f"A File's content is str, bytes, a File, a list of them or a binary file, not "
        f"{type(content).__name__}."
    )


class FormData(Pairs[str | File]):
    """The entries of a form, in their order: names with a `str` or a `File` each.

    A name may occur more than once. Numbers given as values are written as text. Unlike the
    standard's, only a `File` has a file name, and `get` takes a default.

    https://xhr.spec.whatwg.org/#interface-formdata

    >>> form = FormData()
    >>> form.append("size", 42)
    >>> form.append("size", 43)
    >>> form.get("size"), form.get_all("size"), form.get("colour")
    ('42', ['42', '43'], None)
    """

    __slots__ = ()

    def __init__(self) -> None:
        self._pairs = []

    def append(self, name: str, value: str | float | File, filename: str | None = None) -> None:
        """Add an entry at the end; `filename` replaces the name of a `File`."""
        self._pairs.append(_entry(name, value, filename))

    def set(self, name: str, value: str | float | File, filename: str | None = None) -> None:
        """Set the only entry of that name; the first entry of that name keeps its position."""
        self._replace(*_entry(name, value, filename))

    def delete(self, name: str) -> None:
        """Remove each entry of that name."""
        name = to_name(name)
        self._pairs = [pair for pair in self._pairs if pair[0] != name]

    def __repr__(self) -> str:
        return f"FormData({self._pairs!r})"


def _entry(name: str, value: str | float | File, filename: str | None) -> tuple[str, str | File]:
    if isinstance(value, File):
        if filename is not None:
            value = File(value, filename, type=value.type)
        return to_name(name), value
    if filename is not None:
        raise TypeError("Only a File has a file name: File(content, name).")
    try:
        return to_name(name), to_name(value)
    except TypeError as error:
        raise TypeError(f"Form field {name!r}: {error} Bytes go into a File.") from None
