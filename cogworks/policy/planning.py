"""Whether a plan holds: count, order, coverage, files (ENG-53, SCOPE-01)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from cogworks.model.findings import Category, Diagnostic, Severity
from cogworks.model.outputs import PlannedItem


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """What a plan is judged against: approved interface ids, requirement ids and authorised paths.

    ``authorised`` is None where the pipeline made no document that could authorise anything.
    """

    interfaces: frozenset[str]
    requirements: frozenset[str]
    authorised: frozenset[str] | None


def ordered(items: Sequence[PlannedItem]) -> tuple[PlannedItem, ...]:
    """Return ``items`` in topological order, ties by title; raises graphlib's CycleError."""
    by_title = {item.title: item for item in items}
    sorter = TopologicalSorter({item.title: [t for t in item.depends_on if t in by_title] for item in items})
    sorter.prepare()
    result: list[PlannedItem] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        result.extend(by_title[title] for title in ready)
        sorter.done(*ready)
    return tuple(result)


def faults(items: Sequence[PlannedItem], facts: PlanFacts) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a plan; empty when it holds."""
    titles = [item.title for item in items]
    named = {interface for item in items for interface in item.interfaces}
    covered = {requirement for item in items for requirement in item.requirements}
    planned = {change.path for item in items for change in item.files}
    return tuple(
        _fault(message)
        for message in (
            *(["the plan holds no sub-work-item"] if not items else []),
            *_listed("titles are used twice", (t for t in set(titles) if titles.count(t) > 1)),
            *_listed("dependencies name no planned title", _unknown(items, set(titles))),
            *_cycle(items),
            *_listed("interfaces are covered by no sub-work-item", facts.interfaces - named),
            *_listed("interfaces are not in the approved document", named - facts.interfaces),
            *_listed("requirements are covered by no sub-work-item", facts.requirements - covered),
            *_listed(
                "files are not in the authorised set",
                planned - (planned if facts.authorised is None else facts.authorised),
            ),
        )
    )


def _unknown(items: Sequence[PlannedItem], titles: set[str]) -> Iterable[str]:
    return {title for item in items for title in item.depends_on if title not in titles}


def _cycle(items: Sequence[PlannedItem]) -> list[str]:
    try:
        ordered(items)
    except CycleError as error:
        return [f"dependencies form a cycle: {' -> '.join(error.args[1])}"]
    return []


def _listed(message: str, names: Iterable[str]) -> list[str]:
    found = sorted(names)
    return [f"{message}: {', '.join(found)}"] if found else []


def _fault(message: str) -> Diagnostic:
    return Diagnostic(severity=Severity.BLOCKING, category=Category.COMPLETENESS, message=message)
