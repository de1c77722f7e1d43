"""Titles and bodies of pull requests (GH-28, GH-29)."""

from collections.abc import Sequence
from dataclasses import dataclass

from cogworks.model.findings import MatrixRow
from cogworks.model.ids import IssueNumber, NodeRef
from cogworks.model.money import dollars
from cogworks.model.outcome import Check, Outcome
from cogworks.model.state import Cost, ItemClass, RunState
from cogworks.pages.markers import mark
from cogworks.pages.matrix import render_matrix
from cogworks.pages.quoting import LIMIT, cut, inert

KIND = "pr"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullFacts:
    """What a body says beyond the state: summary, predecessors, checks, requirement rows, cost of this part.

    ``unbooked`` is what of it the state does not hold yet, because its attempt has not ended.
    """

    summary: str
    depends_on: tuple[int, ...] = ()
    checks: tuple[Check, ...] = ()
    score: float | None = None
    rows: tuple[MatrixRow, ...] = ()
    cost: Cost = Cost()
    unbooked: Cost = Cost()
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def pull_title(state: RunState, ref: NodeRef, *, kind: str, title: str) -> str:
    """Return the title of a specification, interfaces or code pull request, at most 250 characters."""
    if ref.swi is not None:
        return f"[#{state.work_item} {ref.swi}/{len(state.sub_work_items)}] {inert(title)}"[:250]
    return f"[#{state.work_item}] {kind}: {inert(title)}"[:250]


def render_pull(state: RunState, ref: NodeRef, facts: PullFacts) -> str:
    """Return the body; when too long, the checks are cut and traceability never."""
    so_far = state.cost.microusd + facts.unbooked.microusd
    head = "\n".join(
        [mark(KIND, run=state.run_id, node=ref.node, swi=ref.swi), *_banner(state), inert(facts.summary), ""]
    )
    traced = "\n".join(["## Traceability", *_traceability(state, ref, facts), ""])
    checks = "\n".join(["## Checks", *_checks(facts), ""])
    tail = "\n".join(
        [
            "## Scenarios",
            "none applicable",
            "",
            "## Cost",
            f"This part {dollars(facts.cost.microusd)}, run so far {dollars(so_far)}.",
            "",
            f"Full records: branch `{audit_branch(state)}`.",
        ]
    )
    packs = "## Context packs\nnone loaded\n\n## Required artefacts\nnone\n"
    room = LIMIT - len(head) - len(traced) - len(packs) - len(tail) - 10
    return "\n".join([head, traced, packs, cut(checks, limit=max(room, 0)), tail])


def audit_branch(state: RunState) -> str:
    """Return the branch of full records."""
    return branch(state, "audit")


def branch(state: RunState, slug: str) -> str:
    """Return the name of a branch of this run (GH-25)."""
    return branch_name(state.work_item, state.restart_no, slug)


def branch_name(work_item: IssueNumber, restart_no: int, slug: str) -> str:
    """Return the name of a branch of the ``restart_no``-th restart of a work item."""
    again = f"r{restart_no}/" if restart_no else ""
    return f"cogworks/{work_item}/{again}{slug}"


def _banner(state: RunState) -> list[str]:
    if state.classification and state.classification.item_class is ItemClass.SAFETY_CRITICAL:
        return ["> **Safety-affecting: human approval required before merge.**", ""]
    return []


def _traceability(state: RunState, ref: NodeRef, facts: PullFacts) -> list[str]:
    lines = [f"- Part of #{state.work_item}"]
    if ref.swi is not None:
        lines.insert(0, f"- Closes #{state.swi(ref.swi).issue}")
    for slot, name in (("spec", "Specification"), ("interfaces", "Interfaces")):
        artifact = state.artifacts.get(slot)
        if artifact and artifact.kind == "pr":
            lines.append(f"- {name}: #{artifact.ref}")
    lines += [f"- Depends on: #{number}" for number in facts.depends_on]
    return [*lines, "", render_matrix(facts.rows)] if facts.rows else lines


def _checks(facts: PullFacts) -> list[str]:
    lines = [
        f"- {check.name}: {'passed' if check.passed else 'failed'} {inert(check.detail)}" for check in facts.checks
    ]
    if facts.score is not None:
        lines.append(f"- alignment score {facts.score:.2f}")
    lines += [f"- skipped: {inert(one)}" for one in facts.skipped]
    return [*lines, *(f"- {inert(note)}" for note in facts.notes)] or ["none"]


def checks_of(outcomes: Sequence[Outcome]) -> tuple[Check, ...]:
    """Return the checks of ``outcomes`` in order, later ones replacing earlier ones of the same name."""
    latest = {check.name: check for outcome in outcomes for check in outcome.checks}
    return tuple(latest.values())
