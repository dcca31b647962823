"""The orders of the shop."""

from collections.abc import Sequence
from dataclasses import dataclass

from .cart import Line
from .database import run


@dataclass(frozen=True, slots=True)
class Order:
    """An order. `placed` is the time in UTC."""

    id: int
    items: str
    total_cents: int
    placed: str


def place(lines: Sequence[Line]) -> None:
    """Store an order of the lines of a cart."""
    items = ", ".join(f"{line.count} × {line.product.name}" for line in lines)
    total = sum(line.cents for line in lines)
    run("INSERT INTO orders (items, total_cents) VALUES (?, ?)", (items, total))


def latest(limit: int) -> list[Order]:
    """Return the newest orders, the newest first."""
    return [Order(*row) for row in run("SELECT * FROM orders ORDER BY id DESC LIMIT ?", (limit,))]


def after(id: int) -> list[Order]:
    """Return the orders after the one with this id, the oldest first, a hundred at most."""
    return [
        Order(*row) for row in run("SELECT * FROM orders WHERE id > ? ORDER BY id LIMIT 100", (id,))
    ]
