"""Questions about the shape, on the shipped graphs and on random ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogworks.graph.definition import Edge, Graph, Node, PipelineFile
from cogworks.graph.walk import (
    ancestors,
    boundary_nodes,
    cycle_of,
    descendants,
    first_swi_nodes,
    forward_edges,
    incoming,
    is_swi_edge,
    order,
    outgoing,
    producers,
    swi_nodes,
    terminals,
)
from cogworks.model.ids import EdgeId, NodeId, Slot
from cogworks.model.state import ItemClass


@st.composite
def dags(draw: st.DrawFn) -> Graph:
    """A graph of up to 12 nodes, declared in any order, whose edges all lead from a lower to a higher rank."""
    count = draw(st.integers(min_value=1, max_value=12))
    ranks = [NodeId(f"n{rank}") for rank in range(count)]
    pairs = draw(st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=30))
    edges = [(ranks[low], ranks[high]) for low, high in sorted(pairs) if low < high]
    return Graph(
        name="random",
        start=ranks[0],
        nodes={id_: Node(id=id_, type="llm") for id_ in draw(st.permutations(ranks))},
        edges=tuple(Edge(id=EdgeId(f"e{i}"), source=one, target=other) for i, (one, other) in enumerate(edges)),
        boundaries={},
    )


@given(dags())
def test_the_order_holds_each_node_once_after_all_before_it(graph: Graph) -> None:
    found = order(graph)
    assert sorted(found) == sorted(graph.nodes)
    assert all(found.index(edge.source) < found.index(edge.target) for edge in forward_edges(graph))
    assert all(found.index(one) < found.index(node) for node in graph.nodes for one in ancestors(graph, node))


@given(dags())
def test_who_comes_before_and_who_comes_after_agree(graph: Graph) -> None:
    for node in graph.nodes:
        assert all(node in ancestors(graph, other) for other in descendants(graph, node))
        assert node not in ancestors(graph, node)


@given(dags())
def test_independent_nodes_keep_the_declared_order(graph: Graph) -> None:
    free = [node for node in graph.nodes if not incoming(graph, node)]
    assert [node for node in order(graph) if node in free] == free


@pytest.fixture
def feature(parallel: PipelineFile) -> Graph:
    return parallel.pipelines["feature"]


def edge(graph: Graph, name: str) -> Edge:
    return next(one for one in graph.edges if one.id == name)


def test_rework_edges_are_no_way_forward(feature: Graph) -> None:
    assert terminals(feature) == ("release_check", "tech_debt")
    assert "review" not in ancestors(feature, NodeId("architecture"))
    assert [one.id for one in outgoing(feature, NodeId("review"))] == ["redesign", "fix", "to_pr"]
    assert [one.id for one in incoming(feature, NodeId("code_generation"))] == ["to_code", "fix"]


CYCLES = [
    ("the short way back", "fix", {"code_generation", "review"}),
    (
        "the long way back leaves the side branch of the documents alone",
        "redesign",
        {"architecture", "interface_design", "planning", "code_generation", "review"},
    ),
]


@pytest.mark.parametrize(("reason", "name", "expected"), CYCLES, ids=[row[0] for row in CYCLES])
def test_what_a_rework_edge_resets(reason: str, name: str, expected: set[str], feature: Graph) -> None:
    assert cycle_of(feature, edge(feature, name)) == expected, reason


def test_what_belongs_to_a_sub_work_item(feature: Graph) -> None:
    assert swi_nodes(feature) == ("code_generation", "review", "integration")
    assert first_swi_nodes(feature) == ("code_generation",)
    assert [one.id for one in feature.edges if is_swi_edge(feature, one)] == ["to_review", "fix", "to_pr"]


def test_who_yields_a_slot(feature: Graph) -> None:
    assert producers(feature, Slot("spec")) == ("architecture",)
    assert producers(feature, Slot("nothing")) == ()


BOUNDARIES = [
    (ItemClass.LOW_RISK, {"intake"}),
    (ItemClass.STANDARD, {"intake", "architecture", "interface_design"}),
    (
        ItemClass.SAFETY_CRITICAL,
        {"intake", "architecture", "interface_design", "planning", "code_generation", "review"},
    ),
]


@pytest.mark.parametrize(("item_class", "expected"), BOUNDARIES)
def test_where_people_stand_in_the_default_pipeline(
    item_class: ItemClass, expected: set[str], shipped: PipelineFile
) -> None:
    assert boundary_nodes(shipped.pipelines["default"], item_class) == expected
