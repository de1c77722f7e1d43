"""Interface design: interface files, and the document that says what code may touch (ENG-51, SCOPE-01, SCOPE-02)."""

from dataclasses import replace

from cogworks.extension_api.envelope import Repository
from cogworks.model.findings import Alignment, Category, Diagnostic, Severity
from cogworks.model.outcome import Check, Outcome
from cogworks.model.outputs import InterfaceOutput
from cogworks.model.state import Artifact
from cogworks.nodes.alignment import DeterministicCheck, verify
from cogworks.nodes.conversation import Question, ask
from cogworks.nodes.delivering import approved_heads, ensure_pull, pull_base, push_files
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.material import (
    INTERFACES_FILE,
    approved_document,
    approved_item,
    file_items,
    issue_item,
    standards,
    tree_item,
)
from cogworks.nodes.outcomes import invalid, misaligned, succeeded
from cogworks.nodes.servicing import as_artifacts, examine, greet, open_desk
from cogworks.nodes.toolbox import reading_bench, toolset
from cogworks.pages.pull_page import PullFacts, branch, pull_title, render_pull
from cogworks.pages.spec_page import ApprovedDocument, render_interfaces
from cogworks.policy.context import ContextItem
from cogworks.policy.traceability import fill

_PLACEHOLDERS = ("TODO", "FIXME", "<placeholder>", "...existing code...")


def interface_design(job: Job, shop: Workshop) -> Outcome:
    """Return the interface design as delivered, after the domain service found its files sound."""
    greet(job, shop)
    spec = approved_document(job, shop, "spec")
    design = ask(job, shop, _question(job, shop, spec), InterfaceOutput)
    wrong = _faults(design)
    checks: tuple[Check, ...] = ()
    if not wrong:
        wrong, checks = _validated(job, shop, design)
    if wrong:
        return invalid(wrong, message="the interface files are not valid", checks=checks)
    text = render_interfaces(design, work_item=job.key.item.number)
    produced = [ContextItem(id="interfaces", kind="interfaces", priority=1, text=text, source="interfaces.md")]
    produced += [
        ContextItem(id=f.path, kind="interface_file", priority=1, text=f.content, source=f.path) for f in design.files
    ]
    asked = approved_item(job, shop, "spec", priority=1) or [issue_item(job.issue)]
    alignment = verify(job, shop, asked=asked, produced=produced, checks=_checks(spec, design))
    if not alignment.aligned:
        message = f"score {alignment.score:.2f} against {alignment.threshold:.2f}"
        return misaligned(alignment, message=message, checks=checks)
    return _delivered(job, shop, design, text, alignment, checks)


def _question(job: Job, shop: Workshop, spec: ApprovedDocument | None) -> Question:
    touched = [change.path for change in spec.files] if spec else []
    return Question(
        template="interface_design",
        purpose="generate",
        values={"work_item": str(job.key.item.number)},
        items=[
            *(approved_item(job, shop, "spec", priority=1) or [issue_item(job.issue)]),
            *file_items(job, shop, touched, ref=job.base_head, kind="source"),
            tree_item(job, shop, ref=job.base_head),
            *standards(job, shop, ref=job.base_head),
        ],
        task="Design the interfaces.",
        toolset=toolset(job),
        bench=reading_bench(job, shop, ref=job.base_head),
        with_feedback=True,
    )


def _faults(design: InterfaceOutput) -> list[Diagnostic]:
    marks = [f"{f.path} holds {mark}" for f in design.files for mark in _PLACEHOLDERS if mark in f.content]
    ids = [one.id for one in design.interfaces]
    marks += [f"interface id {one} is used twice" for one in sorted(set(ids)) if ids.count(one) > 1]
    if not design.interfaces:
        marks.append("no interface is defined")
    return [Diagnostic(severity=Severity.BLOCKING, category=Category.COMPLETENESS, message=mark) for mark in marks]


def _validated(job: Job, shop: Workshop, design: InterfaceOutput) -> tuple[list[Diagnostic], tuple[Check, ...]]:
    desk = open_desk(job, shop, [f.path for f in design.files])
    if desk is None:
        return [], ()
    tree = shop.git.checkout(job.key.item.repo, ref=job.base_head, name=f"{job.key.run_id}-{job.key.ref.node}")
    artifacts = as_artifacts({f.path: f.content for f in design.files})
    examined = examine(
        job,
        shop,
        desk,
        "validate",
        {"artifacts": artifacts},
        repository=Repository(path=tree.root, ref=job.base_head),
    )
    return (list(examined.diagnostics) if examined.failed else []), examined.checks


def _checks(spec: ApprovedDocument | None, design: InterfaceOutput) -> list[DeterministicCheck]:
    if spec is None:
        return []
    allowed = {change.path for change in design.authorised_files}
    return [
        DeterministicCheck(
            name=f"file {change.path} of the specification is authorised",
            passed=change.path in allowed,
            finding=f"{change.action} {change.path}",
        )
        for change in spec.files
    ]


def _delivered(
    job: Job, shop: Workshop, design: InterfaceOutput, text: str, alignment: Alignment, checks: tuple[Check, ...]
) -> Outcome:
    path = INTERFACES_FILE.format(work_item=job.key.item.number)
    files = {**{f.path: f.content for f in design.files}, path: text}
    name, head = push_files(job, shop, slug=job.node.slug or "interfaces", files=files, summary="interfaces")
    covered = ", ".join(one.id for one in design.interfaces)
    told = dict(approved.requirements) if (approved := approved_document(job, shop, "spec")) else {}
    cells = dict.fromkeys(told, covered)
    rows = fill(job.state.traceability, "interface", cells, reason="no interface for it")
    facts = PullFacts(
        summary=design.notes or "Interfaces.",
        checks=checks,
        score=alignment.score,
        rows=rows,
        cost=shop.tally.cost,
        unbooked=shop.tally.cost,
    )
    spec = job.state.artifacts.get("spec")
    before = [(branch(job.state, "spec"), sha) for sha in approved_heads(job)] if spec else []
    pull = ensure_pull(
        job,
        shop,
        head=name,
        base=pull_base(job, shop, before),
        title=pull_title(job.state, job.key.ref, kind="Interfaces", title=job.issue.title),
        body=render_pull(job.state, job.key.ref, facts),
    )
    done = succeeded(
        design.model_dump(mode="json"),
        message=f"interfaces in #{pull.number}",
        artifacts={"interfaces": Artifact(kind="pr", ref=str(pull.number), sha=head)},
        alignment=alignment,
        checks=checks,
        matrix=rows,
    )
    return replace(done, pr=int(pull.number), head=head)
