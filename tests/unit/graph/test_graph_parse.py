"""What a pipeline file says, and what it leaves to the default pipeline."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cogworks.graph
from cogworks.graph.definition import AlignmentRule, Input, Node, PipelineFile
from cogworks.graph.parse import parse_pipeline, with_budgets
from cogworks.graph.validate import validate
from cogworks.model.errors import ConfigError, Problem
from cogworks.model.ids import EdgeId, NodeId, Slot
from cogworks.model.json_value import sha256_text
from cogworks.model.money import MicroUsd
from cogworks.model.state import ItemClass

DEFAULT = Path(cogworks.graph.__file__).with_name("default.toml")


def parsed(text: str, shipped: PipelineFile) -> PipelineFile:
    return parse_pipeline(text.encode(), file=".cogworks/pipeline.toml", defaults=shipped)


def one_node(entry: str, shipped: PipelineFile, *, settings: str = "") -> Node:
    text = f"""schema_version = 1
[pipeline]
{settings}
[pipelines.default]
start = "intake"
nodes = [{{id="intake", uses="intake"}}, {entry}]
edges = [{{id="e", from="intake", to="n"}}]
"""
    return parsed(text, shipped).pipelines["default"].nodes[NodeId("n")]


def test_the_default_read_from_a_file_is_the_built_in_one(default_text: bytes, shipped: PipelineFile) -> None:
    from_file = parse_pipeline(default_text, file=".cogworks/pipeline.toml", defaults=shipped)
    assert replace(from_file, built_in=True) == shipped
    assert not from_file.built_in


@pytest.mark.parametrize("name", ["shipped", "parallel"])
def test_the_shipped_and_the_parallel_pipeline_are_valid(name: str, request: pytest.FixtureRequest) -> None:
    verdict = validate(request.getfixturevalue(name), tools=["fs.read"])
    assert (verdict.errors, verdict.warnings) == ((), ())


def test_the_graph_hash_is_that_of_the_text(default_text: bytes, shipped: PipelineFile) -> None:
    assert shipped.graph_hash == sha256_text(default_text.decode())


def test_a_byte_order_mark_and_windows_lines_are_read(default_text: bytes, shipped: PipelineFile) -> None:
    text = b"\xef\xbb\xbf" + default_text.replace(b"\n", b"\r\n")
    assert parse_pipeline(text, file="p.toml", defaults=shipped).pipelines == shipped.pipelines


def test_a_built_in_behaviour_brings_the_keys_left_out(parallel: PipelineFile) -> None:
    graph = parallel.pipelines["feature"]
    code = graph.nodes[NodeId("code_generation")]
    assert (code.type, code.scope, code.produces_code, code.safety_gate) == ("llm", "sub_work_item", True, False)
    assert code.inputs == (
        Input(slot=Slot("plan")),
        Input(slot=Slot("spec"), optional=True),
        Input(slot=Slot("interfaces"), optional=True),
    )
    assert graph.nodes[NodeId("review")].evaluation == "first-matching"
    assert graph.nodes[NodeId("integration")].builtin == "open_pull_request"
    assert graph.nodes[NodeId("user_docs")].cost_limit == MicroUsd(500_000)


MERGED = [
    ("an id implies nothing", '{id="n", type="llm"}', {"uses": "custom", "alignment": None, "safety_gate": False}),
    (
        "half an alignment keeps the other half",
        '{id="n", uses="planning", alignment={max_rework=7}, inputs=[]}',
        {"alignment": AlignmentRule(llm=False, threshold=Decimal("0.85"), max_rework=7)},
    ),
    ("a slug comes from the own id", '{id="n", uses="planning", inputs=[]}', {"slug": "n"}),
    ("a slug that is written there comes along", '{id="n", uses="architecture"}', {"slug": "spec", "deliver": "pr"}),
    (
        "a node that comes to write code gets the gate",
        '{id="n", type="llm", produces_code=true}',
        {"safety_gate": True},
    ),
    ("so does a built-in one", '{id="n", uses="planning", inputs=[], produces_code=true}', {"safety_gate": True}),
    (
        "one that ceases to keeps it",
        '{id="n", uses="interface_design", inputs=[], produces_code=false}',
        {"safety_gate": True},
    ),
    (
        "the own word on the gate stands",
        '{id="n", type="llm", produces_code=false, safety_gate=true}',
        {"safety_gate": True},
    ),
]


@pytest.mark.parametrize(("reason", "entry", "expected"), MERGED, ids=[row[0] for row in MERGED])
def test_what_a_node_takes_from_where(
    reason: str, entry: str, expected: dict[str, object], shipped: PipelineFile
) -> None:
    node = one_node(entry, shipped)
    assert {name: getattr(node, name) for name in expected} == expected, reason


def test_limits_left_out_are_those_of_the_file(shipped: PipelineFile) -> None:
    settings = "max_node_retries = 2\ndefault_node_timeout_s = 60\ndefault_cost_limit_usd = 1.5"
    node = one_node('{id="n", uses="architecture"}', shipped, settings=settings)
    assert (node.retries, node.timeout_s, node.cost_limit) == (2, 60, MicroUsd(1_500_000))


def test_unwritten_boundaries_find_the_behaviour_else_the_end(shipped: PipelineFile) -> None:
    text = """schema_version = 1
[pipelines.default]
start = "intake"
nodes = [{id="intake", uses="intake"}, {id="sketch", uses="interface_design", inputs=[]}, {id="notes", type="llm"}]
edges = [{id="e1", from="intake", to="sketch"}, {id="e2", from="sketch", to="notes"}]
"""
    assert parsed(text, shipped).pipelines["default"].boundaries == {
        ItemClass.SAFETY_CRITICAL: "notes",
        ItemClass.STANDARD: "sketch",
        ItemClass.LOW_RISK: "intake",
    }


def test_profiles_and_overrides_are_kept(shipped: PipelineFile) -> None:
    text = """schema_version = 1
[pipelines.default]
start = "intake"
nodes = [{id="intake", uses="intake", tool_overrides={remove=["git.branch"], scope={"fs.write"={depth=2}}}}]
[pipelines.default.tool_profiles]
intake = "generator"
[tool_profiles.generator]
extends = "reader"
tools = ["fs.write", "domain.*"]
[tool_profiles.generator.scope."fs.write"]
allowed_write_paths = ["{{affected_modules}}/**"]
"""
    found = parsed(text, shipped)
    profile = found.tool_profiles["generator"]
    assert (profile.extends, profile.tools) == ("reader", ("fs.write", "domain.*"))
    assert profile.scope == {"fs.write": {"allowed_write_paths": ("{{affected_modules}}/**",)}}
    graph = found.pipelines["default"]
    assert graph.tool_profiles == {"intake": "generator"}
    assert graph.nodes[NodeId("intake")].tool_overrides == {
        "remove": ("git.branch",),
        "scope": {"fs.write": {"depth": 2}},
    }


def test_budgets_set_the_shipped_pipeline_but_no_file(shipped: PipelineFile, parallel: PipelineFile) -> None:
    found = with_budgets(shipped, review_max_remediation_cycles=2, sub_work_item_max_retries=1).pipelines["default"]
    limits = {edge.id: edge.rework.max_traversals for edge in found.edges if edge.rework}
    assert limits == {EdgeId("fix"): 2}
    assert found.nodes[NodeId("code_generation")].retries == 1
    assert found.nodes[NodeId("planning")].retries == 5
    assert with_budgets(parallel, review_max_remediation_cycles=2, sub_work_item_max_retries=1) is parallel


def test_no_budget_passes_the_cap_on_traversals(shipped: PipelineFile) -> None:
    found = with_budgets(shipped, review_max_remediation_cycles=99, sub_work_item_max_retries=1).pipelines["default"]
    assert [edge.rework.max_traversals for edge in found.edges if edge.rework] == [20]


DAMAGE = ["", '"', "[", "]", "{", "}", "true", "-1", "1e999999999", "nan", "1979-05-27", "x", "=", "\n"]


@given(at=st.integers(min_value=0, max_value=4000), length=st.integers(0, 12), put=st.sampled_from(DAMAGE))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(at: int, length: int, put: str) -> None:
    text = Path(__file__).with_name("parallel.toml").read_text()
    shipped = parse_pipeline(DEFAULT.read_bytes(), file="default.toml", defaults=None)
    assert all(one.code and one.message for one in problems(text[:at] + put + text[at + length :], shipped))


def problems(text: str, shipped: PipelineFile) -> tuple[Problem, ...]:
    try:
        return validate(parsed(text, shipped)).errors
    except ConfigError as error:
        return error.problems
