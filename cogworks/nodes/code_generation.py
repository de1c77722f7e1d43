"""Code generation: a model edits a work tree with tools; service, tests and alignment judge the result (ENG-54)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cogworks.model.change import Change
from cogworks.model.errors import FailureCategory, PolicyViolation
from cogworks.model.findings import Alignment, Category, Diagnostic, Severity
from cogworks.model.ids import Sha
from cogworks.model.json_value import sha256_text
from cogworks.model.outcome import Outcome
from cogworks.model.outputs import CodeOutput
from cogworks.model.state import Artifact, Swi
from cogworks.nodes.alignment import DeterministicCheck, verify
from cogworks.nodes.conversation import Question, ask
from cogworks.nodes.delivering import approved_heads, check_content, check_paths, start_of
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.judging import Judged, Trial, examine_files, judge, normalise
from cogworks.nodes.material import (
    approved_document,
    approved_item,
    file_items,
    issue_item,
    predecessor_items,
    standards,
)
from cogworks.nodes.outcomes import invalid, misaligned, succeeded
from cogworks.nodes.servicing import open_desk
from cogworks.nodes.toolbox import toolset
from cogworks.pages.commit_message import commit_message
from cogworks.pages.pull_page import branch
from cogworks.policy.context import ContextItem
from cogworks.ports.git import WorkTree
from cogworks.tools.bench import Bench


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where one sub-work-item is built: its branch, the commit that it builds on, and the tree.

    ``start`` is where this attempt found the branch, ``before`` where the branch is now: further on when the attempt
    was killed after its push and is repeated.
    """

    swi: Swi
    branch: str
    base: Sha
    start: Sha
    before: Sha | None
    tree: WorkTree


_UNJUDGED = Judged(diagnostics=(), checks=(), failed=False)


def code_generation(job: Job, shop: Workshop) -> Outcome:
    """Return the pushed and tested change; what failed stays on the branch, for the next attempt to mend."""
    site = _site(job, shop)
    trial = _trial(job, shop, site, site.swi.files)
    answer = ask(job, shop, _question(job, shop, site), CodeOutput)
    _check_needs(job, shop, answer)
    head = _commit(job, shop, site, trial, answer)
    changes = shop.git.changes(job.key.item.repo, base=site.base, head=head)
    digest = sha256_text(site.tree.diff(base=site.base))
    wrong = _mismatch(answer, changes)
    judged = judge(job, shop, trial, head, changes) if trial and not wrong else _UNJUDGED
    if wrong or judged.failed:
        found = [*wrong, *judged.diagnostics]
        outcome = invalid(found, message=_first(found), output_hash=digest, checks=judged.checks)
        return replace(outcome, head=head, base=site.base)
    alignment = _aligned(job, shop, site, head, changes, answer)
    if not alignment.aligned:
        message = f"score {alignment.score:.2f} against {alignment.threshold:.2f}"
        outcome = misaligned(alignment, message=message, output_hash=digest, checks=judged.checks)
        return replace(outcome, head=head, base=site.base)
    done = succeeded(
        answer.model_dump(mode="json"),
        message=answer.summary,
        artifacts={"code": Artifact(kind="branch", ref=site.branch, sha=head)},
        alignment=alignment,
        checks=judged.checks,
    )
    return replace(done, head=head, base=site.base, output_hash=digest)


def _site(job: Job, shop: Workshop) -> Site:
    """Return the work tree at the branch's head, or where the branch is to start."""
    assert job.swi is not None, "code generation runs per sub-work-item"
    repo, name = job.key.item.repo, branch(job.state, f"swi-{job.swi.ordinal}")
    before = shop.git.branch_head(repo, name)
    noted = [outcome.base for _, outcome in sorted(job.history.items()) if outcome.base]
    heads = [head for ordinal in job.swi.depends_on if (head := job.state.swi(ordinal).head)]
    base = Sha(noted[0]) if noted else start_of(job, shop, (*approved_heads(job), *heads))
    start = _start(job, shop, before or base)
    tree = shop.git.checkout(repo, ref=start, name=f"{job.key.run_id}-swi{job.swi.ordinal}")
    return Site(swi=job.swi, branch=name, base=base, start=start, before=before, tree=tree)


def _start(job: Job, shop: Workshop, now: Sha) -> Sha:
    """Return where this attempt began; repeated, it begins there again, and so asks nothing that is paid already."""
    key = f"start {job.key}"
    shop.memo.put(key, now)
    return Sha(shop.memo.get(key) or now)


def _trial(job: Job, shop: Workshop, site: Site, paths: Sequence[str]) -> Trial | None:
    """Return what judges the files; None when they need no service."""
    desk = open_desk(job, shop, paths)
    return Trial(desk=desk, tree=site.tree, base=site.base) if desk else None


def _question(job: Job, shop: Workshop, site: Site) -> Question:
    assert job.swi_issue is not None
    items = [
        issue_item(job.swi_issue, kind="sub_work_item"),
        *approved_item(job, shop, "interfaces", priority=1),
        *predecessor_items(job, shop),
        *approved_item(job, shop, "spec"),
        *file_items(job, shop, site.swi.files, ref=site.start, kind="source"),
        *standards(job, shop, ref=job.base_head),
    ]
    variables = {
        "affected_modules": job.state.classification.affected_modules if job.state.classification else (),
        "authorised_files": site.swi.files,
        "test_paths": job.config.tools.test_paths,
        "swi_branch": site.branch,
        "domain_services": tuple(service.name for service in job.services.services) or ("none",),
    }
    return Question(
        template="code_generation",
        purpose="generate",
        values={"ordinal": str(site.swi.ordinal), "files": "\n".join(f"- {path}" for path in site.swi.files)},
        items=items,
        task="Implement the sub-work-item with its tests. Change files only with the tools, then give the summary.",
        toolset=toolset(job, variables),
        bench=_bench(job, shop, site),
        with_feedback=True,
    )


def _bench(job: Job, shop: Workshop, site: Site) -> Bench:
    def commit(message: str, paths: Sequence[str]) -> Sha | None:
        check_paths(job, paths)
        return site.tree.commit(commit_message(job.key, job.state, message), paths=paths)

    def ask_service(method: str, artifacts: Sequence[str]) -> tuple[Diagnostic, ...]:
        trial = _trial(job, shop, site, artifacts or site.swi.files)
        if trial is None:
            return ()
        paths = artifacts or [c.path for c in site.tree.changes(base=site.base) if c.action != "delete"]
        return examine_files(job, shop, trial, method, paths, ref=site.tree.head()).diagnostics

    return Bench(
        files=site.tree,
        base=site.base,
        tree=site.tree,
        commit=commit,
        call_service=ask_service,
        service_names=tuple(service.name for service in job.services.services),
    )


def _check_needs(job: Job, shop: Workshop, answer: CodeOutput) -> None:
    """Stop for a person when a needed capability is not granted, or a safety item can be read two ways (SCOPE-02)."""
    documents = [document for slot in ("spec", "interfaces") if (document := approved_document(job, shop, slot))]
    granted = {capability for document in documents for capability in document.capabilities}
    missing = [need for need in answer.needs if need.capability not in granted]
    if missing:
        text = "; ".join(f"{need.capability}: {need.reason}" for need in missing)
        raise PolicyViolation(
            f"SCOPE_UNDERSPECIFIED: the interface document grants no {text}",
            category=FailureCategory.SCOPE_UNDERSPECIFIED,
            event="SCOPE_UNDERSPECIFIED",
        )
    if job.safety and answer.ambiguities:
        text = "; ".join(f"{one.section}: {' | '.join(one.readings)}" for one in answer.ambiguities)
        raise PolicyViolation(
            f"SCOPE_AMBIGUOUS: {text}", category=FailureCategory.SCOPE_AMBIGUOUS, event="SCOPE_AMBIGUOUS"
        )


def _commit(job: Job, shop: Workshop, site: Site, trial: Trial | None, answer: CodeOutput) -> Sha:
    """Normalise, check and commit what the tree holds, and push it; the branch is never forced."""
    changed = [c for c in site.tree.changes(base=site.base) if c.action != "delete"]
    texts = {c.path: site.tree.read(c.path, max_bytes=1_048_576) for c in changed}
    texts.update(normalise(job, shop, trial, texts) if trial else {})
    check_paths(job, [c.path for c in site.tree.changes(base=site.base)])
    check_content(job, texts)
    site.tree.commit(commit_message(job.key, job.state, answer.summary))
    head = site.tree.head()
    if _pushed_already(job, shop, site, head):
        return site.before or head
    if head != site.before:
        shop.git.push(job.key.item.repo, branch=site.branch, sha=head, expected=site.before)
    return head


def _pushed_already(job: Job, shop: Workshop, site: Site, head: Sha) -> bool:
    """Tell whether an earlier execution of this attempt has put the same content on the branch."""
    if site.before in (None, site.start):
        return False
    return not shop.git.changes(job.key.item.repo, base=site.before or head, head=head)


def _mismatch(answer: CodeOutput, changes: Sequence[Change]) -> list[Diagnostic]:
    """Return what the answer says about its files and the diff does not; they must be equal (ENG-52)."""
    told, real = {f.path for f in answer.files}, {c.path for c in changes}
    wrong = [f"{path} is announced and not changed" for path in sorted(told - real)]
    wrong += [f"{path} is changed and not announced" for path in sorted(real - told)]
    if not real:
        wrong.append("nothing was changed")
    return [Diagnostic(severity=Severity.BLOCKING, category=Category.COMPLETENESS, message=text) for text in wrong]


def _aligned(
    job: Job, shop: Workshop, site: Site, head: Sha, changes: Sequence[Change], answer: CodeOutput
) -> Alignment:
    assert job.swi_issue is not None
    diff = shop.git.diff(job.key.item.repo, base=site.base, head=head)
    produced = [ContextItem(id="diff", kind="diff", priority=1, text=diff, source=site.branch, ref=head[:12])]
    asked = [issue_item(job.swi_issue, kind="sub_work_item"), *approved_item(job, shop, "interfaces", priority=1)]
    tested = any(path.startswith(tuple(f"{t}/" for t in job.config.tools.test_paths)) for path in answer.tests)
    outside = sorted({c.path for c in changes} - set(site.swi.files))
    checks = [
        DeterministicCheck(name="tests are part of the change", passed=tested, finding="no test file is named"),
        DeterministicCheck(name="only authorised files are changed", passed=not outside, finding=", ".join(outside)),
    ]
    return verify(job, shop, asked=asked, produced=produced, checks=checks)


def _first(found: Sequence[Diagnostic]) -> str:
    return next((str(one) for one in found if one.blocks), "checks failed")
