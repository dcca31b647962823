"""Option classes: frozen dataclasses that check their arguments."""

import difflib
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any, TypeVar, dataclass_transform

_OptionClass = TypeVar("_OptionClass", bound=type)


class ConfigError(ValueError):
    """The configuration has unknown options or wrong values; the text names each of them."""


def option(
    default: Any,
    check: Callable[[Any], bool],
    allowed: str,
    convert: Callable[[Any], Any] | None = None,
) -> Any:
    """Return a dataclass field whose value is the default or passes `check`.

    `allowed` completes the message "... must be". A check that can say more about a wrong value
    raises `ConfigError` itself. `convert` makes the value of the field from a valid argument.
    """
    rule = {"default": default, "check": check, "allowed": allowed, "convert": convert}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=rule)
    return field(default=default, metadata=rule)


def choice(*values: str) -> Any:
    """Return an option that is one of these values; the first is the default."""
    quoted = [f'"{value}"' for value in values]
    allowed = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    return option(values[0], values.__contains__, allowed)


def instance(default: Any, kind: type, allowed: str) -> Any:
    """Return an option that is an object of the class `kind`."""
    return option(default, lambda value: isinstance(value, kind), allowed)


def flag(default: bool) -> Any:
    """Return an option that is `True` or `False`."""
    return instance(default, bool, "True or False")


def number(default: int, low: int, allowed: str, *, high: float = inf) -> Any:
    """Return an option that is an integer from `low` to `high`."""
    return option(default, lambda value: type(value) is int and low <= value <= high, allowed)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def option_class(cls: _OptionClass) -> _OptionClass:
    """Make the class a frozen dataclass that takes keywords only and checks them.

    Its constructor raises one `ConfigError` that names every unknown key and wrong value.
    """
    dataclass(frozen=True, kw_only=True)(cls)
    rules = {field.name: field.metadata for field in fields(cls)}
    make = cls.__init__  # type: ignore[misc]

    def check(key: str, value: object) -> object:
        """Return the value of the field. Raises `ConfigError`."""
        argument = f"{cls.__name__}({key}={value!r})"
        rule = rules.get(key)
        if rule is None:
            names = ", ".join(rules)
            hint = did_you_mean(key, rules)
            raise ConfigError(
                f"{argument}: unknown option.{hint} {cls.__name__} has the options {names}."
            )
        if value is not rule["default"] and not rule["check"](value):
            raise ConfigError(f"{argument}: {key} must be {rule['allowed']}.")
        return rule["convert"](value) if rule["convert"] else value

    @functools.wraps(make)
    def __init__(self: Any, *args: Any, **options: Any) -> None:  # noqa: N807
        problems = []
        for key, value in options.items():
            try:
                options[key] = check(key, value)
            except ConfigError as error:
                problems.append(str(error))
        if problems:
            raise ConfigError("\n".join(problems))
        make(self, *args, **options)

    cls.__init__ = __init__  # type: ignore[misc]
    return cls


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `" Did you mean X?"` for the nearest of `names`; empty if none is near."""
    near = difflib.get_close_matches(name, list(names), 1)
    return f" Did you mean {near[0]}?" if near else ""
