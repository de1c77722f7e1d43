"""A journey as data, and the one way to make it: run the stack, play the person, compare what is found."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from people import Found
from plans import Plan
from processes import until
from scripts import rules_of
from seeds import CALC, Seed
from stack import QUICK, Stack, running

COMPLETE, FAILED = "cogworks:node:complete", "cogworks:node:failed"
_ENDS = {COMPLETE, FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Seed, script, faults and what happens in between.

    ``disturb`` acts as soon as a fault holds a request. ``forgets`` says that answers of the model may be asked for
    again, because nothing is left of them.
    """

    name: str
    why: str
    plan: Plan
    files: Mapping[str, str] | Path = field(default_factory=lambda: CALC)
    settings: Mapping[str, str] = field(default_factory=lambda: QUICK)
    model_faults: tuple[Mapping[str, Any], ...] = ()
    github_faults: tuple[Mapping[str, Any], ...] = ()
    disturb: Callable[[Stack], None] | None = None
    forgets: bool = False
    ends_with: str = COMPLETE
    within_s: float = 60.0

    def __str__(self) -> str:
        """Name the journey in a list of tests."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Where a journey led, while its stack still runs."""

    stack: Stack
    found: Found
    took_s: float


def travel(journey: Journey, *, service_home: Path, arrived: Callable[[Arrival], None]) -> None:
    """Make the journey and hand what was found to ``arrived``; what holds for every journey is asserted here."""
    seed = Seed(title=journey.plan.title, body=journey.plan.issue_body, files=journey.files)
    with running(seed, rules_of(journey.plan), service_home=service_home, settings=journey.settings) as stack:
        stack.set_faults("anthropic", journey.model_faults)
        stack.set_faults("github", journey.github_faults)
        merge = stack.maria.merge_what_waits
        if journey.disturb is not None:
            until(stack.holds_a_request, within_s=60, what="a fault holds a request", meanwhile=merge)
            journey.disturb(stack)
        took_s = until(lambda: _ended(stack), within_s=journey.within_s, what="the run ends", meanwhile=merge)
        found = stack.maria.look_around()
        assert journey.ends_with in found.labels, stack.maria.comments()
        assert found.doubled() == []
        assert stack.ask("github", "violations")["violations"] == []
        assert stack.conforms() == []
        if not journey.forgets:
            assert stack.asked_twice() == []
        if journey.disturb is None:
            assert stack.logged_errors() == []
        arrived(Arrival(stack=stack, found=found, took_s=took_s))


def _ended(stack: Stack) -> bool:
    return bool(_ENDS & stack.maria.labels())


def expected_comments(plan: Plan) -> Counter[str]:
    """Return the comments of a run that completes, by kind and key: each exists once, however the run was disturbed."""
    ordinals = range(1, len(plan.pieces) + 1)
    nodes = [f"{name}/-" for name in ("intake", "architecture", "interface_design", "planning")]
    nodes += [f"{name}/{one}" for name in ("code_generation", "review", "integration") for one in ordinals]
    gates = [f"gate/{name}/1" for name in ("architecture", "interface_design")]
    audit = [*(f"node/{name}" for name in nodes), *gates, "cost", "summary"]
    return Counter(["state", *(f"audit {name}" for name in audit)])


def expected_pulls(plan: Plan) -> list[str]:
    """Return what the pull requests of a run that completes are about."""
    return ["spec", "interfaces", *(f"swi-{ordinal}" for ordinal in range(1, len(plan.pieces) + 1))]


def expected_issues(plan: Plan) -> Counter[str]:
    """Return the issues of a run that completes, by title."""
    return Counter([plan.title, *(piece.title for piece in plan.pieces)])
