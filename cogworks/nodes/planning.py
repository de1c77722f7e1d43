"""Planning: sub-work-items in an order, each an issue attached to the work item (ENG-53, GH-32 to GH-36)."""

from collections.abc import Sequence
from dataclasses import replace

from cogworks.model.errors import FailureCategory, GitHubError, GitHubTransient
from cogworks.model.github import Issue
from cogworks.model.ids import SwiOrdinal
from cogworks.model.outcome import Outcome, Result
from cogworks.model.outputs import PlannedItem, PlanningOutput
from cogworks.model.state import Artifact, Swi
from cogworks.nodes.alignment import DeterministicCheck, verify
from cogworks.nodes.conversation import Question, ask
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.material import approved_document, approved_item, data_item, issue_item, tree_item
from cogworks.nodes.outcomes import invalid, misaligned, succeeded
from cogworks.nodes.toolbox import reading_bench, toolset
from cogworks.pages.swi_page import read_swi_key, render_swi, swi_key
from cogworks.policy.context import ContextItem
from cogworks.policy.labels import STATUS_PREFIX
from cogworks.policy.planning import PlanFacts, faults, ordered
from cogworks.policy.secrets import redact
from cogworks.policy.traceability import fill

_ATTACH_TRIES = 5


def planning(job: Job, shop: Workshop) -> Outcome:
    """Return the plan with its issues created; invalid when it does not hold, escalated when it is too big."""
    plan = ask(job, shop, _question(job, shop), PlanningOutput)
    limit = job.config.budgets.max_sub_work_items
    if len(plan.sub_work_items) > limit:
        message = f"{len(plan.sub_work_items)} sub-work-items planned, {limit} allowed: split the work item"
        return Outcome(result=Result.ESCALATED, category=FailureCategory.GRANULARITY_LIMIT, message=message)
    facts = _facts(job, shop)
    wrong = faults(plan.sub_work_items, facts)
    if wrong:
        return invalid(wrong, message="the plan does not hold")
    produced = [data_item("plan", plan.model_dump(mode="json"))]
    alignment = verify(job, shop, asked=_documents(job, shop), produced=produced, checks=_checks(plan))
    if not alignment.aligned:
        return misaligned(alignment, message=f"score {alignment.score:.2f} against {alignment.threshold:.2f}")
    items = ordered(plan.sub_work_items)
    swis = _create(job, shop, items)
    cells: dict[str, str] = {}
    for swi, item in zip(swis, items, strict=True):
        for requirement in item.requirements:
            cells[requirement] = ", ".join(filter(None, (cells.get(requirement), f"#{swi.issue}")))
    rows = fill(job.state.traceability, "sub_work_item", cells, reason="no sub-work-item for it")
    done = succeeded(
        plan.model_dump(mode="json"),
        message=f"{len(swis)} sub-work-items: {', '.join(f'#{swi.issue}' for swi in swis)}",
        artifacts={"plan": Artifact(kind="file", ref="")},
        alignment=alignment,
        matrix=rows,
    )
    return replace(done, swis=swis)


def _question(job: Job, shop: Workshop) -> Question:
    documents = _documents(job, shop)
    return Question(
        template="planning",
        purpose="generate",
        values={"max_sub_work_items": str(job.config.budgets.max_sub_work_items)},
        items=[
            *documents,
            *([] if documents else [data_item("requirement-lines", dict(_lines(job)))]),
            issue_item(job.issue, priority=3 if documents else 1),
            tree_item(job, shop, ref=job.base_head),
        ],
        task="Plan the sub-work-items.",
        toolset=toolset(job),
        bench=reading_bench(job, shop, ref=job.base_head),
        with_feedback=True,
    )


def _documents(job: Job, shop: Workshop) -> list[ContextItem]:
    return [*approved_item(job, shop, "spec", priority=1), *approved_item(job, shop, "interfaces", priority=1)]


def _lines(job: Job) -> list[tuple[str, str]]:
    """Return the requirement lines of the work item itself, which count where no specification was written."""
    return [(row.requirement_id, row.text) for row in job.state.traceability]


def _facts(job: Job, shop: Workshop) -> PlanFacts:
    spec, interfaces = approved_document(job, shop, "spec"), approved_document(job, shop, "interfaces")
    authorised = {change.path for document in (spec, interfaces) if document for change in document.files}
    return PlanFacts(
        interfaces=frozenset(interfaces.interfaces if interfaces else ()),
        requirements=frozenset(name for name, _ in (spec.requirements if spec else _lines(job))),
        authorised=frozenset(authorised) if spec or interfaces else None,
    )


def _checks(plan: PlanningOutput) -> list[DeterministicCheck]:
    return [
        DeterministicCheck(
            name=f"sub-work-item {item.title!r} has a test specification",
            passed=bool(item.test_specification),
            finding="nothing says how its result is tested",
        )
        for item in plan.sub_work_items
    ]


def _create(job: Job, shop: Workshop, items: Sequence[PlannedItem]) -> tuple[Swi, ...]:
    """Create issues, attach them, write dependencies; each is looked up first, so a repetition completes (GH-35)."""
    repo, parent = job.key.item.repo, job.key.item.number
    attached = {key: issue for issue in shop.github.issues.sub_issues(repo, parent) if (key := _key(job, issue))}
    known = attached if len(attached) == len(items) else {**_strays(job, shop), **attached}
    made: dict[str, Issue] = {}
    swis: list[Swi] = []
    for number, item in enumerate(items, start=1):
        key, ordinal = swi_key(job.key.run_id, item.title), SwiOrdinal(number)
        issue = known.get(key) or _open_issue(job, shop, item, ordinal)
        if key not in attached:
            _attach(job, shop, issue)
        _depend(shop, job, issue, [made[title] for title in item.depends_on])
        made[item.title] = issue
        swis.append(_swi(item, issue, ordinal, key, [made[title] for title in item.depends_on], swis))
    return tuple(swis)


def _key(job: Job, issue: Issue) -> str | None:
    return read_swi_key(issue.body, job.key.run_id)


def _strays(job: Job, shop: Workshop) -> dict[str, Issue]:
    """Return issues of this run that were created and not attached before a crash, by key."""
    label = job.config.labels.sub_work_item
    found = shop.github.issues.find(job.key.item.repo, labels=[label])
    own = shop.github.contents.login()
    return {key: issue for issue in found if issue.author == own and (key := _key(job, issue))}


def _open_issue(job: Job, shop: Workshop, item: PlannedItem, ordinal: SwiOrdinal) -> Issue:
    body = render_swi(item, ordinal=ordinal, run_id=job.key.run_id, work_item=job.key.item.number)
    return shop.github.issues.create(
        job.key.item.repo,
        title=redact(item.title),
        body=redact(body),
        labels=[job.config.labels.sub_work_item, f"{STATUS_PREFIX}pending"],
        milestone=job.issue.milestone_number,
    )


def _attach(job: Job, shop: Workshop, issue: Issue) -> None:
    """Attach an issue; a server that refuses time and again fails the node, for nothing stands in for parts (GH-35)."""
    repo, parent = job.key.item.repo, job.key.item.number
    try:
        shop.github.issues.add_sub_issue(repo, parent, child_id=issue.id)
    except GitHubTransient as error:
        places = [f"attach {job.key} {number}" for number in range(1, _ATTACH_TRIES + 1)]
        free = [place for place in places if shop.memo.get(place) is None]
        if len(free) <= 1:
            target = f"{repo}#{parent}"
            raise GitHubError(error.message, operation="issues.add_sub_issue", target=target) from error
        shop.memo.put(free[0], error.message or "failed")
        raise


def _depend(shop: Workshop, job: Job, issue: Issue, blockers: Sequence[Issue]) -> None:
    if not blockers:
        return
    repo = job.key.item.repo
    known = {one.id for one in shop.github.issues.blocked_by(repo, issue.number)}
    for blocker in blockers:
        if blocker.id not in known:
            shop.github.issues.add_blocked_by(repo, issue.number, blocker_id=blocker.id)


def _swi(
    item: PlannedItem,
    issue: Issue,
    ordinal: SwiOrdinal,
    key: str,
    blockers: Sequence[Issue],
    before: Sequence[Swi],
) -> Swi:
    numbers = {blocker.number for blocker in blockers}
    return Swi(
        ordinal=ordinal,
        issue=issue.number,
        key=key,
        title=item.title,
        depends_on=tuple(swi.ordinal for swi in before if swi.issue in numbers),
        files=tuple(change.path for change in item.files),
        requirements=tuple(item.requirements),
    )
