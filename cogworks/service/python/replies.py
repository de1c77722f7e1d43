"""One request envelope in, one response envelope out; what goes wrong becomes an `error` reply."""

import json
import logging
import platform
import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from threading import Event
from uuid import UUID

from pydantic import ValidationError

from cogworks.extension_api.checking import json_path
from cogworks.extension_api.diagnostics import ErrorBody, ErrorCode, Severity, keep_most_severe
from cogworks.extension_api.envelope import Metadata, Request, Response, Status, version_problem
from cogworks.extension_api.methods import PARAMS, HandshakeResult, Method, ServiceStatus
from cogworks.extension_api.wire import API_VERSION, WireModel
from cogworks.service.python.calls import Answer, Call
from cogworks.service.python.deadlines import Deadline
from cogworks.service.python.faults import ServiceFault, invalid_request
from cogworks.service.python.methods import perform
from cogworks.service.python.workshop import Workshop

_LOG = logging.getLogger("cogworks.service.python")
_NO_ID = UUID(int=0)
_TOOLS = ("ruff", "mypy", "pytest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answers requests with the tools of one workshop."""

    workshop: Workshop

    def to_body(self, method_name: str, body: bytes, *, cancelled: Event) -> bytes:
        """The reply to the body that was posted to `/api/v1/<method_name>`."""
        started = time.monotonic()
        request_id = _request_id(body)
        try:
            request = _parsed(body)
            response = self._answered(method_name, request, started=started, cancelled=cancelled)
        except ServiceFault as fault:
            response = _error(request_id, fault.to_error(), started=started)
        except Exception:  # noqa: BLE001 - the border: a bug becomes an `internal_error` reply, and shows in the log
            _LOG.exception("a call of %s failed", method_name)
            response = _error(request_id, _BUG, started=started)
        return json.dumps(response.to_json_object()).encode()

    def handshake(self) -> HandshakeResult:
        """What the service offers now."""
        degraded = self.workshop.degraded
        offered = [method for method in Method if method is not Method.HANDSHAKE]
        if not self.workshop.may_run_tests:
            offered.remove(Method.SIMULATE)
        unsandboxed = (
            "; tests run unsandboxed, as the operator allowed" if degraded and self.workshop.may_run_tests else ""
        )
        return HandshakeResult(
            name="python",
            service_version=_own_version(),
            api_version=API_VERSION,
            domain="software",
            capabilities=tuple(offered),
            artifact_types=("py", "pyi", "pyproject.toml"),
            interface_types=("signal", "bus_protocol"),
            status=ServiceStatus.DEGRADED if degraded else ServiceStatus.READY,
            reason=f"{degraded}{unsandboxed}" if degraded else None,
            max_concurrency=self.workshop.settings.max_concurrency,
        )

    def _answered(self, method_name: str, request: Request, *, started: float, cancelled: Event) -> Response:
        method = self._method(method_name, request)
        problem = version_problem(API_VERSION, needed=request.api_version)
        if problem is not None:
            raise ServiceFault(ErrorCode.API_VERSION_MISMATCH, problem)
        params = _params(method, request)
        if method is Method.HANDSHAKE:
            return _response(request, Answer(result=self.handshake()), started=started)
        if request.repository is None:
            raise invalid_request("repository is missing")
        call = Call(
            workshop=self.workshop,
            repository=request.repository,
            contracts=request.interface_contracts,
            deadline=Deadline.after_ms(request.deadline_ms, cancelled=cancelled),
        )
        return _response(request, perform(method, call, params), started=started)

    def _method(self, method_name: str, request: Request) -> Method:
        if request.method != method_name:
            raise invalid_request(f"method is {request.method!r}, but the request went to {method_name!r}")
        if method_name == Method.HANDSHAKE or method_name in self.handshake().capabilities:
            return Method(method_name)
        raise ServiceFault(ErrorCode.UNSUPPORTED_METHOD, f"the service python does not offer {method_name}")


_BUG = ErrorBody(code=ErrorCode.INTERNAL_ERROR, message="the service has a bug; its log says more", recoverable=True)


def refusal(problem: str) -> bytes:
    """The `invalid_request` reply to a body that is not even read."""
    response = _error(_NO_ID, invalid_request(problem).to_error(), started=time.monotonic())
    return json.dumps(response.to_json_object()).encode()


def _parsed(body: bytes) -> Request:
    try:
        return Request.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _wrong(error) from error


def _params(method: Method, request: Request) -> WireModel:
    try:
        return PARAMS[method].model_validate_json(json.dumps(request.params), strict=True)
    except ValidationError as error:
        raise _wrong(error, "params") from error


def _wrong(error: ValidationError, *inside: str) -> ServiceFault:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return invalid_request(f"{json_path((*inside, *first['loc']))}: {first['msg']}")


def _request_id(body: bytes) -> UUID:
    try:
        document = json.loads(body)
        return UUID(document["request_id"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _NO_ID


def _response(request: Request, answer: Answer, *, started: float) -> Response:
    blocks = any(item.severity is Severity.BLOCKING for item in answer.diagnostics)
    kept, dropped = keep_most_severe(answer.diagnostics)
    return Response(
        request_id=request.request_id,
        api_version=API_VERSION,
        status=Status.FAILURE if blocks else Status.SUCCESS,
        result=answer.result.to_json_object(),
        diagnostics=kept,
        constraint_results=answer.constraint_results,
        metadata=_metadata(started, artifacts_checked=answer.artifacts_checked, truncated=dropped),
    )


def _error(request_id: UUID, error: ErrorBody, *, started: float) -> Response:
    return Response(
        request_id=request_id,
        api_version=API_VERSION,
        status=Status.ERROR,
        error=error,
        metadata=_metadata(started),
    )


def _metadata(started: float, *, artifacts_checked: int = 0, truncated: int = 0) -> Metadata:
    return Metadata(
        duration_ms=round((time.monotonic() - started) * 1000),
        tool_versions=_tool_versions(),
        artifacts_checked=artifacts_checked,
        truncated=truncated,
    )


@cache
def _tool_versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for tool in _TOOLS:
        try:
            found[tool] = version(tool)
        except PackageNotFoundError:
            continue  # the method that needs it says `tool_not_found`
    return found


@cache
def _own_version() -> str:
    try:
        return version("cogworks")
    except PackageNotFoundError:
        return "0"
