"""Which smaller forms of a file are kept beside it, for clients that take them?"""

import gzip
import importlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType

from ..static.files import SUFFIXES

Encoder = Callable[[bytes], bytes]

_LEAST = 1024  # bytes; below, a packet holds the file either way
_WORTH = 0.9  # of the size, at most: less of a gain is not worth a file
_is_text = re.compile(
    r"text/|application/(json|javascript|xml|wasm|manifest\+json|[\w.-]+\+(json|xml))\b"
    r"|image/(svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|font/[ot]tf"
).match


def find_encoders() -> dict[str, Encoder]:
    """What can encode here, by the content coding's name: `gzip`, and `br` and `zstd` where a
    library for them is installed.

    https://www.iana.org/assignments/http-parameters/#content-coding
    """
    found: dict[str, Encoder] = {"gzip": partial(gzip.compress, mtime=0)}
    brotli = _find("brotli")
    if brotli is not None:
        found["br"] = brotli.compress
    zstd = _find("compression.zstd") or _find("backports.zstd")
    if zstd is not None:
        found["zstd"] = partial(zstd.compress, level=19)
    return found


def may_encode(content_type: str, size: int) -> bool:
    """Whether it is worth trying."""
    return size >= _LEAST and _is_text(content_type) is not None


def encode(content: bytes, content_type: str, encoders: Mapping[str, Encoder]) -> dict[str, bytes]:
    """The content in each coding that makes it smaller by a tenth or more."""
    if not may_encode(content_type, len(content)):
        return {}
    made = {name: encoder(content) for name, encoder in sorted(encoders.items())}
    return {name: data for name, data in made.items() if len(data) <= len(content) * _WORTH}


def variant_of(file: str, encoding: str) -> str:
    """The name of a file's variant.

    >>> variant_of("about/index.html", "gzip")
    'about/index.html.gz'
    """
    return file + SUFFIXES[encoding]


def _find(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
