"""Find values of environment variables that must not be in a built file."""

import json
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from html.entities import html5

_MIN_LENGTH = 6  # characters; a shorter value would be found by chance


class Secrets:
    """The values of the environment variables `names`, in the forms in which a file may hold them.

    The forms are the value itself, the value escaped for HTML, JSON or a URL, and Base64.
    `ignored` maps each name whose value is not searched to the reason.
    """

    def __init__(self, names: Iterable[str]) -> None:
        values = {name: os.environ.get(name, "").strip() for name in names}
        self.ignored = {
            name: "is too short to find" if value else "is empty: set the variable where you build"
            for name, value in values.items()
            if len(value) < _MIN_LENGTH
        }
        self._forms = {
            name: [_compile(text) for text in {value, *_in_base64(value)}]
            for name, value in values.items()
            if len(value) >= _MIN_LENGTH
        }

    def __bool__(self) -> bool:
        return bool(self._forms)

    def find(self, *contents: bytes) -> str | None:
        """Return the name of a variable whose value is in one of the contents."""
        for name, forms in self._forms.items():
            for part, form in forms:
                if any(part in content and form.search(content) for content in contents):
                    return name
        return None


def _compile(text: str) -> tuple[bytes, re.Pattern[bytes]]:
    """Return a part that nothing escapes, which is faster to find, and a regular expression."""
    part = max(re.findall("[0-9A-Za-z]+", text), key=len, default="")
    return part.encode(), re.compile(b"".join(map(_regex, text)))


def _regex(char: str) -> bytes:
    """Return a regular expression for a character, unchanged or escaped."""
    raw = char.encode(errors="surrogateescape")
    if char.isascii() and char.isalnum():
        return raw  # nothing escapes it
    utf_16 = char.encode("utf-16-be", errors="surrogatepass").hex()
    escaped = [
        "".join(f"%{byte:02x}" for byte in raw),
        "".join(rf"\\u{utf_16[start : start + 4]}" for start in range(0, len(utf_16), 4)),
        re.escape(json.dumps(char)[1:-1]),
        f"&#(?:0*{ord(char)}|x0*{ord(char):x});",
        *(f"&{name}" for name, text in html5.items() if text == char and name.endswith(";")),
        *([r"\+"] if char == " " else []),
    ]
    # Before each there may be backslashes, as in a JSON string in HTML: \&quot;
    return rb"\\{0,4}(?:%s|(?i:%s))" % (re.escape(raw), "|".join(escaped).encode())


def _in_base64(value: str) -> Iterator[str]:
    """Yield the part of the value's Base64 text that is the same whatever stands around the value.

    There is one for each position of the value in a group of three bytes.
    """
    content = value.encode(errors="surrogateescape")
    for before, start in enumerate((0, 2, 3)):
        text = b64encode(bytes(before) + content).decode()
        text = text[start : (before + len(content)) * 8 // 6]
        yield text
        yield text.translate({ord("+"): "-", ord("/"): "_"})
