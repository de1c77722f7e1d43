"""Cells with broken builds: each must be noticed, else the matrix proves nothing."""

from dataclasses import replace

from chaos_cells import Cell, killed_at
from chaos_disorder import stalled_at
from chaos_reference import Reference
from chaos_requests import Target
from chaos_workers import launcher

_NEVER_ENDS_AFTER_S = 30.0


def broken_builds(reference: Reference) -> list[Cell]:
    """Return one cell for each broken build."""
    comment = _last(reference, "POST /issues/1/comments node/integration/2")
    journal = _last(reference, "POST /git-receive-pack", moment=comment.moment)
    return [
        # A step that lost its lease still sets the labels of its time.
        _noticed("without-fencing", stalled_at(comment, built=launcher("without-fencing")), "node:integration"),
        _noticed(
            "without-marker-lookup",
            killed_at(comment, "after", built=launcher("without-marker-lookup")),
            "comment on #1.*node/integration/2",
        ),
        # Redis calls the attempt done, so nobody does it again, and GitHub has never heard of it.
        _noticed(
            "queue-before-journal",
            killed_at(journal, "before", built=launcher("queue-before-journal"), within_s=_NEVER_ENDS_AFTER_S),
            "the run ends|audit",
        ),
    ]


def _noticed(change: str, cell: Cell, finds: str) -> Cell:
    return replace(cell, name=f"{change}: {cell.name}", family="broken build", finds=finds)


def _last(reference: Reference, shown: str, *, moment: int | None = None) -> Target:
    fitting = [one for one in reference.targets if one.shown == shown and moment in (None, one.moment)]
    return fitting[-1]
