"""What people read, byte by byte, and what is read back from it."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogworks.bootstrap import default_pipeline
from cogworks.graph.definition import Graph
from cogworks.model.errors import FailureCategory
from cogworks.model.findings import Finding, MatrixRow, Severity
from cogworks.model.ids import (
    AttemptKey,
    IssueNumber,
    Item,
    NodeId,
    NodeRef,
    RepoName,
    RunId,
    Sha,
    SwiOrdinal,
)
from cogworks.model.outcome import Check, Outcome, Result
from cogworks.model.state import (
    Artifact,
    Classification,
    Cost,
    Failure,
    ItemClass,
    NodeState,
    NodeStatus,
    RunCost,
    RunState,
    Scope,
    Swi,
    state_to_json,
)
from cogworks.pages.commit_message import commit_message
from cogworks.pages.cost_report import cost_report, render_markdown, render_text
from cogworks.pages.failure_report import render_failure
from cogworks.pages.gate_comment import render_gate
from cogworks.pages.markers import mark, read_mark
from cogworks.pages.node_comment import attempt_path, render_node
from cogworks.pages.pull_page import PullFacts, branch, pull_title, render_pull
from cogworks.pages.quoting import cut, inert, line, quoted
from cogworks.pages.review_page import split_findings
from cogworks.pages.state_comment import StateUnreadable, read_state, read_state_mark, render_state

NOW = datetime(2026, 2, 16, 14, 20, tzinfo=UTC)
DONE = NodeStatus.COMPLETED


def graph() -> Graph:
    return default_pipeline().pipelines["default"]


def node(tokens: int, microusd: int, attempts: int = 1) -> NodeState:
    return NodeState(status=DONE, attempts=attempts, cost=Cost(microusd=microusd, tokens=tokens), started_at=NOW)


def part(number: int, code: NodeState, review: NodeState) -> Swi:
    return Swi(
        ordinal=SwiOrdinal(number),
        issue=IssueNumber(42 + number),
        key=f"k{number}",
        title=f"Part {number}",
        nodes={NodeId("code_generation"): code, NodeId("review"): review},
        requirements=("R1",),
    )


def run(**changed: object) -> RunState:
    state = RunState(
        schema_version="1",
        run_id=RunId("5d0c0f3e-7a52-4b0e-9a0c-0d9c2f6f1b11"),
        repo=RepoName("acme/widgets"),
        work_item=IssueNumber(42),
        pipeline="default",
        graph_hash="9f2c",
        config_sha=Sha("1b7e"),
        seq=9,
        fence=31,
        boundary="interface_design",
        nodes={
            NodeId("intake"): node(2300, 30_000),
            NodeId("architecture"): node(15_000, 220_000),
            NodeId("interface_design"): node(8500, 120_000),
            NodeId("planning"): node(12_000, 180_000),
        },
        sub_work_items=(
            part(1, node(45_000, 670_000), node(20_000, 300_000)),
            part(2, node(38_000, 570_000), node(18_000, 270_000)),
            part(3, node(52_000, 780_000), node(27_000, 400_000, attempts=2)),
        ),
        cost=RunCost(microusd=3_540_000, tokens=237_800, limit_microusd=10_000_000, limit_tokens=500_000),
        written_at=NOW,
    )
    return replace(state, **changed)


REPORT = """\
Pipeline #42 Cost Report
========================
Node                      Tokens     Cost
─────────────────────────────────────────
1. Task Classification     2,300    $0.03
2. Architecture           15,000    $0.22
3. Interface Design        8,500    $0.12
4. Planning               12,000    $0.18
5. Code Generation
   SWI #1                 45,000    $0.67
   SWI #2                 38,000    $0.57
   SWI #3                 52,000    $0.78
6. Review
   SWI #1 (4 passes)      20,000    $0.30
   SWI #2 (4 passes)      18,000    $0.27
   SWI #3 (4 passes + 1 remediation)
                          27,000    $0.40
─────────────────────────────────────────
Total                    237,800    $3.54
Budget                   500,000   $10.00
Remaining                262,200    $6.46
"""


def test_the_cost_report_is_the_same_to_the_byte() -> None:
    assert render_text(cost_report(run(), graph())) == REPORT


def test_the_comment_carries_every_figure_of_the_report() -> None:
    table = render_markdown(cost_report(run(), graph()))
    figures = re.findall(r"[\d,]{3,}|\$[\d.]+", REPORT.split("─\n", 1)[1])
    assert all(figure in table for figure in figures)


def test_calls_without_an_answer_have_a_line_of_their_own() -> None:
    report = render_text(cost_report(run(), graph(), unreconciled=Cost(microusd=10_000, tokens=800)))
    assert "Unreconciled                 800    $0.01\n" in report
    assert "Remaining                261,400    $6.45\n" in report


@pytest.mark.parametrize("number", [0, 3, 100])
def test_a_state_comes_back_from_its_comment_as_it_was(number: int) -> None:
    """GH-18: a hundred sub-work-items need the compressed form."""
    swis = tuple(part(n, node(n, n), node(n, n)) for n in range(1, number + 1))
    state = run(sub_work_items=swis, classification=None)
    body = render_state(state, graph()).head

    assert read_state(body) == state
    assert len(body) <= 60_000


@given(st.text(max_size=300))
def test_no_text_in_a_state_breaks_its_comment(text: str) -> None:
    """GH-16: nothing inside closes the mark."""
    failure = Failure(category=FailureCategory.TIMEOUT, node="x", message=f"{text} --> <b>&", at=NOW)
    state = run(failure=failure)
    body = render_state(state, graph()).head

    assert read_state(body) == state
    payload = body.split("<!-- cogworks:json\n", 1)[1]
    assert payload.count("-->") == 1


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda body: body.replace('"seq":9', '"seq":8'), id="edited by hand"),
        pytest.param(lambda body: body.split("cogworks:end")[0], id="cut off"),
        pytest.param(lambda body: body.replace("sha256=", "sha256=0"), id="another check sum"),
        pytest.param(lambda body: body.replace("enc=json", "enc=zlib+base64"), id="another encoding"),
    ],
)
def test_a_state_comment_that_was_touched_is_refused(harm) -> None:
    body = render_state(run(), graph()).head
    with pytest.raises(StateUnreadable):
        read_state(harm(body))


def test_the_head_of_a_state_comment_tells_people_where_the_run_stands() -> None:
    text = render_state(run(), graph()).head
    assert "Human gates until: interface_design. Autonomous after. Cost $3.54 of $10.00." in text
    assert "| planning | completed | 1 | 0 | 0 | $0.18 |" in text
    found = read_state_mark(text)
    assert found is not None
    assert (found.fields["seq"], found.fields["fence"], found.fields["enc"]) == ("9", "31", "json")
    assert json.loads(state_to_json(run()))["seq"] == 9


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), st.text(max_size=40), max_size=5))
def test_a_mark_comes_back_whatever_its_fields_hold(fields: dict[str, str]) -> None:
    written = mark("audit", **fields)
    found = read_mark(f"{written}\ntext", "audit")
    assert found is not None
    assert found.fields == fields
    assert "\n" not in written
    assert read_mark(written, "state") is None


def test_a_mark_counts_only_at_the_start() -> None:
    assert read_mark(f"text {mark('audit', key='k')}", "audit") is None


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        pytest.param("ask @jo", "@jo", id="a ping"),
        pytest.param("/cogworks cancel", "/cogworks cancel", id="a command"),
        pytest.param("x\n  /cogworks cancel", "/cogworks cancel", id="a command in a later line"),
        pytest.param("<!-- cogworks:audit v1 key=k -->", "<!--", id="a mark"),
    ],
)
def test_text_from_outside_pings_nobody_and_poses_as_nothing(text: str, gone: str) -> None:
    for harmless in (inert(text), quoted(text), line(text)):
        assert gone not in harmless


@pytest.mark.parametrize("text", ["docs/cogworks/1/spec.md", "run /cogworks run when done", "a <b> c", "jo at home"])
def test_text_that_harms_nobody_stays_as_it_is(text: str) -> None:
    assert inert(text) == text


def test_long_text_is_cut_at_a_line_with_the_count() -> None:
    text = "\n".join(["x" * 9] * 10)
    assert cut(text, limit=25) == "xxxxxxxxx\nxxxxxxxxx\n… (80 characters cut)"
    assert cut(text, limit=99) == text
    assert line("a | b\nc", limit=20) == "a \\| b c"


def outcome(**changed: object) -> Outcome:
    base = Outcome(
        result=Result.SUCCEEDED,
        message="done @jo",
        cost=Cost(microusd=5000, tokens=700),
        llm_calls=2,
        started_at=NOW,
        ended_at=NOW.replace(minute=21),
        checks=(Check(name="python validate", passed=True, detail="0 findings"),),
    )
    return replace(base, **changed)


def test_a_node_comment_tells_of_each_attempt_and_is_read_back() -> None:
    ref = NodeRef(NodeId("code_generation"), SwiOrdinal(1))
    tries = [(1, outcome(result=Result.INVALID)), (2, outcome())]
    body = render_node(run(), graph(), ref, tries, output="attempts/x.jsonl@abc")

    entry = read_mark(body, "audit")
    assert entry is not None
    told = [entry.fields[name] for name in ("kind", "attempt", "result", "output")]
    assert told == ["node", "2", "succeeded", "attempts/x.jsonl@abc"]
    assert entry.fields["key"] == "acme/widgets#42/5d0c0f3e-7a52-4b0e-9a0c-0d9c2f6f1b11/node/code_generation/1"
    assert "### code_generation · SWI 1: Part 1" in body
    assert "**Attempt 1: invalid** (60.0 s, 2 model calls, 700 tokens, $0.01)" in body
    assert "- check python validate: passed 0 findings" in body
    assert "@jo" not in body


def test_the_key_of_a_node_comment_is_the_same_for_all_attempts() -> None:
    ref = NodeRef(NodeId("planning"))
    keys = {
        entry.fields["key"]
        for tries in ([], [(1, outcome())], [(1, outcome()), (2, outcome())])
        if (entry := read_mark(render_node(run(), graph(), ref, tries, output=""), "audit"))
    }
    assert len(keys) == 1


def test_a_pull_request_of_a_part_names_all_that_it_belongs_to() -> None:
    """GH-29."""
    state = run(
        artifacts={
            "spec": Artifact(kind="pr", ref="50", sha="a"),
            "interfaces": Artifact(kind="pr", ref="51", sha="b"),
        },
        classification=Classification(
            task_type="bug_fix",
            affected_modules=(),
            component_tags=(),
            safety_affecting=True,
            pipeline=None,
            scope=Scope(files=1, interfaces=1, complexity="low"),
            rationale="",
            item_class=ItemClass.SAFETY_CRITICAL,
        ),
    )
    rows = (MatrixRow(requirement_id="R1", text="it works"),)
    facts = PullFacts(summary="All of it", depends_on=(52,), rows=rows, score=0.97, cost=Cost(microusd=670_000))
    text = render_pull(state, NodeRef(NodeId("integration"), SwiOrdinal(1)), facts)

    assert text.startswith("<!-- cogworks:pr v1 run=")
    wanted = [
        "human approval required before merge",
        "All of it",
        "Closes #43",
        "Part of #42",
        "Specification: #50",
        "Interfaces: #51",
        "Depends on: #52",
        "| R1 |",
        "alignment score 0.97",
        "none applicable",
        "$0.67",
        "cogworks/42/audit",
    ]
    places = [text.index(one) for one in wanted]
    assert places == sorted(places), "in this order"
    assert "Closes #42" not in text


def test_over_the_limit_the_checks_are_cut_and_traceability_never() -> None:
    checks = tuple(Check(name=f"check {n}", passed=True, detail="x" * 100) for n in range(2000))
    rows = (MatrixRow(requirement_id="R1", text="it works"),)
    text = render_pull(run(), NodeRef(NodeId("review")), PullFacts(summary="s", checks=checks, rows=rows))
    assert len(text) <= 60_000
    assert "| R1 |" in text
    assert "characters cut" in text


def test_titles_and_branches() -> None:
    """GH-25, GH-28."""
    swi, item = NodeRef(NodeId("integration"), SwiOrdinal(1)), NodeRef(NodeId("architecture"))
    assert pull_title(run(), swi, kind="", title="Round @jo") == "[#42 1/3] Round @\u200bjo"
    assert pull_title(run(), item, kind="Specification", title="T" * 400)[:27] == "[#42] Specification: TTTTTT"
    assert len(pull_title(run(), item, kind="Specification", title="T" * 400)) <= 250
    assert branch(run(), "spec") == "cogworks/42/spec"
    assert branch(run(restart_no=2), "swi-1") == "cogworks/42/r2/swi-1"


def test_a_commit_says_what_it_belongs_to() -> None:
    """GH-27."""
    key = AttemptKey(
        Item(RepoName("acme/widgets"), IssueNumber(42)),
        RunId("r"),
        NodeRef(NodeId("code_generation"), SwiOrdinal(1)),
        2,
    )
    assert commit_message(key, run(), "Add\nmean") == (
        "code_generation: Add mean\n\nWork-Item: #42\nSub-Work-Item: #43\nCogWorks-Run: r\n"
        "CogWorks-Node: code_generation\nCogWorks-Attempt: 2\n"
    )
    assert attempt_path(key) == "attempts/code_generation-swi1-2.jsonl"


def test_findings_go_to_their_line_if_the_diff_shows_it_and_else_into_the_body() -> None:
    """GH-30."""

    def found(line_number: int | None) -> Finding:
        return Finding(
            kind="k",
            severity=Severity.WARNING,
            description=f"at {line_number}",
            origin="llm",
            source="quality",
            file="a.py",
            line=line_number,
        )

    inside, body = split_findings([found(3), found(9), found(None)], {"a.py": frozenset({3})})
    assert [(one.path, one.line) for one in inside] == [("a.py", 3)]
    assert inside[0].body.startswith("<!-- cogworks:finding v1 id=")
    assert "at 9" in body
    assert "at None" in body
    assert "at 3" not in body


def test_a_failure_report_says_what_happened_and_what_to_do() -> None:
    failure = Failure(
        category=FailureCategory.RETRY_EXHAUSTED, node="code_generation", swi=SwiOrdinal(1), message="@jo", at=NOW
    )
    state = run(artifacts={"spec": Artifact(kind="pr", ref="50")})
    finding = Finding(kind="k", severity=Severity.BLOCKING, description="divides by zero", origin="llm")
    text = render_failure(
        state, failure, [(1, outcome(result=Result.INVALID, findings=(finding,), output_hash="h" * 64))]
    )
    for wanted in (
        "code_generation · SWI 1",
        "`retry_exhausted`",
        "/cogworks run",
        "| 1 | 14:21:00Z | invalid |",
        "divides by zero",
        "hhhhhhhhhhhh |",
        "$3.54 of $10.00",
        "#50 (spec)",
    ):
        assert wanted in text
    assert "@jo" not in text


def test_a_gate_says_how_to_answer() -> None:
    with_pull = render_gate(run(), NodeRef(NodeId("architecture")), pull="50")
    without = render_gate(run(), NodeRef(NodeId("review"), SwiOrdinal(1)), pull=None)
    assert "#50" in with_pull
    assert "/cogworks approve review" in without
