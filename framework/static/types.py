"""Content types by the names of files."""

import mimetypes
from functools import lru_cache

UNKNOWN_TYPE = "application/octet-stream"
_HTML = "text/html;charset=UTF-8"

# The table of the standard library, so that a type does not depend on the machine's own files;
# the types below are missing or different in some versions of Python.
_TYPES = mimetypes.MimeTypes()
for _type, _suffixes in {
    "application/atom+xml": (".atom",),
    "application/json": (".json", ".map"),
    "application/rss+xml": (".rss",),
    "application/yaml": (".yaml", ".yml"),
    "font/otf": (".otf",),
    "font/ttf": (".ttf",),
    "font/woff": (".woff",),
    "font/woff2": (".woff2",),
    "image/webp": (".webp",),
    "text/calendar": (".ics",),
    "text/javascript": (".js", ".mjs"),  # RFC 9239
    "text/markdown": (".md",),
}.items():
    for _suffix in _suffixes:
        _TYPES.add_type(_type, _suffix)


def content_type_of(name: str) -> str:
    """Return the content type of a file with this name or path; text has the charset UTF-8.

    >>> content_type_of("a.css"), content_type_of("photo.webp"), content_type_of("LICENSE")
    ('text/css;charset=UTF-8', 'image/webp', 'application/octet-stream')
    """
    stem, dot, suffixes = name.rpartition("/")[2].partition(".")
    return _type_of_suffixes(f"x{dot}{suffixes}" if stem else f"{dot}{suffixes}")


@lru_cache(maxsize=256)
def _type_of_suffixes(name: str) -> str:
    kind, encoding = _TYPES.guess_type(f"file:///{name}")
    if kind is None or encoding is not None:
        return UNKNOWN_TYPE
    return f"{kind};charset=UTF-8" if kind.startswith("text/") or kind == "image/svg+xml" else kind


def has_extension(name: str) -> bool:
    """Whether the name of a route's file, without its suffix, ends in a known extension.

    >>> has_extension("[id].json"), has_extension("data.csv.gz"), has_extension("v1.0")
    (True, True, False)
    """
    _, dot, extensions = name.rpartition("]")[2].partition(".")
    return bool(dot) and _are_known(extensions)


@lru_cache(maxsize=256)  # many routes have the same extension
def _are_known(extensions: str) -> bool:
    kind, encoding = _TYPES.guess_type(f"file:///x.{extensions}")
    return kind is not None or encoding is not None


def page_type_of(name: str) -> str:
    """Return the content type of a page with this name: HTML, unless it has a known extension.

    >>> page_type_of("feed.xml"), page_type_of("v1.0")
    ('text/xml;charset=UTF-8', 'text/html;charset=UTF-8')
    """
    guess = content_type_of(name)
    return _HTML if guess == UNKNOWN_TYPE else guess
