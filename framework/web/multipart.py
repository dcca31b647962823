"""Parse the bytes of a form to `FormData`, and write `FormData` as bytes."""

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from urllib.parse import unquote

from multipart import (  # type: ignore[import-untyped]
    MultipartSegment,
    ParserError,
    ParserLimitReached,
    PushMultipartParser,
)
from werkzeug.exceptions import RequestEntityTooLarge

from .formdata import File, FormData, Spool
from .requeststream import BodyLimits
from .search_params import parse_query

MAX_ENTRIES = 1000
MAX_HEAD = 16 * 1024
"""Limits of a form from a client: entries, bytes of one part's headers."""

_leading_line_breaks = re.compile(rb"\A(?:\r\n)+")
_line_break = re.compile("\r\n|\r|\n")
_AS_QUOTED = {ord("\n"): "%0A", ord("\r"): "%0D", ord('"'): "%22"}


def _compile(quoted: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a part's Content-Disposition and of one of its parameters."""
    parameter = rf'([^\s;="]+)[ \t]*=[ \t]*(?:"({quoted})"|([^\s;"]+))'
    whole = rf"form-data(?:[ \t]*;[ \t]*{parameter})*[ \t]*;?"
    return re.compile(whole, re.IGNORECASE), re.compile(parameter)


# In a name that a browser sends, a backslash is only a backslash. Others write a" as "a\"".
_AS_BROWSERS = _compile(r'[^"]*')
_WITH_QUOTED_PAIRS = _compile(r'(?:[^"\\]|\\.)*')
_quoted_pair = re.compile(r'\\(["\\])')


def write_multipart(form: FormData, boundary: str) -> bytes:
    """Return the form as `multipart/form-data`, as browsers write it.

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


def parse_multipart(
    chunks: Iterable[bytes], boundary: str, *, strict: bool, limits: BodyLimits | None = None
) -> FormData:
    """Return the form of a `multipart/form-data` body; large files are kept on disk.

    With `strict`, for bodies from clients, there are limits (`RequestEntityTooLarge`), and text
    that is not UTF-8 is an error instead of U+FFFD. `limits` has the limit of all text fields.
    `ValueError`: the body is not a form, or ends too early.

    https://andreubotella.github.io/multipart-form-data/
    """
    form = FormData()
    spool = Spool.temporary()
    errors = "strict" if strict else "replace"
    text_left = sys.maxsize if limits is None else limits.text
    end = 0
    parser = _Parser(boundary, errors, MAX_HEAD if strict else sys.maxsize)
    events = chain.from_iterable(map(parser.parse, _from_boundary(chunks, parser.boundary)))
    try:
        for part in events:
            if strict and len(form) == MAX_ENTRIES:
                raise RequestEntityTooLarge("This form has too many entries.")
            content: Iterator[bytes] = iter(events.__next__, None)  # None ends a part
            if part.filename is None:
                text = bytearray()
                for data in content:
                    text += data
                    if limits is not None and len(text) > text_left:
                        raise limits.text_error()
                text_left -= len(text)
                form._pairs.append((part.name, text.decode("utf-8", errors)))
            else:
                start = end
                for data in content:
                    spool.append(data)
                    end += len(data)
                kind = part.content_type
                file = File.from_spool(spool, start, end - start, part.filename, type=kind)
                form._pairs.append((part.name, file))
    except ParserLimitReached:
        raise RequestEntityTooLarge("A part of this form has too long headers.") from None
    finally:
        parser.error = None  # its traceback refers to the spool
    try:
        parser.close()
    except ParserError as error:
        error.with_traceback(None)  # it is in a cycle that refers to the spool
        raise ValueError("it ends before its last boundary") from None
    return form


def parse_urlencoded(body: bytes, *, strict: bool) -> FormData:
    """Return the form of an `application/x-www-form-urlencoded` body.

    `strict` and errors are as in `parse_multipart`.

    https://url.spec.whatwg.org/#urlencoded-parsing
    """
    if strict and body.count(b"&") >= MAX_ENTRIES:
        raise RequestEntityTooLarge("This form has too many fields.")
    form = FormData()
    errors = "strict" if strict else "replace"
    form._pairs += parse_query(body.decode("utf-8", errors), errors)
    return form


class _Parser(PushMultipartParser):  # type: ignore[misc]
    """The library's parser, stricter about the headers of a part."""

    def __init__(self, boundary: str, errors: str, max_head: int) -> None:
        super().__init__(
            boundary,
            max_header_size=max_head,
            max_header_count=max_head,
            header_charset="latin-1",  # _create_segment() decodes UTF-8
        )
        self._errors = errors
        self._head_size = 0

    def _on_segment_headerline(self, line: bytes) -> None:
        # The library accepts a lone CR or LF here, and joins folded lines.
        if b"\r" in line or b"\n" in line or line[0] in b" \t":
            raise ValueError(
                f"a part has an invalid header: {line.decode(errors='replace')!r:.100}"
            )
        self._head_size += len(line)
        if self._head_size > self.max_header_size:
            raise ParserLimitReached
        super()._on_segment_headerline(line)

    def _create_segment(self, headers: list[tuple[str, str]]) -> MultipartSegment:
        self._head_size = 0
        values = dict(headers)
        disposition = values.get("Content-Disposition", "").rstrip(" \t")
        if not disposition.isascii():
            disposition = disposition.encode("latin-1").decode("utf-8", self._errors)
        part = MultipartSegment([])
        part.name, part.filename = _parse_disposition(disposition, self._errors)
        part.content_type = values.get("Content-Type", "text/plain").rstrip(" \t")
        return part


def _parse_disposition(disposition: str, errors: str) -> tuple[str, str | None]:
    """Return the name of a part, and its file name if it is a file.

    `%0A`, `%0D` and `%22` are escapes, as browsers write them.
    """
    whole, parameter = _AS_BROWSERS
    if not whole.fullmatch(disposition):
        whole, parameter = _WITH_QUOTED_PAIRS
        if not whole.fullmatch(disposition):
            raise ValueError(f"a part has no Content-Disposition of a form: {disposition!r:.100}")
    given = parameter.findall(disposition)
    parameters = {name.lower(): quoted or token for name, quoted, token in given}
    if whole is _WITH_QUOTED_PAIRS[0]:
        parameters = {key: _quoted_pair.sub(r"\1", value) for key, value in parameters.items()}
    name = _value_of("name", parameters, errors)
    if name is None or len(parameters) < len(given):
        raise ValueError(f"a part has no name, or two: {disposition!r:.100}")
    return name, _value_of("filename", parameters, errors)


def _value_of(name: str, parameters: dict[str, str], errors: str) -> str | None:
    if name in parameters:
        return _unescape(parameters[name])
    extended = parameters.get(f"{name}*")  # RFC 5987: utf-8'en'a%20b
    if extended is None:
        return None
    if extended.count("'") < 2:
        raise ValueError(f"a part has an invalid {name}*: {extended!r:.100}")
    charset, _, encoded = extended.split("'", 2)
    return unquote(encoded, "utf-8" if charset.lower() == "utf-8" else "latin-1", errors)


def _unescape(text: str) -> str:
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%22", '"')


def _from_boundary(chunks: Iterable[bytes], boundary: bytes) -> Iterator[bytes]:
    """Return the chunks from the first boundary on; only line breaks may come before it."""
    first = b"--" + boundary
    chunks = iter(chunks)
    start = b""
    for chunk in chunks:
        start = _leading_line_breaks.sub(b"", start + chunk)
        if len(start) >= len(first):
            break
    if not start.startswith(first[: len(start)]):
        raise ValueError("it doesn't begin with its boundary")
    return chain([start] if start else [], chunks)
