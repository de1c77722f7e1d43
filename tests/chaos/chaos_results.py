"""What a matrix found: kept in a file after every cell, so that the next call goes on, and shown as a table."""

import fcntl
import hashlib
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from chaos_cells import Row
from processes import PROJECT

_PRODUCT = ("cogworks/**/*.py", "cogworks/**/*.lua", "cogworks/**/*.md", "cogworks/**/*.toml", "tasks/*.py", "*.py")
_COLUMNS = ("cells", "failed", "duplicates", "losses", "double payments", "ledger", "unfired", "recovery p50", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The file of results; several shards on one machine may share it."""

    path: Path
    product: str

    def begin(self, *, anew: Sequence[str] = ()) -> None:
        """Forget what was found about another state of the product, and the cells that are to be run ``anew``."""
        with self._changed() as kept:
            rows = kept.get("rows", ()) if kept.get("product") == self.product else ()
            self._keep(kept, [row for row in rows if row["name"] not in frozenset(anew)])

    def finished(self) -> frozenset[str]:
        """Return the names of the cells that passed; those that failed are run again."""
        with self._changed() as kept:
            return frozenset(row["name"] for row in kept.get("rows", ()) if not row["failed"])

    def add(self, row: Row) -> None:
        """Keep a row."""
        with self._changed() as kept:
            others = [one for one in kept.get("rows", ()) if one["name"] != row.name]
            self._keep(kept, [*others, row.as_json()])

    def _keep(self, kept: dict[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
        rows = sorted(rows, key=lambda one: (one["family"], one["name"]))
        kept.clear()
        kept.update({**sums(rows), "product": self.product, "rows": rows})

    def rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return the rows of these cells."""
        wanted = frozenset(names)
        with self._changed() as kept:
            return [row for row in kept.get("rows", ()) if row["name"] in wanted]

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        with self.path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = _read(file)
            kept = dict(before)
            yield kept
            if kept != before:
                file.truncate(0)
                json.dump(kept, file, indent=1)
                file.write("\n")


def _read(file: TextIO) -> dict[str, Any]:
    file.seek(0)
    text = file.read()
    kept: dict[str, Any] = json.loads(text) if text else {}
    return kept


def sums(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of some rows."""
    recovered = [row["recovery_s"] for row in rows if row["recovery_s"] is not None]
    return {
        "cells": len(rows),
        "failed": sum(row["failed"] for row in rows),
        "duplicates": sum(len(row["duplicates"]) for row in rows),
        "losses": sum(len(row["losses"]) for row in rows),
        "double_payments": sum(len(row["paid_twice"]) for row in rows),
        "ledger": sum(bool(row["ledger"]) for row in rows),
        "unfired": sum(not row["fired"] for row in rows),
        "recovery_seconds": {
            "p50": round(statistics.median(recovered), 2) if recovered else None,
            "max": max(recovered, default=None),
        },
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the figures by family and in all."""
    families = sorted({row["family"] for row in rows})
    lines = [f"{'':24}" + "".join(f"{name:>16}" for name in _COLUMNS)]
    lines += [_line(name, [row for row in rows if row["family"] == name]) for name in families]
    return "\n".join([*lines, _line("all", rows)])


def _line(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    found = sums(rows)
    seconds = found.pop("recovery_seconds")
    values = [*found.values(), *("-" if one is None else f"{one:.1f} s" for one in seconds.values())]
    return f"{name:24}" + "".join(f"{value!s:>16}" for value in values)


def fault_lines(row: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a row, a line each."""
    kinds = ("duplicates", "losses", "paid_twice", "ledger", "wrong")
    return [f"    {kind}: {text[:400]}" for kind in kinds for text in row[kind]]


def product_digest() -> str:
    """Return a digest of everything that the results speak about."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _PRODUCT for path in PROJECT.glob(pattern)}):
        digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
