"""The twin's memory: one SQLite file under the state folder."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue

from cogworks.twins.anthropic.wire import JsonObject, compact

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, path TEXT NOT NULL, call TEXT NOT NULL,
    request TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL, rule TEXT, replayed INTEGER NOT NULL,
    cost_microusd INTEGER NOT NULL, outcome TEXT);
CREATE TABLE IF NOT EXISTS uses (rule TEXT PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, message TEXT NOT NULL, rule TEXT);
CREATE TABLE IF NOT EXISTS conversations (key TEXT PRIMARY KEY, rule TEXT NOT NULL, use INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS prefixes (sha256 TEXT PRIMARY KEY, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS limits (name TEXT PRIMARY KEY, size INTEGER NOT NULL, remaining INTEGER NOT NULL,
    resets_at REAL NOT NULL);
"""
_TABLES = ("requests", "uses", "answers", "conversations", "prefixes", "limits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One request as it came and was answered; `outcome` is delivered, cut_off, or None while it is under way."""

    at: str
    path: str
    call: JsonObject
    request: JsonValue
    status: int
    answer: JsonObject
    rule: JsonObject | None = None
    replayed: bool = False
    cost_microusd: int = 0
    seq: int = 0
    outcome: str | None = None

    def report(self) -> JsonObject:
        """Return the entry as JSON."""
        return {
            "seq": self.seq, "at": self.at, "path": self.path, "call": self.call, "request": self.request,
            "status": self.status, "answer": self.answer, "rule": self.rule, "replayed": self.replayed,
            "cost_microusd": self.cost_microusd, "outcome": self.outcome,
        }  # fmt: skip


class Store:
    """Everything that a restart must not lose."""

    def __init__(self, path: Path) -> None:
        """Open or create the file."""
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {_SCHEMA}")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside are kept together, or none when it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def forget(self) -> None:
        """Empty the memory."""
        for table in _TABLES:
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608  # names from the constant above

    def log(self, entry: Logged) -> int:
        """Keep a request and return its number."""
        rule = None if entry.rule is None else compact(entry.rule)
        cursor = self._db.execute(
            "INSERT INTO requests (at, path, call, request, status, answer, rule, replayed, cost_microusd)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.at, entry.path, compact(entry.call), compact(entry.request), entry.status,
                compact(entry.answer), rule, entry.replayed, entry.cost_microusd,
            ),
        )  # fmt: skip
        return int(cursor.lastrowid or 0)

    def settle(self, seq: int, *, delivered: bool) -> None:
        """Note whether the client was given the whole answer."""
        outcome = "delivered" if delivered else "cut_off"
        self._db.execute("UPDATE requests SET outcome = ? WHERE seq = ?", (outcome, seq))

    def logged(self, *, after: int = 0) -> Iterator[Logged]:
        """Yield the requests in order, those with numbers above `after`."""
        rows = self._db.execute(
            "SELECT at, path, call, request, status, answer, rule, replayed, cost_microusd, seq, outcome"
            " FROM requests WHERE seq > ? ORDER BY seq",
            (after,),
        )
        for at, path, call, request, status, answer, rule, replayed, cost_microusd, seq, outcome in rows:
            yield Logged(
                at=at, path=path, call=json.loads(call), request=json.loads(request), status=status,
                answer=json.loads(answer), rule=None if rule is None else json.loads(rule), replayed=bool(replayed),
                cost_microusd=cost_microusd, seq=seq, outcome=outcome,
            )  # fmt: skip

    def next_seq(self) -> int:
        """Return the number that the next logged request gets."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'requests'").fetchone()
        return 1 if row is None else int(row[0]) + 1

    def uses(self, rule: str) -> int:
        """Return how often a rule was used."""
        row = self._db.execute("SELECT count FROM uses WHERE rule = ?", (rule,)).fetchone()
        return 0 if row is None else int(row[0])

    def count_use(self, rule: str) -> int:
        """Count one use of a rule and return how many there are now."""
        self._db.execute("INSERT INTO uses VALUES (?, 1) ON CONFLICT (rule) DO UPDATE SET count = count + 1", (rule,))
        return self.uses(rule)

    def answered(self, key: str) -> tuple[JsonObject, JsonObject | None] | None:
        """Return the message that was given to this request before, and the rule it came from."""
        row = self._db.execute("SELECT message, rule FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None else (json.loads(row[0]), None if row[1] is None else json.loads(row[1]))

    def keep_answer(self, key: str, message: JsonObject, rule: JsonObject | None) -> None:
        """Remember the message given to a request."""
        noted = None if rule is None else compact(rule)
        self._db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, compact(message), noted))

    def conversation(self, key: str) -> tuple[str, int] | None:
        """Return the rule that a conversation follows, and which use of it this is."""
        row = self._db.execute("SELECT rule, use FROM conversations WHERE key = ?", (key,)).fetchone()
        return None if row is None else (str(row[0]), int(row[1]))

    def follow(self, key: str, *, rule: str, use: int) -> None:
        """Let a conversation follow a rule from now on."""
        self._db.execute("INSERT OR REPLACE INTO conversations VALUES (?, ?, ?)", (key, rule, use))

    def remembers_prefix(self, sha256: str, *, now: datetime) -> bool:
        """Say whether a prompt prefix is in the cache."""
        row = self._db.execute("SELECT expires_at FROM prefixes WHERE sha256 = ?", (sha256,)).fetchone()
        return row is not None and float(row[0]) > now.timestamp()

    def remember_prefix(self, sha256: str, *, until: datetime) -> None:
        """Put a prompt prefix into the cache, or keep it there longer."""
        self._db.execute(
            "INSERT INTO prefixes VALUES (?1, ?2) ON CONFLICT (sha256) DO UPDATE SET expires_at = max(expires_at, ?2)",
            (sha256, until.timestamp()),
        )

    def limit(self, name: str) -> tuple[int, int, float] | None:
        """Return size, remaining amount and reset time of a rate limit."""
        row = self._db.execute("SELECT size, remaining, resets_at FROM limits WHERE name = ?", (name,)).fetchone()
        return None if row is None else (int(row[0]), int(row[1]), float(row[2]))

    def set_limit(self, name: str, *, size: int, remaining: int, resets_at: float) -> None:
        """Keep the state of a rate limit."""
        self._db.execute("INSERT OR REPLACE INTO limits VALUES (?, ?, ?, ?)", (name, size, remaining, resets_at))
