"""States made by hand, in the comment where GitHub would hold them."""

from datetime import UTC, datetime
from typing import Any

from cli_stand import REPO, Program

from cogworks.bootstrap import default_pipeline
from cogworks.engine.comments import notice
from cogworks.model.dead_letter import DeadLetter, LetterError, Reason, Stage
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import IssueNumber, NodeId, PullNumber, RepoName, RunId, Sha, SwiOrdinal
from cogworks.model.state import (
    Cost,
    Failure,
    NodeState,
    NodeStatus,
    RunCost,
    RunState,
    RunStatus,
    Swi,
    SwiStatus,
    Wait,
    WaitReason,
)
from cogworks.pages.letter_block import render_letter
from cogworks.pages.state_comment import render_state

_CENT = 10_000


def node(cents: int, tokens: int, *, attempts: int = 1, status: NodeStatus = NodeStatus.COMPLETED) -> NodeState:
    """Return a node that cost this much."""
    return NodeState(status=status, attempts=attempts, cost=Cost(microusd=cents * _CENT, tokens=tokens))


def swi(ordinal: int, *, code: NodeState, review: NodeState) -> Swi:
    """Return a sub-work-item with its two nodes."""
    return Swi(
        ordinal=SwiOrdinal(ordinal),
        issue=IssueNumber(100 + ordinal),
        key=f"swi-{ordinal}",
        title=f"Part {ordinal}",
        status=SwiStatus.PR_OPEN,
        pr=PullNumber(200 + ordinal),
        nodes={NodeId("code_generation"): code, NodeId("review"): review},
    )


def state_of(number: int, head: str, **more: Any) -> RunState:
    """Return the run of the specification's cost report, waiting at a gate unless ``more`` says otherwise."""
    swis = (
        swi(1, code=node(67, 45_000), review=node(30, 20_000)),
        swi(2, code=node(57, 38_000), review=node(27, 18_000)),
        swi(3, code=node(78, 52_000, attempts=2), review=node(40, 27_000, attempts=2)),
    )
    values: dict[str, Any] = {
        "schema_version": "1",
        "run_id": RunId("11111111-2222-4333-8444-555555555555"),
        "repo": RepoName(REPO),
        "work_item": IssueNumber(number),
        "pipeline": "default",
        "graph_hash": "0" * 64,
        "config_sha": Sha(head),
        "cost": RunCost(microusd=354 * _CENT, tokens=237_800, limit_microusd=1000 * _CENT, limit_tokens=500_000),
        "seq": 17,
        "fence": 9,
        "status": RunStatus.WAITING,
        "wait": Wait(reason=WaitReason.APPROVAL, since=datetime(2026, 11, 1, 12, tzinfo=UTC), node="review"),
        "nodes": {
            NodeId("intake"): node(3, 2_300),
            NodeId("architecture"): node(22, 15_000),
            NodeId("interface_design"): node(12, 8_500),
            NodeId("planning"): node(18, 12_000),
        },
        "sub_work_items": swis,
    }
    return RunState(**{**values, **more})


def post_state(github: Program, number: int, **more: Any) -> RunState:
    """Put a state comment on an issue and return the state in it."""
    head = github.call("GET", f"/repos/{REPO}/git/ref/heads/main")["object"]["sha"]
    state = state_of(number, head, **more)
    graph = default_pipeline().pipelines["default"]
    github.call("POST", f"/repos/{REPO}/issues/{number}/comments", {"body": render_state(state, graph).head})
    return state


NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def post_dead_letter(github: Program, number: int) -> DeadLetter:
    """Put a failed run on an issue, with the comment that carries its dead letter, and return the letter."""
    failure = Failure(category=FailureCategory.ENVIRONMENT_FAULT, node="planning", message="its workers died", at=NOON)
    nodes = {
        NodeId("intake"): node(3, 2_300),
        NodeId("planning"): node(18, 12_000, attempts=2, status=NodeStatus.FAILED),
    }
    state = post_state(
        github, number, status=RunStatus.FAILED, failure=failure, nodes=nodes, sub_work_items=(), wait=None
    )
    letter = DeadLetter(
        key=f"{state.item}/{state.run_id}/planning/-/2",
        run=state.run_id,
        work_item=str(state.item),
        node=NodeId("planning"),
        swi=None,
        stage=Stage.EXEC,
        reason=Reason.INFRASTRUCTURE_FAILURE,
        attempt=2,
        starts=5,
        error=LetterError(kind="WorkerLost", code="environment_fault", message="its workers died"),
        traceback_digest="",
        first_seen=NOON,
        last_seen=NOON,
        last_owner="host:7",
        sentry_event_id="",
        payload_hash="ab" * 32,
    )
    key = f"{state.item}/{state.run_id}/failure/{state.seq}"
    body = notice(key, "failure", f"### Stopped\n\n{render_letter(letter)}", run=state.run_id)
    github.call("POST", f"/repos/{REPO}/issues/{number}/comments", {"body": body})
    return letter
