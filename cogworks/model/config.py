"""The settings of one repository: ``.cogworks/config.toml`` as a value.

Every key of the file is a field here, with its default and its range; ``policy.config_file`` reads the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from cogworks.model.config_types import (
    Dollars,
    Fraction,
    LabelName,
    NonBlank,
    NotNegative,
    Positive,
    RepoPath,
    Rounds,
    VariableName,
    at_least,
    at_most,
)
from cogworks.model.llm import ModelSpec, Purpose
from cogworks.model.money import MicroUsd

TEN_DOLLARS = MicroUsd(10_000_000)

_CLOSED = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """What one run may spend and how often it may go again."""

    __pydantic_config__ = _CLOSED
    pipeline_max_tokens: Positive = 500_000
    pipeline_max_cost: Annotated[Dollars, Field(alias="pipeline_max_cost_dollars")] = TEN_DOLLARS
    sub_work_item_max_retries: Rounds = 5
    review_max_remediation_cycles: Rounds = 3
    max_sub_work_items: Annotated[int, Field(ge=1, le=100)] = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationRules:
    """When an item is safety affecting, too big, or low risk."""

    __pydantic_config__ = _CLOSED
    safety_modules: tuple[NonBlank, ...] = ()
    scope_max_files: Positive = 25
    scope_max_interfaces: Positive = 10
    low_risk_task_types: tuple[NonBlank, ...] = ("documentation",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purposes:
    """Alias of the model for each purpose; one without an alias uses that of ``generate``."""

    __pydantic_config__ = _CLOSED
    generate: NonBlank
    alignment: NonBlank | None = None
    review: NonBlank | None = None
    edge: NonBlank | None = None
    judge: NonBlank | None = None
    summary: NonBlank | None = None
    interpret: NonBlank | None = None

    def alias(self, purpose: Purpose) -> str:
        """Return the alias of the model for ``purpose``."""
        chosen: str | None = getattr(self, purpose)
        return chosen or self.generate


@dataclass(frozen=True, slots=True, kw_only=True)
class Llm:
    """How models are called, and which."""

    __pydantic_config__ = _CLOSED
    purposes: Purposes
    models: Mapping[str, ModelSpec] = field(default_factory=dict)
    request_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 600
    transport_max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    backoff_base_seconds: Annotated[float, Field(gt=0, le=60)] = 0.5
    backoff_cap_seconds: Annotated[float, Field(ge=1, le=3600)] = 60.0
    max_call_tokens: Positive = 150_000
    inline_wait_max_seconds: Annotated[int, Field(ge=0, le=600)] = 60
    cache_ttl: Literal["off", "5m", "1h"] = "5m"


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmRateLimit:
    """When calls to the provider are paced, and when a run gives up waiting."""

    __pydantic_config__ = _CLOSED
    halt_threshold_minutes: Annotated[int, Field(ge=1, le=1440)] = 30
    low_water_fraction: Fraction = 0.20


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubRules:
    """Where work starts from, and how GitHub's limits are kept. An empty base branch means the default branch."""

    __pydantic_config__ = _CLOSED
    base_branch: str = ""
    rate_limit_floor: NotNegative = 500
    max_wait_minutes: Annotated[int, Field(ge=0, le=1440)] = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """When the lock of a private Redis counts as left behind."""

    __pydantic_config__ = _CLOSED
    stale_after_minutes: Annotated[int, Field(ge=1, le=1440)] = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Bounds on the graph walk in this repository."""

    __pydantic_config__ = _CLOSED
    edge_llm_min_confidence: Fraction = 0.70
    max_active_runs: Annotated[int, Field(ge=1, le=1000)] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Whether a node's completion edits its comment or adds a second one."""

    __pydantic_config__ = _CLOSED
    completion: Literal["edit", "comment"] = "edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """Who may start work; empty means people with write access."""

    __pydantic_config__ = _CLOSED
    allowed_users: tuple[NonBlank, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Names of the workflow labels."""

    __pydantic_config__ = _CLOSED
    trigger: LabelName = "cogworks:run"
    awaiting_review: LabelName = "cogworks:awaiting-review"
    safety_critical: LabelName = "cogworks:safety-critical"
    hold: LabelName = "cogworks:hold"
    cancel: LabelName = "cogworks:cancel"
    sub_work_item: LabelName = "cogworks:sub-work-item"


def _distinct(labels: Labels) -> Labels:
    seen: dict[str, str] = {}
    for one in fields(labels):
        name: str = getattr(labels, one.name)
        other = seen.setdefault(name.casefold(), one.name)
        if other != one.name:
            facts = {"one": other, "other": one.name, "name": name}
            raise PydanticCustomError("label_duplicate", "{one} and {other} are both {name}", facts)
    return labels


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyAlignment:
    """Bounds for safety-critical items, which a repository may tighten but not loosen."""

    __pydantic_config__ = _CLOSED
    threshold: Annotated[
        float, Field(le=1, description="0.95 to 1: it may only tighten"), AfterValidator(at_least(0.95))
    ] = 0.95
    max_rework: Annotated[int, Field(ge=0, description="0 to 5: it may only tighten"), AfterValidator(at_most(5))] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentRules:
    """How strictly outputs are compared with what was asked for."""

    __pydantic_config__ = _CLOSED
    safety: SafetyAlignment = SafetyAlignment()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretException:
    """One finding of the secret detector that a person has accepted."""

    __pydantic_config__ = _CLOSED
    path: RepoPath
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    reason: NonBlank


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Exceptions of the secret detector."""

    __pydantic_config__ = _CLOSED
    exceptions: tuple[SecretException, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextPacks:
    """Where context packs are."""

    __pydantic_config__ = _CLOSED
    directory: RepoPath = ".cogworks/context-packs/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constitutional:
    """Where the constitutional rules are, and which paths are protected besides the built-in ones."""

    __pydantic_config__ = _CLOSED
    rules_file: RepoPath = ".cogworks/constitutional-rules.md"
    protected_paths_extra: tuple[NonBlank, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interfaces:
    """Where the interface registry is."""

    __pydantic_config__ = _CLOSED
    directory: RepoPath = ".cogworks/interfaces/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintValidation:
    """Whether values are compared with contracts; always on for safety-critical items."""

    __pydantic_config__ = _CLOSED
    enabled: bool = True
    fail_on_missing_service: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainServices:
    """How domain services are called, and which suffixes need none."""

    __pydantic_config__ = _CLOSED
    unvalidated_types: tuple[NonBlank, ...] = ("md", "rst", "txt")
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    breaker_failures: Annotated[int, Field(ge=1, le=100)] = 5
    breaker_seconds: Annotated[int, Field(ge=1, le=3600)] = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenarios:
    """How scenarios are run and when they are satisfied."""

    __pydantic_config__ = _CLOSED
    directory: RepoPath = ".cogworks/scenarios/"
    trajectories: Annotated[int, Field(ge=1, le=1000)] = 10
    threshold: Fraction = 0.95
    safety_threshold: Annotated[
        float, Field(le=1, description="0.99 to 1: it may only tighten"), AfterValidator(at_least(0.99))
    ] = 0.99
    trajectory_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 120
    max_parallel: Annotated[int, Field(ge=1, le=64)] = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Twins of the repository's own."""

    __pydantic_config__ = _CLOSED
    directory: RepoPath = "twins/"
    max_instances: Annotated[int, Field(ge=1, le=1000)] = 100
    stale_after_days: Positive = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    """The cache of module summaries."""

    __pydantic_config__ = _CLOSED
    directory: RepoPath = ".cogworks/summaries/"
    regenerate_on: Literal["demand", "manual"] = "demand"
    max_mb: Positive = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Bounds on what a model does with tools."""

    __pydantic_config__ = _CLOSED
    max_turns: Annotated[int, Field(ge=1, le=1000)] = 100
    test_paths: tuple[NonBlank, ...] = ("tests",)
    scope_violation_threshold: Positive = 5
    on_scope_violation_limit: Literal["warn", "halt"] = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """From how many tools on a model looks them up instead of seeing all."""

    __pydantic_config__ = _CLOSED
    threshold: Positive = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Skills:
    """When a skill counts as reliable."""

    __pydantic_config__ = _CLOSED
    min_success_rate: Fraction = 0.90
    window: Positive = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """How commands are confined."""

    __pydantic_config__ = _CLOSED
    mode: Literal["auto", "namespaces", "landlock", "container"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Where measured points go besides the log."""

    __pydantic_config__ = _CLOSED
    sink: Literal["none", "log", "prometheus", "otlp", "influxdb"] = "none"
    flush_timeout_seconds: Annotated[float, Field(ge=0.1, le=10)] = 2.0
    buffer_max_points: Positive = 1000
    prometheus_gateway_url: NonBlank = "http://localhost:9091"
    prometheus_job: NonBlank = "cogworks"
    otlp_endpoint: NonBlank = "http://localhost:4317"
    otlp_protocol: Literal["grpc", "http"] = "grpc"
    influxdb_url: NonBlank = "http://localhost:8086"
    influxdb_org: str = ""
    influxdb_bucket: NonBlank = "cogworks"
    influxdb_token_env: VariableName = "COGWORKS_INFLUXDB_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubProject:
    """A project board that shows where items stand."""

    __pydantic_config__ = _CLOSED
    project_id: Positive
    field_mappings: Mapping[NonBlank, NonBlank] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that ``.cogworks/config.toml`` says."""

    __pydantic_config__ = _CLOSED
    llm: Llm
    budgets: Budgets = Budgets()
    classification: ClassificationRules = ClassificationRules()
    llm_rate_limit: LlmRateLimit = LlmRateLimit()
    github: GitHubRules = GitHubRules()
    lock: Lock = Lock()
    engine: Engine = Engine()
    audit: Audit = Audit()
    triggers: Triggers = Triggers()
    labels: Annotated[Labels, AfterValidator(_distinct)] = Labels()
    alignment: AlignmentRules = AlignmentRules()
    secrets: Secrets = Secrets()
    context_packs: ContextPacks = ContextPacks()
    constitutional: Constitutional = Constitutional()
    interfaces: Interfaces = Interfaces()
    constraint_validation: ConstraintValidation = ConstraintValidation()
    domain_services: DomainServices = DomainServices()
    scenarios: Scenarios = Scenarios()
    twins: Twins = Twins()
    summaries: Summaries = Summaries()
    tools: Tools = Tools()
    discovery: Discovery = Discovery()
    skills: Skills = Skills()
    sandbox: Sandbox = Sandbox()
    metrics: Metrics = Metrics()
    github_project: GitHubProject | None = None

    def model(self, purpose: Purpose) -> ModelSpec:
        """Return the model that answers calls of ``purpose``."""
        return self.llm.models[self.llm.purposes.alias(purpose)]
