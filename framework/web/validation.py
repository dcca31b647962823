"""Convert data to a type, and find each invalid field.

msgspec converts: dataclasses, TypedDicts, msgspec Structs, attrs classes, `list[...]`, unions and
all other types that it supports. A pydantic model validates itself, alone or inside of those.
"""

import json
import re
import types
import typing
from collections.abc import Iterable, Iterator
from functools import lru_cache
from inspect import get_annotations
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import inspect
from typing_extensions import TypeForm

from .errors import InvalidDataError

T = TypeVar("T")

Path: TypeAlias = tuple[str | int, ...]
Wrong: TypeAlias = tuple[Path, str]

MAX_ERRORS = 100
"""How many errors an `InvalidDataError` has at most."""

# Limits for data from clients: _Search converts each value, and again for each level above it.
_MAX_VALUES = 5000
_MAX_DEPTH = 32
_MAX_DETAIL = 300  # characters
_MAX_STEP = 100  # characters of a name in a path

_location = re.compile(r" - at (?:`key` in )?`\$([^`]*)`$").search
_decode = json.JSONDecoder().raw_decode
_steps = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]").findall

_MANY = (
    inspect.ListType
    | inspect.SetType
    | inspect.FrozenSetType
    | inspect.VarTupleType
    | inspect.TupleType
)


def convert(data: Any, kind: TypeForm[T]) -> T:
    """Convert JSON data to the type `kind`.

    `InvalidDataError` names each invalid field. `TypeError`: msgspec does not support the type.
    """
    return _convert(data, kind, strict=True)


def convert_fields(pairs: Iterable[tuple[str, Any]], kind: TypeForm[T]) -> T:
    """Convert the names and values of a form or query to the type `kind`.

    A list takes every value of its name, another field the first. Text becomes the number, date
    or `bool` that the field wants (`on`, which checkboxes send, is true); an empty text counts as
    missing unless the field accepts it. Errors are as in `convert`.
    """
    fields = _kinds_of_fields(kind)  # type: ignore[arg-type]  # classes are hashable
    data: dict[str, Any] = {}
    for name, value in pairs:
        kinds = fields.get(name, ())
        if any(isinstance(one, _MANY) for one in kinds):
            data.setdefault(name, []).append(value)
        elif name not in data and not (
            value == "" and kinds and not any(map(_accepts_empty, kinds))
        ):
            checked = value == "on" and any(isinstance(one, inspect.BoolType) for one in kinds)
            data[name] = checked or value
    return _convert(data, kind, strict=False)


def _convert(data: Any, kind: TypeForm[T], *, strict: bool) -> T:
    try:
        return _convert_value(data, kind, strict)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, TypeError):  # an error in the code of the type
            raise error.__cause__ from None
        search = _Search(strict)
        search.find_all(data, kind, (), error)
        found = search.found
    except RecursionError:
        found = [((), "This is nested too deeply.")]
    raise InvalidDataError(
        [(_pointer(path), f"{detail:.{_MAX_DETAIL}}") for path, detail in found[:MAX_ERRORS]]
    )


def _convert_value(data: Any, kind: TypeForm[T], strict: bool) -> T:
    try:
        value: T = msgspec.convert(
            data, kind, strict=strict, str_keys=True, dec_hook=_convert_other
        )
        return value
    except UnicodeEncodeError:  # msgspec reads a text as UTF-8
        raise msgspec.ValidationError("This text has a lone surrogate") from None


def _convert_other(kind: Any, value: Any) -> Any:
    """Convert to a type that msgspec does not support: a pydantic model, or a class like `File`."""
    if hasattr(kind, "model_validate"):
        try:
            return kind.model_validate(value)
        except ValueError as error:
            if not hasattr(error, "error_count"):
                raise
            errors = _list_errors(error)
        raise _ModelError(errors)  # not inside `except`: the other may need much memory
    if isinstance(value, kind):
        return value
    raise ValueError(f"Expected `{kind.__name__}`, got `{type(value).__name__}`")


class _ModelError(ValueError):
    """The errors of a pydantic model, as pairs of their location and a message."""

    def __init__(self, errors: list[Wrong]) -> None:
        super().__init__()
        self.errors = errors


def _list_errors(error: Any) -> list[Wrong]:
    """Return the first errors of a pydantic `ValidationError`.

    A million errors, which `errors()` and `str()` need 10 seconds and a gigabyte for, are written
    as JSON in half a second. Only the first of them are then read.
    """
    text = error.json(include_url=False, include_context=False, include_input=False)
    errors: list[Wrong] = []
    end = 0
    while len(errors) < min(error.error_count(), MAX_ERRORS):
        one, end = _decode(text, end + 1)  # after "[" or ","
        errors.append((tuple(one["loc"]), f"{one['msg']}."))
    return errors


class _Search:
    """Finds all errors in data; msgspec stops at the first.

    It converts each value alone. If that fails, the errors are those of its parts, if they have
    any, or else its own.
    """

    __slots__ = ("_strict", "_values_left", "found")

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self._values_left = _MAX_VALUES
        self.found: list[Wrong] = []

    def find_all(self, data: Any, kind: Any, path: Path, error: msgspec.ValidationError) -> None:
        """Add the errors in `data` to `found`, within the limits, but at least one.

        `error` is the exception that converting the data raised.
        """
        before = len(self.found)
        kind = _unwrap(kind)
        info = _info(kind)
        names = islice(_wrong_names(data, info), MAX_ERRORS)
        self.found += [((*path, name), detail) for name, detail in names]
        if len(path) < _MAX_DEPTH:
            for step, part, part_kind in _parts(data, kind, info):
                if not self._values_left or len(self.found) >= MAX_ERRORS:
                    break
                self._values_left -= 1
                try:
                    _convert_value(part, part_kind, self._strict)
                except msgspec.ValidationError as wrong:
                    self.find_all(part, part_kind, (*path, step), wrong)
        if len(self.found) == before:
            self.found += _errors_of(error, path)


def _wrong_names(data: Any, info: inspect.Type) -> Iterator[tuple[str, str]]:
    """Yield fields that are missing, and unknown ones if they are forbidden."""
    if isinstance(data, dict) and (fields := getattr(info, "fields", ())):
        for field in fields:
            if field.required and field.encode_name not in data:
                yield field.encode_name, "This field is missing."
        if isinstance(info, inspect.StructType) and info.forbid_unknown_fields:
            known = {field.encode_name for field in fields} | {info.tag_field}
            yield from ((name, "This field is unknown.") for name in data if name not in known)


def _parts(data: Any, kind: Any, info: inspect.Type) -> Iterator[tuple[str | int, Any, Any]]:
    """Yield, for each part of the data, its name or index, the part and its type."""
    arguments = typing.get_args(kind) or (Any, Any)
    if isinstance(data, dict) and isinstance(info, inspect.DictType):
        for name, item in data.items():
            yield name, item, arguments[1]
    elif isinstance(data, dict) and (fields := getattr(info, "fields", ())):
        kinds = _hints(kind)
        for field in fields:
            if field.encode_name in data:
                yield field.encode_name, data[field.encode_name], kinds.get(field.name, Any)
    elif isinstance(data, list) and isinstance(info, inspect.TupleType):
        for number, (item, item_kind) in enumerate(zip(data, arguments, strict=False)):
            yield number, item, item_kind
    elif isinstance(data, list) and isinstance(info, _MANY):
        for number, item in enumerate(data):
            yield number, item, arguments[0]


def _errors_of(error: msgspec.ValidationError, path: Path) -> list[Wrong]:
    """Return the error of msgspec, or the errors of the pydantic model that caused it."""
    text = str(error)
    if at := _location(text):
        text = text[: at.start()]
        path = (*path, *(name or number for name, number in _steps(at[1])))
    if isinstance(error.__cause__, _ModelError):
        return [((*path, *steps), detail) for steps, detail in error.__cause__.errors]
    return [(path, f"{text.replace('`', '')}.")]


@lru_cache(maxsize=256)
def _kinds_of_fields(kind: Any) -> dict[str, tuple[inspect.Type, ...]]:
    """Return the types that each field may have, by its name in the data."""
    if hasattr(kind, "model_fields"):
        return {
            name: _flat(_info(field.annotation))
            for attribute, field in kind.model_fields.items()
            for name in (attribute, field.alias, field.validation_alias)
            if isinstance(name, str)
        }
    return {field.encode_name: _flat(field.type) for field in getattr(_info(kind), "fields", ())}


def _info(kind: Any) -> inspect.Type:
    try:
        info = inspect.type_info(kind)
    except TypeError:  # a type for pydantic, or a type variable
        return inspect.AnyType()
    return info.type if isinstance(info, inspect.Metadata) else info


def _flat(info: inspect.Type) -> tuple[inspect.Type, ...]:
    if isinstance(info, inspect.Metadata):
        return _flat(info.type)
    if isinstance(info, inspect.UnionType):
        return tuple(one for member in info.types for one in _flat(member))
    return (info,)


def _accepts_empty(info: inspect.Type) -> bool:
    """Return whether the type accepts an empty text."""
    if isinstance(info, inspect.LiteralType):
        return "" in info.values
    if isinstance(info, inspect.EnumType):
        return "" in [member.value for member in info.cls]
    return isinstance(info, inspect.StrType | inspect.AnyType)


def _unwrap(kind: Any) -> Any:
    """Return the type without its wrappers: `X` for `Annotated[X | None, ...]`."""
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        members = [member for member in arguments if member is not type(None)]
        return _unwrap(members[0]) if len(members) == 1 else kind
    return _unwrap(arguments[0]) if origin is typing.Annotated else kind


def _hints(kind: Any) -> dict[str, Any]:
    """Return the type of each attribute, with the arguments of generic classes filled in.

    A type variable without an argument stays: msgspec accepts any value for it.
    """
    cls = typing.get_origin(kind) or kind
    arguments = dict(zip(getattr(cls, "__parameters__", ()), typing.get_args(kind), strict=False))
    inherited: dict[str, Any] = {}
    for base in reversed(vars(cls).get("__orig_bases__", cls.__bases__)):
        origin = typing.get_origin(base) or base
        # TypedDict is a function.
        if isinstance(origin, type) and origin not in (typing.Generic, typing.Protocol):
            inherited |= _hints(_fill_in(base, arguments))
    hints = typing.get_type_hints(cls, include_extras=True)
    own = {
        name: _fill_in(hints[name], arguments)
        for name in get_annotations(cls)
        # A TypedDict repeats the annotations of its bases.
        if not (typing.is_typeddict(cls) and name in inherited)
    }
    return inherited | own


def _fill_in(hint: Any, arguments: dict[Any, Any]) -> Any:
    """Return the type with its type variables replaced, and without `Required`."""
    if typing.get_origin(hint) in (typing.Required, typing.NotRequired):
        hint = typing.get_args(hint)[0]
    if isinstance(hint, TypeVar):
        return arguments.get(hint, hint)
    variables = () if isinstance(hint, type) else getattr(hint, "__parameters__", ())
    return hint[tuple(arguments.get(one, one) for one in variables)] if variables else hint


def _pointer(path: Path) -> str:
    """Return the path as a JSON pointer in a URI fragment, as in RFC 9457 (RFC 6901, 6)."""
    steps = (f"{step!s:.{_MAX_STEP}}".replace("~", "~0").replace("/", "~1") for step in path)
    return "/".join(["#", *steps])
