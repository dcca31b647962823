"""Which products are there?"""

from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Row

from .database import run


@dataclass(frozen=True, slots=True)
class Product:
    """One product. Its price is in cents."""

    id: str
    name: str
    price_cents: int
    description: str


def find(id: str) -> Product | None:
    """The product with that id."""
    rows = run("SELECT * FROM products WHERE id = ?", (id,))
    # SQLite would take "01" for 1; a product has one id.
    return _product(rows[0]) if rows and str(rows[0]["id"]) == id else None


def search(text: str = "", *, limit: int, offset: int = 0) -> list[Product]:
    """Products whose name holds the text, in upper or lower case; in order of id."""
    rows = run(
        "SELECT * FROM products WHERE instr(lower(name), lower(?)) ORDER BY id LIMIT ? OFFSET ?",
        (text, limit, offset),
    )
    return [_product(row) for row in rows]


def count(text: str = "") -> int:
    """How many products `search` would find without a limit."""
    [row] = run("SELECT count(*) FROM products WHERE instr(lower(name), lower(?))", (text,))
    return row[0]


def every() -> Iterator[Product]:
    """All products, read a hundred at a time: a slow reader never keeps the file busy."""
    last = 0
    while rows := run("SELECT * FROM products WHERE id > ? ORDER BY id LIMIT 100", (last,)):
        yield from map(_product, rows)
        last = rows[-1]["id"]


def add(name: str, price_cents: int, description: str = "") -> Product:
    """A new product."""
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
    """The product with what is given changed; `None` where there is none with that id."""
    rows = run(
        "UPDATE products SET name = coalesce(?, name), price_cents = coalesce(?, price_cents),"
        " description = coalesce(?, description) WHERE id = ? RETURNING *",
        (name, price_cents, description, id),
    )
    return _product(rows[0]) if rows else None


def remove(id: str) -> bool:
    """Delete the product; false where there is none with that id."""
    return bool(run("DELETE FROM products WHERE id = ? RETURNING id", (id,)))


def _product(row: Row) -> Product:
    return Product(str(row["id"]), row["name"], row["price_cents"], row["description"])
