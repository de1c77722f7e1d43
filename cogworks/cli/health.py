"""`health`: are the others there, and fit? (70 section 1, RB-01)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cogworks.bootstrap import domain_services, reading, redis_problems, shipped
from cogworks.cli.answer import Answer, Exit, Wrong
from cogworks.cli.options import Globals
from cogworks.cli.surroundings import operator
from cogworks.extension_api.envelope import Caller, Request, version_problem
from cogworks.extension_api.methods import HandshakeResult, ServiceStatus
from cogworks.model.errors import CogWorksError, ConfigError, Problem
from cogworks.model.json_value import JsonObject
from cogworks.model.services import Service, Services
from cogworks.nodes.servicing import SYSTEM_VERSION
from cogworks.policy.services_file import parse_services
from cogworks.ports.services import ServiceAddress
from cogworks.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was asked: ``trouble`` is empty when it is fit."""

    name: str
    detail: str = ""
    trouble: str = ""
    code: str = "unreachable"

    def line(self) -> str:
        """Return it as people read it."""
        return f"{'ok' if not self.trouble else 'BAD':<4}{self.name:<22}{self.trouble or self.detail}\n"

    def value(self) -> JsonObject:
        """Return it as JSON values."""
        return {"name": self.name, "ok": not self.trouble, "detail": self.trouble or self.detail}


def health(options: Globals, service_name: str | None, *, everything: bool) -> Answer:
    """Ask the registered domain services, or one of them; with ``everything`` also all others."""
    settings = operator(options)
    services = _registered(settings)
    chosen = [one for one in services.services if service_name in (None, one.name)]
    if service_name is not None and not chosen:
        known = ", ".join(one.name for one in services.services) or f"none; see {settings.domain_services_config}"
        wrong = Wrong(code="out_of_range", field="service", message=f"no service {service_name}", hint=known)
        return Answer(exit_code=Exit.WRONG_USAGE, errors=(wrong,))
    tokens = shipped(settings).service_tokens
    checks = [_service(one, token=tokens.get(one.token_variable or "")) for one in chosen]
    if everything:
        checks += [_github(settings), _model_key(settings), _redis(settings)]
    return _verdict(checks)


def _verdict(checks: list[Check]) -> Answer:
    bad = [check for check in checks if check.trouble]
    return Answer(
        text="".join(check.line() for check in checks) or "no domain service is registered\n",
        data={"checks": [check.value() for check in checks]},
        exit_code=Exit.OTHER_SIDE if bad else Exit.DONE,
        errors=tuple(Wrong(code=one.code, field=one.name, message=one.trouble) for one in bad),
    )


def _registered(settings: Settings) -> Services:
    """Return the services that the file of this machine registers; none without a file (SVC-05)."""
    path = Path(settings.domain_services_config)
    try:
        return parse_services(path.read_bytes(), file=str(path))
    except FileNotFoundError:
        return Services()
    except OSError as error:
        problem = Problem(code="not_a_file", file=str(path), message=f"cannot be read: {error.strerror}")
        raise ConfigError(problems=(problem,)) from error


def _service(service: Service, *, token: str | None) -> Check:
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
        hello = domain_services().call(address, request, timeout_s=timeout_s).result_as(HandshakeResult)
    except CogWorksError as error:
        return Check(name=service.name, trouble=f"{service.transport} {service.address}: {error.message}")
    trouble = version_problem(hello.api_version)
    if trouble:
        return Check(name=service.name, trouble=trouble, code="incompatible")
    if hello.status is ServiceStatus.UNAVAILABLE:
        return Check(name=service.name, trouble=f"unavailable: {hello.reason or 'no reason given'}", code="unhealthy")
    able = f"{hello.status}, api {hello.api_version}, {hello.domain}: {', '.join(hello.capabilities)}"
    return Check(name=service.name, detail=able)


def _github(settings: Settings) -> Check:
    if settings.github_token is None:
        return Check(name="github", trouble="COGWORKS_GITHUB_TOKEN is not set", code="missing_key")
    seen = reading(settings)
    return _asked("github", lambda: _rights(settings, seen.github.contents.login()))


def _rights(settings: Settings, login: str) -> str:
    """Return what the token may do; raise PermissionError where it cannot write."""
    seen = reading(settings)
    limits = seen.github.contents.limits()
    for repo in settings.repos:
        if not seen.github.contents.repo(repo).can_push:
            raise PermissionError(f"{login} may not write to {repo}")
    return f"{login} at {settings.github_api_url}, {limits.remaining} of {limits.limit} requests left"


def _model_key(settings: Settings) -> Check:
    if settings.llm_api_key is None:
        return Check(name="model key", trouble="COGWORKS_LLM_API_KEY is not set", code="missing_key")
    return Check(name="model key", detail=f"set, for {settings.llm_api_url}")


def _redis(settings: Settings) -> Check:
    if settings.redis_url is None:
        return Check(name="redis", detail="none named: `process` starts a private one")
    problems = redis_problems(settings.redis_url.get_secret_value())
    if problems:
        return Check(name="redis", trouble="; ".join(one.message for one in problems), code=problems[0].code)
    return Check(name="redis", detail="answers, takes writes, evicts nothing")


def _asked(name: str, ask: Callable[[], str]) -> Check:
    try:
        return Check(name=name, detail=ask())
    except CogWorksError as error:
        return Check(name=name, trouble=error.message, code=error.code)
    except PermissionError as error:
        return Check(name=name, trouble=str(error), code="permission_denied")
