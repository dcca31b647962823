"""The database of the shop: an SQLite file that is created and filled on first use.

The file is `data/catalog.db` in the site's folder, or the value of the environment variable
CATALOG_DB. Every statement opens its own connection, so threads and forks share nothing.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

DEFAULT_FILE = Path(__file__).parents[2] / "data" / "catalog.db"

# Each script makes a version of the database from the previous one. Only add scripts at the end.
VERSIONS = [
    # AUTOINCREMENT: the id of a deleted product is never used again.
    """
    CREATE TABLE products (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
        price_cents INTEGER NOT NULL, description TEXT NOT NULL);
    INSERT INTO products (name, price_cents, description) VALUES
        ('Keyboard', 7900, 'Mechanical, 87 keys, and quiet enough for an open office.'),
        ('Mouse', 3900, 'Three buttons, one wheel, no battery.'),
        ('Monitor', 32900, '27 inches, 4K, and a stand that turns.'),
        ('Webcam', 6900, '1080p, with a shutter you can close.'),
        ('Desk lamp', 4500, 'Warm or cold light, dimmed by touch.');
    """,
    """
    CREATE TABLE pictures (product TEXT PRIMARY KEY, file TEXT NOT NULL, type TEXT NOT NULL);
    CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, items TEXT NOT NULL,
        total_cents INTEGER NOT NULL, placed TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
        email TEXT NOT NULL, text TEXT NOT NULL, sent TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
    """,
]


def file() -> Path:
    """Return the path of the database."""
    return Path(os.environ.get("CATALOG_DB", DEFAULT_FILE))


def run(sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
    """Run one statement and return its rows."""
    file().parent.mkdir(parents=True, exist_ok=True)
    # isolation_level=None: each statement is its own transaction, except after BEGIN.
    with closing(sqlite3.connect(file(), isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        if _version(connection) < len(VERSIONS):
            _update(connection)
        return connection.execute(sql, values).fetchall()


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _update(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")  # one process creates the tables, the others wait
    for number, script in enumerate(VERSIONS[_version(connection) :], _version(connection) + 1):
        for statement in script.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("COMMIT")
