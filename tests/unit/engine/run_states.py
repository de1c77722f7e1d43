"""Run states and configurations for tables, made of few words."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from cogworks.bootstrap import default_pipeline
from cogworks.engine.events import NodeEnded
from cogworks.engine.run_config import RunConfig
from cogworks.graph.definition import Graph
from cogworks.model.ids import EdgeId, IssueNumber, NodeId, NodeRef, RepoName, RunId, Sha, SwiOrdinal
from cogworks.model.outcome import Outcome, Result
from cogworks.model.services import Services
from cogworks.model.state import Artifact, EdgeState, NodeState, NodeStatus, RunCost, RunState, Swi
from cogworks.policy.config_file import parse_config
from cogworks.policy.known_models import parse_known_models

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CONFIG = b'[llm.models.main]\nid = "claude-sonnet-5-5"\n[llm.purposes]\ngenerate = "main"\n'
S = NodeStatus


@cache
def run_config() -> RunConfig:
    known = parse_known_models((files("cogworks.policy") / "known_models.toml").read_bytes())
    config = parse_config(_CONFIG, file="config.toml", known_models=known)
    return RunConfig(config=config, pipeline=default_pipeline(), services=Services(), config_sha=Sha("c" * 40))


def graph() -> Graph:
    return run_config().graph("default")


def ref(text: str) -> NodeRef:
    """``review/1`` is the review of the first sub-work-item."""
    node, _, swi = text.partition("/")
    return NodeRef(NodeId(node), SwiOrdinal(int(swi)) if swi else None)


def fresh() -> RunState:
    return RunState(
        schema_version="1",
        run_id=RunId("run"),
        repo=RepoName("a/b"),
        work_item=IssueNumber(1),
        pipeline="default",
        graph_hash="hash",
        config_sha=Sha("c" * 40),
        cost=RunCost(limit_microusd=10_000_000, limit_tokens=500_000),
    )


def swi(ordinal: int, *, depends_on: tuple[int, ...] = (), **nodes: NodeState) -> Swi:
    return Swi(
        ordinal=SwiOrdinal(ordinal),
        issue=IssueNumber(10 + ordinal),
        key=f"k{ordinal}",
        title=f"part {ordinal}",
        depends_on=tuple(SwiOrdinal(one) for one in depends_on),
        nodes={NodeId(name): at for name, at in nodes.items()},
    )


def at(status: NodeStatus, *, attempts: int = 1, **more: object) -> NodeState:
    return NodeState(status=status, attempts=attempts, **more)  # type: ignore[arg-type]


def with_nodes(state: RunState, **nodes: NodeState) -> RunState:
    return replace(state, nodes={**state.nodes, **{NodeId(name): one for name, one in nodes.items()}})


def taken(*edges: str) -> dict[EdgeId, EdgeState]:
    return {EdgeId(one): EdgeState(state="taken") for one in edges}


def planned(*swis: Swi) -> RunState:
    """A run whose plan is done."""
    done = at(S.COMPLETED)
    state = with_nodes(fresh(), intake=done, architecture=done, interface_design=done, planning=done)
    return replace(
        state,
        sub_work_items=swis,
        edges=taken("e1", "e2", "e3", "e4"),
        artifacts={slot: Artifact(kind="file", ref="") for slot in ("classification", "spec", "interfaces", "plan")},
    )


def ended(text: str, result: Result, *, attempt: int = 1, **more: object) -> NodeEnded:
    return NodeEnded(ref=ref(text), attempt=attempt, outcome=Outcome(result=result, **more))  # type: ignore[arg-type]
