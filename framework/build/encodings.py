"""Compress files for clients that accept a content coding."""

import gzip
import importlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType

Encoder = Callable[[bytes], bytes]

_MIN_SIZE = 1024  # bytes; a smaller file fits into one packet anyway
_MAX_RATIO = 0.9  # a variant that is larger than this part of the file is not written
_is_text = re.compile(
    r"text/|application/(json|javascript|xml|wasm|manifest\+json|[\w.-]+\+(json|xml))\b"
    r"|image/(svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|font/[ot]tf"
).match


def find_encoders() -> dict[str, Encoder]:
    """Return the encoders by content coding: gzip, and br and zstd if they are installed."""
    encoders: dict[str, Encoder] = {"gzip": partial(gzip.compress, mtime=0)}
    if brotli := _find_module("brotli"):
        encoders["br"] = brotli.compress
    if zstd := _find_module("compression.zstd") or _find_module("backports.zstd"):
        encoders["zstd"] = partial(zstd.compress, level=19)
    return encoders


def is_compressible(content_type: str, size: int) -> bool:
    """Return whether a file of this type and size is worth compressing."""
    return size >= _MIN_SIZE and _is_text(content_type) is not None


def encode(content: bytes, content_type: str, encoders: Mapping[str, Encoder]) -> dict[str, bytes]:
    """Return the content in each coding that makes it at least a tenth smaller."""
    if not is_compressible(content_type, len(content)):
        return {}
    encoded = {name: encoder(content) for name, encoder in sorted(encoders.items())}
    return {name: data for name, data in encoded.items() if len(data) <= len(content) * _MAX_RATIO}


def _find_module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
