"""What each method is asked and what it answers: one params model and one result model per method."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, JsonValue

from cogworks.extension_api.envelope import VERSION_PATTERN
from cogworks.extension_api.wire import API_VERSION, ArtifactPath, Count, JsonObject, WireModel


class Method(StrEnum):
    """Every method of the API."""

    HANDSHAKE = "handshake"
    NORMALISE = "normalise"
    VALIDATE = "validate"
    REVIEW_RULES = "review_rules"
    SIMULATE = "simulate"
    VALIDATE_DEPS = "validate_deps"
    EXTRACT_INTERFACES = "extract_interfaces"
    DEPENDENCY_GRAPH = "dependency_graph"


class Artifact(WireModel):
    """A file of the repository; `content` overlays the file at the commit, `deleted` removes it."""

    path: ArtifactPath
    content: str | None = None
    sha256: str | None = None
    deleted: bool = False


class HandshakeParams(WireModel):
    """`handshake`: which versions the caller can speak."""

    supported_api_versions: tuple[str, ...] = (API_VERSION,)


class ServiceStatus(StrEnum):
    """What a service says of itself."""

    READY = "ready"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


class HandshakeResult(WireModel):
    """`handshake`: who the service is and what it offers now."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    service_version: str
    api_version: str = Field(pattern=VERSION_PATTERN)
    domain: str = Field(min_length=1)
    capabilities: tuple[str, ...]
    artifact_types: tuple[str, ...] = Field(description="Suffixes without dot, or whole file names.")
    interface_types: tuple[str, ...] = ()
    interface_versions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    status: ServiceStatus
    reason: str | None = Field(default=None, description="Why the status is not `ready`.")
    extensions: tuple[str, ...] = ()
    max_concurrency: int = Field(default=1, ge=1)


class ArtifactsParams(WireModel):
    """`normalise`, `extract_interfaces`, `dependency_graph`: the artifacts to work on."""

    artifacts: tuple[Artifact, ...]


class NormalisedArtifact(WireModel):
    """One artifact in its normal form."""

    path: ArtifactPath
    changed: bool
    content: str


class NormaliseResult(WireModel):
    """`normalise`: the normal form of each artifact; nothing was written back."""

    changed: bool
    artifacts: tuple[NormalisedArtifact, ...]


class ValidateParams(WireModel):
    """`validate`: the artifacts to check, and the interfaces they must offer."""

    artifacts: tuple[Artifact, ...]
    interfaces: tuple[JsonObject, ...] | None = None


class Check(WireModel):
    """One check that ran."""

    name: str
    passed: bool
    duration_ms: Count


class ValidateResult(WireModel):
    """`validate`: what was checked."""

    artifacts_checked: Count
    checks: tuple[Check, ...]


class RuleConfig(WireModel):
    """Which rules to run beside the repository's own, and which of them block."""

    select: tuple[str, ...] = ()
    blocking: tuple[str, ...] = ()


class ReviewRulesParams(WireModel):
    """`review_rules`: the artifacts to check against style, safety and performance rules."""

    artifacts: tuple[Artifact, ...]
    rule_config: RuleConfig = RuleConfig()


class ReviewRulesResult(WireModel):
    """`review_rules`: which rules ran."""

    rules_run: tuple[str, ...]
    artifacts_checked: Count


class TestFilter(WireModel):
    """Which tests to run; empty means all."""

    __test__ = False

    ids: tuple[str, ...] | None = None
    keyword: str | None = None
    paths: tuple[ArtifactPath, ...] | None = None


class Environment(WireModel):
    """What the tests find around them."""

    vars: dict[str, str] = Field(default_factory=dict)
    twins: dict[str, str] = Field(default_factory=dict, description="Name of a twin -> its loopback URL.")


class SimulateParams(WireModel):
    """`simulate`: which tests to run, over which overlays."""

    filter: TestFilter = TestFilter()
    environment: Environment = Environment()
    scenario: JsonObject | None = None
    artifacts: tuple[Artifact, ...] = Field(default=(), description="Overlays that are not yet at the commit.")


class CaseOutcome(StrEnum):
    """How one test ended; `timeout` counts as failed."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    TIMEOUT = "timeout"


class Case(WireModel):
    """One test."""

    id: str
    name: str
    outcome: CaseOutcome
    duration_ms: Count = 0
    message: str = ""
    output: str = ""


class SimulateResult(WireModel):
    """`simulate`: every test that ran."""

    total: Count
    passed: Count
    failed: Count
    skipped: Count
    cases: tuple[Case, ...]
    observations: JsonObject | None = None
    environment_error: str | None = None


class Declaration(WireModel):
    """A file that declares dependencies."""

    path: ArtifactPath
    content: str | None = None


class ValidateDepsParams(WireModel):
    """`validate_deps`: the files that declare dependencies."""

    declarations: tuple[Declaration, ...]


class Dependency(WireModel):
    """One declared dependency."""

    name: str
    constraint: str
    declared_in: str
    problem: str | None = None


class ValidateDepsResult(WireModel):
    """`validate_deps`: what is declared, and what is wrong with it."""

    valid: bool
    dependencies: tuple[Dependency, ...]


class Interface(WireModel):
    """One thing a module offers."""

    module: str
    kind: str = Field(description="function, class, method or constant in the Python service; open to other domains.")
    name: str
    signature: str
    line: Count | None = None
    public: bool = True
    docstring: str | None = None
    path: ArtifactPath | None = None


class ExtractedValue(WireModel):
    """The value that an artifact gives to a parameter of an interface."""

    interface_id: str
    parameter: str
    value: JsonValue
    unit: str | None = None
    source: str


class Unextractable(WireModel):
    """A file that could not be read, and why."""

    path: ArtifactPath
    reason: str


class ExtractInterfacesResult(WireModel):
    """`extract_interfaces`: what the artifacts offer and the values they state."""

    status: Literal["complete", "incomplete"]
    interfaces: tuple[Interface, ...]
    values: tuple[ExtractedValue, ...]
    unextractable: tuple[Unextractable, ...]
    capabilities_used: tuple[str, ...] | None = None


class GraphNode(WireModel):
    """One artifact of the dependency graph."""

    id: str
    path: ArtifactPath


class GraphEdge(WireModel):
    """One artifact needs another."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    kind: str


class DependencyGraphResult(WireModel):
    """`dependency_graph`: who needs whom, what could not be resolved, and which circles there are."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    unresolved: tuple[str, ...]
    cycles: tuple[tuple[str, ...], ...]


PARAMS: dict[Method, type[WireModel]] = {
    Method.HANDSHAKE: HandshakeParams,
    Method.NORMALISE: ArtifactsParams,
    Method.VALIDATE: ValidateParams,
    Method.REVIEW_RULES: ReviewRulesParams,
    Method.SIMULATE: SimulateParams,
    Method.VALIDATE_DEPS: ValidateDepsParams,
    Method.EXTRACT_INTERFACES: ArtifactsParams,
    Method.DEPENDENCY_GRAPH: ArtifactsParams,
}
"""What each method is asked."""

RESULTS: dict[Method, type[WireModel]] = {
    Method.HANDSHAKE: HandshakeResult,
    Method.NORMALISE: NormaliseResult,
    Method.VALIDATE: ValidateResult,
    Method.REVIEW_RULES: ReviewRulesResult,
    Method.SIMULATE: SimulateResult,
    Method.VALIDATE_DEPS: ValidateDepsResult,
    Method.EXTRACT_INTERFACES: ExtractInterfacesResult,
    Method.DEPENDENCY_GRAPH: DependencyGraphResult,
}
"""What each method answers."""

DEFAULT_TIMEOUTS_MS: dict[Method, int] = {
    Method.HANDSHAKE: 5_000,
    Method.NORMALISE: 300_000,
    Method.VALIDATE: 300_000,
    Method.REVIEW_RULES: 300_000,
    Method.SIMULATE: 600_000,
    Method.VALIDATE_DEPS: 300_000,
    Method.EXTRACT_INTERFACES: 300_000,
    Method.DEPENDENCY_GRAPH: 300_000,
}
"""How long a caller waits when nobody configured it."""
