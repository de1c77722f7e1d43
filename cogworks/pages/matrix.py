"""The traceability matrix as a table (TRC-02)."""

from collections.abc import Sequence

from cogworks.model.findings import MatrixRow
from cogworks.pages.quoting import line


def render_matrix(rows: Sequence[MatrixRow]) -> str:
    """Return the matrix as a Markdown table, one requirement a row."""
    head = "| Id | Requirement | Specification | Interface | SWI | Code | Status |\n|---|---|---|---|---|---|---|"
    lines = [
        f"| {row.requirement_id} | {line(row.text, limit=160)} | {_cell(row.architecture)} | {_cell(row.interface)} "
        f"| {_cell(row.sub_work_item)} | {_cell(row.code)} | {row.status.replace('_', ' ')} |"
        for row in rows
    ]
    return "\n".join([head, *lines]) + "\n"


def _cell(text: str | None) -> str:
    return line(text, limit=80) if text else "-"
