"""Option classes: frozen dataclasses that check the keys and values they are given."""

import difflib
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

_OptionClass = TypeVar("_OptionClass", bound=type)


class ConfigError(ValueError):
    """The configuration has unknown options or wrong values; the text names each of them."""


def option(default: Any, check: Callable[[Any], bool], allowed: str) -> Any:
    """A dataclass field whose value must pass `check`; `allowed` completes "must be ...".

    A check that can say more about a wrong value raises `ConfigError` itself.
    """
    rule = {"check": check, "allowed": allowed}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=rule)
    return field(default=default, metadata=rule)


def choice(*values: str) -> Any:
    """An option that is one of these values; the first is the default."""
    quoted = [f'"{value}"' for value in values]
    allowed = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    return option(values[0], values.__contains__, allowed)


def flag(default: bool) -> Any:
    """An option that is `True` or `False`."""
    return option(default, lambda value: isinstance(value, bool), "True or False")


def number(default: int, low: int, high: float, allowed: str) -> Any:
    """An option that is an integer from `low` to `high`."""
    return option(default, lambda value: type(value) is int and low <= value <= high, allowed)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def option_class(cls: _OptionClass) -> _OptionClass:
    """Make the class a frozen dataclass that takes keywords only and checks them.

    Its constructor raises one `ConfigError` that names every unknown key and wrong value.

    >>> @option_class
    ... class Server:
    ...     port: int = number(4321, 0, 65535, "a port number (0-65535)")
    >>> Server(prt=80)
    Traceback (most recent call last):
    framework.options.ConfigError: Server(prt=80): unknown option. Did you mean port? Server has the options port.
    """
    dataclass(frozen=True, kw_only=True)(cls)
    rules = {field.name: field.metadata for field in fields(cls)}
    make = cls.__init__  # type: ignore[misc]

    def find_problem(key: str, value: object) -> str | None:
        argument = f"{cls.__name__}({key}={value!r})"
        if key not in rules:
            names = ", ".join(rules)
            hint = did_you_mean(key, rules)
            return f"{argument}: unknown option.{hint} {cls.__name__} has the options {names}."
        try:
            if not rules[key]["check"](value):
                return f"{argument}: {key} must be {rules[key]['allowed']}."
        except ConfigError as error:
            return str(error)
        return None

    @functools.wraps(make)
    def __init__(self: Any, *args: Any, **options: Any) -> None:  # noqa: N807
        if problems := list(filter(None, map(find_problem, options, options.values()))):
            raise ConfigError("\n".join(problems))
        make(self, *args, **options)

    cls.__init__ = __init__  # type: ignore[misc]
    return cls


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`" Did you mean X?"` for the nearest of `names`; empty if none is near.

    >>> did_you_mean("thread", ["workers", "threads"])
    ' Did you mean threads?'
    """
    near = difflib.get_close_matches(name, list(names), 1)
    return f" Did you mean {near[0]}?" if near else ""
