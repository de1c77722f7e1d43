"""The closing check: is the whole what the requester asked for (ENG-35, ALN-07)? Not a node of the graph."""

from cogworks.model.errors import FailureCategory
from cogworks.model.outcome import Outcome, Result
from cogworks.nodes.alignment import DeterministicCheck, verify
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.material import approved_item, data_item, issue_item
from cogworks.nodes.outcomes import succeeded
from cogworks.policy.context import ContextItem
from cogworks.policy.traceability import settle


def end_to_end(job: Job, shop: Workshop) -> Outcome:
    """Return the settled traceability matrix; a failure escalates the run and leaves its pull requests open."""
    diffs = [_diff(job, shop, swi.head, swi.ordinal) for swi in job.state.sub_work_items if swi.head]
    matrix = [
        {"id": row.requirement_id, "text": row.text, "code": row.code or "", "swi": row.sub_work_item or ""}
        for row in job.state.traceability
    ]
    produced = [*diffs, *approved_item(job, shop, "spec", priority=2), data_item("traceability", matrix)]
    alignment = verify(job, shop, asked=[issue_item(job.issue)], produced=produced, checks=_checks(job))
    delivered = [row.requirement_id for row in job.state.traceability if row.code not in (None, "", "n/a")]
    rows = settle(job.state.traceability, delivered=delivered, missing=())
    if not alignment.aligned:
        text = "; ".join(finding.description for finding in alignment.findings) or f"score {alignment.score:.2f}"
        return Outcome(
            result=Result.ESCALATED,
            category=FailureCategory.REWORK_EXHAUSTED,
            message=f"the parts are aligned, the whole is not: {text}",
            alignment=alignment,
            matrix=rows,
        )
    return succeeded(
        {"score": alignment.score}, message="the whole is what was asked for", alignment=alignment, matrix=rows
    )


def _diff(job: Job, shop: Workshop, head: str, ordinal: int) -> ContextItem:
    text = shop.git.diff(job.key.item.repo, base=job.base_head, head=head)
    return ContextItem(id=f"swi-{ordinal}", kind="diff", priority=2, text=text, source=f"swi-{ordinal}", ref=head[:12])


def _checks(job: Job) -> list[DeterministicCheck]:
    checks = [
        DeterministicCheck(
            name=f"SWI {swi.ordinal} is delivered",
            passed=swi.pr is not None,
            finding=f"#{swi.issue} has no pull request",
        )
        for swi in job.state.sub_work_items
    ]
    return checks + [
        DeterministicCheck(
            name=f"requirement {row.requirement_id} is delivered",
            passed=row.code not in (None, "", "n/a"),
            finding=row.text,
        )
        for row in job.state.traceability
        if job.state.sub_work_items
    ]
