"""Is this data what a type says, and where is it not?

msgspec converts: dataclasses, TypedDicts, msgspec Structs, attrs classes, `list[...]`, unions
and everything else it knows. A pydantic model validates itself.
"""

import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from ..errors import InvalidDataError

T = TypeVar("T")

_AT = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_MANY = (inspect.ListType, inspect.SetType, inspect.FrozenSetType, inspect.VarTupleType)


class _Wrong(NamedTuple):
    path: tuple[str | int, ...]
    detail: str


def convert(data: Any, kind: type[T]) -> T:
    """The value of type `kind` that JSON data stands for.

    Raises `InvalidDataError` with everything that is wrong.
    """
    value: T = _convert(data, kind, strict=True)
    return value


def convert_fields(values: Mapping[str, Sequence[Any]], kind: type[T]) -> T:
    """The value of type `kind` that the fields of a form or query stand for.

    `values` has every value of each name. A field whose type is a list takes them all, another
    the first. Text becomes the number, date or `bool` that the field wants (`on`, as checkboxes
    send it, is true); an empty text counts as left out where the field is not a `str`.
    """
    fields = _fields_of(kind)
    data: dict[str, Any] = {}
    for name, given in values.items():
        field = fields.get(name)
        kinds = () if field is None else _flat(field)
        if any(isinstance(one, _MANY) for one in kinds):
            data[name] = list(given)
            continue
        first = given[0]
        if kinds and not any(isinstance(one, inspect.StrType | inspect.AnyType) for one in kinds):
            if first == "":
                continue
            if first == "on" and any(isinstance(one, inspect.BoolType) for one in kinds):
                first = True
        data[name] = first
    value: T = _convert(data, kind, strict=False)
    return value


def _convert(data: Any, kind: type[Any], *, strict: bool) -> Any:
    if hasattr(kind, "model_validate"):
        return _validate_model(data, kind)
    try:
        return _to(data, kind, strict)
    except msgspec.ValidationError as error:
        wrong = list(_find_wrong(data, kind, (), strict)) or [_read(error, ())]
        raise InvalidDataError([(_pointer(path), detail) for path, detail in wrong]) from None


def _to(data: Any, kind: Any, strict: bool) -> Any:
    return msgspec.convert(data, kind, strict=strict, dec_hook=_accept_instance)


def _accept_instance(kind: Any, value: Any) -> Any:
    """For types that msgspec doesn't know: a `File`, say, is itself."""
    if isinstance(value, kind):
        return value
    raise ValueError(f"Expected `{kind.__name__}`, got `{type(value).__name__}`")


def _validate_model(data: Any, kind: Any) -> Any:
    try:
        return kind.model_validate(data)
    except ValueError as error:
        found = getattr(error, "errors", None)
        if found is None:
            raise
        wrong = [(_pointer(one["loc"]), one["msg"]) for one in found(include_url=False)]
        raise InvalidDataError(wrong) from None


def _fields_of(kind: Any) -> dict[str, inspect.Type]:
    if hasattr(kind, "model_fields"):
        return {
            field.alias or name: _type_info(field.annotation)
            for name, field in kind.model_fields.items()
        }
    return {field.encode_name: field.type for field in getattr(_type_info(kind), "fields", ())}


def _type_info(kind: Any) -> inspect.Type:
    try:
        return inspect.type_info(kind)
    except TypeError:  # a type of pydantic's own, say
        return inspect.AnyType()


def _flat(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _find_wrong(
    data: Any, kind: Any, path: tuple[str | int, ...], strict: bool
) -> Iterator[_Wrong]:
    """Each place where the data is not what the type says: msgspec stops at the first."""
    while typing.get_origin(kind) in (typing.Required, typing.NotRequired):
        kind = typing.get_args(kind)[0]
    info = _type_info(kind)
    fields = getattr(info, "fields", None)
    arguments = typing.get_args(kind)
    if fields is not None and isinstance(data, dict):
        hints = typing.get_type_hints(typing.get_origin(kind) or kind, include_extras=True)
        for field in fields:
            if field.encode_name in data:
                inner = data[field.encode_name]
                yield from _find_wrong(inner, hints[field.name], (*path, field.encode_name), strict)
            elif field.required:
                yield _Wrong((*path, field.encode_name), "This field is missing.")
    elif isinstance(info, _MANY) and isinstance(data, list) and arguments:
        for number, item in enumerate(data):
            yield from _find_wrong(item, arguments[0], (*path, number), strict)
    elif isinstance(info, inspect.DictType) and isinstance(data, dict) and arguments:
        for name, item in data.items():
            yield from _find_wrong(item, arguments[1], (*path, name), strict)
    else:
        try:
            _to(data, kind, strict)
        except msgspec.ValidationError as error:
            yield _read(error, path)


def _read(error: msgspec.ValidationError, path: tuple[str | int, ...]) -> _Wrong:
    text = str(error)
    at = _AT.search(text)
    steps = [name or index for name, index in _STEP.findall(at[1])] if at else []
    detail = (text[: at.start()] if at else text).replace("`", "")
    return _Wrong((*path, *steps), f"{detail}.")


def _pointer(path: Sequence[str | int]) -> str:
    """The place as a JSON pointer in a URI fragment, as RFC 9457 has it (RFC 6901, 6)."""
    return "".join(["#", *(f"/{str(s).replace('~', '~0').replace('/', '~1')}" for s in path)])
