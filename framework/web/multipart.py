"""How do the bytes of a form become `FormData`, and `FormData` bytes?"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeAlias
from urllib.parse import unquote

from werkzeug.exceptions import RequestEntityTooLarge

from .formdata import File, FormData, Spool
from .headers import is_token
from .url import URLSearchParams

Matcher: TypeAlias = Callable[[bytearray, int], re.Match[bytes] | None]

MAX_ENTRIES = 1000
MAX_TEXT = 500_000
MAX_HEAD = 16 * 1024
"""How much a stranger's form may hold: entries, bytes of all text, bytes of one part's headers."""

_parameters = re.compile(
    r'form-data((?:[ \t]*;[ \t]*[a-z*]+=(?:"[^"]*"|[^\s;"]+))*)[ \t]*;?', re.IGNORECASE
).fullmatch
_each_parameter = re.compile(r'([A-Za-z*]+)=(?:"([^"]*)"|([^\s;"]+))').findall
_line_part = re.compile("[\r\n]").search
# After a boundary: "--" if it is the last, and blanks that some mail relay may have added. The
# group is there if the line is, or else more of it may come.
_line_end = re.compile(rb"(?:--)?[ \t]{0,1000}(?:(\r\n)|\r?\Z)|-\Z").match
_anything = re.compile(b"()").match
_line_break = re.compile("\r\n|\r|\n")
_AS_QUOTED = {ord("\n"): "%0A", ord("\r"): "%0D", ord('"'): "%22"}


def write_multipart(form: FormData, boundary: str) -> bytes:
    """The form as `multipart/form-data`, as browsers write it.

    https://html.spec.whatwg.org/#multipart-form-data
    """
    parts = []
    for name, value in form.items():
        quoted = _line_break.sub("\r\n", name).translate(_AS_QUOTED)
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{quoted}"'
        if isinstance(value, File):
            filename = value.name.translate(_AS_QUOTED)
            kind = value.type or "application/octet-stream"
            head += f'; filename="{filename}"\r\nContent-Type: {kind}'
            data = value.bytes()
        else:
            data = _line_break.sub("\r\n", value).encode()
        parts += [head.encode(), b"\r\n\r\n", data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts)


def read_multipart(chunks: Iterable[bytes], boundary: str, *, strict: bool) -> FormData:
    """The form that a `multipart/form-data` body holds; big files are kept on the disk.

    `strict` is for what strangers send: limits hold (`RequestEntityTooLarge`), and text that is
    not UTF-8 is an error, not U+FFFD. `ValueError`: not such a body, or only a part of one.

    https://andreubotella.github.io/multipart-form-data/
    """
    form = FormData()
    spool = Spool.temporary()
    errors = "strict" if strict else "replace"
    text_left = MAX_TEXT
    end = 0
    scanner = _Scanner(chunks, boundary)
    while scanner.next_part():
        if strict and len(form) == MAX_ENTRIES:
            raise RequestEntityTooLarge("This form has too many entries.")
        name, filename, kind = _read_head(scanner.head(MAX_HEAD if strict else None), errors)
        if filename is None:
            text = bytearray()
            for data in scanner.content():
                text += data
                if strict and len(text) > text_left:
                    raise RequestEntityTooLarge("The text of this form is too long.")
            text_left -= len(text)
            form.append(name, text.decode("utf-8", errors))
        else:
            start = end
            for data in scanner.content():
                spool.append(data)
                end += len(data)
            form.append(name, File.from_spool(spool, start, end - start, filename, type=kind))
    return form


def read_urlencoded(chunks: Iterable[bytes], *, strict: bool) -> FormData:
    """The form that an `application/x-www-form-urlencoded` body holds; errors as in multipart.

    https://url.spec.whatwg.org/#urlencoded-parsing
    """
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if strict and len(body) > MAX_TEXT:
            raise RequestEntityTooLarge("The text of this form is too long.")
    if strict and body.count(b"&") >= MAX_ENTRIES:
        raise RequestEntityTooLarge("This form has too many fields.")
    # The "?" is what URLSearchParams drops of a text; one in front of a form is part of a name.
    text = body.decode("utf-8", "strict" if strict else "replace")
    form = FormData()
    for name, value in URLSearchParams(f"?{text}").items():
        form.append(name, value)
    return form


class _Scanner:
    """Takes a multipart body apart, one part after the other; a chunk may end anywhere.

    Line breaks are CRLF and nothing else. `ValueError`: something other than line breaks comes
    before the first boundary, or the body ends before its last one.
    """

    def __init__(self, chunks: Iterable[bytes], boundary: str) -> None:
        self._boundary = f"\r\n--{boundary}".encode()
        self._chunks = chain(chunks, [b"\r\n"])  # the last line may have no end
        self._buffer = bytearray(b"\r\n")  # so that the first boundary is like the others
        if any(data.strip(b"\r\n") for data in self.content()):
            raise ValueError("it doesn't begin with its boundary")

    def next_part(self) -> bool:
        """Whether a part follows the boundary that was reached; at the end the rest is read."""
        if not self._buffer.startswith(b"--"):
            del self._buffer[: self._buffer.index(b"\r\n")]
            return True
        for _ in self._chunks:  # means nothing, but may turn out to be incomplete
            pass
        return False

    def head(self, limit: int | None) -> bytes:
        """The headers of the part; more than `limit` bytes are `RequestEntityTooLarge`."""
        head = bytearray()
        for data in self._until(b"\r\n\r\n", _anything):
            head += data
            if limit is not None and len(head) > limit:
                raise RequestEntityTooLarge("A part of this form has too long headers.")
        return bytes(head)

    def content(self) -> Iterator[bytes]:
        """The content of the part in pieces, up to the next boundary."""
        return self._until(self._boundary, _line_end)

    def _until(self, mark: bytes, follows: Matcher) -> Iterator[bytes]:
        """What comes before the first mark that is followed as it has to be."""
        buffer = self._buffer
        start = 0
        while True:
            at = buffer.find(mark, start)
            if at >= 0:
                found = follows(buffer, at + len(mark))
                if found is None:
                    start = at + len(mark)
                    continue
                complete = found[1] is not None
                del found  # it would keep the buffer from being cut
                if complete:
                    break
            # What is behind this point may turn out to be the mark, or to make it one.
            certain = at if at >= 0 else len(buffer) - len(mark) + 1
            if certain > 0:
                yield self._cut(certain)
            self._read_more()
            start = 0
        yield self._cut(at)
        del buffer[: len(mark)]

    def _cut(self, size: int) -> bytes:
        with memoryview(self._buffer) as view:
            data = bytes(view[:size])
        del self._buffer[:size]
        return data

    def _read_more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise ValueError("it ends before its last boundary")
        self._buffer += chunk


def _read_head(head: bytes, errors: str) -> tuple[str, str | None, str]:
    """Name, file name (of a file) and content type of a part.

    Only `%0A`, `%0D` and `%22` stand for another character: browsers escape no other.
    """
    headers = {}
    for line in head.decode("utf-8", errors).split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        name = name.strip(" \t")
        if not colon or not is_token(name) or _line_part(value):
            raise ValueError(f"a part has a header that is none: {line!r:.100}")
        headers[name.lower()] = value.strip(" \t")
    disposition = headers.get("content-disposition", "")
    found = _parameters(disposition)
    if found is None:
        raise ValueError(f"a part has no Content-Disposition of a form: {disposition!r:.100}")
    given = _each_parameter(found[1])
    parameters = {name.lower(): quoted or token for name, quoted, token in given}
    if "name" not in parameters or len(parameters) < len(given):
        raise ValueError(f"a part has no name, or two: {disposition!r:.100}")
    filename = parameters.get("filename")
    if filename is not None:
        filename = _unescape(filename)
    elif "filename*" in parameters:  # RFC 5987: some old clients write it
        charset, _, encoded = parameters["filename*"].partition("''")
        filename = unquote(encoded, "utf-8" if charset.lower() == "utf-8" else "latin-1")
    return _unescape(parameters["name"]), filename, headers.get("content-type", "text/plain")


def _unescape(text: str) -> str:
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%22", '"')
