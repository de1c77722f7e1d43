"""ENG-09: every row of the table has a file with that one fault, and the line that names it."""

import pytest
from pipeline_texts import (
    BACK,
    BOTH_WAYS,
    CODE,
    CODE_CHAIN,
    FIRST,
    GATED_INTEGRATION,
    INTAKE,
    INTEGRATION,
    LOOSE_REVIEW,
    PLANNED,
    REVIEW,
    REWORK,
    SHORT,
    SIDEWAYS,
    UNDECIDED,
    X,
    edges,
    llm,
    looped,
    node_with,
    nodes,
    pipeline,
    when,
)

from cogworks.graph.definition import PipelineFile
from cogworks.graph.parse import parse_pipeline
from cogworks.graph.validate import validate
from cogworks.model.errors import ConfigError, Problem

ROWS = [
    ("broken TOML, at its place", "a = 1\nb = = 2\n", "E_TOML_SYNTAX", "line 2, column 5"),
    ("TOML that ends too early", 'a = "', "E_TOML_SYNTAX", "line 1, column 6"),
    ("a number no computer can hold", f"a = {'9' * 5000}", "E_TOML_SYNTAX", ""),
    ("a file over 1 MiB", "#" * 1_048_577, "too_large", ""),
    ("a NUL character", 'a = "\0"', "bad_encoding", "byte 5"),
    ("nesting over 32 levels", f"a = {'[' * 40}{']' * 40}", "too_deep", ""),
    ("nesting that the parser itself cannot follow", f"a = {'[' * 9000}{']' * 9000}", "too_deep", ""),
    (
        "a version of the future",
        BACK.replace("schema_version = 1", "schema_version = 2"),
        "E_SCHEMA_VERSION",
        "schema_version",
    ),
    (
        "true is not the number 1",
        BACK.replace("schema_version = 1", "schema_version = true"),
        "E_SCHEMA_VERSION",
        "schema_version",
    ),
    ("no version", BACK.replace("schema_version = 1", ""), "E_SCHEMA_VERSION", "schema_version"),
    ("stray key at the top", f"stray = 1\n{BACK}", "E_UNKNOWN_KEY", "stray"),
    ("stray key in a node", node_with("retires=3"), "E_UNKNOWN_KEY", f"{X}.nodes[1].retires"),
    ("stray key deep in a condition", when('{all=[{cle="true"}]}'), "E_UNKNOWN_KEY", f"{X}.edges[0].when.all[0].cle"),
    ("a stray key that needs quotes", node_with('"a.b"=1'), "E_UNKNOWN_KEY", f'{X}.nodes[1]."a.b"'),
    ("text instead of a number", node_with('retries="3"'), "E_BAD_VALUE", f"{X}.nodes[1].retries"),
    ("true instead of a number", node_with("retries=true"), "E_BAD_VALUE", f"{X}.nodes[1].retries"),
    ("a timeout of nothing", node_with("timeout_s=0"), "E_BAD_VALUE", f"{X}.nodes[1].timeout_s"),
    ("a budget of nothing", node_with("cost_limit_usd=0"), "E_BAD_VALUE", f"{X}.nodes[1].cost_limit_usd"),
    ("part of a micro-dollar", node_with("cost_limit_usd=0.0000001"), "E_BAD_VALUE", f"{X}.nodes[1].cost_limit_usd"),
    ("a score over 1", node_with("alignment={threshold=1.2}"), "E_BAD_VALUE", f"{X}.nodes[1].alignment.threshold"),
    ("a node that is no table", pipeline(f'{INTAKE}, "a"'), "E_BAD_VALUE", f"{X}.nodes[1]"),
    ("an edge without its end", pipeline(nodes("a"), '{id="e", from="intake"}'), "E_BAD_VALUE", f"{X}.edges[0].to"),
    ("a template outside its folder", node_with('prompt="../x"'), "E_BAD_VALUE", f"{X}.nodes[1].prompt"),
    (
        "a custom node without type",
        pipeline(f'{INTAKE}, {{id="a"}}', edges("intake>a")),
        "E_BAD_VALUE",
        f"{X}.nodes[1].type",
    ),
    (
        "a type that contradicts the behaviour",
        pipeline('{id="intake", uses="intake", type="spawning"}'),
        "E_BAD_VALUE",
        f"{X}.nodes[0].type",
    ),
    (
        "a deterministic node without method",
        node_with("retries=1", kind="deterministic"),
        "E_BAD_VALUE",
        f"{X}.nodes[1].method",
    ),
    (
        "profiles in a circle",
        pipeline(INTAKE, more='[tool_profiles.a]\nextends="a"'),
        "E_BAD_VALUE",
        "tool_profiles.a.extends",
    ),
    ("no pipeline", 'schema_version = 1\n[pipeline]\ndefault = "x"', "E_NO_PIPELINES", "pipelines"),
    (
        "a default that is not there",
        BACK.replace('default = "x"', 'default = "y"'),
        "E_UNKNOWN_DEFAULT",
        "pipeline.default",
    ),
    ("no node", pipeline(), "E_EMPTY_GRAPH", f"{X}.nodes"),
    ("a node id with a capital", pipeline(nodes("Bad"), edges("intake>Bad")), "E_BAD_ID", f"{X}.nodes[1].id"),
    (
        "a node id over 36 characters",
        pipeline(nodes("a" * 37), edges(f"intake>{'a' * 37}")),
        "E_BAD_ID",
        f"{X}.nodes[1].id",
    ),
    (
        "an edge id with a blank",
        pipeline(nodes("a"), '{id="e 1", from="intake", to="a"}'),
        "E_BAD_ID",
        f"{X}.edges[0].id",
    ),
    (
        "a pipeline name with a capital",
        BACK.replace("pipelines.x", "pipelines.X").replace('"x"', '"X"'),
        "E_BAD_ID",
        "pipelines.X",
    ),
    (
        "a label of another meaning",
        pipeline(nodes("failed"), edges("intake>failed")),
        "E_RESERVED_ID",
        f"{X}.nodes[1].id",
    ),
    (
        "a name that conditions use",
        pipeline(nodes("output"), edges("intake>output")),
        "E_RESERVED_ID",
        f"{X}.nodes[1].id",
    ),
    ("two nodes of one id", pipeline(nodes("a", "a"), edges("intake>a")), "E_DUPLICATE_NODE_ID", f"{X}.nodes[2].id"),
    (
        "two edges of one id",
        pipeline(nodes("a"), edges("intake>a") + ", " + edges("intake>a")),
        "E_DUPLICATE_EDGE_ID",
        f"{X}.edges[1].id",
    ),
    ("an edge from nowhere", pipeline(nodes("a"), edges("intake>a", "b>a")), "E_UNKNOWN_NODE", f"{X}.edges[1].from"),
    ("an edge to nowhere", pipeline(nodes("a"), edges("intake>b")), "E_UNKNOWN_NODE", f"{X}.edges[0].to"),
    ("a start that is not there", pipeline(nodes("a"), edges("intake>a"), start="b"), "E_UNKNOWN_NODE", f"{X}.start"),
    (
        "a profile for nobody",
        pipeline(INTAKE, more='[pipelines.x.tool_profiles]\nb="reader"'),
        "E_UNKNOWN_NODE",
        f"{X}.tool_profiles.b",
    ),
    (
        "a boundary that is not there",
        pipeline(INTAKE, more='[pipelines.x.shift_work]\nstandard="b"'),
        "E_BOUNDARY_NODE",
        f"{X}.shift_work.standard",
    ),
    ("no start", BACK.replace('start = "intake"', ""), "E_START_NODE", f"{X}.start"),
    ("a start that is not intake", pipeline('{id="a", type="llm"}', start="a"), "E_START_NODE", f"{X}.start"),
    (
        "an edge into the start",
        pipeline(f'{INTAKE}, {{id="a", uses="intake"}}', edges("intake>a"), start="a"),
        "E_START_NODE",
        f"{X}.start",
    ),
    ("a node without edges", pipeline(nodes("a", "b"), edges("intake>a")), "E_ORPHAN_NODE", f"{X}.nodes[2]"),
    (
        "a node behind no start",
        pipeline(nodes("a", "b"), edges("intake>a", "b>a")),
        "E_UNREACHABLE_NODE",
        f"{X}.nodes[2]",
    ),
    ("work that never ends", pipeline(nodes("a", "b"), edges("intake>a", "a>b", "b>a")), "E_NO_TERMINAL", f"{X}.edges"),
    (
        "a part that never ends",
        pipeline(nodes("a", "b", "c"), edges("intake>a", "a>b", "b>a", "intake>c")),
        "E_NO_EXIT",
        f"{X}.nodes[1]",
    ),
    (
        "a circle",
        pipeline(nodes("a", "b", "c"), edges("intake>a", "a>b", "b>a", "b>c")),
        "E_UNTERMINATED_CYCLE",
        f"{X}.edges[2]",
    ),
    ("a node after itself", pipeline(nodes("a"), edges("intake>a", "a>a")), "E_SELF_EDGE", f"{X}.edges[1]"),
    (
        "a way back that leads on",
        pipeline(nodes("a", "b"), edges("intake>a", "intake>b") + SIDEWAYS),
        "E_NOT_A_CYCLE",
        f"{X}.edges[2].to",
    ),
    ("no limit", looped('overflow="halt"'), "E_MAX_TRAVERSALS", f"{REWORK}.max_traversals"),
    ("a limit of none", looped("max_traversals=0"), "E_MAX_TRAVERSALS", f"{REWORK}.max_traversals"),
    ("a limit over the cap", looped("max_traversals=21"), "E_MAX_TRAVERSALS", f"{REWORK}.max_traversals"),
    (
        "no way out named",
        looped('max_traversals=1, overflow="take_edge"'),
        "E_OVERFLOW_EDGE",
        f"{REWORK}.overflow_edge",
    ),
    (
        "a way out that is not there",
        looped('max_traversals=1, overflow="take_edge", overflow_edge="z"'),
        "E_OVERFLOW_EDGE",
        f"{REWORK}.overflow_edge",
    ),
    (
        "a way out of another node",
        looped('max_traversals=1, overflow="take_edge", overflow_edge="e0"'),
        "E_OVERFLOW_EDGE",
        f"{REWORK}.overflow_edge",
    ),
    (
        "a way out that goes back",
        looped('max_traversals=1, overflow="take_edge", overflow_edge="back"'),
        "E_OVERFLOW_EDGE",
        f"{REWORK}.overflow_edge",
    ),
    (
        "kept and thrown away",
        looped('max_traversals=1, preserve=["s"], discard=["s"]'),
        "E_PRESERVE",
        f"{REWORK}.preserve",
    ),
    ("a slot of nobody", looped('max_traversals=1, discard=["t"]'), "E_PRESERVE", f"{REWORK}.discard"),
    (
        "several edges, no evaluation",
        pipeline(f"{UNDECIDED}, {llm('a')}, {llm('b')}", edges("intake>a", "intake>b")),
        "E_EVALUATION_MISSING",
        f"{X}.nodes[0].evaluation",
    ),
    (
        "no room for next_edges",
        node_with('evaluation="explicit", output_schema="document"'),
        "E_EXPLICIT_SCHEMA",
        f"{X}.nodes[1].output_schema",
    ),
    ("an empty condition", when("{}"), "E_CONDITION", f"{X}.edges[0].when"),
    ("two kinds at once", when('{cel="true", llm="Is it?", fallback="take"}'), "E_CONDITION", f"{X}.edges[0].when"),
    ("blank CEL", when('{cel=" "}'), "E_CONDITION", f"{X}.edges[0].when.cel"),
    ("nothing to hold", when("{all=[]}"), "E_CONDITION", f"{X}.edges[0].when.all"),
    ("CEL that cannot be read", when('{not={cel="a =="}}'), "E_CONDITION", f"{X}.edges[0].when.not.cel"),
    ("CEL over 1,000 characters", when(f'{{cel="{"1 + " * 250}1 > 0"}}'), "E_CONDITION", f"{X}.edges[0].when.cel"),
    (
        "a name of nothing",
        when("{any=[{cel=\"intke.result.x == 'y'\"}]}"),
        "E_CONDITION_NAME",
        f"{X}.edges[0].when.any[0].cel",
    ),
    ("a judgement without fallback", when('{llm="Is it?"}'), "E_LLM_FALLBACK", f"{X}.edges[0].when.fallback"),
    (
        "a slot twice, once optional",
        node_with('inputs=["classification", "classification?"]'),
        "E_DUPLICATE_SLOT",
        f"{X}.nodes[1].inputs",
    ),
    ("an input of nobody before", node_with('inputs=["spec"]'), "E_INPUT_UNSUPPLIED", f"{X}.nodes[1].inputs"),
    (
        "one slot of two at once",
        pipeline(
            ", ".join([INTAKE, llm("a", 'outputs=["s"]'), llm("b", 'outputs=["s"]')]), edges("intake>a", "intake>b")
        ),
        "E_OUTPUT_CLASH",
        f"{X}.nodes[2].outputs",
    ),
    ("a script", node_with('method="script"', kind="deterministic"), "E_METHOD_FORBIDDEN", f"{X}.nodes[1].method"),
    ("a key of another type", node_with('labels=["x"]'), "E_KEY_FOR_TYPE", f"{X}.nodes[1].labels"),
    ("unknown behaviour", node_with('uses="reveiw"'), "E_UNKNOWN_USES", f"{X}.nodes[1].uses"),
    ("unknown type", node_with("retries=5", kind="magic"), "E_UNKNOWN_USES", f"{X}.nodes[1].type"),
    ("sub-work-items that nobody planned", node_with('scope="sub_work_item"'), "E_SUBGRAPH", f"{X}.nodes[1].scope"),
    (
        "code around the review",
        pipeline(f"{INTAKE}, {PLANNED}, {BOTH_WAYS}, {REVIEW}, {GATED_INTEGRATION}", CODE_CHAIN + SHORT),
        "E_REVIEW_BYPASS",
        f"{X}.nodes[2]",
    ),
    (
        "code past no person",
        pipeline(f"{INTAKE}, {PLANNED}, {CODE}, {LOOSE_REVIEW}, {INTEGRATION}", CODE_CHAIN),
        "E_SAFETY_GATE_BYPASS",
        f"{X}.nodes[2].safety_gate",
    ),
    (
        "a profile that is not there",
        node_with('tool_profile="raeder"'),
        "E_UNKNOWN_PROFILE",
        f"{X}.nodes[1].tool_profile",
    ),
    (
        "a profile that extends nothing",
        pipeline(INTAKE, more='[tool_profiles.a]\nextends="b"'),
        "E_UNKNOWN_PROFILE",
        "tool_profiles.a.extends",
    ),
]

WARNED = [
    (
        "a family without a member",
        pipeline(INTAKE, more='[tool_profiles.a]\ntools=["fs.read", "fs.*", "x.*"]'),
        "W_UNKNOWN_TOOL",
        "tool_profiles.a.tools[2]",
    ),
    (
        "an override of nothing",
        node_with('tool_overrides={remove=["y.z"]}'),
        "W_UNKNOWN_TOOL",
        f"{X}.nodes[1].tool_overrides.remove[0]",
    ),
    (
        "an edge behind one always taken",
        pipeline(f"{FIRST}, {llm('a')}, {llm('b')}", edges("intake>a", "intake>b")),
        "W_UNREACHABLE_EDGE",
        f"{X}.edges[1]",
    ),
    (
        "a macro, whose own names are no fault",
        when("{cel=\"item.labels.exists(l, l == 'x')\"}"),
        "W_CEL_MACRO",
        f"{X}.edges[0].when.cel",
    ),
    ("a pattern", when("{cel=\"run.pipeline.matches('x')\"}"), "W_CEL_MACRO", f"{X}.edges[0].when.cel"),
    (
        "fewer retries than the threshold",
        node_with("retries=2"),
        "W_STALL_THRESHOLD",
        f"{X}.nodes[1].semantic_stall_threshold",
    ),
]

# These two are always there together with the circle that causes them.
CAUSED_BY_CYCLE = {"E_NO_TERMINAL", "E_NO_EXIT"}


def problems(text: str, shipped: PipelineFile) -> tuple[Problem, ...]:
    try:
        return validate(parse_pipeline(text.encode(), file="p.toml", defaults=shipped), file="p.toml").errors
    except ConfigError as error:
        return error.problems


@pytest.mark.parametrize(("reason", "text", "code", "path"), ROWS, ids=[f"{row[2]}: {row[0]}" for row in ROWS])
def test_one_fault_is_one_line_with_its_code_and_place(
    reason: str, text: str, code: str, path: str, shipped: PipelineFile
) -> None:
    found = problems(text, shipped)
    shown = [(one.code, one.field) for one in found if code not in CAUSED_BY_CYCLE or one.code == code]
    assert shown == [(code, path)], reason
    assert all(one.file == "p.toml" and one.message for one in found)


@pytest.mark.parametrize(("reason", "text", "code", "path"), WARNED, ids=[f"{row[2]}: {row[0]}" for row in WARNED])
def test_a_warning_stops_nothing(reason: str, text: str, code: str, path: str, shipped: PipelineFile) -> None:
    verdict = validate(parse_pipeline(text.encode(), file="p.toml", defaults=shipped), tools=["fs.read", "git.log"])
    assert [(one.code, one.field) for one in verdict.warnings] == [(code, path)], reason
    assert verdict.errors == ()


def test_three_faults_are_three_lines(shipped: PipelineFile) -> None:
    text = pipeline(
        f'{INTAKE}, {{id="a", type="llm", retires=3}}, {{id="b", type="llm", timeout_s=-1}}',
        edges("intake>a", "a>b") + ', {id="back", from="b", to="a", rework={max_traversals=99}}',
    )
    with pytest.raises(ConfigError) as caught:
        parse_pipeline(text.encode(), file="p.toml", defaults=shipped)
    assert [one.code for one in caught.value.problems] == ["E_UNKNOWN_KEY", "E_BAD_VALUE", "E_MAX_TRAVERSALS"]
    assert len(str(caught.value).splitlines()) == 3


def test_faults_of_keys_and_of_the_shape_are_shown_together(shipped: PipelineFile) -> None:
    text = pipeline(nodes("a", "b", "c"), edges("intake>a", "a>b", "b>a", "b>c")).replace("all-matching", "some", 1)
    assert [one.code for one in problems(text, shipped)] == [
        "E_BAD_VALUE",
        "E_UNTERMINATED_CYCLE",
    ]


def test_a_circle_is_named_node_by_node(shipped: PipelineFile) -> None:
    text = pipeline(nodes("a", "b", "c"), edges("intake>a", "a>b", "b>a", "b>c"))
    assert [one.message for one in problems(text, shipped)] == ["cycle without a rework edge: [a, b]"]


def test_a_misspelt_key_is_answered_with_the_nearest_one(shipped: PipelineFile) -> None:
    (found,) = problems(node_with("retires=3"), shipped)
    assert "did you mean retries?" in found.message


def test_bytes_that_are_no_utf8_are_refused_with_their_place(shipped: PipelineFile) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_pipeline(b"# \xff", file="p.toml", defaults=shipped)
    assert [(one.code, one.field) for one in caught.value.problems] == [("bad_encoding", "byte 2")]


def test_code_that_goes_back_and_then_around_the_review_is_found(shipped: PipelineFile) -> None:
    text = pipeline(
        f'{INTAKE}, {{id="planning", uses="planning", inputs=[], evaluation="first-matching"}}, '
        '{id="code", uses="code_generation", inputs=["plan"], evaluation="first-matching"}, '
        f'{REVIEW}, {{id="integration", uses="integration", inputs=[], safety_gate=true}}',
        '{id="short", from="planning", to="integration", when={cel="planning.attempts > 1"}}, '
        f'{{id="back", from="code", to="planning", rework={{max_traversals=1}}, when={{cel="true"}}}}, {CODE_CHAIN}',
    )
    assert [one.code for one in problems(text, shipped)] == ["E_REVIEW_BYPASS"]
