"""Find values of environment variables that must not be in a built file."""

import html
import json
import os
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

_MIN_LENGTH = 6  # characters; a shorter value would be found by chance


class Secrets:
    """The values of the environment variables `names`, raw and encoded for JSON, HTML and URLs.

    `ignored` maps each name whose value is not searched to the reason.
    """

    def __init__(self, names: Iterable[str]) -> None:
        values = {name: os.environ.get(name, "") for name in names}
        self.ignored = {
            name: "is too short to find" if value else "is empty: set the variable where you build"
            for name, value in values.items()
            if len(value) < _MIN_LENGTH
        }
        self._forms = {
            name: {
                value.encode(errors="surrogateescape"),
                json.dumps(value)[1:-1].encode(),
                json.dumps(value, ensure_ascii=False)[1:-1].encode(errors="surrogateescape"),
                html.escape(value).encode(errors="surrogateescape"),
                quote(value, safe="", errors="surrogateescape").encode(),
                quote_plus(value, errors="surrogateescape").encode(),
            }
            for name, value in values.items()
            if len(value) >= _MIN_LENGTH
        }

    def __bool__(self) -> bool:
        return bool(self._forms)

    def find(self, *contents: bytes) -> str | None:
        """Return the name of a variable whose value is in one of the contents."""
        for name, forms in self._forms.items():
            if any(form in content for form in forms for content in contents):
                return name
        return None
