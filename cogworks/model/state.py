"""The state of a pipeline run: one document, snapshot on GitHub, projection in Redis (ENG-23)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from pydantic import ConfigDict, TypeAdapter

from cogworks.model.errors import FailureCategory
from cogworks.model.findings import MatrixRow
from cogworks.model.ids import EdgeId, IssueNumber, Item, NodeId, NodeRef, PullNumber, RepoName, RunId, Sha, SwiOrdinal
from cogworks.model.json_value import JsonValue

SCHEMA_VERSION: Final = "1"
_CLOSED = ConfigDict(extra="forbid")


class RunStatus(StrEnum):
    """Where a run stands as a whole."""

    RUNNING = "running"
    WAITING = "waiting"
    HELD = "held"
    FAILED = "failed"
    ESCALATED = "escalated"
    CANCELLED = "cancelled"
    COMPLETED = "completed"

    @property
    def open(self) -> bool:
        """Whether machine work may still happen without a person."""
        return self in (RunStatus.RUNNING, RunStatus.WAITING)


class NodeStatus(StrEnum):
    """Where one node instance stands (ENG-24)."""

    PENDING = "pending"
    ACTIVE = "active"
    AWAITING_APPROVAL = "awaiting_approval"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SwiStatus(StrEnum):
    """Where a sub-work-item stands; the words of its ``cogworks:status:`` label."""

    PENDING = "pending"
    ACTIVE = "active"
    AWAITING_REVIEW = "awaiting-review"
    PR_OPEN = "pr-open"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    SUPERSEDED = "superseded"


class WaitReason(StrEnum):
    """What a waiting run waits for."""

    APPROVAL = "approval"
    CLARIFICATION = "clarification"
    RATE_LIMIT = "rate_limit"
    OUTAGE = "outage"
    QUEUE = "queue"


class ItemClass(StrEnum):
    """How careful CogWorks is with a work item (ENG-02)."""

    LOW_RISK = "low_risk"
    STANDARD = "standard"
    SAFETY_CRITICAL = "safety_critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What was paid: whole micro-dollars, and tokens of all four kinds together."""

    __pydantic_config__ = _CLOSED
    microusd: int = 0
    tokens: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(microusd=self.microusd + other.microusd, tokens=self.tokens + other.tokens)

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(microusd=self.microusd - other.microusd, tokens=self.tokens - other.tokens)

    def within(self, other: "Cost") -> "Cost":
        """Return the smaller of both figures, each by itself."""
        return Cost(microusd=min(self.microusd, other.microusd), tokens=min(self.tokens, other.tokens))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Size that intake expects of the work."""

    files: int
    interfaces: int
    complexity: Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What kind of work an item is (ENG-02), after the safety override."""

    __pydantic_config__ = _CLOSED
    task_type: str
    affected_modules: tuple[str, ...]
    component_tags: tuple[str, ...]
    scope: Scope
    safety_affecting: bool
    pipeline: str | None
    rationale: str
    item_class: ItemClass = ItemClass.STANDARD


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """Life of one node instance; counters only grow, except by a human's resume (ENG-25).

    ``waited`` is what the attempt that waits has paid so far, counted already; ``uncharged`` are attempts that were
    cancelled before their cost was known.
    """

    __pydantic_config__ = _CLOSED
    status: NodeStatus = NodeStatus.PENDING
    attempts: int = 0
    retries: int = 0
    reworks: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    output_ref: str | None = None
    output_hash: str | None = None
    categories: tuple[str, ...] = ()
    error: str | None = None
    cost: Cost = Cost()
    waited: Cost = Cost()
    uncharged: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeState:
    """Whether an edge was taken, and how often a rework edge has been traversed."""

    __pydantic_config__ = _CLOSED
    state: Literal["unresolved", "taken", "not_taken"] = "unresolved"
    traversals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Where the content of a slot is: a PR, a branch, issues, or ``path@commit`` on the audit branch."""

    __pydantic_config__ = _CLOSED
    kind: Literal["pr", "branch", "file", "issues"]
    ref: str
    sha: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swi:
    """A sub-work-item: its issue, its place in the order, its own sub-graph of nodes.

    ``findings`` is what people said against what was made, until something new is made of it.
    """

    __pydantic_config__ = _CLOSED
    ordinal: SwiOrdinal
    issue: IssueNumber
    key: str
    title: str
    depends_on: tuple[SwiOrdinal, ...] = ()
    files: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    status: SwiStatus = SwiStatus.PENDING
    branch: str = ""
    head: Sha | None = None
    pr: PullNumber | None = None
    nodes: Mapping[NodeId, NodeState] = field(default_factory=dict)
    edges: Mapping[EdgeId, EdgeState] = field(default_factory=dict)
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    cost: Cost = Cost()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Why a run waits, since when and, if known, until when."""

    __pydantic_config__ = _CLOSED
    reason: WaitReason
    since: datetime
    node: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """One decision of a person: at a gate, or about the scope, a hold or a question."""

    __pydantic_config__ = _CLOSED
    node: str
    decision: Literal["approved", "rejected", "clarified"]
    by: str
    at: datetime
    ref: str
    swi: SwiOrdinal | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why a run is held, and what people said of it (GH-14).

    ``digest`` is that of the text in question. Both are needed to end it: a justification, then the label's removal.
    """

    __pydantic_config__ = _CLOSED
    since: datetime
    digest: str = ""
    released_by: str = ""
    justification: str = ""
    contaminated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCost:
    """Committed cost of the run against its limits, and the worst case of calls that were cut off (RUN-17)."""

    __pydantic_config__ = _CLOSED
    microusd: int = 0
    tokens: int = 0
    limit_microusd: int
    limit_tokens: int
    by_node: Mapping[str, int] = field(default_factory=dict)
    unreconciled: Cost = Cost()
    alerted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why the run stopped; ``escalated`` says that a rule hands it to people instead of calling it failed."""

    __pydantic_config__ = _CLOSED
    category: FailureCategory
    node: str
    message: str
    at: datetime
    swi: SwiOrdinal | None = None
    escalated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Holder of the item on a private Redis (ENG-46)."""

    holder: str
    since: datetime
    renewed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Last command comment and label event that were handled."""

    __pydantic_config__ = _CLOSED
    comment_id: int = 0
    event_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Everything durable about a run. Written by the step function alone (RUN-09).

    ``text_sha`` tells the text of the issue as last seen; ``set_aside`` are pull requests that people closed and
    whose work was done anew: they are no answer any more. ``queued`` names the trigger that waits for this run to
    end, ``superseded_by`` the run that takes its place.
    """

    __pydantic_config__ = _CLOSED
    schema_version: Literal["1"]
    run_id: RunId
    repo: RepoName
    work_item: IssueNumber
    pipeline: str
    graph_hash: str
    config_sha: Sha
    cost: RunCost
    restart_no: int = 0
    seq: int = 0
    fence: int = 0
    status: RunStatus = RunStatus.RUNNING
    wait: Wait | None = None
    classification: Classification | None = None
    boundary: str = ""
    nodes: Mapping[NodeId, NodeState] = field(default_factory=dict)
    edges: Mapping[EdgeId, EdgeState] = field(default_factory=dict)
    sub_work_items: tuple[Swi, ...] = ()
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    gates: tuple[GateDecision, ...] = ()
    packs: tuple[str, ...] = ()
    traceability: tuple[MatrixRow, ...] = ()
    released_findings: tuple[str, ...] = ()
    lock: Lock | None = None
    cursor: Cursor = Cursor()
    failure: Failure | None = None
    text_sha: str = ""
    set_aside: tuple[PullNumber, ...] = ()
    hold: Hold | None = None
    queued: str = ""
    superseded_by: RunId | None = None
    written_at: datetime | None = None

    @property
    def item(self) -> Item:
        """The work item of this run."""
        return Item(self.repo, self.work_item)

    def swi(self, ordinal: SwiOrdinal) -> Swi:
        """Return the sub-work-item with ``ordinal``; KeyError if the plan has none."""
        for swi in self.sub_work_items:
            if swi.ordinal == ordinal:
                return swi
        raise KeyError(ordinal)

    def node(self, ref: NodeRef) -> NodeState:
        """Return the state of one node instance; one never started is pending."""
        nodes = self.nodes if ref.swi is None else self.swi(ref.swi).nodes
        return nodes.get(ref.node, NodeState())

    def artifact(self, slot: str, *, swi: SwiOrdinal | None) -> Artifact | None:
        """Return what fills ``slot`` for this instance: the SWI's own content first, then the work item's."""
        if swi is not None and slot in self.swi(swi).artifacts:
            return self.swi(swi).artifacts[slot]
        return self.artifacts.get(slot)


_ADAPTER: TypeAdapter[RunState] = TypeAdapter(RunState)


def state_to_json(state: RunState) -> str:
    """Return the compact JSON text of ``state``; fields at their default are left out."""
    return _ADAPTER.dump_json(state, exclude_defaults=True).decode()


def state_from_json(text: str) -> RunState:
    """Return the state in ``text``; raises pydantic's ValidationError for any other shape or version."""
    return _ADAPTER.validate_json(text)


def state_as_value(state: RunState) -> JsonValue:
    """Return ``state`` as plain JSON values, every field present, for people and programs that read it."""
    value: JsonValue = _ADAPTER.dump_python(state, mode="json")
    return value
