"""The destinations of redirects: paths and URLs with parameters (`/new/[id]?from=[id]`)."""

import re
from collections.abc import Mapping
from unicodedata import normalize
from urllib.parse import quote

from .paths import quote_path

_find_origin = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//[^/?#]*)?").match
_PARAM = re.compile(r"\[(?:\.\.\.)?([^\W\d]\w*)(?:=\w+)?\]")
_QUERY_SAFE = "/:@!$'()*,;"


class Destination:
    """The destination of a redirect.

    `origin` is the beginning of a URL (`https://example.com`, `mailto:`), or `""` for a path.
    `names` are the names of the parameters.
    """

    def __init__(self, text: str) -> None:
        found = _find_origin(text)
        self.origin = found[0] if found else ""
        before, self._hash, self._fragment = text[len(self.origin) :].partition("#")
        self.path, self._mark, self._query = before.partition("?")
        if not self.origin:
            self.path = re.sub("//+", "/", normalize("NFC", self.path))
        self.names = {normalize("NFKC", name) for name in _PARAM.findall(text[len(self.origin) :])}

    def fill(self, values: Mapping[str, str], query: str = "") -> str:
        """Return the destination with `values` in place of its parameters, percent-encoded.

        `query` is that of the request (`?a=1`), which a destination without its own gets. A
        segment of the path that becomes empty is left out.
        """
        texts = {name: normalize("NFC", value) for name, value in values.items()}
        for_path = {name: quote_path(text) for name, text in texts.items()}
        for_query = {name: quote(text, safe=_QUERY_SAFE) for name, text in texts.items()}
        segments = [(name, _fill(name, for_path)) for name in self.path.split("/")]
        path = "/".join(filled for name, filled in segments if filled or not name)
        if self._mark:
            query = self._mark + _fill(self._query, for_query)
        path = self.origin + path or "/"
        return f"{path}{query}{self._hash}{_fill(self._fragment, for_path)}"


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PARAM.sub(lambda found: values.get(normalize("NFKC", found[1]), found[0]), text)
