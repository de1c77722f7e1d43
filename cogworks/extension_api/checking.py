"""Whether a response may be used: its form, and whether it agrees with itself and with its request."""

import json

from pydantic import ValidationError

from cogworks.extension_api.diagnostics import Category, Diagnostic, Severity, keep_most_severe
from cogworks.extension_api.envelope import Request, Response, Status
from cogworks.extension_api.methods import RESULTS, Method, SimulateResult
from cogworks.extension_api.wire import WireModel

_WITH_CONTRACTS = frozenset({Method.VALIDATE, Method.REVIEW_RULES, Method.EXTRACT_INTERFACES})


class InvalidResponse(Exception):
    """The response of a service cannot be used: `path` is the JSON path of the violation, `problem` says what it is."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        """The path and the problem as one sentence."""
        return f"{self.path} {self.problem}".strip()


def check_response(request: Request, response_json: bytes | str, *, tests_expected: bool = False) -> Response:
    """The response, if it may be used; raises `InvalidResponse` if not.

    Unknown fields are ignored. At most 1000 findings are kept, blocking first; `metadata.truncated` counts the
    dropped. With `tests_expected`, a `simulate` that ran no case becomes a failure with a `completeness` finding.
    """
    response = _parsed(response_json)
    if response.request_id != request.request_id:
        raise InvalidResponse("request_id", f"is {response.request_id}, not {request.request_id}")
    _check_status(response)
    if response.status is not Status.ERROR:
        _check_result(request, response)
    response = _shortened(response)
    if tests_expected and request.method == Method.SIMULATE and response.status is not Status.ERROR:
        response = _judged_by_cases(response)
    return response


def _parsed(text: bytes | str) -> Response:
    try:
        return Response.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise _violation(error) from error


def _violation(error: ValidationError, *inside: str) -> InvalidResponse:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return InvalidResponse(json_path((*inside, *first["loc"])), f"is wrong: {first['msg']}")


def json_path(parts: tuple[int | str, ...]) -> str:
    """The place inside a JSON document as people write it: `diagnostics[0].severity`."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "$"


def _check_status(response: Response) -> None:
    blocking = [place for place, finding in enumerate(response.diagnostics) if finding.severity is Severity.BLOCKING]
    match response.status:
        case Status.SUCCESS:
            if blocking:
                raise InvalidResponse(f"diagnostics[{blocking[0]}].severity", "contradicts status")
        case Status.FAILURE:
            if not blocking:
                raise InvalidResponse("status", "is failure without a blocking finding")
        case Status.ERROR:
            if response.error is None:
                raise InvalidResponse("error", "is missing although status is error")
            if response.result is not None:
                raise InvalidResponse("result", "is not null although status is error")


def _check_result(request: Request, response: Response) -> None:
    if response.error is not None:
        raise InvalidResponse("error", f"contradicts status {response.status}")
    if response.result is None:
        raise InvalidResponse("result", f"is null although status is {response.status}")
    method = Method(request.method)
    _check_shape(RESULTS[method], response)
    _check_counts(request, response)
    if request.interface_contracts and method in _WITH_CONTRACTS and response.constraint_results is None:
        raise InvalidResponse("constraint_results", "is missing although interface_contracts was sent")


def _check_shape(model: type[WireModel], response: Response) -> None:
    # Through JSON text, because only there does strict mode read lists as tuples and text as enums.
    try:
        model.model_validate_json(json.dumps(response.result), strict=True)
    except ValidationError as error:
        raise _violation(error, "result") from error


def _check_counts(request: Request, response: Response) -> None:
    if response.result is None or not request.params.get("artifacts"):
        return
    if response.result.get("artifacts_checked") == 0:
        raise InvalidResponse("result.artifacts_checked", "is 0 although artifacts were sent")
    if "artifacts_checked" in response.metadata.model_fields_set and response.metadata.artifacts_checked == 0:
        raise InvalidResponse("metadata.artifacts_checked", "is 0 although artifacts were sent")


def _shortened(response: Response) -> Response:
    kept, dropped = keep_most_severe(response.diagnostics)
    if not dropped:
        return response
    metadata = response.metadata.model_copy(update={"truncated": response.metadata.truncated + dropped})
    return response.model_copy(update={"diagnostics": kept, "metadata": metadata})


def _judged_by_cases(response: Response) -> Response:
    if response.result_as(SimulateResult).total:
        return response
    finding = Diagnostic(
        severity=Severity.BLOCKING,
        category=Category.COMPLETENESS,
        message="no test ran, although the item has a test specification",
    )
    return response.model_copy(update={"status": Status.FAILURE, "diagnostics": (finding, *response.diagnostics)})
