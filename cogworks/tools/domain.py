"""``domain.*``: ask a domain service about the work so far (50 section 2)."""

from pydantic import Field

from cogworks.model.errors import ToolRefused
from cogworks.tools.bench import Bench
from cogworks.tools.definition import Parameters, Scope, ScopeParameter, Tool, violation

_SCOPE = (
    ScopeParameter(name="allowed_services", type="names"),
    ScopeParameter(name="allowed_methods", type="names"),
)


class DomainParameters(Parameters):
    """Parameters of ``domain.*``: the artifacts to look at; none means everything changed."""

    service: str = ""
    artifacts: list[str] = Field(default_factory=list)


def _asker(method: str) -> Tool:
    def run(bench: Bench, given: Parameters, scope: Scope) -> str:
        assert isinstance(given, DomainParameters)
        service = given.service or (bench.service_names[0] if bench.service_names else "")
        if service not in scope.names("allowed_services"):
            raise violation("service", "allowed_services", ", ".join(scope.names("allowed_services")))
        if method not in scope.names("allowed_methods"):
            raise violation("service", "allowed_methods", ", ".join(scope.names("allowed_methods")))
        if bench.call_service is None:
            raise ToolRefused("no service is available to this node", error="SERVICE_UNAVAILABLE")
        diagnostics = bench.call_service(method, given.artifacts)
        return "\n".join(str(one) for one in diagnostics) or "no findings"

    return Tool(
        name=f"domain.{method}",
        description=f"Run the domain service's {method.replace('_', ' ')} on the work so far.",
        effect="execute",
        parameters=DomainParameters,
        scope=_SCOPE,
        run=run,
    )


METHODS = ("validate", "normalise", "review_rules", "simulate", "extract_interfaces")
TOOLS = tuple(_asker(method) for method in METHODS)
