"""Which edges are taken, and what going back resets (ENG-10, ENG-20, ENG-21)."""

from dataclasses import replace

import pytest
from run_states import S, at, graph, planned, ref, swi

from cogworks.engine.routing import HARD_TRAVERSAL_CAP, route
from cogworks.graph.definition import Graph, Rework
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import EdgeId
from cogworks.model.state import Artifact, EdgeState, RunState

REVIEW = ref("review/1")


def reviewed(*, traversals: int = 0) -> RunState:
    done = at(S.COMPLETED, retries=2, reworks=1)
    one = replace(
        swi(1, code_generation=done, review=done),
        edges={EdgeId("fix"): EdgeState(traversals=traversals), EdgeId("e5"): EdgeState(state="taken")},
        artifacts={
            "code": Artifact(kind="branch", ref="b", sha="1"),
            "review_result": Artifact(kind="file", ref="r"),
            "notes": Artifact(kind="file", ref="n"),
        },
    )
    return planned(one)


def with_rework(**changed: object) -> Graph:
    edges = tuple(
        replace(edge, rework=replace(edge.rework or Rework(max_traversals=1), **changed)) if edge.id == "fix" else edge
        for edge in graph().edges
    )
    return replace(graph(), edges=edges)


def go(state: RunState, verdict: str, shape: Graph | None = None) -> tuple[RunState, object, bool]:
    routed = route(state, shape or graph(), REVIEW, output={"verdict": verdict}, results={})
    return routed.state, routed.stop, routed.halts


def test_the_way_on_resolves_all_edges_of_the_node() -> None:
    after, stop, _ = go(reviewed(), "proceed")
    edges = after.swi(REVIEW.swi).edges  # type: ignore[arg-type]
    assert (edges[EdgeId("e6")].state, edges[EdgeId("fix")].state, stop) == ("taken", "not_taken", None)


def test_the_way_back_resets_the_cycle_and_no_counter() -> None:
    after, stop, _ = go(reviewed(), "remediate")
    one = after.swi(REVIEW.swi)  # type: ignore[arg-type]
    for node in ("code_generation/1", "review/1"):
        here = after.node(ref(node))
        assert (here.status, here.attempts, here.retries, here.reworks) == (S.PENDING, 1, 2, 1)
    assert one.edges[EdgeId("fix")] == EdgeState(state="taken", traversals=1)
    assert one.edges[EdgeId("e5")].state == "unresolved"
    assert set(one.artifacts) == {"notes"}, "what the cycle yields is discarded, the rest is kept"
    assert stop is None


@pytest.mark.parametrize(
    ("before", "goes_back"),
    [
        pytest.param(0, True, id="the first"),
        pytest.param(2, True, id="the third of three happens"),
        pytest.param(3, False, id="the fourth does not"),
    ],
)
def test_a_rework_edge_is_taken_up_to_its_limit(before: int, goes_back: bool) -> None:
    after, stop, _ = go(reviewed(traversals=before), "remediate")
    assert (after.node(ref("code_generation/1")).status is S.PENDING) is goes_back
    assert (stop is None) is goes_back


def test_the_executor_stops_at_its_own_cap_whatever_the_file_says() -> None:
    """E_MAX_TRAVERSALS: traversal 21 is refused."""
    _, stop, _ = go(reviewed(traversals=HARD_TRAVERSAL_CAP), "remediate", with_rework(max_traversals=999))
    assert stop is not None


@pytest.mark.parametrize(
    ("changed", "stops", "halts", "forward"),
    [
        pytest.param({"overflow": "halt"}, True, True, "unresolved", id="halt"),
        pytest.param({"overflow": "escalate"}, True, False, "unresolved", id="escalate"),
        pytest.param({"overflow": "take_edge", "overflow_edge": EdgeId("e6")}, False, False, "taken", id="take_edge"),
    ],
)
def test_overflow_does_what_the_file_says(changed: dict[str, object], stops: bool, halts: bool, forward: str) -> None:
    after, stop, halted = go(reviewed(traversals=3), "remediate", with_rework(**changed))
    edge = after.swi(REVIEW.swi).edges.get(EdgeId("e6"), EdgeState())  # type: ignore[arg-type]
    assert (stop is not None, halted, edge.state) == (stops, halts, forward)


def test_preserved_slots_survive_the_way_back() -> None:
    after, _, _ = go(reviewed(), "remediate", with_rework(preserve=("code",), discard=()))
    assert set(after.swi(REVIEW.swi).artifacts) == {"code", "notes"}  # type: ignore[arg-type]


def test_semantics_retry_counts_in_the_target() -> None:
    after, _, _ = go(reviewed(), "remediate", with_rework(semantics="retry"))
    assert after.node(ref("code_generation/1")).retries == 3


def test_no_true_edge_is_a_dead_end_that_names_each_edge() -> None:
    edges = tuple(edge for edge in graph().edges if edge.id != "e6")
    routed = route(reviewed(), replace(graph(), edges=edges), REVIEW, output={"verdict": "proceed"}, results={})
    assert routed.stop is not None
    category, text = routed.stop
    assert category is FailureCategory.DEAD_END
    assert "fix" in text
    assert "review/1" in text
