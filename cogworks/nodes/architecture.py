"""Architecture: the specification of the work item, as a pull request that people approve (ENG-51)."""

from collections.abc import Sequence
from dataclasses import replace

from cogworks.model.findings import Alignment, Category, Diagnostic, Severity
from cogworks.model.outcome import Outcome
from cogworks.model.outputs import ArchitectureOutput
from cogworks.model.state import Artifact
from cogworks.nodes.alignment import DeterministicCheck, verify
from cogworks.nodes.conversation import Question, ask
from cogworks.nodes.delivering import ensure_pull, push_files
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.material import SPEC_FILE, data_item, issue_item, standards, tree_item
from cogworks.nodes.outcomes import invalid, misaligned, succeeded
from cogworks.nodes.toolbox import reading_bench, toolset
from cogworks.pages.pull_page import PullFacts, pull_title, render_pull
from cogworks.pages.spec_page import render_spec
from cogworks.policy.context import ContextItem
from cogworks.policy.traceability import fill


def architecture(job: Job, shop: Workshop) -> Outcome:
    """Return the specification as delivered; invalid when it names what is not there, misaligned when it misses."""
    spec = ask(job, shop, _question(job, shop), ArchitectureOutput)
    wrong = _faults(job, shop, spec)
    if wrong:
        return invalid(wrong, message="the specification does not fit the repository")
    text = render_spec(spec, work_item=job.key.item.number)
    produced = ContextItem(id="spec", kind="spec", priority=1, text=text, source="spec.md")
    alignment = verify(job, shop, asked=[issue_item(job.issue)], produced=[produced], checks=_checks(job, spec))
    if not alignment.aligned:
        return misaligned(alignment, message=f"score {alignment.score:.2f} against {alignment.threshold:.2f}")
    return _delivered(job, shop, spec, text, alignment)


def _delivered(job: Job, shop: Workshop, spec: ArchitectureOutput, text: str, alignment: Alignment) -> Outcome:
    path = SPEC_FILE.format(work_item=job.key.item.number)
    slug = job.node.slug or "spec"
    branch, head = push_files(job, shop, slug=slug, files={path: text}, summary=spec.title)
    cells = {r.id: f"{r.id} in spec.md" for r in spec.requirements}
    rows = fill(job.state.traceability, "architecture", cells, reason="not in the specification")
    facts = PullFacts(
        summary=spec.summary, score=alignment.score, rows=rows, cost=shop.tally.cost, unbooked=shop.tally.cost
    )
    pull = ensure_pull(
        job,
        shop,
        head=branch,
        base=job.base_branch,
        title=pull_title(job.state, job.key.ref, kind="Specification", title=spec.title),
        body=render_pull(job.state, job.key.ref, facts),
    )
    done = succeeded(
        spec.model_dump(mode="json"),
        message=f"specification in #{pull.number}",
        artifacts={"spec": Artifact(kind="pr", ref=str(pull.number), sha=head)},
        alignment=alignment,
        matrix=rows,
    )
    return replace(done, pr=int(pull.number), head=head)


def _question(job: Job, shop: Workshop) -> Question:
    rows = [{"id": row.requirement_id, "text": row.text} for row in job.state.traceability]
    return Question(
        template="architecture",
        purpose="generate",
        values={"work_item": str(job.key.item.number)},
        items=[
            issue_item(job.issue),
            data_item("requirement-lines", rows),
            tree_item(job, shop, ref=job.base_head),
            *standards(job, shop, ref=job.base_head),
        ],
        task="Write the specification.",
        toolset=toolset(job),
        bench=reading_bench(job, shop, ref=job.base_head),
        with_feedback=True,
    )


def _faults(job: Job, shop: Workshop, spec: ArchitectureOutput) -> list[Diagnostic]:
    paths = shop.git.list(job.key.item.repo, ref=job.base_head)
    known = {*paths, *(path.rsplit("/", n)[0] for path in paths for n in range(1, path.count("/") + 1))}
    absent = [m.path for m in spec.affected_modules if not m.new and m.path.rstrip("/") not in known]
    missing = [f.path for f in spec.files if f.action != "create" and f.path not in known]
    existing = [f.path for f in spec.files if f.action == "create" and f.path in known]
    return [
        *_wrong("modules are neither in the repository nor marked new", absent),
        *_wrong("files to change do not exist", missing),
        *_wrong("files to create exist already", existing),
    ]


def _wrong(message: str, names: Sequence[str]) -> list[Diagnostic]:
    if not names:
        return []
    text = f"{message}: {', '.join(sorted(names))}"
    return [Diagnostic(severity=Severity.BLOCKING, category=Category.COMPLETENESS, message=text)]


def _checks(job: Job, spec: ArchitectureOutput) -> list[DeterministicCheck]:
    told = {requirement.id for requirement in spec.requirements}
    return [
        DeterministicCheck(
            name=f"requirement {row.requirement_id} is in the specification",
            passed=row.requirement_id in told,
            finding=row.text,
        )
        for row in job.state.traceability
    ]
