"""Pipelines that a repository draws itself: fan-out, fan-in, own nodes, overflow, parallel work."""

import pytest
from answers import about, body, code, finding, good_answers, intake, only, prompt_of, reviewed, turns, writing
from planted import PASSING, blocking, validates
from world import World

from cogworks.adapters.memory_llm import HandIn, Rule, Say
from cogworks.adapters.memory_services import Handler
from cogworks.extension_api.envelope import Request, Response
from cogworks.model.errors import FailureCategory
from cogworks.model.state import NodeStatus, RunStatus, SwiStatus

PIPELINE = ".cogworks/pipeline.toml"
TEMPLATE = b"""+++
name = "user-docs"
version = 1
required = []
output_schema = "document"
+++
# Write the user documentation
"""
HEAD = """schema_version = 1
[pipeline]
default = "feature"
max_parallel_sub_work_items = 3
[pipelines.feature]
start = "intake"
"""
DOCS = (
    '{id="user_docs", type="llm", prompt="user-docs", output_schema="document", inputs=["spec"], outputs=["docs"],'
    ' deliver="pr", gate="auto-proceed", retries=1%s}'
)
CHECK = (
    '{id="release_check", type="deterministic", method="domain_service", service_method="validate",'
    ' inputs=["pull_request","docs%s"], outputs=["release_report"], gate="auto-proceed"}'
)
NODES = [
    '{id="intake", uses="intake", evaluation="first-matching"}',
    '{id="architecture", uses="architecture"}',
    '{id="interface_design", uses="interface_design", evaluation="all-matching"}',
    '{id="planning", uses="planning", inputs=["classification","spec?","interfaces?"]}',
    '{id="code_generation", uses="code_generation", inputs=["plan","spec?","interfaces?"]}',
    '{id="review", uses="review", inputs=["code","spec?"]}',
    '{id="integration", uses="integration"}',
]
EDGES = [
    '{id="docs_only", from="intake", to="planning", when={cel="intake.result.task_type == \'documentation\'"}}',
    '{id="design", from="intake", to="architecture"}',
    '{id="to_iface", from="architecture", to="interface_design"}',
    '{id="to_plan", from="interface_design", to="planning"}',
    '{id="to_docs", from="interface_design", to="user_docs"}',
    '{id="to_code", from="planning", to="code_generation"}',
    '{id="to_review", from="code_generation", to="review"}',
    '{id="to_pr", from="review", to="integration"}',
    '{id="to_release", from="integration", to="release_check"}',
    '{id="docs_ready", from="user_docs", to="release_check"}',
]
FIX = (
    '{id="fix", from="review", to="code_generation", when={cel="review.result.verdict == \'remediate\'"},'
    ' rework={max_traversals=%d, overflow="%s"%s}}'
)


def pipeline(*, docs: str = "", optional: str = "?", fix: str = "") -> dict[str, bytes]:
    """Fan-out after the interfaces, fan-in at the release check."""
    nodes = ",\n".join([*NODES, DOCS % docs, CHECK % optional])
    # first-matching: a rework edge has to stand before the way on
    edges = ",\n".join([*EDGES[:7], *([fix] if fix else []), *EDGES[7:]])
    text = f"{HEAD}nodes = [\n{nodes}]\nedges = [\n{edges}]\n"
    return {PIPELINE: text.encode(), ".cogworks/templates/user-docs.md": TEMPLATE}


WRITES_DOCS = Rule(node="user_docs", replies=[HandIn({"title": "How to use it", "body": "Call it."})])


def at(world: World, node: str) -> NodeStatus:
    return world.state.nodes[node].status if node in world.state.nodes else NodeStatus.PENDING


def test_two_ways_part_run_together_and_meet_again() -> None:
    world = World(rules=[WRITES_DOCS, *good_answers(2)], text=body(2), files=pipeline()).run()

    assert world.state.status is RunStatus.COMPLETED
    assert at(world, "user_docs") is at(world, "release_check") is NodeStatus.COMPLETED
    started = [text.split(" attempt")[0] for action, text in world.log if action == "node_start"]
    assert started.index("user_docs") < started.index("code_generation/1")
    assert started[-2:] == ["release_check", "end_to_end"], "the fan-in waits for all sub-work-items and the docs"
    docs = world.pull("user-docs")
    assert world.content(docs.head)["docs/cogworks/1/user-docs.md"] == b"# How to use it\n\nCall it.\n"


def test_independent_sub_work_items_run_together() -> None:
    world = World(rules=[WRITES_DOCS, *good_answers(3)], text=body(3), files=pipeline()).run()

    starts = [text.split(" attempt")[0] for action, text in world.log if action == "node_start"]
    first = starts.index("code_generation/1")
    assert starts[first : first + 3] == ["code_generation/1", "code_generation/2", "code_generation/3"]
    assert len(world.pulls()) == 3 + 3
    assert world.state.status is RunStatus.COMPLETED
    assert world.ledger.show(world.state.item).committed.microusd == world.state.cost.microusd


def test_a_way_that_is_not_taken_is_skipped_and_optional_inputs_are_absent() -> None:
    rules = [only("intake", intake(task_type="documentation")), WRITES_DOCS]
    planned = {
        "sub_work_items": [
            {
                "title": "01 mean",
                "description": "Write it",
                "files": code("mean")["files"],
                "test_specification": ["it works"],
                "requirements": ["R1"],
            }
        ]
    }
    world = World(rules=[*rules, only("planning", planned), *good_answers()], files=pipeline()).run()

    assert at(world, "architecture") is at(world, "interface_design") is at(world, "user_docs") is NodeStatus.SKIPPED
    assert at(world, "release_check") is NodeStatus.COMPLETED
    assert world.asked("architecture") == []
    assert world.state.status is RunStatus.COMPLETED


def test_a_fan_in_whose_upstream_failed_is_blocked_and_named_while_the_others_finish() -> None:
    """X-64, ENG-34."""
    world = World(
        rules=[Rule(node="user_docs", replies=[Say("no")]), *good_answers()], files=pipeline(optional="")
    ).run()

    assert world.state.status is RunStatus.ESCALATED
    assert at(world, "user_docs") is NodeStatus.FAILED
    assert at(world, "release_check") is NodeStatus.BLOCKED
    assert world.state.sub_work_items[0].status is SwiStatus.PR_OPEN, "siblings are not stopped"
    report = world.note("failure")
    assert "Stopped at user_docs" in report
    assert "release_check" in report


def test_a_failed_way_lets_the_fan_in_go_on_after_a_resume() -> None:
    stubborn = Rule(node="user_docs", replies=[Say("no")], when=lambda r: r.identity.attempt <= 2)
    world = World(rules=[stubborn, WRITES_DOCS, *good_answers()], files=pipeline(optional="")).run()
    assert world.state.status is RunStatus.ESCALATED

    world.person.unlabel(world.issue().number, "cogworks:node:failed")
    world.run()

    assert world.state.status is RunStatus.COMPLETED
    assert len(world.asked("planning")) == 1


def test_a_node_that_aborts_its_siblings_cancels_them() -> None:
    world = World(
        rules=[Rule(node="user_docs", replies=[Say("no")]), *good_answers()],
        files=pipeline(docs=", abort_siblings_on_failure=true"),
    ).run()

    assert world.state.status is RunStatus.ESCALATED
    assert not [pull for pull in world.pulls() if "swi" in pull.head]


def test_a_failed_sub_work_item_blocks_those_that_build_on_it_and_no_other() -> None:
    talks = only("code_generation", Say("no"), when=about("mean"))
    world = World(
        rules=[WRITES_DOCS, talks, *good_answers(3, depends_on={2: [1]})], text=body(3), files=pipeline()
    ).run()

    assert {swi.title: swi.status for swi in world.state.sub_work_items} == {
        "01 mean": SwiStatus.FAILED,
        "02 median": SwiStatus.BLOCKED,
        "03 spread": SwiStatus.PR_OPEN,
    }
    assert [set(issue.labels) & {"cogworks:status:failed", "cogworks:status:blocked"} for issue in world.swis()] == [
        {"cogworks:status:failed"},
        set(),
        {"cogworks:status:blocked"},
    ]
    assert world.asked("code_generation", swi=3) == []
    assert "SWI 3" in world.note("failure")


def remediating() -> list[Rule]:
    told = reviewed("mean", finding("mean", "blocking", "never good enough"))
    writes = [
        only("code_generation", writing("mean", text=f"X = {n}\n"), attempt=n, when=lambda r: turns(r) == 0)
        for n in range(1, 9)
    ]
    return [only("review", told, purpose="review"), *writes, WRITES_DOCS, *good_answers()]


@pytest.mark.parametrize(
    ("overflow", "more", "status", "attempts", "opened"),
    [
        pytest.param("halt", "", RunStatus.FAILED, 2, False, id="halt: failed"),
        pytest.param("escalate", "", RunStatus.ESCALATED, 2, False, id="escalate: people are asked"),
        pytest.param(
            "take_edge", ', overflow_edge="to_pr"', RunStatus.COMPLETED, 2, True, id="take_edge: whatever the condition"
        ),
    ],
)
def test_a_spent_rework_edge_overflows_as_the_file_says(
    overflow: str, more: str, status: RunStatus, attempts: int, opened: bool
) -> None:
    fix = FIX % (1, overflow, more)
    world = World(rules=remediating(), files=pipeline(fix=fix)).run()

    assert world.state.status is status
    assert world.state.sub_work_items[0].nodes["review"].attempts == attempts
    assert bool([pull for pull in world.pulls() if "swi" in pull.head]) is opened
    if status is not RunStatus.COMPLETED:
        assert world.state.failure is not None
        assert world.state.failure.category is FailureCategory.TRAVERSALS_EXHAUSTED


def test_a_node_without_an_edge_that_is_true_is_a_dead_end_and_named() -> None:
    text = (
        HEAD + 'nodes = [{id="intake", uses="intake", evaluation="first-matching"},\n'
        ' {id="more", type="llm", prompt="user-docs", output_schema="document", gate="auto-proceed"}]\n'
        'edges = [{id="never", from="intake", to="more", when={cel="intake.result.task_type == \'refactor\'"}}]\n'
    )
    files = {PIPELINE: text.encode(), ".cogworks/templates/user-docs.md": TEMPLATE}
    world = World(files=files).run()

    assert world.state.failure is not None
    assert world.state.failure.category is FailureCategory.DEAD_END
    assert "intake" in world.note("failure")
    assert "never" in world.note("failure")


def test_a_deterministic_node_asks_the_service_about_the_whole_and_no_model() -> None:
    seen: list[list[str]] = []

    def sees(request: Request) -> Response:
        told = request.params.get("artifacts")
        if request.caller.node == "release_check":
            seen.append([one["path"] for one in told])  # type: ignore[union-attr,index,call-overload]
        return PASSING["validate"](request)

    services: dict[str, Handler] = {"validate": sees}
    world = World(rules=[WRITES_DOCS, *good_answers(2)], text=body(2), files=pipeline(), services=services).run()

    assert world.asked("release_check") == []
    assert seen == [["src/calc/mean.py", "src/calc/median.py", "tests/test_mean.py", "tests/test_median.py"]]


def test_a_deterministic_node_that_finds_faults_fails_after_its_retries() -> None:
    def only_release(request: Request) -> Response:
        bad = request.caller.node == "release_check"
        return (validates(blocking("type_error")) if bad else PASSING["validate"])(request)

    world = World(rules=[WRITES_DOCS, *good_answers()], files=pipeline(), services={"validate": only_release}).run()

    assert at(world, "release_check") is NodeStatus.FAILED
    assert world.state.status in (RunStatus.ESCALATED, RunStatus.FAILED)
    assert "type_error" in world.note("failure")


def test_budget_that_runs_out_in_parallel_stops_the_asking_node_and_not_the_others() -> None:
    """X-63."""
    world = World(
        rules=[WRITES_DOCS, *good_answers()], files=pipeline(docs=", cost_limit_usd=0.000001", optional="?")
    ).run()

    assert at(world, "user_docs") is NodeStatus.FAILED
    assert world.asked("user_docs") == [], "refused before it was sent"
    assert world.state.sub_work_items[0].status is SwiStatus.PR_OPEN
    assert world.state.failure is not None
    assert world.state.failure.category is FailureCategory.BUDGET_EXCEEDED


def test_a_custom_node_reads_what_it_names() -> None:
    world = World(rules=[WRITES_DOCS, *good_answers()], files=pipeline()).run()

    told = prompt_of(world.asked("user_docs")[0])
    assert "Specification of work item #1" in told
    assert "# Write the user documentation" in told


def test_without_a_specification_the_plan_answers_the_lines_of_the_work_item() -> None:
    nothing = {"sub_work_items": [{"title": "01 mean", "description": "Write it", "test_specification": ["it works"]}]}
    world = World(
        rules=[only("intake", intake(task_type="documentation")), only("planning", nothing), *good_answers()],
        files=pipeline(),
    ).run()

    first, second, *_ = world.asked("planning")
    assert "`mean(values)` exists" in prompt_of(first)
    assert "requirements are covered by no sub-work-item: R1" in prompt_of(second)
