"""Look for work: three conditional requests a repository, two more for a waiting gate (GH-46). Only enqueues."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cogworks.engine.admission import TRIGGER_CURSOR, admit
from cogworks.engine.house import House
from cogworks.engine.loading import readable
from cogworks.engine.parts import note_touched
from cogworks.engine.progress import at_work
from cogworks.engine.throttle import may_poll
from cogworks.model.config import Labels as LabelNames
from cogworks.model.github import Comment, Issue, IssueEvent
from cogworks.model.ids import IssueNumber, Item, PullNumber, RepoName
from cogworks.model.json_value import sha256_text
from cogworks.model.state import NodeStatus, RunState
from cogworks.policy.labels import resumes, runnable

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
    events = house.ports.github.issues.events(repo)
    others = _events_by_others(house, repo, events)
    touched = frozenset(event.issue for event in others) | _touched_by_comments(house, repo)
    known = house.ports.projection.known()
    wanted: dict[Item, str] = {}
    new: list[Issue] = []
    for issue in sorted(issues, key=lambda one: one.number):
        item = Item(repo, issue.number)
        run = house.ports.projection.load(item)
        if run is None:
            new += [issue] if runnable(frozenset(issue.labels), names) else []
        elif issue.number in touched or _may_go_on(house, issue, names, readable(run)):
            wanted[item] = "moved"
    chosen = admit(house, repo, new, since=_triggered_at(events, names))
    wanted |= dict.fromkeys(chosen.admitted, "triggered")
    owners = note_touched(house.ports.projection, repo, others)
    wanted |= dict.fromkeys(_gone(known, repo, issues) | _stepped_before(house, repo, touched) | owners, "moved")
    for item, hint in wanted.items():
        house.ports.queue.step(item, hint=hint)
    house.ports.pulse.polled(repo, at=house.ports.clock.now(), waiting=chosen.waiting)
    return PollReport(seen=len(issues), enqueued=tuple(wanted))


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


def _may_go_on(house: House, issue: Issue, names: LabelNames, state: RunState | None) -> bool:
    """Tell whether labels or a gate ask for a step of a run that is known; a damaged one is read anew by a step."""
    if state is None:
        return True
    if not state.status.open:
        return resumes(state.status, frozenset(issue.labels), names)
    return names.cancel in issue.labels or _gate_moved(house, state.item, state)


def _events_by_others(house: House, repo: RepoName, events: Sequence[IssueEvent]) -> list[IssueEvent]:
    """Return what somebody else did to issues and pull requests since the last poll, as far as it may move a run."""
    newer = _newer(house, repo, _EVENTS, events)
    told = [event for event in newer if event.kind in _TELLING]
    own = house.ports.github.contents.login() if told else ""
    return [event for event in told if event.actor != own]


def _touched_by_comments(house: House, repo: RepoName) -> frozenset[IssueNumber]:
    """Return the issues that somebody else commented on since the last poll."""
    newer = _newer(house, repo, _COMMENTS, house.ports.github.comments.recent(repo, since=None))
    own = house.ports.github.contents.login() if newer else ""
    return frozenset(comment.issue for comment in newer if comment.issue and comment.author != own)


def _newer(house: House, repo: RepoName, name: str, listed: Sequence[_Numbered]) -> list[_Numbered]:
    """Return what came since the last poll, and remember how far this one read; the first poll only remembers."""
    noted = house.ports.projection.cursor(repo, name)
    newest = max((one.id for one in listed), default=0)
    if noted != str(newest):
        house.ports.projection.move_cursor(repo, name, str(newest))
    return [one for one in listed if noted and one.id > int(noted)]


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
