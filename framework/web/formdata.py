"""What are the fields and files of a form?"""

import builtins
import io
import os
import re
import secrets
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeVar, cast, overload

from werkzeug.utils import secure_filename

from .strings import to_text, to_usv

T = TypeVar("T")

_is_type = re.compile(r"[\x20-\x7e]*").fullmatch


_IN_MEMORY = 1024 * 1024  # bytes of a form's files; when there are more, all go to the disk


class Spool:
    """A binary file that `File`s are parts of, each at its own place in it."""

    __slots__ = ("__weakref__", "_file", "_lock")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()  # two threads may read two uploads of one form

    @classmethod
    def temporary(cls) -> "Spool":
        """An empty one, in memory and later on the disk, which is gone with its last `File`."""
        file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 (see next)
        spool = cls(file)
        weakref.finalize(spool, file.close)
        return spool

    def append(self, data: bytes) -> None:
        """Write at the end; only before the first `read`."""
        self._file.write(data)

    def read(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start` on."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(count)


class _Part(io.RawIOBase):
    """The bytes of a spool from `start` up to `end`, as a stream."""

    def __init__(self, spool: Spool, start: int, end: int) -> None:
        self._spool = spool
        self._position = start
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._end - self._position)
        data = self._spool.read(self._position, wanted)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


class File:
    """A file of a form: its bytes, a name and a media type.

    `content` is bytes-like, a `str` (as UTF-8), a `File`, a list of these, or a seekable binary
    file, which is read only when asked. `name` is what the sender says: never use it as a path
    (`save_to` doesn't). `type` is in lower case, and `""` where it is unknown or can't be a media
    type. `size` counts bytes.

    Unlike the standard's there is no Blob and no `last_modified`, and content and text are plain
    values. Beside the standard `save_to` writes to the disk.

    https://w3c.github.io/FileAPI/#file-section

    >>> file = File(["Hello, ", b"world"], "hello.txt", type="text/plain")
    >>> file.size, file.text()
    (12, 'Hello, world')
    """

    __slots__ = ("_content", "_start", "name", "size", "type")

    _content: builtins.bytes | Spool
    _start: int
    name: str
    size: int
    type: str

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
        self.name = to_usv(to_text(name))
        self.type = type.lower() if _is_type(type) else ""

    @classmethod
    def from_spool(cls, spool: Spool, start: int, size: int, name: str, *, type: str) -> "File":
        """The file whose bytes lie in the spool from `start` on."""
        file = cls(b"", name, type=type)
        file._content, file._start, file.size = spool, start, size
        return file

    def bytes(self) -> builtins.bytes:
        """The content."""
        content = self._content
        return content.read(self._start, self.size) if isinstance(content, Spool) else content

    def text(self) -> str:
        """The content as UTF-8, without a byte order mark; what is invalid is U+FFFD."""
        return self.bytes().decode("utf-8", "replace").removeprefix("\ufeff")

    def stream(self) -> BinaryIO:
        """The content as a new binary stream, from its beginning."""
        content = self._content
        if isinstance(content, Spool):
            part = _Part(content, self._start, self._start + self.size)
            return cast("BinaryIO", io.BufferedReader(part))
        return io.BytesIO(content)

    def save_to(self, directory: str | os.PathLike[str], name: str | None = None) -> Path:
        """Write the content to a new file in `directory`; the result is its path.

        The file is called `name`, or as the sender called it, but only letters, digits, `.`, `-`
        and `_` of that are used; where nothing is left, or such a file is there already, a random
        part is added. No file is ever overwritten.
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
            path.unlink()  # half a file is none
            raise
        return path

    def __repr__(self) -> str:
        return f"File({self.name!r}, type={self.type!r}, size={self.size})"


FileContent: TypeAlias = (
    str
    | bytes
    | bytearray
    | memoryview
    | File
    | BinaryIO
    | Iterable[str | bytes | bytearray | memoryview | File]
)


def _bytes_of(content: object) -> bytes:
    if isinstance(content, str):
        return to_usv(content).encode()
    if isinstance(content, File):
        return content.bytes()
    try:
        return memoryview(content).tobytes()  # type: ignore[arg-type]
    except TypeError:
        pass
    if isinstance(content, Iterable) and not hasattr(content, "keys"):
        return b"".join(map(_bytes_of, content))
    raise TypeError(
        f"A File's content is str, bytes, a File, a list of them or a binary file, not "
        f"{type(content).__name__}."
    )


class FormData:
    """The entries of a form, in their order: names with a `str` or a `File` each.

    A name may come more than once. Numbers given as values are written as their text. Unlike the
    standard's, only a `File` can be given a file name; beside it, `get` takes a default.

    https://xhr.spec.whatwg.org/#interface-formdata

    >>> form = FormData()
    >>> form.append("size", 42)
    >>> form.append("size", 43)
    >>> form.get("size"), form.get_all("size"), form.get("colour")
    ('42', ['42', '43'], None)
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[str, str | File]] = []

    def append(self, name: str, value: "str | float | File", filename: str | None = None) -> None:
        """Add an entry at the end; a `File` may be given another name on the way."""
        self._entries.append(_entry(name, value, filename))

    def set(self, name: str, value: "str | float | File", filename: str | None = None) -> None:
        """Make this the one entry of that name, in the place of the first."""
        entry = _entry(name, value, filename)
        entries = self._entries
        first = next((i for i, (n, _) in enumerate(entries) if n == entry[0]), len(entries))
        rest = [other for other in entries[first + 1 :] if other[0] != entry[0]]
        entries[first:] = [entry, *rest]

    def delete(self, name: str) -> None:
        """Remove each entry of that name."""
        name = _name(name)
        self._entries = [entry for entry in self._entries if entry[0] != name]

    @overload
    def get(self, name: str) -> str | File | None: ...
    @overload
    def get(self, name: str, default: T) -> str | File | T: ...
    def get(self, name: str, default: T | None = None) -> str | File | T | None:
        """The first value of that name; `default` where there is none."""
        name = _name(name)
        return next((value for n, value in self._entries if n == name), default)

    def get_all(self, name: str) -> list[str | File]:
        """Each value of that name."""
        name = _name(name)
        return [value for n, value in self._entries if n == name]

    def has(self, name: str) -> bool:
        """Whether there is an entry of that name."""
        return self.get(name) is not None

    def items(self) -> list[tuple[str, str | File]]:
        """The entries."""
        return self._entries.copy()

    def keys(self) -> list[str]:
        """The name of each entry."""
        return [name for name, _ in self._entries]

    def values(self) -> list[str | File]:
        """The value of each entry."""
        return [value for _, value in self._entries]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.has(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FormData):
            return NotImplemented
        return self._entries == other._entries

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"FormData({self._entries!r})"


def _name(name: str) -> str:
    return to_usv(to_text(name))


def _entry(name: str, value: "str | float | File", filename: str | None) -> tuple[str, str | File]:
    if isinstance(value, File):
        if filename is not None:
            value = File(value, filename, type=value.type)
        return _name(name), value
    if filename is not None:
        raise TypeError("Only a File has a file name: File(content, name).")
    try:
        return _name(name), _name(value)  # type: ignore[arg-type]
    except TypeError as error:
        raise TypeError(f"Form field {name!r}: {error} Bytes go into a File.") from None
