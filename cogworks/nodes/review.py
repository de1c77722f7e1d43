"""Review: one deterministic pass, then three model passes that never see each other (40 section 12)."""

from collections.abc import Sequence
from dataclasses import replace

from cogworks.model.errors import InvalidOutput
from cogworks.model.findings import Finding, Severity
from cogworks.model.ids import Sha
from cogworks.model.outcome import Check, Outcome
from cogworks.model.outputs import ReviewOutput
from cogworks.model.state import Artifact
from cogworks.nodes.alignment import DeterministicCheck, verify
from cogworks.nodes.conversation import Question, ask
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.material import approved_item, data_item, file_items, issue_item, standards
from cogworks.nodes.outcomes import misaligned, succeeded
from cogworks.nodes.toolbox import reading_bench, toolset
from cogworks.policy.context import ContextItem
from cogworks.policy.review import verdict_of
from cogworks.policy.scope import outside, protected_among
from cogworks.policy.secrets import find_secrets

_MODEL_PASSES = ("quality", "architecture", "security")
_TECHNICAL_RETRIES = 2


def review(job: Job, shop: Workshop) -> Outcome:
    """Return the verdict of all four passes; every pass runs even when an earlier one blocks (REV-01)."""
    head, base = _commits(job)
    changed = shop.git.changes(job.key.item.repo, base=base, head=head)
    findings = _constraint_pass(job, shop, head, base)
    examined: set[str] = set()
    for name in _MODEL_PASSES:
        answer = _ask(job, shop, name, head, base, [c.path for c in changed])
        examined |= set(answer.files_examined)
        findings += _told(answer, name, {c.path for c in changed})
    checks = [
        DeterministicCheck(name=f"{c.path} was examined", passed=c.path in examined, finding="no pass looked at it")
        for c in changed
    ]
    asked, produced = _compared(job, shop, head, base, findings)
    alignment = verify(job, shop, asked=asked, produced=produced, checks=checks)
    if not alignment.aligned:
        return misaligned(alignment, message="the review did not look at every changed file")
    return _outcome(findings, head, alignment_score=alignment.score, base=base)


def _compared(
    job: Job, shop: Workshop, head: Sha, base: Sha, findings: Sequence[Finding]
) -> tuple[list[ContextItem], list[ContextItem]]:
    """Return what the review was about and what it found, for the check that safety-affecting items get."""
    assert job.swi_issue is not None
    asked = [issue_item(job.swi_issue, kind="sub_work_item"), *approved_item(job, shop, "spec")]
    told = [f"{one.severity} {one.source} {one.file or ''} {one.description}" for one in findings]
    return asked, [_diff_item(job, shop, head, base), data_item("findings", told)]


def _diff_item(job: Job, shop: Workshop, head: Sha, base: Sha) -> ContextItem:
    text = shop.git.diff(job.key.item.repo, base=base, head=head)
    return ContextItem(id="diff", kind="diff", priority=1, text=text, source="diff", ref=head[:12])


def _outcome(findings: list[Finding], head: Sha, *, alignment_score: float, base: Sha) -> Outcome:
    verdict = verdict_of(findings)
    blocking = sum(finding.blocks for finding in findings)
    done = succeeded(
        {
            "verdict": verdict,
            "blocking": blocking,
            "warnings": len(findings) - blocking,
            "reviewed_head": head,
            "coverage": alignment_score,
        },
        message=f"{verdict}: {blocking} blocking findings, {len(findings) - blocking} others",
        artifacts={"review_result": Artifact(kind="file", ref="")},
        checks=[
            Check(
                name=f"review pass {name}",
                passed=not any(f.blocks and f.source == name for f in findings),
                detail=f"{sum(f.source == name for f in findings)} findings",
            )
            for name in ("constraint", *_MODEL_PASSES)
        ],
    )
    return replace(done, findings=tuple(findings), passes=1 + len(_MODEL_PASSES), head=head, base=base)


def _commits(job: Job) -> tuple[Sha, Sha]:
    assert job.swi is not None, "review runs per sub-work-item"
    code = job.swi.artifacts["code"]
    known = [one for one in job.history.values() if one.base]
    # What people pushed on top has no outcome of its own: it builds on what the code before it was built on.
    bases = [one.base for one in known if one.head == code.sha] or [one.base for one in known]
    return Sha(code.sha), Sha(bases[0] if bases else job.base_head)


def _constraint_pass(job: Job, shop: Workshop, head: Sha, base: Sha) -> list[Finding]:
    """Scope, protected paths and secrets: no model, no tokens."""
    assert job.swi is not None
    repo = job.key.item.repo
    changes = shop.git.changes(repo, base=base, head=head)
    findings = [
        _blocking("scope", path, "is not in the authorised file set")
        for path in outside(changes, authorised=job.swi.files)
    ]
    extra = job.config.constitutional.protected_paths_extra
    findings += [
        _blocking("protected_path", path, "is protected")
        for path in protected_among((c.path for c in changes), extra=extra)
    ]
    for change in changes:
        content = shop.git.read(repo, change.path, ref=head) if change.action != "delete" else None
        hits = find_secrets((content or b"").decode("utf-8", errors="replace"))
        findings += [_blocking("secret_in_output", change.path, f"{hit.kind} in line {hit.line}") for hit in hits]
    return findings


def _blocking(criterion: str, path: str, text: str) -> Finding:
    return Finding(
        kind=criterion,
        severity=Severity.BLOCKING,
        description=f"{path} {text}",
        origin="deterministic",
        source="constraint",
        file=path,
    )


def _ask(job: Job, shop: Workshop, name: str, head: Sha, base: Sha, paths: Sequence[str]) -> ReviewOutput:
    assert job.swi_issue is not None
    items = [
        issue_item(job.swi_issue, kind="sub_work_item"),
        _diff_item(job, shop, head, base),
        *approved_item(job, shop, "spec"),
        *approved_item(job, shop, "interfaces"),
        data_item("traceability", [row.requirement_id + " " + row.text for row in job.state.traceability], priority=3),
        *file_items(job, shop, paths, ref=head, kind="source"),
        *(standards(job, shop, ref=job.base_head) if name == "quality" else ()),
    ]
    question = Question(
        template=f"review_{name}",
        purpose="review",
        values={},
        items=items,
        task=f"Review the change for {name}. Name every file that you examined.",
        toolset=toolset(job),
        bench=reading_bench(job, shop, ref=head),
        technical_retries=_TECHNICAL_RETRIES,
    )
    return ask(job, shop, question, ReviewOutput)


def _told(answer: ReviewOutput, name: str, known: set[str]) -> list[Finding]:
    """Return the findings of a pass; one about a file that was not changed makes the answer invalid (REV-02)."""
    strange = sorted({one.file for one in answer.findings} - known)
    if strange:
        problems = tuple(f"/findings: {path} is not part of the change" for path in strange)
        raise InvalidOutput(f"review pass {name} names unknown files", problems=problems)
    return [
        Finding(
            kind=one.criterion,
            severity=Severity(one.severity),
            description=one.explanation,
            origin="llm",
            source=name,
            file=one.file,
            line=one.line,
        )
        for one in answer.findings
    ]
