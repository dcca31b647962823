"""The products of the shop."""

from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Row

from .database import run


@dataclass(frozen=True, slots=True)
class Product:
    """A product. Its price is in cents."""

    id: str
    name: str
    price_cents: int
    description: str


def find(id: str) -> Product | None:
    """Return the product with this id, or `None`."""
    rows = run("SELECT * FROM products WHERE id = ?", (id,))
    # SQLite converts "01" to 1, but each product has only one id.
    return _product(rows[0]) if rows and str(rows[0]["id"]) == id else None


def search(text: str = "", *, limit: int, offset: int = 0) -> list[Product]:
    """Return the products whose name contains the text in any case, ordered by id."""
    rows = run(
        "SELECT * FROM products WHERE instr(lower(name), lower(?)) ORDER BY id LIMIT ? OFFSET ?",
        (text, limit, offset),
    )
    return [_product(row) for row in rows]


def count(text: str = "") -> int:
    """Return the number of products that `search` finds without a limit."""
    [row] = run("SELECT count(*) FROM products WHERE instr(lower(name), lower(?))", (text,))
    return row[0]


def every() -> Iterator[Product]:
    """Yield all products. They are read in hundreds, so that a slow client does not lock the file."""
    last = 0
    while rows := run("SELECT * FROM products WHERE id > ? ORDER BY id LIMIT 100", (last,)):
        yield from map(_product, rows)
        last = rows[-1]["id"]


def add(name: str, price_cents: int, description: str = "") -> Product:
    """Add a product and return it."""
    [row] = run(
        "INSERT INTO products (name, price_cents, description) VALUES (?, ?, ?) RETURNING *",
        (name, price_cents, description),
    )
    return _product(row)


def change(
    id: str,
    name: str | None = None,
    price_cents: int | None = None,
    description: str | None = None,
) -> Product | None:
    """Change the given fields of a product and return it, or `None` if it does not exist."""
    rows = run(
        "UPDATE products SET name = coalesce(?, name), price_cents = coalesce(?, price_cents),"
        " description = coalesce(?, description) WHERE id = ? RETURNING *",
        (name, price_cents, description, id),
    )
    return _product(rows[0]) if rows else None


def remove(id: str) -> bool:
    """Delete a product. Return `False` if it does not exist."""
    return bool(run("DELETE FROM products WHERE id = ? RETURNING id", (id,)))


def _product(row: Row) -> Product:
    return Product(str(row["id"]), row["name"], row["price_cents"], row["description"])
