"""Which issues and pull requests belong to which run, so that an event on one of them finds the run (GH-46).

Redis alone is asked, so a poll that sees nothing new costs nothing more. What is lost with Redis is looked at again by
the first step after it.
"""

from collections.abc import Iterable, Mapping

from cogworks.model.github import IssueEvent
from cogworks.model.ids import IssueNumber, Item, RepoName
from cogworks.model.state import RunState
from cogworks.ports.runtime import Projection

_PARTS, _TOUCHED, _SEEN = "parts", "touched:", "looked-at:"
_TELLING = frozenset({"labeled", "closed", "reopened", "merged", "blocked_by_added"})


def remember_parts(projection: Projection, state: RunState, facts: Mapping[str, str]) -> None:
    """Remember the issues and pull requests of the sub-work-items of ``state``, when there are new ones."""
    numbers = sorted({int(n) for swi in state.sub_work_items for n in (swi.issue, swi.pr) if n is not None})
    told = ",".join(str(number) for number in numbers)
    if told == facts.get(_PARTS, ""):
        return
    for number in numbers:
        projection.move_cursor(state.repo, _part(number), str(state.work_item))
    projection.note(state.item, {_PARTS: told})


def note_touched(projection: Projection, repo: RepoName, events: Iterable[IssueEvent]) -> frozenset[Item]:
    """Note what people did to parts of runs, and return the work items that have to look at it."""
    found: dict[Item, dict[str, str]] = {}
    for event in events:
        owner = projection.cursor(repo, _part(event.issue)) if event.kind in _TELLING else None
        if owner:
            touched = found.setdefault(Item(repo, IssueNumber(int(owner))), {})
            name = f"{_TOUCHED}{event.issue}"
            touched[name] = str(max(event.id, int(touched.get(name, "0"))))
    for item, facts in found.items():
        projection.note(item, facts)
    return frozenset(found)


def touched(facts: Mapping[str, str]) -> frozenset[int]:
    """Return the numbers of the parts that somebody touched and that no step has settled since."""
    noted = {name.removeprefix(_TOUCHED): event for name, event in facts.items() if name.startswith(_TOUCHED)}
    return frozenset(int(number) for number, event in noted.items() if facts.get(f"{_SEEN}{number}") != event)


def settled(projection: Projection, item: Item, facts: Mapping[str, str], numbers: Iterable[int]) -> None:
    """Note that nothing is left to do about what happened to these parts so far."""
    looked = {f"{_SEEN}{number}": facts[f"{_TOUCHED}{number}"] for number in numbers if f"{_TOUCHED}{number}" in facts}
    if looked:
        projection.note(item, looked)


def _part(number: int) -> str:
    return f"part-{number}"
