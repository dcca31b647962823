"""How do the bytes of a form become `FormData`, and `FormData` bytes?"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast
from urllib.parse import unquote

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio import multipart as events

from framework.web.formdata import File, FormData, Spool
from framework.web.url import URLSearchParams

MAX_ENTRIES = 1000
MAX_TEXT = 500_000
"""How much a stranger's form may hold: entries, and bytes of text (names, headers and fields)."""

_IN_MEMORY = 1024 * 1024  # bytes of files; more of them are kept on the disk
_BLOCK = 64 * 1024

_parameters = re.compile(
    r'form-data((?:[ \t]*;[ \t]*[a-z*]+=(?:"[^"]*"|[^\s;"]+))*)[ \t]*;?', re.IGNORECASE
).fullmatch
_each_parameter = re.compile(r'([A-Za-z*]+)=(?:"([^"]*)"|([^\s;"]+))').findall
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
    spool = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 (the files own it)
    shared = Spool(spool)
    name, filename, kind = "", None, ""
    text = bytearray()
    text_size = start = end = 0
    for event in _events(chunks, boundary, strict):
        if isinstance(event, events.Field | events.File):
            name, filename = _disposition(event.headers["content-disposition"])
            kind = event.headers.get("content-type", "text/plain")
            text, start = bytearray(), end
        elif isinstance(event, events.Data):
            if filename is None:
                text += event.data
                text_size += len(event.data)
                if strict and text_size > MAX_TEXT:
                    raise RequestEntityTooLarge("The text of this form is too long.")
                if not event.more_data:
                    form.append(name, text.decode("utf-8", "strict" if strict else "replace"))
            else:
                end += spool.write(event.data)
                if not event.more_data:
                    file = File.from_spool(shared, start, end - start, filename, type=kind)
                    form.append(name, file)
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


def _events(chunks: Iterable[bytes], boundary: str, strict: bool) -> Iterator[events.Event]:
    decoder = events.MultipartDecoder(
        boundary.encode(),
        max_form_memory_size=MAX_TEXT if strict else None,  # here: the length of a part's headers
        max_parts=MAX_ENTRIES if strict else None,
    )
    for block in _blocks(chunks):
        if decoder.state is not events.State.EPILOGUE:  # what follows the end means nothing
            decoder.receive_data(block)
            yield from iter(decoder.next_event, events.NEED_DATA)
    decoder.receive_data(None)
    event: events.Event | None = None
    while not isinstance(event, events.Epilogue):
        event = decoder.next_event()
        yield event


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for at in range(0, len(chunk), _BLOCK):
            yield chunk[at : at + _BLOCK]


def _disposition(header: str) -> tuple[str, str | None]:
    """The name of a part, and its file name if it is a file.

    Only `%0A`, `%0D` and `%22` stand for another character: browsers escape no other.
    """
    found = _parameters(header)
    if found is None:
        raise ValueError(f"a part has the Content-Disposition {header!r:.100}")
    parameters = {key.lower(): quoted or token for key, quoted, token in _each_parameter(found[1])}
    if "name" not in parameters:
        raise ValueError("a part has no name")
    filename = parameters.get("filename")
    if filename is None and "filename*" in parameters:  # RFC 5987; old clients write it
        charset, _, encoded = parameters["filename*"].partition("''")
        filename = unquote(encoded, "utf-8" if charset.lower() == "utf-8" else "latin-1")
        return _unescape(parameters["name"]), filename
    return _unescape(parameters["name"]), None if filename is None else _unescape(filename)


def _unescape(text: str) -> str:
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%22", '"')
