"""The database of the shop: an SQLite file, which `src/lifespan.py` opens in each worker.

The file is `data/catalog.db` in the site's folder, or the value of the environment variable
CATALOG_DB. It is created and filled if it does not exist.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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


_database: "Database | None" = None


def file() -> Path:
    """Return the path of the database."""
    return Path(os.environ.get("CATALOG_DB", DEFAULT_FILE))


@contextmanager
def opened() -> Iterator["Database"]:
    """Open the database for `run`, and close it at the end."""
    global _database
    database = _database = Database(file())
    try:
        yield database
    finally:
        _database = None
        database.close()


def run(sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
    """Run one statement on the open database and return its rows."""
    if _database is None:
        raise RuntimeError("The database is not open. Call this within database.opened().")
    return _database.run(sql, values)


class Database:
    """An SQLite file with one connection for each thread, because threads can't share one."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._of_thread = threading.local()
        self._connections: list[sqlite3.Connection] = []
        _update(self._connect())

    def run(self, sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Run one statement and return its rows."""
        return self._connect().execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._connections:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            # isolation_level=None: each statement is its own transaction, except after BEGIN.
            # Another thread only closes the connection, at the end.
            connection = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            self._of_thread.connection = connection
            self._connections.append(connection)
        return connection


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _update(connection: sqlite3.Connection) -> None:
    if _version(connection) == len(VERSIONS):
        return
    connection.execute("BEGIN IMMEDIATE")  # one process creates the tables, the others wait
    for number, script in enumerate(VERSIONS[_version(connection) :], _version(connection) + 1):
        for statement in script.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("COMMIT")
