"""Ask the domain services of the run: who is there, what each can do, and what they found (60 sections 3 to 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from pydantic import JsonValue as WireValue

from cogworks.extension_api import diagnostics as wire
from cogworks.extension_api.envelope import Caller, Repository, Request, Response, version_problem
from cogworks.extension_api.methods import HandshakeResult
from cogworks.model.errors import (
    DependencyUnavailable,
    FailureCategory,
    PolicyViolation,
    ServiceError,
    ServiceTransient,
    ValidationFailed,
)
from cogworks.model.findings import Diagnostic, Severity
from cogworks.model.json_value import JsonObject, JsonValue, compact
from cogworks.model.outcome import Check
from cogworks.model.services import Service
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.recording import record
from cogworks.policy.backoff import backoff_s
from cogworks.policy.service_routing import Offer, service_for
from cogworks.ports.services import ServiceAddress

SYSTEM_VERSION = "0.1.0"
_COME_BACK_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The one service that covers the artifacts of a node, with what it said of itself."""

    service: Service
    hello: HandshakeResult

    def offers(self, method: str) -> bool:
        """Whether the service has ``method``; one that it lacks is never sent (EXT-21)."""
        return method in self.hello.capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a service said: findings, and the checks as one line each."""

    diagnostics: tuple[Diagnostic, ...]
    checks: tuple[Check, ...]
    response: Response | None = None

    @property
    def failed(self) -> bool:
        """Whether the step failed: the response's own status counts, whatever its categories (EXT-40)."""
        return self.response is not None and self.response.status == "failure"


def greet(job: Job, shop: Workshop) -> None:
    """Make sure that every registered service answers before a token is spent (SVC-12)."""
    for service in job.services.services:
        _handshake(job, shop, service)


def open_desk(job: Job, shop: Workshop, paths: Sequence[str]) -> Desk | None:
    """Return the desk of the service that covers ``paths``; None when they need none (SVC-10, SVC-13).

    Raises DependencyUnavailable when the service cannot be reached, ServiceError when it is incompatible or missing.
    """
    free = job.config.domain_services.unvalidated_types
    needed = [path for path in paths if path.rpartition(".")[2].lower() not in free]
    if not needed:
        return None
    hellos = {service.name: (service, _handshake(job, shop, service)) for service in job.services.services}
    offers = {name: Offer(domain=h.domain, artifact_types=h.artifact_types) for name, (_, h) in hellos.items()}
    chosen = [service_for(path, routes=job.services.routes, offers=offers) for path in needed]
    for name in chosen:
        if name is not None and name in hellos:
            service, hello = hellos[name]
            return Desk(service=service, hello=hello)
    raise ServiceError(
        f"no registered service covers {', '.join(needed)}", service="", method="", error_code="service_unavailable"
    )


def _handshake(job: Job, shop: Workshop, service: Service) -> HandshakeResult:
    params: JsonObject = {"supported_api_versions": ["1.0"]}
    try:
        response = call(job, shop, service, "handshake", params, repository=None)
    except ValidationFailed as error:
        raise _away(service, error.message) from error
    hello = response.result_as(HandshakeResult)
    problem = version_problem(hello.api_version)
    if problem:
        raise ServiceError(
            f"{service.name}: {problem}", service=service.name, method="handshake", error_code="api_version_mismatch"
        )
    if hello.status == "unavailable":
        raise _away(service, hello.reason or "it says that it is unavailable")
    if hello.status == "degraded" and job.safety:
        raise PolicyViolation(
            f"SANDBOX_UNAVAILABLE: {service.name} is degraded: {hello.reason}",
            category=FailureCategory.SANDBOX_UNAVAILABLE,
            event="SANDBOX_UNAVAILABLE",
        )
    return hello


def _away(service: Service, why: str) -> DependencyUnavailable:
    return DependencyUnavailable(
        f"domain service {service.name} ({service.transport} {service.address}): {why}",
        category=FailureCategory.SERVICE_UNAVAILABLE,
        retry_after_s=_COME_BACK_S,
    )


def call(
    job: Job,
    shop: Workshop,
    service: Service,
    method: str,
    params: JsonObject,
    *,
    repository: Repository | None,
    tests_expected: bool = False,
) -> Response:
    """Return the checked answer; a call that fails in passing is tried again up to ``max_attempts`` (EXT-06)."""
    limit = job.config.domain_services.max_attempts
    timeout_s = service.timeout_s(method)
    address = ServiceAddress(
        name=service.name,
        transport=service.transport,
        address=service.address,
        token=shop.service_tokens.get(service.token_variable or ""),
    )
    for tries in range(1, limit + 1):
        shop.guard()
        request = Request(
            request_id=UUID(shop.ids.uuid()),
            method=method,
            caller=_caller(job),
            repository=repository,
            params=cast("dict[str, WireValue]", dict(params)),
            deadline_ms=round(timeout_s * 1000),
        )
        try:
            return shop.services.call(address, request, timeout_s=timeout_s, tests_expected=tests_expected)
        except ServiceTransient as error:
            if error.error_code == "timeout":
                text = f"timeout: {service.name} {method} took longer than {timeout_s:g} s"
                raise ValidationFailed(text, problems=(text,)) from error
            if tries == limit:
                raise _away(service, error.message) from error
            shop.clock.sleep(backoff_s(tries, jitter=shop.ids.jitter()))
    raise AssertionError("unreachable: the loop returns or raises")


def _caller(job: Job) -> Caller:
    return Caller(
        system_version=SYSTEM_VERSION,
        pipeline_run_id=UUID(job.key.run_id),
        work_item_id=job.key.item.number,
        sub_work_item_id=job.swi.issue if job.swi else None,
        node=job.key.ref.node,
        attempt=job.key.attempt,
        trace_id=job.trace_id,
    )


def examine(
    job: Job,
    shop: Workshop,
    desk: Desk,
    method: str,
    params: JsonObject,
    *,
    repository: Repository,
    required: bool = True,
    tests_expected: bool = False,
) -> Examined:
    """Return what ``method`` found; an optional one that the service lacks is skipped and listed as such (EXT-22)."""
    if not desk.offers(method):
        if required:
            why = desk.hello.reason or "it is not in its handshake"
            raise ServiceError(
                f"domain service {desk.service.name} does not offer {method}: {why}",
                service=desk.service.name,
                method=method,
                error_code="unsupported_method",
            )
        check = Check(name=method, passed=True, detail=f"skipped: {desk.service.name} does not offer it")
        return Examined(diagnostics=(), checks=(check,))
    response = call(job, shop, desk.service, method, params, repository=repository, tests_expected=tests_expected)
    if response.status == "error" and response.error is not None:
        raise ServiceError(
            response.error.message, service=desk.service.name, method=method, error_code=response.error.code
        )
    told: JsonObject = {
        "service": desk.service.name,
        "method": method,
        "status": str(response.status),
        "duration_ms": response.metadata.duration_ms,
        "diagnostics": len(response.diagnostics),
    }
    record(job, shop, "attempt.domain_call", told)
    found = tuple(_told(one) for one in response.diagnostics)
    passed = response.status == "success"
    detail = f"{len(found)} findings, {response.metadata.duration_ms} ms"
    check = Check(name=f"{desk.service.name} {method}", passed=passed, detail=detail)
    return Examined(diagnostics=found, checks=(check,), response=response)


def as_artifacts(texts: Mapping[str, str]) -> list[JsonValue]:
    """Return files as the Extension API wants them, by path."""
    return [{"path": path, "content": text, "deleted": False} for path, text in sorted(texts.items())]


def _told(one: wire.Diagnostic) -> Diagnostic:
    return Diagnostic(
        severity=Severity(one.severity),
        category=one.category,
        message=one.message,
        artifact=one.artifact,
        location=compact(dict(one.location)) if one.location else None,
    )
