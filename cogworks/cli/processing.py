"""`process`, `process-all`, `run`, `poll`: work in this process, or hints for those who work (70 section 1)."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from cogworks.cli.answer import Answer, Exit, Wrong
from cogworks.cli.failing import failed
from cogworks.cli.options import Globals
from cogworks.cli.progress import ShownWatch, watching
from cogworks.cli.reading import label_names, preview
from cogworks.cli.restarting import ask_for_restart
from cogworks.cli.surroundings import dispatcher, onlooker, workplace
from cogworks.engine.crank import Cranked, crank
from cogworks.engine.house import House
from cogworks.engine.labelling import ensure_labels
from cogworks.engine.patience import patiently
from cogworks.engine.polling import poll
from cogworks.engine.turn import patient_step
from cogworks.model.config import Labels
from cogworks.model.errors import CogWorksError, ConfigError, Problem, StaleFence
from cogworks.model.ids import Item, RepoName, parse_item, parse_repo
from cogworks.model.json_value import JsonObject
from cogworks.model.state import RunState, RunStatus
from cogworks.pages.run_page import pulls_of, standing
from cogworks.ports.github import GitHub

# CLI-02: what occurred first in this row is the exit of many items.
_WORST_FIRST = (Exit.INTERNAL, Exit.WRONG_USAGE, Exit.FAILED, Exit.RETRIABLE, Exit.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How items are processed."""

    until_blocked: bool = False
    enqueue: bool = False
    dry_run: bool = False
    rebuild_state: bool = False
    restart: bool = False
    accept_graph: bool = False


def process(options: Globals, issue: str, how: How) -> Answer:
    """Process one work item."""
    item = parse_item(issue)
    if how.accept_graph and (how.enqueue or how.restart):
        other = "--enqueue" if how.enqueue else "--restart"
        message = f"it does not go together with {other}"
        problem = Problem(code="usage", field="--accept-graph", message=message, allowed="--accept-graph alone")
        raise ConfigError(problems=(problem,))
    if how.dry_run:
        return preview(options, item)
    if how.restart:
        ask_for_restart(options, item)
    if how.enqueue:
        return _enqueue(dispatcher(options), [item], rebuild_state=how.rebuild_state)
    return _work_on(options, item, how)


def run(options: Globals, repo: str, number: int, how: How) -> Answer:
    """Put the trigger label on an issue, then process it."""
    item = parse_item(f"{parse_repo(repo)}#{number}")
    if not how.dry_run:
        seen, names = onlooker(options), label_names(options, item.repo)
        patiently(lambda: _trigger(seen.github, item, names), clock=seen.clock, ids=seen.ids)
    return process(options, str(item), how)


def process_all(options: Globals, repo: str, how: How, *, milestone: str | None, limit: int | None) -> Answer:
    """Process every item that carries the trigger label, one by one; a failure does not keep the others waiting."""
    items = _triggered(options, parse_repo(repo), milestone=milestone)[:limit]
    if how.enqueue:
        return _enqueue(dispatcher(options), items)
    answers = [(item, _careful(options, item, how)) for item in items]
    return _together(answers)


def poll_once(options: Globals, repos: Sequence[RepoName], *, in_cluster: bool) -> Answer:
    """Look for work once: with a cluster its workers are told, alone this process does it."""
    if in_cluster:
        house = dispatcher(options)
        asked = [item for repo in repos for item in _polled(house, repo)]
        return _asked_for(asked)
    answers = []
    for repo in repos:
        how = How(until_blocked=True)
        answers += [(item, _careful(options, item, how)) for item in _triggered(options, repo, milestone=None)]
    return _together(answers)


def _polled(house: House, repo: RepoName) -> tuple[Item, ...]:
    clock, ids = house.ports.clock, house.ports.ids
    return patiently(lambda: poll(house, repo).enqueued, clock=clock, ids=ids)


def _work_on(options: Globals, item: Item, how: How) -> Answer:
    with workplace(options, key=str(item)) as place, _watch(options, place.house, item) as watch:
        cranked = crank(
            place.house,
            item,
            hint="cli",
            until_blocked=how.until_blocked,
            watch=watch,
            rebuild=how.rebuild_state,
            accept_graph=how.accept_graph,
        )
        if cranked.held_elsewhere and place.alone:
            message = f"{item}: a process that was killed holds it for a little longer"
            wrong = Wrong(code="held", message=message)
            return Answer(exit_code=Exit.RETRIABLE, retry_after_s=place.lease_s, errors=(wrong,))
        return _answer(item, cranked, now=place.house.ports.clock.now())


def _watch(options: Globals, house: House, item: Item) -> AbstractContextManager[ShownWatch]:
    return watching(options, lambda: house.ports.ledger.show(item).committed)


def _answer(item: Item, cranked: Cranked, *, now: datetime) -> Answer:
    """Return how the work on one item ended."""
    report, state = cranked.report, cranked.report.state
    data: JsonObject = {
        "issue": str(item),
        "result": report.result.value,
        "steps": cranked.steps,
        "nodes": [
            {"node": one.ref.node, "swi": one.ref.swi, "attempt": one.attempt, "result": one.result}
            for one in cranked.ran
        ],
        **_of_state(state),
    }
    lines = [f"  {one.ref} attempt {one.attempt}: {one.result}\n" for one in cranked.ran]
    if cranked.held_elsewhere or isinstance(report.error, StaleFence):
        return Answer(data={**data, "held_elsewhere": True}, text=f"{item}: another worker is at work on it\n")
    if report.error is not None:
        wrong = failed(report.error)
        return Answer(data=data, exit_code=wrong.exit_code, retry_after_s=wrong.retry_after_s, errors=wrong.errors)
    if state is None:
        why = f"is it open, labelled {Labels().trigger}, and not stopped by another label?"
        return Answer(data=data, text=f"{item}: nothing to do; {why}\n")
    text = f"{item}: {standing(state)}\n" + "".join(lines)
    return _by_status(state, data, text, now=now)


def _by_status(state: RunState, data: JsonObject, text: str, *, now: datetime) -> Answer:
    if state.status in (RunStatus.FAILED, RunStatus.ESCALATED):
        return Answer(data=data, text=text, exit_code=Exit.FAILED, errors=_failure(state))
    wait = state.wait
    if state.status is RunStatus.WAITING and wait is not None and wait.until is not None:
        seconds = max(1.0, (wait.until - now).total_seconds())
        wrong = Wrong(code=wait.reason, message=standing(state))
        return Answer(data=data, text=text, exit_code=Exit.RETRIABLE, retry_after_s=seconds, errors=(wrong,))
    return Answer(data=data, text=text)


def _failure(state: RunState) -> tuple[Wrong, ...]:
    failure = state.failure
    return () if failure is None else (Wrong(code=failure.category, message=f"{failure.node}: {failure.message}"),)


def _of_state(state: RunState | None) -> JsonObject:
    if state is None:
        return {"run_id": None, "status": None, "pulls": [], "cost_microusd": 0}
    return {
        "run_id": state.run_id,
        "status": state.status.value,
        "standing": standing(state),
        "pulls": pulls_of(state),
        "cost_microusd": state.cost.microusd,
    }


def _careful(options: Globals, item: Item, how: How) -> Answer:
    try:
        return process(options, str(item), how)
    except CogWorksError as error:
        return failed(error)


def _together(answers: Sequence[tuple[Item, Answer]]) -> Answer:
    """Return many answers as one; its exit code is the worst."""
    codes = {answer.exit_code for _, answer in answers}
    worst = next((code for code in _WORST_FIRST if code in codes), Exit.DONE)
    waits = [answer.retry_after_s for _, answer in answers if answer.retry_after_s is not None]
    return Answer(
        data={
            "items": [{"issue": str(item), "exit_code": int(one.exit_code), "data": one.data} for item, one in answers]
        },
        text="".join(one.text for _, one in answers) or "nothing to do: no open issue carries the trigger label\n",
        exit_code=worst,
        retry_after_s=min(waits) if waits and worst is Exit.RETRIABLE else None,
        errors=tuple(replace(wrong, field=str(item)) for item, one in answers for wrong in one.errors),
    )


def _enqueue(house: House, items: Sequence[Item], *, rebuild_state: bool = False) -> Answer:
    for item in items:
        house.ports.github.issues.get(item.repo, item.number)
        if rebuild_state:
            # Rebuilt here, under the lease that workers respect; the nodes are theirs.
            patient_step(house, item, hint="cli", rebuild=True)
        house.ports.queue.step(item, hint="cli")
    return _asked_for(items)


def _asked_for(items: Sequence[Item]) -> Answer:
    text = "".join(f"{item}: a worker was asked for a step\n" for item in items) or "nothing to do\n"
    return Answer(data={"enqueued": [str(item) for item in items]}, text=text)


def _triggered(options: Globals, repo: RepoName, *, milestone: str | None) -> list[Item]:
    """Return the open items that carry the trigger label, oldest first."""
    seen = onlooker(options)
    label = label_names(options, repo).trigger
    issues = patiently(lambda: seen.github.issues.find(repo, labels=[label]), clock=seen.clock, ids=seen.ids)
    if milestone is not None and all(one.milestone != milestone for one in issues):
        known = patiently(lambda: seen.github.issues.milestones(repo), clock=seen.clock, ids=seen.ids)
        _require_milestone(milestone, [one.title for one in known])
    wanted = [one for one in issues if milestone is None or one.milestone == milestone]
    return [Item(repo, one.number) for one in sorted(wanted, key=lambda one: one.number)]


def _require_milestone(title: str, known: Sequence[str]) -> None:
    if title not in known:
        message, allowed = f"there is no open milestone {title}", ", ".join(sorted(known)) or "none is open"
        raise ConfigError(
            problems=(Problem(code="milestone_not_found", field="--milestone", message=message, allowed=allowed),)
        )


def _trigger(github: GitHub, item: Item, names: Labels) -> None:
    """Label the issue; what nobody can run, a pull request or a closed issue, is left as it is."""
    issue = github.issues.get(item.repo, item.number)
    if issue.is_pull or not issue.open:
        return
    ensure_labels(github, names, item.repo, frozenset({names.trigger}))
    github.labels.add(item.repo, item.number, [names.trigger])
