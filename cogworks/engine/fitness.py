"""Ask the others whether they are there and fit for work, and change nothing by it (70 sections 1 and 12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cogworks.engine.starting import missing_rights
from cogworks.extension_api.envelope import Caller, Request, version_problem
from cogworks.extension_api.methods import HandshakeResult, ServiceStatus
from cogworks.model.errors import CogWorksError
from cogworks.model.ids import RepoName
from cogworks.model.json_value import JsonObject
from cogworks.model.services import Service
from cogworks.nodes.servicing import SYSTEM_VERSION
from cogworks.ports.github import GitHub
from cogworks.ports.services import DomainService, ServiceAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitness:
    """One of the others: ``trouble`` is empty when it is fit, and ``code`` says then nothing."""

    name: str
    detail: str = ""
    trouble: str = ""
    code: str = ""

    def line(self) -> str:
        """Return it as people read it."""
        return f"{'BAD' if self.trouble else 'ok':<4}{self.name:<22}{self.trouble or self.detail}\n"

    def value(self) -> JsonObject:
        """Return it as programs read it."""
        return {"name": self.name, "ok": not self.trouble, "detail": self.trouble or self.detail}


def service_fitness(services: DomainService, service: Service, *, token: str | None) -> Fitness:
    """Return what a domain service says of itself in a handshake."""
    address = ServiceAddress(name=service.name, transport=service.transport, address=service.address, token=token)
    timeout_s = service.timeout_s("handshake")
    request = Request(
        request_id=UUID(int=0),
        method="handshake",
        caller=Caller(system_version=SYSTEM_VERSION),
        params={"supported_api_versions": ["1.0"]},
        deadline_ms=round(timeout_s * 1000),
    )
    try:
        hello = services.call(address, request, timeout_s=timeout_s).result_as(HandshakeResult)
    except CogWorksError as error:
        trouble = f"{service.transport} {service.address}: {error.message}"
        return Fitness(name=service.name, trouble=trouble, code="unreachable")
    problem = version_problem(hello.api_version)
    if problem:
        return Fitness(name=service.name, trouble=problem, code="incompatible")
    if hello.status is ServiceStatus.UNAVAILABLE:
        trouble = f"unavailable: {hello.reason or 'it gives no reason'}"
        return Fitness(name=service.name, trouble=trouble, code="unhealthy")
    able = f"{hello.status}, api {hello.api_version}, {hello.domain}: {', '.join(hello.capabilities)}"
    return Fitness(name=service.name, detail=able)


def github_fitness(github: GitHub, repos: Sequence[RepoName], *, every_right: bool) -> Fitness:
    """Return whether GitHub answers and the token may write to ``repos``.

    ``every_right``: also ask for each right by itself, which takes requests of a kind that is paced.
    """
    try:
        login, limits = github.contents.login(), github.contents.limits()
        closed = {repo: _lacks(github, repo, every_right=every_right) for repo in repos}
    except CogWorksError as error:
        return Fitness(name="github", trouble=error.message, code=error.category or error.code)
    if any(closed.values()):
        lacks = "; ".join(f"{repo}: {', '.join(rights)}" for repo, rights in closed.items() if rights)
        trouble = f"{login} may not write: the token lacks for {lacks}"
        return Fitness(name="github", trouble=trouble, code="permission_denied")
    return Fitness(name="github", detail=f"as {login}, {limits.remaining} of {limits.limit} requests left")


def _lacks(github: GitHub, repo: RepoName, *, every_right: bool) -> tuple[str, ...]:
    if every_right:
        return missing_rights(github, repo)
    return () if github.contents.repo(repo).can_push else ("write access",)
