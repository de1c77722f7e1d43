"""The default pipeline when all goes well: what is on GitHub in the end."""

import pytest
from answers import body, good_answers
from world import ITEM, NUMBER, World, approve_gates

from cogworks.model.state import NodeStatus, RunStatus, SwiStatus


@pytest.fixture(scope="module")
def one() -> World:
    return World().run()


@pytest.fixture(scope="module")
def three() -> World:
    return World(rules=good_answers(3), text=body(3)).run()


def test_one_sub_work_item_ends_in_one_pull_request_for_people_to_merge(one: World) -> None:
    assert one.labels_now() == {"cogworks:run", "cogworks:node:complete"}
    assert [(p.title, p.merged, p.open) for p in one.pulls()] == [
        ("[#1] Specification: More functions", True, False),
        ("[#1] Interfaces: Add functions to calc", True, False),
        ("[#1 1/1] 01 mean", False, True),
    ]
    assert one.content("cogworks/1/swi-1")["src/calc/mean.py"].startswith(b"def mean(")
    assert [issue.labels for issue in one.swis()] == [("cogworks:sub-work-item", "cogworks:status:pr-open")]


def test_each_node_has_one_comment_with_its_end_and_the_run_one_cost_report_and_one_summary(one: World) -> None:
    assert one.kinds() == ["cost", "gate", "gate", *["node"] * 7, "summary"]
    assert {note.result for note in one.notes("node")} == {"succeeded"}
    assert all("**Attempt 1: succeeded**" in note.text for note in one.notes("node"))
    assert "| R1 |" in one.note("summary")
    assert "satisfied" in one.note("summary")


def test_nobody_is_asked_more_than_needed(one: World) -> None:
    asked = [(r.identity.node, r.identity.template) for r in one.asked()]
    assert asked == [
        ("intake", "intake"),
        ("architecture", "architecture"),
        ("architecture", "align_architecture"),
        ("interface_design", "interface_design"),
        ("interface_design", "align_interface_design"),
        ("planning", "planning"),
        ("code_generation", "code_generation"),
        ("code_generation", "code_generation"),
        ("code_generation", "align_code_generation"),
        ("review", "review_quality"),
        ("review", "review_architecture"),
        ("review", "review_security"),
        ("end_to_end", "align_end_to_end"),
    ]


def test_ledger_state_and_report_say_the_same(one: World) -> None:
    view, state = one.ledger.show(ITEM), one.state
    assert view.committed.microusd == state.cost.microusd == sum(state.cost.by_node.values())
    assert view.committed.tokens == state.cost.tokens
    assert view.reserved.microusd == view.unreconciled.microusd == 0
    assert f"{state.cost.tokens:,}" in one.note("cost")


def test_reviewers_use_another_model_than_generators(one: World) -> None:
    models = {purpose: {r.model.id for r in one.asked(purpose=purpose)} for purpose in ("generate", "review")}
    assert models["generate"].isdisjoint(models["review"])


def test_three_sub_work_items_come_in_the_order_of_the_plan(three: World) -> None:
    assert [p.title for p in three.pulls()][2:] == ["[#1 1/3] 01 mean", "[#1 2/3] 02 median", "[#1 3/3] 03 spread"]
    assert [swi.status for swi in three.state.sub_work_items] == [SwiStatus.PR_OPEN] * 3
    assert three.state.status is RunStatus.COMPLETED
    ordinals = [r.identity.sub_work_item for r in three.asked("code_generation")]
    assert ordinals == sorted(ordinals)


def test_sub_work_items_that_wait_for_others_get_their_code_and_name_them() -> None:
    world = World(rules=good_answers(3, depends_on={2: [1], 3: [1, 2]}), text=body(3)).run()

    last = world.pull("swi-3")
    assert set(world.content(last.head)) >= {"src/calc/mean.py", "src/calc/median.py", "src/calc/spread.py"}
    assert f"Depends on: #{world.pull('swi-1').number}" in last.body
    assert f"Depends on: #{world.pull('swi-2').number}" in last.body
    swis = [issue.number for issue in world.swis()]
    assert world.repo.blockers[swis[2]] == swis[:2]
    assert "src/calc/median.py" not in world.content("cogworks/1/swi-1"), "nothing of what comes later"


def test_an_approving_review_opens_a_gate_as_a_merge_does() -> None:
    world = World(people=approve_gates).run()

    assert world.state.status is RunStatus.COMPLETED
    assert [(gate.node, gate.by) for gate in world.state.gates] == [
        ("architecture", "maria"),
        ("interface_design", "maria"),
    ]
    assert not world.pull("spec").merged
    assert world.pull("interfaces").base == "cogworks/1/spec", "built on what is not merged yet"


def test_a_completed_run_that_is_triggered_again_says_so_once_and_changes_nothing() -> None:
    world = World().run()
    before, asked = world.picture(), len(world.llm.requests)

    world.person.unlabel(NUMBER, "cogworks:run")
    world.person.label(NUMBER, "cogworks:run")
    world.run()

    assert "is completed" in world.note("duplicate")
    after = world.picture()
    assert {name: after[name] for name in after if name != "notes"} == {n: before[n] for n in before if n != "notes"}
    assert len(after["notes"]) == len(before["notes"]) + 1  # type: ignore[arg-type]
    assert len(world.llm.requests) == asked


def test_nothing_happens_to_an_issue_without_the_trigger() -> None:
    world = World(labels=("bug",)).run()

    assert world.labels_now() == {"bug"}
    assert world.comments() == ()
    assert world.llm.requests == []


def test_all_nodes_are_completed_in_the_end(three: World) -> None:
    state = three.state
    everywhere = [*state.nodes.values(), *(at for swi in state.sub_work_items for at in swi.nodes.values())]
    assert {at.status for at in everywhere} == {NodeStatus.COMPLETED}
