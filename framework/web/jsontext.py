"""Write Python values as JSON and parse JSON.

msgspec does both. The standard library handles what JavaScript accepts and msgspec does not: lone
surrogates, and keys that are not text. Dataclasses and attrs classes become dicts here, since
msgspec leaves out fields whose value is a default of the class, and changes their order.
"""

import json
import marshal
import math
import re
from codecs import BOM_UTF8
from collections.abc import KeysView, Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import PurePath
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import force_setattr

from .url import URL

_UNCHANGED = frozenset({bool, date, datetime, Decimal, float, int, str, type(None), UUID})
_ARRAYS = (list, tuple, set, frozenset)
_has_surrogate_escape = re.compile(rb"\\u[dD][89a-fA-F]").search


def write_json(data: Any) -> bytes:
    """Return a value as JSON in UTF-8, without spaces.

    Plain values are written as by `JSON.stringify`: NaN and the infinities are `null`, a lone
    surrogate is escaped; but a float keeps its point (`1.0`). Keys are written as by
    `json.dumps`: `True` is `"true"`. Dates, times, UUIDs, decimals and paths are strings, an enum
    is its value, dataclasses, attrs classes, pydantic models and mappings are objects, tuples and
    sets are arrays, a `URL` is its href, and bytes are base64.

    `TypeError`: a value of another type, one that contains itself, or a dataclass with a field
    that has no value.
    """
    try:
        _require_builtins(data)
        text = _encode(data)
        # msgspec writes the keys True and 1 alike, and False and 0.
        if b'"1":' not in text and b'"0":' not in text:
            return text
    except (ValueError, TypeError, RecursionError):
        pass
    return _write_objects(data)


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


def _write_objects(data: Any) -> bytes:
    """Return as JSON data with objects, or with keys that msgspec does not support."""
    try:
        data = _with_dicts(data)
        try:
            text = _encode(data)
        except (UnicodeEncodeError, TypeError):
            return _write_slowly(data)
        return _write_slowly(data) if b'"1":' in text or b'"0":' in text else text
    except RecursionError:
        raise TypeError("This value is nested too deeply for JSON, or contains itself.") from None


def _with_dicts(value: Any) -> Any:
    """Return the value with a dict for each object of a dataclass or attrs class in it."""
    if isinstance(value, dict):
        if _UNCHANGED.issuperset(map(type, value.values())):
            return value
        return {key: _with_dicts(item) for key, item in value.items()}
    if isinstance(value, _ARRAYS):
        return [_with_dicts(item) for item in value]
    if isinstance(value, Struct):
        struct = copy(value)
        for name in struct.__struct_fields__:
            force_setattr(struct, name, _with_dicts(getattr(value, name)))
        return struct
    cls: Any = type(value)
    names = None if cls in _UNCHANGED else _names_of_fields(cls)
    if not names:
        return value
    own = getattr(value, "__dict__", {})
    if own.keys() == names and _UNCHANGED.issuperset(map(type, own.values())):
        return value  # msgspec writes it in the same way
    try:
        fields = {name: getattr(value, name) for name in names}
    except AttributeError as error:
        raise TypeError(f"A field has no value: {error}. Set it in __post_init__.") from None
    return _with_dicts({name: item for name, item in fields.items() if item is not UNSET})


@lru_cache(maxsize=256)
def _names_of_fields(cls: Any) -> KeysView[str]:
    """Return the names of the fields of a dataclass or attrs class, in their order."""
    if is_dataclass(cls):
        names = [field.name for field in fields(cls)]
    else:
        names = [field.name for field in getattr(cls, "__attrs_attrs__", ())]
        names = [name for name in names if not name.startswith("_")]  # as in msgspec
    return dict.fromkeys(names).keys()


def _as_builtin(value: object) -> object:
    """Return the plain value of an object that msgspec does not support."""
    if isinstance(value, Mapping):
        return _with_dicts(dict(value))
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


_require_builtins = marshal.dumps  # the fastest test for data of built-in types only
_encode = msgspec.json.Encoder(enc_hook=_as_builtin).encode
_decode = msgspec.json.Decoder().decode
_decode_slowly = json.JSONDecoder(parse_float=_finite_float, parse_constant=_refuse_constant).decode
