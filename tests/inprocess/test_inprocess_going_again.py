"""Retry, rework, remediation, and what happens when they are spent."""

import pytest
from answers import (
    aligned,
    body,
    code,
    finding,
    good_answers,
    missing,
    only,
    plan,
    prompt_of,
    reviewed,
    turns,
    writing,
)
from planted import PASSING, blocking, config, failing, in_turn, validates
from world import World

from cogworks.adapters.memory_llm import Rule, Say
from cogworks.model.errors import FailureCategory
from cogworks.model.state import NodeState, RunStatus

CODE = "code_generation"


def at(world: World, node: str, swi: int | None = None) -> NodeState:
    return world.state.nodes[node] if swi is None else world.state.sub_work_items[swi - 1].nodes[node]


def new_code(attempt: int) -> Rule:
    """Each attempt writes something else."""
    return only(
        CODE,
        writing("mean", text=f"def mean(values):\n    return {attempt}\n"),
        attempt=attempt,
        when=lambda request: turns(request) == 0,
    )


def always_new_code() -> list[Rule]:
    return [new_code(attempt) for attempt in range(1, 12)]


def stopped(world: World) -> tuple[RunStatus, FailureCategory | None]:
    state = world.state
    return state.status, state.failure.category if state.failure else None


def test_a_failing_test_goes_back_to_the_model_with_its_message() -> None:
    world = World(
        rules=[*always_new_code(), *good_answers()],
        services={"simulate": in_turn(failing("assert 1 == 2"), PASSING["simulate"])},
    ).run()

    assert world.state.status is RunStatus.COMPLETED
    assert (at(world, CODE, 1).attempts, at(world, CODE, 1).retries, at(world, CODE, 1).reworks) == (2, 1, 0)
    second = next(r for r in world.asked(CODE) if r.identity.attempt == 2)
    assert "assert 1 == 2" in prompt_of(second)
    assert second.identity.loop == "retry"
    assert world.content("cogworks/1/swi-1")["src/calc/mean.py"].endswith(b"return 2\n")
    assert "**Attempt 1: invalid**" in world.note("node", CODE)
    assert "**Attempt 2: succeeded**" in world.note("node", CODE)


def test_attempts_share_their_prompt_up_to_the_feedback() -> None:
    """LLM-19: what a provider may remember is the same bytes."""
    world = World(rules=[only("planning", plan(0), attempt=1), *good_answers()]).run()

    first, second = world.asked("planning")
    assert first.system == second.system
    assert first.tools == second.tools
    assert first.turns[0].blocks[0] == second.turns[0].blocks[0]  # type: ignore[union-attr]
    assert first.turns[0].blocks[1] != second.turns[0].blocks[1]  # type: ignore[union-attr]


def test_a_blocking_finding_sends_the_code_back_and_opens_no_pull_request_before() -> None:
    bad = reviewed("mean", finding("mean", "blocking", "an empty list divides by zero"))
    world = World(
        rules=[
            only("review", bad, purpose="review", attempt=1, when=lambda r: r.identity.template == "review_quality"),
            *always_new_code(),
            *good_answers(),
        ]
    ).run()

    assert world.state.status is RunStatus.COMPLETED
    assert world.state.sub_work_items[0].edges["fix"].traversals == 1
    assert (at(world, CODE, 1).attempts, at(world, CODE, 1).retries, at(world, CODE, 1).reworks) == (2, 0, 0)
    assert (at(world, "review", 1).attempts, at(world, "integration", 1).attempts) == (2, 1)
    again = next(r for r in world.asked(CODE) if r.identity.attempt == 2)
    assert "an empty list divides by zero" in prompt_of(again)
    assert again.identity.loop == "rework"
    assert len(world.pulls()) == 3


def test_findings_that_do_not_block_are_comments_on_the_pull_request() -> None:
    mild = reviewed("mean", finding("mean", "warning", "say what it returns"))
    world = World(
        rules=[
            only("review", mild, purpose="review", when=lambda r: r.identity.template == "review_quality"),
            *good_answers(),
        ]
    ).run()

    reviews = world.repo.reviews[world.pull("swi-1").number]
    assert [review.state for review in reviews] == ["COMMENTED"]
    assert "src/calc/mean.py:1" in reviews[0].body
    assert "say what it returns" in reviews[0].body


def test_a_review_that_never_agrees_is_escalated_after_the_last_cycle() -> None:
    bad = reviewed("mean", finding("mean", "blocking", "still wrong"))
    world = World(rules=[only("review", bad, purpose="review"), *always_new_code(), *good_answers()]).run()

    assert stopped(world) == (RunStatus.ESCALATED, FailureCategory.TRAVERSALS_EXHAUSTED)
    assert at(world, CODE, 1).attempts == 4, "the first and three regenerations"
    assert at(world, "review", 1).attempts == 4
    assert [p.head for p in world.pulls()] == ["cogworks/1/spec", "cogworks/1/interfaces"]
    report = world.note("failure")
    assert "fix (SWI 1) taken 3 times" in report
    assert report.count("still wrong") >= 4, "every cycle with its findings"
    assert world.labels_now() == {"cogworks:run", "cogworks:node:failed"}


def test_retries_and_reworks_are_counted_apart() -> None:
    """ENG-18: two invalid answers, then a misaligned one, then a good one."""
    world = World(
        rules=[
            only("architecture", Say("no JSON"), attempt=1),
            only("architecture", Say("still none"), attempt=2),
            only("architecture", aligned(0.5, missing("the mean")), purpose="alignment", attempt=3),
            *good_answers(),
        ]
    ).run()

    assert world.state.status is RunStatus.COMPLETED
    node = at(world, "architecture")
    assert (node.attempts, node.retries, node.reworks) == (4, 2, 1)
    last = [r for r in world.asked("architecture", purpose="generate") if r.identity.attempt == 4]
    assert "the mean" in prompt_of(last[0])


def test_a_misaligned_work_fails_when_its_reworks_are_spent_and_shows_every_finding() -> None:
    world = World(
        rules=[only("architecture", aligned(0.5, missing("the median")), purpose="alignment"), *good_answers()]
    ).run()

    assert stopped(world) == (RunStatus.FAILED, FailureCategory.REWORK_EXHAUSTED)
    node = at(world, "architecture")
    assert (node.attempts, node.retries, node.reworks) == (4, 0, 3)
    assert world.note("failure").count("the median") >= 4
    assert world.pulls() == [], "nothing that is misaligned is offered"


def test_a_perfect_score_does_not_outweigh_a_blocking_finding() -> None:
    """ALN-02."""
    world = World(
        rules=[
            only("architecture", aligned(0.99, missing("one thing")), purpose="alignment", attempt=1),
            *good_answers(),
        ]
    ).run()

    assert at(world, "architecture").reworks == 1


def test_six_answers_without_form_are_six_attempts_and_a_report_of_them() -> None:
    world = World(rules=[only("intake", Say("I would rather talk")), *good_answers()]).run()

    assert stopped(world) == (RunStatus.ESCALATED, FailureCategory.RETRY_EXHAUSTED)
    assert at(world, "intake").attempts == 6
    report = world.note("failure")
    assert all(f"| {number} |" in report for number in range(1, 7))
    assert "/cogworks run" in report
    assert world.kinds().count("cost") == 1
    assert len(world.asked("intake")) == 6


def test_new_code_that_fails_the_same_way_three_times_is_a_stall() -> None:
    world = World(
        rules=[*always_new_code(), *good_answers()],
        services={"validate": validates(blocking("type_error"))},
    ).run()

    assert stopped(world) == (RunStatus.ESCALATED, FailureCategory.SEMANTIC_STALL)
    assert at(world, CODE, 1).attempts == 3
    assert "type_error" in world.note("failure")


def test_another_category_in_between_starts_the_count_anew() -> None:
    """ENG-19: type, interface, type, type, type stalls after the fifth."""
    kinds = ["type_error", "interface_mismatch", "type_error", "type_error", "type_error"]
    told = [validates(blocking(kind)) for kind in kinds]
    world = World(
        rules=[*always_new_code(), *good_answers()],
        services={"validate": in_turn(*told, PASSING["validate"])},
    ).run()

    assert stopped(world) == (RunStatus.ESCALATED, FailureCategory.SEMANTIC_STALL)
    assert at(world, CODE, 1).attempts == 5


def test_the_same_code_that_fails_the_same_test_twice_is_flaky_and_spends_no_more_retries() -> None:
    world = World(services={"simulate": failing("timing")}).run()

    assert stopped(world) == (RunStatus.ESCALATED, FailureCategory.FLAKY_TEST)
    assert at(world, CODE, 1).attempts == 2


def test_the_same_code_that_fails_and_then_passes_is_flaky_too() -> None:
    """ENG-19: failing then passing."""
    world = World(services={"simulate": in_turn(failing("timing"), PASSING["simulate"])}).run()

    assert stopped(world) == (RunStatus.ESCALATED, FailureCategory.FLAKY_TEST)


def test_a_plan_that_runs_in_circles_is_told_so_and_then_accepted() -> None:
    round_plan = plan(2, depends_on={1: [2], 2: [1]})
    world = World(rules=[only("planning", round_plan, attempt=1), *good_answers(2)], text=body(2)).run()

    assert world.state.status is RunStatus.COMPLETED
    assert (at(world, "planning").attempts, at(world, "planning").retries) == (2, 1)
    told = prompt_of(world.asked("planning")[1])
    assert "01 mean -> 02 median" in told or "02 median -> 01 mean" in told
    assert len(world.swis()) == 2


@pytest.mark.parametrize(
    ("first", "told"),
    [
        pytest.param(plan(1), "interfaces are covered by no sub-work-item: I2", id="an interface is missing"),
        pytest.param(plan(0), "the plan holds no sub-work-item", id="X-13: no sub-work-item at all"),
    ],
)
def test_a_plan_with_a_gap_goes_back_with_its_name(first: dict[str, object], told: str) -> None:
    world = World(rules=[only("planning", first, attempt=1), *good_answers(2)], text=body(2)).run()

    assert told in prompt_of(world.asked("planning")[1])
    assert at(world, "planning").retries == 1
    assert len(world.swis()) == 2


def test_eleven_sub_work_items_are_too_many_and_none_is_created() -> None:
    world = World(rules=good_answers(11), text=body(11)).run()

    assert stopped(world) == (RunStatus.ESCALATED, FailureCategory.GRANULARITY_LIMIT)
    assert world.swis() == []
    assert not [issue for issue in world.repo.issues.values() if "cogworks:sub-work-item" in issue.labels]


def test_a_budget_that_the_next_call_could_pass_stops_the_run_before_the_call() -> None:
    world = World(files=config("[budgets]\npipeline_max_tokens = 40000\n")).run()

    assert stopped(world) == (RunStatus.FAILED, FailureCategory.BUDGET_EXCEEDED)
    assert world.state.cost.tokens <= 40_000
    assert world.ledger.show(world.state.item).reserved.tokens == 0
    assert len(world.asked()) < 13
    assert world.kinds().count("cost") == 1


def test_answers_that_are_cut_are_asked_for_with_more_room() -> None:
    """A tool loop that never ends is invalid after ``tools.max_turns``, and its cost is counted."""
    endless = only(CODE, writing("mean"))
    world = World(rules=[endless, *good_answers()], files=config("[tools]\nmax_turns = 3\n")).run()

    assert stopped(world) == (RunStatus.ESCALATED, FailureCategory.RETRY_EXHAUSTED)
    assert len(world.asked(CODE)) == 6 * 3
    assert world.ledger.show(world.state.item).committed.microusd == world.state.cost.microusd


def test_files_that_are_announced_and_not_changed_are_invalid() -> None:
    told = code("mean", files=[*code("mean")["files"], {"path": "src/calc/more.py", "action": "create"}])
    world = World(
        rules=[only(CODE, told, attempt=1, when=lambda r: turns(r) == 1), *always_new_code(), *good_answers()]
    ).run()

    assert at(world, CODE, 1).retries == 1
    again = next(r for r in world.asked(CODE) if r.identity.attempt == 2)
    assert "src/calc/more.py is announced and not changed" in prompt_of(again)


def test_a_review_that_skips_a_file_is_done_again() -> None:
    """The deterministic check of a review is that every generated file was examined."""
    half = {"files_examined": ["src/calc/mean.py"], "findings": []}
    world = World(rules=[only("review", half, purpose="review", attempt=1), *good_answers()]).run()

    assert world.state.status is RunStatus.COMPLETED
    assert (at(world, "review", 1).attempts, at(world, "review", 1).reworks) == (2, 1)


def test_the_whole_that_is_not_what_was_asked_for_is_escalated_and_its_pull_requests_stay_open() -> None:
    """ALN-07, X-73."""
    world = World(rules=[only("end_to_end", aligned(0.4), purpose="alignment"), *good_answers()]).run()

    assert world.state.status is RunStatus.ESCALATED
    assert world.pull("swi-1").open
    assert world.labels_now() == {"cogworks:run", "cogworks:node:failed"}
    assert world.kinds().count("failure") == 1
