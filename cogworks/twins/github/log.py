"""The log of every request, which harnesses read to see what was done."""

from dataclasses import dataclass
from datetime import UTC, datetime

from cogworks.twins.github.store import Store
from cogworks.twins.github.wire import JsonObject

LABEL_ROUTE = "/repos/{owner}/{repo}/labels"


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request as it is being answered; status 0 = it never was."""

    method: str
    path: str
    conditional: bool
    kind: str = "rest"
    login: str | None = None
    route: str = ""
    status: int = 0
    content_write: bool = False
    violation: str | None = None


def write(store: Store, entry: Entry) -> None:
    """Put a request into the log."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    with store.transaction():
        store.run(
            "INSERT INTO log (at, login, method, path, status, route, content_write, conditional, kind, violation) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            at, entry.login, entry.method, entry.path, entry.status, entry.route, entry.content_write,
            entry.conditional, entry.kind, entry.violation,
        )  # fmt: skip


def entries(store: Store, *, after: int = 0) -> list[JsonObject]:
    """Return the log from the entry after `after` on."""
    rows = store.all("SELECT * FROM log WHERE seq > ? ORDER BY seq", after)
    names = ("seq", "at", "login", "method", "path", "status", "route")
    return [
        {
            **{name: row[name] for name in names},
            "content_write": bool(row["content_write"]),
            "conditional": bool(row["conditional"]),
        }
        for row in rows
    ]


def violations(store: Store) -> list[JsonObject]:
    """Return what CogWorks' own identity tried and must never try."""
    rows = store.all("SELECT seq, method, path, violation FROM log WHERE violation IS NOT NULL ORDER BY seq")
    return [dict(row) for row in rows]


def counts(store: Store) -> JsonObject:
    """Return the sums over the log."""
    row = store.need(
        "SELECT coalesce(sum(content_write), 0) AS content_writes, "
        "coalesce(sum(kind = 'rest' AND status <> 304 AND NOT (method = 'POST' AND route = ?)), 0) AS rest, "
        "coalesce(sum(kind = 'rest' AND method = 'POST' AND route = ? AND status <> 304), 0) AS label_creations, "
        "coalesce(sum(kind = 'git'), 0) AS git, "
        "coalesce(sum(kind = 'rest' AND status = 304), 0) AS not_modified FROM log",
        LABEL_ROUTE, LABEL_ROUTE,
    )  # fmt: skip
    return dict(row)


def clear(store: Store) -> None:
    """Forget all requests."""
    store.run("DELETE FROM log")
