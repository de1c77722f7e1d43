"""From the lines of a work item to what became of them (TRC-01)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from cogworks.model.findings import MatrixRow

Column = Literal["architecture", "interface", "sub_work_item", "code"]
COLUMNS: tuple[Column, ...] = ("architecture", "interface", "sub_work_item", "code")
ABSENT = "n/a"

_LINE = re.compile(r"^\s*(?:[-*+]\s+(?:\[[ xX]\]\s+)?|\d+[.)]\s+)(?P<text>\S.*)$")
_MUST = re.compile(r"(?<=[.!?])\s+")
_OBLIGATION = re.compile(r"\b(?:must|shall|has to|have to|needs to)\b", re.IGNORECASE)
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)


def rows_of(body: str) -> tuple[MatrixRow, ...]:
    """Return one row per checkbox, list item, numbered line and must-sentence of ``body``, as R1, R2, …

    A work item without any gets one row: its first line.
    """
    lines = _FENCE.sub("", body).splitlines()
    texts = [text for line in lines for text in _requirements(line)]
    first = next((line.strip() for line in lines if line.strip()), "(no text)")
    unique = list(dict.fromkeys(texts)) or [first]
    return tuple(MatrixRow(requirement_id=f"R{number}", text=text) for number, text in enumerate(unique, start=1))


def _requirements(line: str) -> list[str]:
    item = _LINE.match(line)
    if item:
        return [item["text"].strip()]
    if line.lstrip().startswith("#"):
        return []
    return [sentence.strip() for sentence in _MUST.split(line) if _OBLIGATION.search(sentence)]


def fill(rows: Sequence[MatrixRow], column: Column, cells: Mapping[str, str], *, reason: str) -> tuple[MatrixRow, ...]:
    """Return ``rows`` with ``column`` filled from ``cells`` by requirement id; others become ``n/a`` with a reason."""
    return tuple(
        _with_cell(row, column, cells[row.requirement_id])
        if row.requirement_id in cells
        else replace(_with_cell(row, column, ABSENT), reason=row.reason or f"{column}: {reason}")
        for row in rows
    )


def merge(old: Sequence[MatrixRow], new: Sequence[MatrixRow]) -> tuple[MatrixRow, ...]:
    """Return ``new`` with what ``old`` knew besides: parallel sub-work-items each fill in their own part."""
    known = {row.requirement_id: row for row in old}
    return tuple(_merged(known[row.requirement_id], row) if row.requirement_id in known else row for row in new)


def _merged(old: MatrixRow, new: MatrixRow) -> MatrixRow:
    row = new
    for column in COLUMNS:
        cell = _joined(getattr(old, column), getattr(new, column))
        row = row if cell is None else _with_cell(row, column, cell)
    return row


def _joined(old: str | None, new: str | None) -> str | None:
    parts = [part for cell in (old, new) if cell and cell != ABSENT for part in cell.split(", ")]
    return ", ".join(dict.fromkeys(parts)) or new or old


def _with_cell(row: MatrixRow, column: Column, cell: str) -> MatrixRow:
    match column:
        case "architecture":
            return replace(row, architecture=cell)
        case "interface":
            return replace(row, interface=cell)
        case "sub_work_item":
            return replace(row, sub_work_item=cell)
        case "code":
            return replace(row, code=cell)


def settle(rows: Sequence[MatrixRow], *, delivered: Iterable[str], missing: Iterable[str]) -> tuple[MatrixRow, ...]:
    """Return ``rows`` with their final status: satisfied, and then for no reason, when delivered and not missing."""
    done = set(delivered) - set(missing)
    return tuple(
        replace(row, status="satisfied", reason=None)
        if row.requirement_id in done
        else replace(row, status="not_addressed")
        for row in rows
    )
