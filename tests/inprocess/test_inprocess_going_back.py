"""A rework edge from a sub-work-item back to the work item: all of them go back together (ENG-22)."""

import pytest
from answers import about, body, finding, good_answers, only, prompt_of, reviewed
from test_inprocess_graphs import EDGES, HEAD, NODES, PIPELINE
from world import World

from cogworks.adapters.memory_llm import Rule
from cogworks.model.errors import FailureCategory
from cogworks.model.state import RunStatus

REDESIGN = (
    '{id="redesign", from="review", to="%s", when={cel="review.result.verdict == \'remediate\'"},'
    ' rework={max_traversals=1, overflow="escalate"}}'
)


def pipeline(target: str) -> dict[str, bytes]:
    nodes = ",\n".join(
        node.replace('"review", inputs', '"review", evaluation="first-matching", inputs') for node in NODES
    )
    edges = ",\n".join([*(e for e in EDGES[:7] if "user_docs" not in e), REDESIGN % target, EDGES[7]])
    return {PIPELINE: f"{HEAD}nodes = [\n{nodes}]\nedges = [\n{edges}]\n".encode()}


def rejecting(*names: str, attempts: int = 1) -> list[Rule]:
    """Reviews of these parts find something wrong, in their first attempts."""
    return [_rejecting(name, attempts) for name in names]


def _rejecting(name: str, attempts: int) -> Rule:
    fits, told = about(name), reviewed(name, finding(name, "blocking", f"{name} is cut wrongly"))
    return only("review", told, purpose="review", when=lambda r: fits(r) and r.identity.attempt <= attempts)


def world(target: str = "planning", *names: str, attempts: int = 1) -> World:
    rules = [*rejecting(*(names or ("median",)), attempts=attempts), *good_answers(3)]
    return World(rules=rules, text=body(3), files=pipeline(target)).run()


def starts(run: World) -> list[str]:
    return [text for action, text in run.log if action == "node_start"]


@pytest.mark.parametrize("target", ["planning", "interface_design"])
def test_three_at_work_stop_at_their_boundary_and_begin_again_together(target: str) -> None:
    run = world(target)

    assert run.state.status is RunStatus.COMPLETED
    began = starts(run)
    again = began.index(f"{target} attempt 2")
    first = began[:again]
    assert {f"code_generation/{n} attempt 1" for n in (1, 2, 3)} <= set(first), "all three were at work"
    assert {f"code_generation/{n} attempt 2" for n in (1, 2, 3)} <= set(began[again:]), "all three begin again"
    assert run.state.edges["redesign"].traversals == 1
    assert len(run.swis()) == 3, "the plan is the same: its issues are used again"
    assert run.ledger.show(run.state.item).committed.microusd == run.state.cost.microusd


def test_nothing_new_starts_in_the_others_once_one_asked() -> None:
    run = world()

    ended = next(n for n, (_, text) in enumerate(run.log) if text.startswith("review/2 redesign: True"))
    step = next(n for n, (_, text) in enumerate(run.log) if n > ended and text.startswith("step ("))
    again = next(n for n, (_, text) in enumerate(run.log) if text == "planning attempt 2")
    between = [text for action, text in run.log[step:again] if action == "node_start"]
    assert between == []


def test_the_node_that_is_gone_back_to_is_told_what_was_found() -> None:
    run = world("planning", "median", "spread")

    again = next(r for r in run.asked("planning") if r.identity.attempt == 2)
    assert "is cut wrongly" in prompt_of(again)


def test_an_open_pull_request_stays_and_says_that_it_is_superseded() -> None:
    run = world("planning", "spread")

    opened = [text for text in starts(run)[: starts(run).index("planning attempt 2")] if text.startswith("integration")]
    said = [one for one in run.repo.comments.values() if "Superseded" in one.body]
    assert {one.issue for one in said} <= {pull.number for pull in run.pulls()}
    assert len(said) == len(opened)
    assert len([pull for pull in run.pulls() if "swi-" in pull.head]) == 3


def test_the_edge_is_counted_for_the_run_whoever_takes_it() -> None:
    run = world("planning", "median", attempts=5)

    assert run.state.failure is not None
    assert run.state.failure.category is FailureCategory.TRAVERSALS_EXHAUSTED
    assert [text for text in starts(run) if text.startswith("planning")] == ["planning attempt 1", "planning attempt 2"]
