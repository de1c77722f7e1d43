"""Pictures of a pipeline."""

import json

from cogworks.graph.definition import Cel, Edge, Graph, Node, PipelineFile
from cogworks.graph.draw import draw
from cogworks.model.ids import EdgeId, NodeId


def test_mermaid_shows_nodes_edges_ways_back_and_statuses(shipped: PipelineFile) -> None:
    text = draw(shipped.pipelines["default"], "mermaid", statuses={NodeId("intake"): "completed"})
    assert text.startswith("flowchart TD\n")
    assert '  n_intake["intake<br/>completed"]' in text
    assert '  n_code_generation[["code_generation"]]' in text
    assert '  n_intake -->|"e1"| n_architecture' in text
    assert "n_review -.->|\"fix (at most 3): review.result.verdict == 'remediate'\"| n_code_generation" in text
    assert "  style n_intake fill:" in text


def test_dot_shows_the_same(shipped: PipelineFile) -> None:
    text = draw(shipped.pipelines["default"], "dot", statuses={NodeId("review"): "failed"})
    assert text.startswith('digraph "default" {')
    assert '"review" [label="review\\nfailed", peripheries=2, style=filled' in text
    assert '"review" -> "code_generation"' in text


def test_json_is_for_programs(shipped: PipelineFile) -> None:
    document = json.loads(draw(shipped.pipelines["default"], "json"))
    assert [node["id"] for node in document["nodes"]][:2] == ["intake", "architecture"]
    assert [edge["max_traversals"] for edge in document["edges"] if edge["id"] == "fix"] == [3]
    assert document["boundaries"]["standard"] == "interface_design"


def test_a_condition_cannot_break_out_of_its_label() -> None:
    ends = (NodeId("a"), NodeId("end"))
    hostile = Cel(expression='a.x == "]<script>|\\"')
    graph = Graph(
        name="p",
        start=ends[0],
        nodes={id_: Node(id=id_, type="llm") for id_ in ends},
        edges=(Edge(id=EdgeId("e"), source=ends[0], target=ends[1], when=hostile),),
        boundaries={},
    )
    (line,) = [line for line in draw(graph, "mermaid").splitlines() if "-->" in line]
    assert line == '  n_a -->|"e: a.x == #quot;]#lt;script#gt;#124;\\#quot;"| n_end'
    assert '[label="e: a.x == \\"]<script>|\\\\\\""]' in draw(graph, "dot")
