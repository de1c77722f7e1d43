"""What a node is asked to do, and the workshop it is given to do it in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cogworks.graph.definition import Graph, Node, PipelineFile
from cogworks.model.audit import Actor, AuditEvent
from cogworks.model.config import Config
from cogworks.model.findings import Diagnostic, Finding
from cogworks.model.github import Issue
from cogworks.model.ids import AttemptKey, Sha
from cogworks.model.llm import Loop
from cogworks.model.outcome import Outcome
from cogworks.model.services import Services
from cogworks.model.state import Cost, RunState, Swi
from cogworks.nodes.template import Template
from cogworks.policy.constitution import Constitution
from cogworks.ports.git import Git
from cogworks.ports.github import GitHub, Guard
from cogworks.ports.llm import LLM
from cogworks.ports.runtime import Clock, Ids, Ledger, Memo
from cogworks.ports.services import DomainService


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What earlier attempts teach: the latest in full, earlier ones in a line each (PRM-04)."""

    loop: Loop = "first"
    diagnostics: tuple[Diagnostic, ...] = ()
    findings: tuple[Finding, ...] = ()
    earlier: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt of one node: everything that it may know. Nothing in it changes."""

    key: AttemptKey
    node: Node
    graph: Graph
    state: RunState
    issue: Issue
    swi: Swi | None
    swi_issue: Issue | None
    feedback: Feedback
    config: Config
    pipeline: PipelineFile
    services: Services
    constitution: Constitution
    base_branch: str
    base_head: Sha
    trace_id: str
    history: Mapping[str, Outcome] = field(default_factory=dict)

    @property
    def safety(self) -> bool:
        """Whether the item is safety-affecting."""
        return self.state.classification is not None and self.state.classification.safety_affecting


@dataclass(slots=True, kw_only=True)
class Tally:
    """What an attempt has used so far: calls, cost, tools, and the events for the audit branch."""

    cost: Cost = Cost()
    llm_calls: int = 0
    model: str = ""
    tools: dict[str, int] = field(default_factory=dict)
    violations: int = 0
    events: list[AuditEvent] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Ports as a node may use them: writes are fenced by the attempt's lease, ``guard`` says whether to go on."""

    github: GitHub
    git: Git
    llm: LLM
    services: DomainService
    service_tokens: Mapping[str, str]
    ledger: Ledger
    memo: Memo
    clock: Clock
    ids: Ids
    templates: Mapping[str, Template]
    actor: Actor
    guard: Guard
    tally: Tally
    deadline: datetime
