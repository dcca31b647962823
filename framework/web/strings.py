"""How does a Python value become a string of the web standards?"""

import numbers
from collections.abc import Iterable, Iterator
from typing import Any


def to_text(value: object) -> str:
    """The text of a value: a `str` as it is, a number as Python writes it.

    `True` and `False` are `"true"` and `"false"`, as everywhere on the web. Anything else is
    a `TypeError`.

    >>> to_text(1.5), to_text(True)
    ('1.5', 'true')
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, numbers.Number):
        return str(value)
    raise TypeError(f"Expected a str or a number, not {type(value).__name__}.")


def to_usv(text: str) -> str:
    r"""The text with each surrogate that has no partner replaced by U+FFFD.

    https://infra.spec.whatwg.org/#javascript-string-convert

    >>> ascii(to_usv("a\ud800"))
    "'a\\ufffd'"
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def to_pairs(init: object, kind: str) -> Iterable[tuple[Any, Any]]:
    """The pairs of name and value that `init` stands for.

    `init` is a mapping (or anything else with `items()`) or an iterable of pairs; what is
    neither is a `TypeError`, an item that is no pair a `ValueError`. `kind` is the class that
    asks; it begins the message.
    """
    items = getattr(init, "items", None)
    if items is not None:
        return items()  # type: ignore[no-any-return]
    if isinstance(init, str | bytes) or not isinstance(init, Iterable):
        raise TypeError(
            f"{kind}: expected a mapping or an iterable of (name, value) pairs, "
            f"not {type(init).__name__}."
        )
    return _unpacked(init, kind)


def _unpacked(init: Iterable[object], kind: str) -> Iterator[tuple[Any, Any]]:
    for index, pair in enumerate(init):
        if isinstance(pair, str | bytes) or not isinstance(pair, Iterable):
            raise TypeError(
                f"{kind}: item {index} is no (name, value) pair but {type(pair).__name__}."
            )
        both = tuple(pair)
        if len(both) != 2:
            raise ValueError(f"{kind}: item {index} has {len(both)} elements, not 2.")
        yield both
