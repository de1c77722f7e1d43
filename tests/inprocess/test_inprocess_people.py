"""What people do while a run is under way: gates, cancelling, resuming, editing."""

from collections.abc import Callable

import pytest
from answers import aligned, code, finding, good_answers, intake, missing, only, prompt_of, reviewed, turns, writing
from planted import config
from world import NUMBER, World, close_gates, merge_gates, nobody

from cogworks.adapters.memory_llm import Say
from cogworks.adapters.memory_people import MemoryPerson
from cogworks.model.errors import FailureCategory
from cogworks.model.state import NodeStatus, RunStatus

Act = Callable[[World], None]


def category(world: World) -> FailureCategory | None:
    return world.state.failure.category if world.state.failure else None


def test_a_gate_waits_and_says_how_to_answer() -> None:
    world = World(people=nobody).run()

    assert world.state.status is RunStatus.WAITING
    assert world.labels_now() == {"cogworks:run", "cogworks:awaiting-review", "cogworks:node:architecture"}
    assert f"#{world.pull('spec').number}" in world.note("gate")
    assert world.asked("interface_design") == []


def test_comments_that_a_person_deleted_are_made_anew_and_the_run_goes_on() -> None:
    world = World(people=nobody).run()
    for comment in world.comments():
        world.person.delete_comment(comment.id)
    world.people = merge_gates
    world.run()

    assert world.state.status is RunStatus.COMPLETED


def test_a_closed_pull_request_rejects_and_nothing_is_asked_again() -> None:
    world = World(people=close_gates).run()

    assert (world.state.status, category(world)) == (RunStatus.FAILED, FailureCategory.GATE_REJECTED)
    assert world.labels_now() == {"cogworks:run", "cogworks:node:failed"}
    assert len(world.asked("architecture")) == 2
    assert "closed" in world.note("failure")


def test_requested_changes_keep_the_gate_waiting_until_the_same_person_approves() -> None:
    world = World(people=nobody).run()
    number = world.pull("spec").number
    world.person.request_changes(number, "say more")
    reviewer = MemoryPerson(world.forge, world.repo.name, login="reviewer")
    reviewer.approve(number)
    world.run()
    assert world.state.status is RunStatus.WAITING, "one standing change request outweighs an approval"

    world.person.approve(number)
    world.people = merge_gates
    world.run()
    assert world.state.status is RunStatus.COMPLETED
    assert len(world.asked("architecture")) == 2


def test_an_approval_by_someone_without_write_access_does_not_count() -> None:
    world = World(people=nobody).run()
    MemoryPerson(world.forge, world.repo.name, login="stranger").approve(world.pull("spec").number)
    world.run()

    assert world.state.status is RunStatus.WAITING


def test_what_people_change_on_the_branch_becomes_the_approved_content() -> None:
    world = World(people=nobody).run()
    path = "docs/cogworks/1/spec.md"
    text = world.content("cogworks/1/spec")[path].decode().replace("mean exists", "mean exists and is exact")
    world.person.push("cogworks/1/spec", {path: text.encode()})
    world.people = merge_gates
    world.run()

    assert world.state.status is RunStatus.COMPLETED
    assert "mean exists and is exact" in prompt_of(world.asked("interface_design")[0])


def test_an_unreadable_block_after_human_edits_stops_the_run_naming_the_file() -> None:
    world = World(people=nobody).run()
    world.person.push("cogworks/1/spec", {"docs/cogworks/1/spec.md": b"# Only prose\n"})
    world.people = merge_gates
    world.run()

    assert category(world) is FailureCategory.RETRY_EXHAUSTED
    assert "docs/cogworks/1/spec.md" in world.note("failure")
    assert world.asked("interface_design") == []


def test_low_risk_items_meet_no_gate() -> None:
    world = World(rules=[only("intake", intake(task_type="documentation")), *good_answers()], people=nobody).run()

    assert world.state.status is RunStatus.COMPLETED
    assert world.state.gates == ()
    assert world.notes("gate") == []


@pytest.mark.parametrize(
    ("world", "why"),
    [
        pytest.param(
            World(rules=[only("intake", intake(safety_affecting=True)), *good_answers()]), "the model", id="the model"
        ),
        pytest.param(
            World(files=config('[classification]\nsafety_modules = ["src/calc/**"]\n')), "registry", id="the registry"
        ),
        pytest.param(World(labels=("cogworks:run", "cogworks:safety-critical")), "a person", id="a person's label"),
    ],
)
def test_safety_affecting_items_wait_at_the_review_too(world: World, why: str) -> None:
    world.run()

    assert "cogworks:safety-critical" in world.labels_now(), why
    assert world.state.sub_work_items[0].nodes["review"].status is NodeStatus.AWAITING_APPROVAL
    assert "review/1" in world.notes("gate")[-1].text
    assert not [pull for pull in world.pulls() if pull.head.endswith("swi-1")]


def stopping(world: World, act: Act, *, at: str) -> World:
    """Run until ``at`` starts, let a person act, run on."""
    done = []

    def between(now: World) -> None:
        if not done and any(text.startswith(f"{at} attempt") for action, text in now.log if action == "node_start"):
            done.append(len(now.llm.requests))
            act(now)

    world.run(between=between)
    assert done, f"{at} never started"
    world.asked_before = done[0]  # type: ignore[attr-defined]
    return world


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        pytest.param(lambda w: w.person.unlabel(NUMBER, "cogworks:run"), "trigger label", id="trigger removed"),
        pytest.param(lambda w: w.person.label(NUMBER, "cogworks:cancel"), "cancel label", id="cancel label"),
        pytest.param(lambda w: w.person.close(NUMBER), "closed", id="issue closed"),
    ],
)
@pytest.mark.parametrize("node", ["intake", "interface_design", "code_generation/1", "review/1"])
def test_a_cancelled_run_asks_nothing_more_and_says_why(act: Act, reason: str, node: str) -> None:
    world = stopping(World(), act, at=node)

    assert world.state.status is RunStatus.CANCELLED
    assert {r.identity.node for r in world.asked()[world.asked_before :]} <= {node.split("/")[0]}  # type: ignore[attr-defined]
    assert reason in world.note("summary")
    assert "cogworks:cancel" in world.labels_now()
    assert not world.labels_now() & {"cogworks:processing", "cogworks:awaiting-review"}
    assert not {label for label in world.labels_now() if label.startswith("cogworks:node:")}
    assert world.ledger.show(world.state.item).committed.microusd == world.state.cost.microusd


def test_a_run_that_waits_at_a_gate_can_be_cancelled_and_goes_on_when_triggered_again() -> None:
    world = World(people=nobody).run()
    world.person.unlabel(NUMBER, "cogworks:run")
    world.run()
    assert world.state.status is RunStatus.CANCELLED

    world.person.unlabel(NUMBER, "cogworks:cancel")
    world.person.label(NUMBER, "cogworks:run")
    world.people = merge_gates
    world.run()
    assert world.state.status is RunStatus.COMPLETED
    assert len(world.asked("intake")) == 1
    assert len([p for p in world.pulls() if p.head == "cogworks/1/spec"]) == 1
    assert world.labels_now() == {"cogworks:run", "cogworks:node:complete"}


def test_a_failed_run_resumes_with_fresh_counters_when_a_person_takes_the_label_away() -> None:
    talk = only("planning", Say("no"), when=lambda r: r.identity.attempt <= 6)
    world = World(rules=[talk, *good_answers()]).run()
    assert category(world) is FailureCategory.RETRY_EXHAUSTED
    spent = world.state.cost.microusd

    world.person.unlabel(NUMBER, "cogworks:node:failed")
    world.run()

    assert world.state.status is RunStatus.COMPLETED
    node = world.state.nodes["planning"]
    assert (node.attempts, node.retries) == (7, 0)
    assert world.state.cost.microusd > spent
    assert len(world.asked("intake")) == 1, "what was done stays done"
    assert world.state.failure is None
    assert world.ledger.show(world.state.item).committed.microusd == world.state.cost.microusd


def test_a_spent_rework_edge_may_be_taken_again_after_a_resume() -> None:
    """ENG-25: the traversal counter that was exhausted is cleared."""
    told = reviewed("mean", finding("mean", "blocking", "wrong"))
    disagrees = only("review", told, purpose="review", when=lambda r: r.identity.attempt <= 5)
    writes = [
        only("code_generation", writing("mean", text=f"X = {n}\n"), attempt=n, when=lambda r: turns(r) == 0)
        for n in range(1, 9)
    ]
    world = World(rules=[disagrees, *writes, *good_answers()]).run()
    assert category(world) is FailureCategory.TRAVERSALS_EXHAUSTED

    world.person.unlabel(NUMBER, "cogworks:node:failed")
    world.run()

    assert world.state.status is RunStatus.COMPLETED
    assert world.state.sub_work_items[0].nodes["review"].attempts == 6


def test_a_resumed_node_starts_from_the_findings_that_stopped_it() -> None:
    bad = only(
        "architecture", aligned(0.2, missing("units")), purpose="alignment", when=lambda r: r.identity.attempt < 5
    )
    world = World(rules=[bad, *good_answers()]).run()
    assert category(world) is FailureCategory.REWORK_EXHAUSTED

    world.person.unlabel(NUMBER, "cogworks:node:failed")
    world.run()

    assert world.state.status is RunStatus.COMPLETED
    again = [r for r in world.asked("architecture", purpose="generate") if r.identity.attempt == 5]
    assert "units" in prompt_of(again[0])


def test_a_missing_capability_waits_for_people_and_is_no_failure() -> None:
    needs = code("mean", needs=[{"capability": "network", "reason": "to fetch rates"}])
    world = World(rules=[only("code_generation", needs, when=lambda r: turns(r) == 1), *good_answers()]).run()

    assert world.state.status is RunStatus.WAITING
    assert world.state.wait is not None
    assert world.state.wait.reason == "clarification"
    assert "network" in world.note("scope")
    assert "cogworks:node:failed" not in world.labels_now()
    assert not [pull for pull in world.pulls() if pull.head.endswith("swi-1")]
    assert "cogworks/1/swi-1" not in world.repo.branches


def test_an_oversized_item_is_escalated_before_any_other_node() -> None:
    big = intake(scope={"files": 400, "interfaces": 1, "complexity": "high"})
    world = World(rules=[only("intake", big), *good_answers()]).run()

    assert (world.state.status, category(world)) == (RunStatus.ESCALATED, FailureCategory.SCOPE_THRESHOLD)
    assert "400 files" in world.note("failure")
    assert {r.identity.node for r in world.asked()} == {"intake"}
    assert world.pulls() == []


def test_an_empty_item_is_escalated_asking_for_detail() -> None:
    """X-09."""
    world = World(text="", rules=[only("intake", intake(affected_modules=[])), *good_answers()]).run()

    assert world.state.status is RunStatus.ESCALATED
    assert "add detail" in world.note("failure")
    assert "cogworks/1/spec" not in world.repo.branches


def test_an_unknown_pipeline_is_named_with_those_that_exist() -> None:
    """X-08."""
    world = World(rules=[only("intake", intake(pipeline="fast-lane")), *good_answers()]).run()

    assert category(world) is FailureCategory.CONFIG_ERROR
    assert "'fast-lane'" in world.note("failure")
    assert "available: default" in world.note("failure")


def test_the_text_of_an_issue_pings_nobody_and_is_no_command() -> None:
    world = World(
        title="@jo /cogworks cancel", text="- [ ] @everyone /cogworks cancel\n- [ ] `mean(values)` exists"
    ).run()

    ours = [one.body for one in world.repo.comments.values() if one.author == "cogworks"]
    ours += [pull.body for pull in world.pulls()] + [pull.title for pull in world.pulls()]
    visible = [text.split("<!-- cogworks:json", 1)[0] for text in ours]
    assert not [text for text in visible if "@jo" in text or "@everyone" in text]
    assert not [text for text in visible if "\n/cogworks cancel" in text]


def test_a_human_push_to_the_code_branch_after_review_is_not_opened_as_reviewed() -> None:
    """GH-31: branch head = reviewed head."""
    world = World()

    def push(now: World) -> None:
        now.person.push("cogworks/1/swi-1", {"src/calc/mean.py": b"X = 1\n"})

    stopping(world, push, at="integration/1")
    assert not [pull for pull in world.pulls() if pull.head.endswith("swi-1")]
