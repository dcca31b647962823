"""What did a build write, and from which inputs?

One SQLite file beside the output: it holds a hundred thousand files without holding them in
memory, and is read a file at a time.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

_VERSION = 1
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE files (
    file TEXT PRIMARY KEY, path TEXT, place TEXT, number INTEGER, status INTEGER,
    headers TEXT, location TEXT, etag TEXT, size INTEGER, mtime INTEGER, encodings TEXT, key BLOB
) WITHOUT ROWID;
CREATE UNIQUE INDEX by_path ON files (path) WHERE path IS NOT NULL;
CREATE TABLE inputs (scope TEXT, name BLOB, digest TEXT, PRIMARY KEY (scope, name)) WITHOUT ROWID;
"""
_INSERT = "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Written(NamedTuple):
    """A file of the build.

    `path` asks for it, without `base`; a file of `public/` has none. `place` wrote it, as the
    item `number` of its list. `headers`, as JSON, are those of a file that the application serves.
    `etag` is the digest of its content, `mtime` in nanoseconds. `encodings` are separated by
    blanks. `key` is equal for equal params and props; `None` where they can't be compared.
    """

    file: str
    path: str | None
    place: str
    number: int
    status: int
    headers: str | None
    location: str | None
    etag: str
    size: int
    mtime: int
    encodings: str
    key: bytes | None


class Ledger:
    """The list of one build. `scope` of inputs is a route's place, or one of this class's; with a
    place behind it, that of what was heard while the route's paths were listed.
    """

    ALL, READ, DOUBTS, PATTERNS = "all", "read ", "doubts ", "patterns"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def make(cls, path: Path) -> Self:
        """A new one."""
        connection = sqlite3.connect(path, isolation_level=None)
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        return cls(connection)

    @classmethod
    def find(cls, path: Path) -> Self | None:
        """The one that a build left; `None` where there is none that can be read."""
        if not path.is_file():
            return None
        with suppress(sqlite3.DatabaseError), ExitStack() as ending:
            connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
            ending.callback(connection.close)
            checks = ("PRAGMA user_version", "PRAGMA quick_check")
            if [connection.execute(check).fetchone() for check in checks] == [(_VERSION,), ("ok",)]:
                ending.pop_all()
                return cls(connection)
        return None

    def close(self) -> None:
        """End it; what was added is kept."""
        if self._connection.in_transaction:
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")  # it is whole
            self._connection.execute("COMMIT")
        self._connection.close()

    def add(self, file: Written) -> None:
        """Take a file in; no other has its name or path."""
        self._connection.execute(_INSERT, file)

    def find_path(self, path: str) -> Written | None:
        """The file that a path asks for."""
        return self._one("path = ?", path)

    def find_file(self, file: str) -> Written | None:
        """The file of that name."""
        return self._one("file = ?", file)

    def find_below(self, folder: str) -> Written | None:
        """The first file in the folder, by name."""
        return self._one("file > ? AND file < ? ORDER BY file LIMIT 1", f"{folder}/", f"{folder}0")

    def _one(self, where: str, *values: str) -> Written | None:
        query = f"SELECT * FROM files WHERE {where}"  # noqa: S608 - `where` is this class's
        row = self._connection.execute(query, values).fetchone()
        return None if row is None else Written(*row)

    def __iter__(self) -> Iterator[Written]:
        """The files by name."""
        for row in self._connection.execute("SELECT * FROM files ORDER BY file"):
            yield Written(*row)

    def redirects(self) -> Iterator[Written]:
        """The files that only redirect, by name."""
        query = "SELECT * FROM files WHERE location IS NOT NULL ORDER BY file"
        return (Written(*row) for row in self._connection.execute(query))

    def set_inputs(self, scope: str, inputs: Mapping[str, str]) -> None:
        """What a scope was made from."""
        rows = [(scope, os.fsencode(name), digest) for name, digest in inputs.items()]
        self._connection.executemany("INSERT INTO inputs VALUES (?, ?, ?)", rows)

    def inputs(self, scope: str) -> dict[str, str]:
        """What a scope was made from; empty for one that was not there."""
        query = "SELECT name, digest FROM inputs WHERE scope = ?"
        rows = self._connection.execute(query, (scope,))
        return {os.fsdecode(name): digest for name, digest in rows}


def headers_text(headers: Mapping[str, str] | None) -> str | None:
    """Headers as the list keeps them."""
    return None if headers is None else json.dumps(headers, sort_keys=True)


def read_headers(file: Written) -> dict[str, Any] | None:
    """The headers of a file."""
    return None if file.headers is None else json.loads(file.headers)
