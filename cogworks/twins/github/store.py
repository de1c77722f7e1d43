"""The twin's memory: one SQLite file, one connection, one transaction a request."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from cogworks.twins.github.schema import SCHEMA

Row: TypeAlias = sqlite3.Row


class Store:
    """Rows and ids; every use happens inside `transaction()`, which also serialises callers."""

    def __init__(self, path: Path) -> None:
        """Open the file, or begin a new one."""
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, cached_statements=512)
        self._connection.row_factory = sqlite3.Row
        self._lock = threading.RLock()
        # What a killed process has written is safe without a sync; only a power cut would lose it.
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;")
        self._connection.executescript(SCHEMA)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep all other threads out; a transaction of this one may stand inside."""
        with self._lock:
            yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything inside or nothing of it."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def one(self, sql: str, *values: Any) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def need(self, sql: str, *values: Any) -> Row:
        """Return the first row of a query that always has one."""
        row = self.one(sql, *values)
        if row is None:
            raise LookupError(f"no row for {sql} {values}")
        return row

    def all(self, sql: str, *values: Any) -> list[Row]:
        """Return all rows."""
        return self._connection.execute(sql, values).fetchall()

    def count(self, sql: str, *values: Any) -> int:
        """Return the one number that a query asks for."""
        return int(self.need(sql, *values)[0])

    def run(self, sql: str, *values: Any) -> int:
        """Change rows and return how many."""
        return self._connection.execute(sql, values).rowcount

    def new_id(self) -> int:
        """Return an id that no other thing in this twin has."""
        return self.count("UPDATE counters SET value = value + 1 WHERE name = 'id' RETURNING value")

    def new_number(self, repo_id: int) -> int:
        """Return the next number of a repository's issues and pull requests."""
        sql = "UPDATE repositories SET last_number = last_number + 1 WHERE id = ? RETURNING last_number"
        return self.count(sql, repo_id)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def stamp() -> str:
    """Return the present second as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
