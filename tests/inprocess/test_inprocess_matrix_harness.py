"""The matrix would tell: builds without one of the safeguards fail it, at the cells where the safeguard is needed."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hurt import Then
from matrix import FORKS, Cell, Plan, Told, make_plan, plan_of, run_cells

from cogworks.adapters import memory_runtime
from cogworks.adapters.memory_github import MemoryPulls
from cogworks.engine import attempt
from cogworks.engine.comments import CommentBook
from cogworks.model.outcome import Outcome, outcome_to_json
from cogworks.nodes import planning

pytestmark = pytest.mark.filterwarnings(FORKS)


def one_sub_work_item() -> dict[str, Any]:
    """The smallest journey that does everything once."""
    return {}


def deaths(plan: Plan, call: str, *, then: Then = "redelivered", after: bool = True) -> list[Cell]:
    """Death after (or before) each call of this name."""
    found = [one for (_, late), one in plan.moments.items() if one.name == call and late is after]
    return [Cell(moment=moment, then=then, stands_for=1) for moment in found]


def replaced_before(plan: Plan, call: str) -> list[Cell]:
    return [Cell(moment=cell.moment, then="overtaken", stands_for=1) for cell in deaths(plan, call, after=False)]


def without_fence(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks whether he still holds his lease before he writes."""
    for keeper in (memory_runtime._StepKeeper, memory_runtime._AttemptKeeper):
        patch.setattr(keeper, "guard", lambda _self: None)


def without_comment_lookup(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(CommentBook, "_all", lambda _self: {})


def without_pull_lookup(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryPulls, "find", lambda *_args, **_named: ())


def without_issue_lookup(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(planning, "_key", lambda _job, _issue: "")


def told_before_journal(patch: pytest.MonkeyPatch) -> None:
    """The outcome is completed and the step asked for first, and written to GitHub afterwards."""
    works, places = attempt._worked, attempt._with_places

    class Careless:
        def guard(self) -> None:
            """A completed attempt could write no more; this build has to look away."""

    def worked(house, found, state, key, claim, _keeper) -> Outcome:
        def tell_first(outcome: Outcome, of) -> Outcome:
            placed = places(outcome, of)
            house.ports.leases.complete(claim, outcome_to_json(placed))
            house.ports.queue.step(key.item, hint="too early")
            return placed

        patch.setattr(attempt, "_with_places", tell_first)
        return works(house, found, state, key, claim, Careless())

    patch.setattr(attempt, "_worked", worked)


Break, Choose, Sign = Callable[[pytest.MonkeyPatch], None], Callable[[Plan], Sequence[Cell]], Callable[[Told], object]

BROKEN: dict[str, tuple[Break, Choose, Sign]] = {
    "no fence: whoever was replaced posts again": (
        without_fence,
        lambda plan: replaced_before(plan, "github.comments.create"),
        lambda told: told.doubled and told.zombie_wrote,
    ),
    "no lookup by key: a comment is posted again": (
        without_comment_lookup,
        lambda plan: deaths(plan, "github.comments.create"),
        lambda told: any("comment" in name for name in told.doubled),
    ),
    "no lookup by head: a pull request is opened again, which GitHub refuses": (
        without_pull_lookup,
        lambda plan: deaths(plan, "github.pulls.create"),
        lambda told: told.lost or told.error,
    ),
    "no lookup by marker: a sub-issue is opened again": (
        without_issue_lookup,
        lambda plan: deaths(plan, "github.issues.create"),
        lambda told: any("sub-issue" in name for name in told.doubled),
    ),
    "told before it is journalled: the record is lost": (
        told_before_journal,
        lambda plan: deaths(plan, "leases.complete", then="lost"),
        lambda told: "branches" in told.lost,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_build_without_a_safeguard_fails_the_matrix(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking, choose, sign = BROKEN[name]
    sound = plan_of(one_sub_work_item)
    breaking(monkeypatch)
    broken = make_plan(one_sub_work_item)
    assert broken.picture == sound.picture, "undisturbed, nobody would notice"

    told = run_cells(one_sub_work_item, broken, choose(broken))

    assert told
    assert any(one.wrong and sign(one) for one in told), [one.wrong for one in told]


@pytest.mark.parametrize("name", BROKEN)
def test_the_sound_build_passes_the_same_cells(name: str) -> None:
    _, choose, _ = BROKEN[name]
    sound = plan_of(one_sub_work_item)
    assert {str(one.cell): one.wrong for one in run_cells(one_sub_work_item, sound, choose(sound)) if one.wrong} == {}


def test_a_cell_that_proves_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = plan_of(one_sub_work_item)
    cells = deaths(sound, "queue.run_nodes")[:1]

    monkeypatch.setattr("hurt.Hurt.die", lambda *_args: 1 / 0)
    assert "ZeroDivisionError" in run_cells(one_sub_work_item, sound, cells)[0].wrong

    monkeypatch.setattr("hurt.Hurt.die", lambda *_args: None)
    assert "the fault never fired" in run_cells(one_sub_work_item, sound, cells)[0].wrong

    monkeypatch.setattr("hurt.Hurt.die", lambda *_args: os._exit(3))
    assert "silently" in run_cells(one_sub_work_item, sound, cells)[0].wrong
