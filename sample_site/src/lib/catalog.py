"""Which products are there?

They live in an SQLite file that is made and filled when it is first needed: `data/catalog.db`
in the site's folder, or where the environment variable CATALOG_DB says. Every operation opens
a connection of its own, so threads, forks and reloads have nothing to share.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

DEFAULT_FILE = Path(__file__).parents[2] / "data" / "catalog.db"

FIRST_PRODUCTS = [
    ("Keyboard", 7900, "Mechanical, 87 keys, and quiet enough for an open office."),
    ("Mouse", 3900, "Three buttons, one wheel, no battery."),
    ("Monitor", 32900, "27 inches, 4K, and a stand that turns."),
    ("Webcam", 6900, "1080p, with a shutter you can close."),
    ("Desk lamp", 4500, "Warm or cold light, dimmed by touch."),
]


@dataclass(frozen=True, slots=True)
class Product:
    """One product. Its price is in cents."""

    id: str
    name: str
    price_cents: int
    description: str


def find(id: str) -> Product | None:
    """The product with that id."""
    rows = _run("SELECT * FROM products WHERE id = ?", (id,))
    # SQLite would take "01" for 1; a product has one id.
    return _product(rows[0]) if rows and str(rows[0]["id"]) == id else None


def search(text: str = "", *, limit: int, offset: int = 0) -> list[Product]:
    """Products whose name holds the text, in upper or lower case; in order of id."""
    rows = _run(
        "SELECT * FROM products WHERE instr(lower(name), lower(?)) ORDER BY id LIMIT ? OFFSET ?",
        (text, limit, offset),
    )
    return [_product(row) for row in rows]


def count(text: str = "") -> int:
    """How many products `search` would find without a limit."""
    [row] = _run("SELECT count(*) FROM products WHERE instr(lower(name), lower(?))", (text,))
    return row[0]


def every() -> Iterator[Product]:
    """All products, read a hundred at a time: a slow reader never keeps the file busy."""
    last = 0
    while rows := _run("SELECT * FROM products WHERE id > ? ORDER BY id LIMIT 100", (last,)):
        yield from map(_product, rows)
        last = rows[-1]["id"]


def add(name: str, price_cents: int, description: str = "") -> Product:
    """A new product."""
    [row] = _run(
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
    rows = _run(
        "UPDATE products SET name = coalesce(?, name), price_cents = coalesce(?, price_cents),"
        " description = coalesce(?, description) WHERE id = ? RETURNING *",
        (name, price_cents, description, id),
    )
    return _product(rows[0]) if rows else None


def remove(id: str) -> bool:
    """Delete the product; false where there is none with that id."""
    return bool(_run("DELETE FROM products WHERE id = ? RETURNING id", (id,)))


def _product(row: sqlite3.Row) -> Product:
    return Product(str(row["id"]), row["name"], row["price_cents"], row["description"])


def _run(sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
    file = Path(os.environ.get("CATALOG_DB", DEFAULT_FILE))
    file.parent.mkdir(parents=True, exist_ok=True)
    # isolation_level=None: each statement is a transaction of its own unless BEGIN says more.
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        if _version(connection) == 0:
            _fill(connection)
        return connection.execute(sql, values).fetchall()


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _fill(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")  # one process fills the file, the others wait for it
    if _version(connection) == 0:
        # AUTOINCREMENT: the id of a deleted product never comes to mean another one.
        connection.execute(
            "CREATE TABLE products (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,"
            " price_cents INTEGER NOT NULL, description TEXT NOT NULL)"
        )
        connection.executemany(
            "INSERT INTO products (name, price_cents, description) VALUES (?, ?, ?)",
            FIRST_PRODUCTS,
        )
        connection.execute("PRAGMA user_version = 1")
    connection.execute("COMMIT")
