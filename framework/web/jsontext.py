"""Write Python values as JSON and parse JSON.

msgspec does both. The standard library handles what JavaScript accepts and msgspec does not: lone
surrogates, and keys that are not text.
"""

import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import msgspec

from .url import URL

_may_have_bool_key = re.compile(rb'"[01]":').search
_has_surrogate_escape = re.compile(rb"\\u[dD][89a-fA-F]").search


def write_json(data: object) -> bytes:
    """Return a value as JSON in UTF-8, without spaces.

    Plain values are written as by `JSON.stringify`: NaN and the infinities are `null`, a lone
    surrogate is escaped; but a float keeps its point (`1.0`). Keys are written as by
    `json.dumps`: `True` is `"true"`. Dates, times, UUIDs, decimals and paths are strings, an enum
    is its value, dataclasses, attrs classes, pydantic models and mappings are objects, tuples and
    sets are arrays, a `URL` is its href, and bytes are base64.

    `TypeError`: a value of another type, or one that contains itself.
    """
    try:
        try:
            written = _encode(data)
        except (UnicodeEncodeError, TypeError):
            return _write_slowly(data)
        # msgspec writes the keys True and 1 alike, and False and 0.
        return _write_slowly(data) if _may_have_bool_key(written) else written
    except RecursionError:
        raise TypeError("This value is nested too deeply for JSON, or contains itself.") from None


def parse_json(data: bytes) -> Any:
    """Return the value of a JSON text; a byte order mark is dropped, and the last of equal names wins.

    `ValueError`: not JSON (`NaN` and `Infinity` are not), not UTF-8, or beyond a limit: nested
    about a thousand deep, an integer of more than 4,300 digits, a number too large for a float.
    """
    data = data.removeprefix(BOM_UTF8)
    try:
        try:
            return _decode(data)
        except msgspec.DecodeError:
            if not _has_surrogate_escape(data):
                raise
            return _decode_slowly(data.decode())
    except UnicodeDecodeError:
        raise ValueError("This is not JSON: it is not UTF-8.") from None
    except RecursionError:
        raise ValueError("This JSON is nested too deeply.") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"This is not JSON: {error}.") from None


def _as_builtin(value: object) -> object:
    """Return the plain value of an object that msgspec does not support."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, URL):
        return value.href
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "model_dump") and not isinstance(value, type):  # a pydantic model
        return value.model_dump(mode="json")
    for kind in (str, int, float):  # a subclass: markupsafe.Markup, say
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{type(value).__name__} can't be written as JSON: {value!r:.100}")


def _write_slowly(data: object) -> bytes:
    plain = _finite(_to_builtins(data))
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), default=_to_builtins)
    return text.encode("utf-8", "backslashreplace")  # only surrogates need it


def _to_builtins(value: object) -> object:
    return msgspec.to_builtins(value, enc_hook=_as_builtin)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("This is not JSON: Number out of range.")
    return number


def _refuse_constant(text: str) -> None:
    raise ValueError(f"This is not JSON: {text} is not a JSON value.")


_encode = msgspec.json.Encoder(enc_hook=_as_builtin).encode
_decode = msgspec.json.Decoder().decode
_decode_slowly = json.JSONDecoder(parse_float=_finite_float, parse_constant=_refuse_constant).decode
