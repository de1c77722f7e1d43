"""Look for work: three conditional requests a repository, two more for a waiting gate (GH-46). Only enqueues."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cogworks.engine.admission import TRIGGER_CURSOR, admit
from cogworks.engine.calling import heard_cursor
from cogworks.engine.hearing import HEARD, SPOKE
from cogworks.engine.house import House
from cogworks.engine.labelled import LABELLED, label_unread
from cogworks.engine.loading import readable
from cogworks.engine.parts import note_touched
from cogworks.engine.progress import at_work
from cogworks.engine.throttle import may_poll
from cogworks.model.config import Labels as LabelNames
from cogworks.model.github import Comment, Issue, IssueEvent
from cogworks.model.ids import IssueNumber, Item, PullNumber, RepoName
from cogworks.model.json_value import sha256_text
from cogworks.model.state import NodeStatus, RunState, RunStatus
from cogworks.pages.swi_page import parent_in
from cogworks.policy.commands import commands_in
from cogworks.policy.labels import RESTART, resumes, runnable
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import ProjectedRun, Projection

_EVENTS, _COMMENTS = "events", "comments"
_TELLING = frozenset({"labeled", "unlabeled", "closed", "reopened", "merged", "blocked_by_added"})
_Numbered = TypeVar("_Numbered", IssueEvent, Comment)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollReport:
    """What one poll of one repository led to."""

    seen: int
    enqueued: tuple[Item, ...]


def poll(house: House, repo: RepoName) -> PollReport:
    """Enqueue a step for every item of ``repo`` that may go on; idle, all answers are 304.

    What labels say is looked at anew each time, so that a lost step costs one interval.
    """
    if not may_poll(house, repo):
        return PollReport(seen=0, enqueued=())
    names = LabelNames(trigger=house.ports.projection.cursor(repo, TRIGGER_CURSOR) or LabelNames().trigger)
    issues = house.ports.github.issues.find(repo, labels=[names.trigger])
    events, said = house.ports.github.issues.events(repo), house.ports.github.comments.recent(repo, since=None)
    others = _events_by_others(house, repo, events)
    _note_triggers(house, repo, others, names)
    unheard = _unheard(house, repo, _newer(house, repo, _COMMENTS, said, first_is_new=True))
    touched = frozenset(event.issue for event in others)
    known = house.ports.projection.known()
    new, wanted = _labelled(house, repo, issues, names, touched)
    chosen = admit(house, repo, new, since=_triggered_at(events, names))
    wanted |= dict.fromkeys(chosen.admitted, "triggered")
    owners = note_touched(house.ports.projection, repo, others)
    wanted |= dict.fromkeys(_gone(known, repo, issues) | _stepped_before(house, repo, touched) | owners, "moved")
    wanted |= dict.fromkeys(unheard.values(), "spoken")
    for item, hint in wanted.items():
        house.ports.queue.step(item, hint=hint)
    # Last: a poll that dies before is repeated, and what it saw is not lost.
    _remember(house, repo, _EVENTS, max((one.id for one in events), default=0))
    _remember(house, repo, _COMMENTS, min(unheard, default=max((one.id for one in said), default=0) + 1) - 1)
    house.ports.pulse.polled(repo, at=house.ports.clock.now(), waiting=chosen.waiting)
    return PollReport(seen=len(issues), enqueued=tuple(wanted))


def _labelled(
    house: House, repo: RepoName, issues: Iterable[Issue], names: LabelNames, touched: frozenset[IssueNumber]
) -> tuple[list[Issue], dict[Item, str]]:
    """Return which of ``issues`` ask for a run that nobody here knows, and which runs may go on."""
    new: list[Issue] = []
    wanted: dict[Item, str] = {}
    for issue in sorted(issues, key=lambda one: one.number):
        item = Item(repo, issue.number)
        run = house.ports.projection.load(item)
        if run is None:
            new += [issue] if runnable(frozenset(issue.labels), names) or RESTART in issue.labels else []
        elif issue.number in touched or _may_go_on(house, issue, names, run):
            wanted[item] = "moved"
    return new, wanted


def _triggered_at(events: Sequence[IssueEvent], names: LabelNames) -> dict[IssueNumber, datetime]:
    """Return when issues got their trigger label, as far as the newest page of events reaches."""
    told = [event for event in events if event.kind == "labeled" and event.label == names.trigger]
    return {event.issue: event.at for event in sorted(told, key=lambda one: one.at)}


def _gone(known: Iterable[Item], repo: RepoName, issues: Iterable[Issue]) -> set[Item]:
    """Return the open runs whose issue was closed or lost its trigger."""
    found = {issue.number for issue in issues}
    return {item for item in known if item.repo == repo and item.number not in found}


def _stepped_before(house: House, repo: RepoName, touched: Iterable[IssueNumber]) -> set[Item]:
    items = {Item(repo, number) for number in touched}
    return {item for item in items if house.ports.projection.load(item) is not None}


def _may_go_on(house: House, issue: Issue, names: LabelNames, run: ProjectedRun) -> bool:
    """Tell whether labels or a gate ask for a step of a run that is known; a damaged one is read anew by a step."""
    state = readable(run)
    if state is None or label_unread(run.facts, read_to=state.cursor.event_id):
        return True
    if RESTART in issue.labels or (state.queued and not state.status.open):
        return True
    if state.status is RunStatus.HELD:
        return names.hold not in issue.labels
    if not state.status.open:
        return resumes(state.status, frozenset(issue.labels), names)
    return names.cancel in issue.labels or _gate_moved(house, state.item, state)


def _events_by_others(house: House, repo: RepoName, events: Sequence[IssueEvent]) -> list[IssueEvent]:
    """Return what somebody else did to issues and pull requests since the last poll, as far as it may move a run."""
    newer = _newer(house, repo, _EVENTS, events)
    told = [event for event in newer if event.kind in _TELLING]
    own = house.ports.github.contents.login() if told else ""
    return [event for event in told if event.actor != own]


def _note_triggers(house: House, repo: RepoName, others: Iterable[IssueEvent], names: LabelNames) -> None:
    """Note the triggers that people set beside a run: such a one leaves no trace on the issue for the step (ENG-45)."""
    for event in sorted(others, key=lambda one: one.id):
        item = Item(repo, event.issue)
        triggers = (event.kind, event.label) == ("labeled", names.trigger) and not event.actor_is_bot
        if triggers and house.ports.projection.load(item) is not None:
            house.ports.projection.note(item, {LABELLED: str(event.id)})


def _unheard(house: House, repo: RepoName, newer: Sequence[Comment]) -> dict[int, Item]:
    """Return the comments with commands that no step has acted on, by id, with the item; and note them for the step.

    They are looked at again by the next poll, so that a lost step costs one interval. The first poll takes all that it
    sees for new: what was acted on lies behind the cursor of its run.
    """
    commands = [one for one in newer if not one.author_is_bot and commands_in(one.body)]
    own = house.ports.github.contents.login() if commands else ""
    found: dict[int, Item] = {}
    for comment in commands:
        if comment.issue is None or comment.author == own:
            continue
        item = item_spoken_on(house.ports.github, house.ports.projection, Item(repo, comment.issue))
        if item is not None and comment.id > _heard_up_to(house, item):
            house.ports.projection.note(item, {SPOKE: str(comment.id)})
            found[comment.id] = item
    return found


def _heard_up_to(house: House, item: Item) -> int:
    """Return the newest comment that a step has listened to."""
    run = house.ports.projection.load(item)
    if run is None:
        return int(house.ports.projection.cursor(item.repo, heard_cursor(item.number)) or 0)
    state = readable(run)
    return max(state.cursor.comment_id if state is not None else 0, int(run.facts.get(HEARD) or 0))


def item_spoken_on(github: GitHub, projection: Projection, item: Item) -> Item | None:
    """Return the work item that words on an issue are meant for: its own, or its parent's; None for a pull request."""
    if projection.load(item) is not None:
        return item
    issue = github.issues.get(item.repo, item.number)
    parent = parent_in(issue.body)
    if issue.is_pull:
        return None
    return item if parent is None else Item(item.repo, parent)


def _newer(
    house: House, repo: RepoName, name: str, listed: Sequence[_Numbered], *, first_is_new: bool = False
) -> list[_Numbered]:
    """Return what came since the last poll; without one, nothing, or with ``first_is_new`` everything."""
    noted = house.ports.projection.cursor(repo, name)
    if not noted:
        return list(listed) if first_is_new else []
    return [one for one in listed if one.id > int(noted)]


def _remember(house: House, repo: RepoName, name: str, read_to: int) -> None:
    """Remember how far this poll has read."""
    if house.ports.projection.cursor(repo, name) != str(read_to):
        house.ports.projection.move_cursor(repo, name, str(read_to))


def _gate_moved(house: House, item: Item, state: RunState) -> bool:
    """Tell whether people did something to the newest pull request of a run that waits at a gate."""
    if not at_work(state, NodeStatus.AWAITING_APPROVAL):
        return False
    pulls = [int(one.ref) for one in state.artifacts.values() if one.kind == "pr"]
    pulls += [int(swi.pr) for swi in state.sub_work_items if swi.pr]
    return bool(pulls) and _pull_moved(house, item, PullNumber(max(pulls)))


def _pull_moved(house: House, item: Item, number: PullNumber) -> bool:
    pull = house.ports.github.pulls.get(item.repo, number)
    if not pull.open and not pull.merged:
        return True
    reviews = house.ports.github.pulls.reviews(item.repo, number)
    seen = sha256_text(f"{pull.open} {pull.merged} {pull.head_sha} {[(r.id, r.state) for r in reviews]}")[:16]
    name = f"pull-{number}"
    if house.ports.projection.cursor(item.repo, name) == seen:
        return False
    house.ports.projection.move_cursor(item.repo, name, seen)
    return True
