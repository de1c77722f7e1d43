"""What people may change while a run is under way: one row for each change (30 section 11).

A row says when a person acts and what, what people see in the end, and where GitHub may differ from a run that nobody
touched. Everything else has to be the same: no other write happened.
"""

from collections import Counter
from pathlib import Path

import pytest
from answers import prompt_of
from changes_rows import ROWS, Row
from changing import FAILED, RUN, at, attempts, done, first_again, number_of, statuses, stopped, three
from watched import Fate, watched
from world import NUMBER, World

from cogworks.model.errors import FailureCategory
from cogworks.model.state import RunStatus

WRITES = frozenset(
    {
        "issues.create",
        "issues.add_sub_issue",
        "issues.add_blocked_by",
        "labels.add",
        "labels.remove",
        "comments.create",
        "comments.update",
        "pulls.create",
        "pulls.update_body",
        "pulls.comment_review",
    }
)


def written(world: World) -> Counter[str]:
    calls = (one.removeprefix("github.") for one in world.fate.calls)  # type: ignore[attr-defined]
    return Counter(one for one in calls if one in WRITES)


def seen_writing(world: World) -> World:
    fate = Fate()
    world.plug = lambda ports: watched(ports, fate)
    world.fate = fate  # type: ignore[attr-defined]
    world.house = world.new_house()
    return world


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.change)
def test_what_people_change_is_respected_and_nothing_else_is_written(row: Row) -> None:
    calm = seen_writing(row.world()).run()
    world = row.acts(seen_writing(row.world()))

    wrong = {what: pair for what, pair in row.sees(world).items() if pair[0] != pair[1]}
    assert wrong == {}, row.why
    assert dict(written(world) - written(calm)) == dict(row.more), row.why


def test_the_manual_lists_every_change_that_is_tried_here() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition("## What people may change")[2].partition("\n## ")[0]
    told = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")][1:]
    assert told == [row.change for row in ROWS]


def test_what_is_finished_is_not_done_again_for_an_edit_of_a_sub_work_item() -> None:
    world = at("integration/1", lambda w: w.person.edit_issue(number_of(w, 1), body="Write it in one line."))(three())

    assert [attempts(world, name, 1) for name in ("code_generation", "review", "integration")] == [1, 1, 1]
    world.person.label(number_of(world, 1), "cogworks:status:pending")
    world.run()
    assert "in one line" in prompt_of(first_again(world))


def test_a_label_of_ours_that_nobody_else_touched_is_put_right() -> None:
    """X-02: a difference without an event of somebody else is our own unfinished write."""
    world = World()

    def undo(now: World) -> None:
        now.repo.remove_label(NUMBER, "cogworks:node:interface_design", actor="cogworks")

    at("interface_design", undo)(world)
    assert done(world) == (RunStatus.COMPLETED,) * 2


def test_a_halted_run_goes_on_once_the_label_of_the_failure_is_taken_off() -> None:
    world = at("interface_design", lambda w: w.person.label(NUMBER, "cogworks:node:review"))(World())
    assert stopped(world) is FailureCategory.STATE_CONFLICT
    world.person.unlabel(NUMBER, FAILED)
    world.run()

    assert done(world) == (RunStatus.COMPLETED,) * 2
    assert world.labels_now() == {RUN, "cogworks:node:complete"}


def test_what_people_pushed_is_reviewed_when_an_escalated_run_goes_on() -> None:
    world = World()
    at("integration/1", lambda w: w.person.push("cogworks/1/swi-1", {"src/calc/mean.py": b"BETTER = 1\n"}))(world)
    assert stopped(world) is FailureCategory.BRANCH_DIVERGED
    world.person.unlabel(NUMBER, FAILED)
    world.run()

    assert done(world) == (RunStatus.COMPLETED,) * 2
    assert "BETTER" in prompt_of(world.asked("review")[-1])


def test_acts_on_parts_are_found_after_redis_was_lost() -> None:
    world = three().run()
    world.lose_redis()
    world.person.merge(world.pull("swi-1").number)
    world.step()
    world.run()

    assert statuses(world)[0] == "done"


def test_an_unlocked_conversation_lets_the_run_go_on() -> None:
    world = at("architecture", lambda w: w.person.lock(NUMBER))(World())
    tries = sum("was refused" in text for _, text in world.log)
    assert 0 < tries < 60, "no hot loop"
    world.person.unlock(NUMBER)
    world.run()
    if FAILED in world.labels_now():
        world.person.unlabel(NUMBER, FAILED)
        world.run()

    assert done(world) == (RunStatus.COMPLETED,) * 2
