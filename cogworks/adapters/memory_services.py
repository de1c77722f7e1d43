"""Domain services that answer from functions, for tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from cogworks.extension_api.diagnostics import Diagnostic, ErrorBody, ErrorCode, Severity
from cogworks.extension_api.envelope import Metadata, Request, Response, Status
from cogworks.extension_api.wire import API_VERSION
from cogworks.policy.service_reply import OK, final, transient, usable
from cogworks.ports.services import ServiceAddress

Handler = Callable[[Request], Response]
"""Answers one method; what it returns is checked like a reply from the wire, what it raises goes to the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One call that was made."""

    service: str
    request: Request
    timeout_s: float


class MemoryServices:
    """Each service is a mapping of its methods to handlers; a name that is not there cannot be reached."""

    def __init__(self, services: Mapping[str, Mapping[str, Handler]]) -> None:
        self.calls: list[Called] = []
        self._services = services

    def call(
        self, service: ServiceAddress, request: Request, *, timeout_s: float, tests_expected: bool = False
    ) -> Response:
        """Return what the handler answers, checked."""
        self.calls.append(Called(service=service.name, request=request, timeout_s=timeout_s))
        if service.name not in self._services:
            problem = f"nobody listens at {service.address}"
            raise transient(service.name, request.method, ErrorCode.TRANSPORT_ERROR, problem)
        handler = self._services[service.name].get(request.method)
        if handler is None:
            raise final(service.name, request.method, ErrorCode.UNSUPPORTED_METHOD, "this method is not offered")
        body = handler(request).model_dump_json(by_alias=True).encode()
        return usable(service.name, request, status=OK, body=body, tests_expected=tests_expected)


def answers(result: Mapping[str, JsonValue], *diagnostics: Diagnostic) -> Handler:
    """Return a handler that answers ``result``; one blocking finding among ``diagnostics`` makes it a failure."""
    blocked = any(finding.severity is Severity.BLOCKING for finding in diagnostics)

    def handle(request: Request) -> Response:
        return Response(
            request_id=request.request_id,
            api_version=API_VERSION,
            status=Status.FAILURE if blocked else Status.SUCCESS,
            result=dict(result),
            diagnostics=diagnostics,
            constraint_results=() if request.interface_contracts else None,
            metadata=Metadata(duration_ms=0, artifacts_checked=_checked(result, request)),
        )

    return handle


def _checked(result: Mapping[str, JsonValue], request: Request) -> int:
    artifacts = request.params.get("artifacts")
    checked = result.get("artifacts_checked", len(artifacts) if isinstance(artifacts, list) else 0)
    return checked if isinstance(checked, int) else 0


def refuses(code: str, message: str = "refused", *, recoverable: bool = True) -> Handler:
    """Return a handler that answers an error."""

    def handle(request: Request) -> Response:
        return Response(
            request_id=request.request_id,
            api_version=API_VERSION,
            status=Status.ERROR,
            error=ErrorBody(code=code, message=message, recoverable=recoverable),
            metadata=Metadata(duration_ms=0),
        )

    return handle
