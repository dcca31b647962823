"""Lists of names and values, as queries and forms have them."""

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar, overload

from .strings import to_text, to_usv

D = TypeVar("D")
V = TypeVar("V")


def to_pairs(init: object, kind: str) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of a mapping (any object with `items()`) or of an iterable of pairs.

    Another object is a `TypeError`, and so is an item that is not a pair; an item of another
    length is a `ValueError`. `kind` is the name of the class for the message.
    """
    if hasattr(init, "items"):
        yield from init.items()
        return
    if isinstance(init, str | bytes) or not isinstance(init, Iterable):
        raise TypeError(
            f"{kind}: expected a mapping or an iterable of (name, value) pairs, "
            f"not {type(init).__name__}."
        )
    for index, pair in enumerate(init):
        if isinstance(pair, str | bytes) or not isinstance(pair, Iterable):
            raise TypeError(
                f"{kind}: item {index} is not a (name, value) pair but {type(pair).__name__}."
            )
        both = tuple(pair)
        if len(both) != 2:
            raise ValueError(f"{kind}: item {index} has {len(both)} elements, not 2.")
        yield both


def to_name(name: object) -> str:
    """Return the text of a name, without lone surrogates."""
    if type(name) is str and name.isascii():
        return name
    return to_usv(to_text(name))


class Pairs(Generic[V]):
    """Names with values, in their order; a name may occur more than once."""

    __slots__ = ("_pairs",)

    _pairs: list[tuple[str, V]]

    @overload
    def get(self, name: str) -> V | None: ...
    @overload
    def get(self, name: str, default: D) -> V | D: ...
    def get(self, name: str, default: D | None = None) -> V | D | None:
        """Return the first value of that name, or `default`."""
        name = to_name(name)
        for other, value in self._pairs:
            if other == name:
                return value
        return default

    def get_all(self, name: str) -> list[V]:
        """Return each value of that name."""
        name = to_name(name)
        return [value for other, value in self._pairs if other == name]

    def has(self, name: str) -> bool:
        """Return whether there is a pair of that name."""
        return to_name(name) in self.keys()

    def items(self) -> list[tuple[str, V]]:
        """Return the pairs."""
        return self._pairs.copy()

    def keys(self) -> list[str]:
        """Return the name of each pair."""
        return [name for name, _ in self._pairs]

    def values(self) -> list[V]:
        """Return the value of each pair."""
        return [value for _, value in self._pairs]

    def _replace(self, name: str, value: V) -> None:
        """Set the first pair of that name, or a new one, and remove the others."""
        pairs = self._pairs
        first = next((i for i, (other, _) in enumerate(pairs) if other == name), len(pairs))
        rest = [pair for pair in pairs[first + 1 :] if pair[0] != name]
        pairs[first:] = [(name, value), *rest]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.has(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._pairs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._pairs == other._pairs

    __hash__ = None  # type: ignore[assignment]
