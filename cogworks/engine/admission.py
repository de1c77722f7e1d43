"""Which new items may begin, and why the others wait (20 section 11). Work that runs already is never held back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cogworks.engine.house import House
from cogworks.engine.throttle import nothing_new
from cogworks.model.config import Config, Engine
from cogworks.model.github import Issue
from cogworks.model.ids import IssueNumber, Item, RepoName
from cogworks.policy.labels import NODE_PREFIX, PROCESSING
from cogworks.ports.runtime import Projection

TRIGGER_CURSOR = "trigger"
_ROOM_CURSOR = "max_active_runs"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Who begins, oldest trigger first, and why each of the others does not."""

    admitted: tuple[Item, ...]
    waiting: Mapping[IssueNumber, str]


def admit(house: House, repo: RepoName, issues: Sequence[Issue], *, since: Mapping[IssueNumber, datetime]) -> Admission:
    """Return which of ``issues``, whose runs nobody here knows, may begin now.

    ``since`` tells when the trigger was set; who is missing there was labelled before all of those, and among them
    the order is that of their numbers. Only items for which there is room are asked for their blockers.
    """
    room = _room(house, repo)
    admitted: list[Item] = []
    waiting: dict[IssueNumber, str] = {}
    for issue in sorted(issues, key=lambda one: (since.get(one.number, _LONG_AGO), one.number)):
        if _began_before(issue):
            # Redis lost it: it is at work already and takes nobody's place.
            admitted.append(Item(repo, issue.number))
            continue
        reason = room.reason or _blocked(house, repo, issue)
        if reason:
            waiting[issue.number] = reason
        else:
            admitted.append(Item(repo, issue.number))
            room = room.less_one()
    return Admission(admitted=tuple(admitted), waiting=waiting)


def note_rules(projection: Projection, repo: RepoName, config: Config) -> None:
    """Keep what the poller needs of a repository's configuration, for it reads no files."""
    for name, value in ((TRIGGER_CURSOR, config.labels.trigger), (_ROOM_CURSOR, str(config.engine.max_active_runs))):
        if projection.cursor(repo, name) != value:
            projection.move_cursor(repo, name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How many more runs may begin here and in all; ``reason`` says why none."""

    here: int
    most_here: int
    all: int
    most_all: int
    low_water: str

    @property
    def reason(self) -> str:
        if self.low_water:
            return self.low_water
        if self.here < 1:
            return f"{self.most_here} runs are open in this repository, as many as engine.max_active_runs allows"
        if self.all < 1:
            return f"{self.most_all} runs are open in all, as many as COGWORKS_MAX_ACTIVE_RUNS allows"
        return ""

    def less_one(self) -> "_Room":
        return _Room(
            here=self.here - 1,
            most_here=self.most_here,
            all=self.all - 1,
            most_all=self.most_all,
            low_water=self.low_water,
        )


def _room(house: House, repo: RepoName) -> _Room:
    open_runs = Counter(item.repo for item in house.ports.projection.known())
    most_here = int(house.ports.projection.cursor(repo, _ROOM_CURSOR) or Engine().max_active_runs)
    return _Room(
        here=most_here - open_runs[repo],
        most_here=most_here,
        all=house.max_active_runs - open_runs.total(),
        most_all=house.max_active_runs,
        low_water=nothing_new(house.ports),
    )


def _began_before(issue: Issue) -> bool:
    return any(label.startswith(NODE_PREFIX) or label == PROCESSING for label in issue.labels)


def _blocked(house: House, repo: RepoName, issue: Issue) -> str:
    """Return which open issues this one waits for; empty when it waits for none."""
    if issue.open_blockers == 0:
        return ""
    waits_for = [one.number for one in house.ports.github.issues.blocked_by(repo, issue.number) if one.open]
    return "blocked by " + ", ".join(f"#{number}" for number in waits_for) if waits_for else ""
