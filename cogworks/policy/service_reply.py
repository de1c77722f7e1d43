"""Whether what a domain service replied can be used, and which leaf of our error tree it means when not."""

from cogworks.extension_api.checking import InvalidResponse, check_response
from cogworks.extension_api.diagnostics import ErrorBody, ErrorCode
from cogworks.extension_api.envelope import Request, Response, Status
from cogworks.model.errors import ServiceError, ServiceTransient

RETRYABLE_STATUS = frozenset({502, 503, 504})
"""HTTP codes of something in between that may pass; other codes without an envelope will not (EXT-06)."""

OK = 200


def transient(service: str, method: str, code: ErrorCode, problem: object) -> ServiceTransient:
    """Return the error of a call that may do better a little later."""
    return ServiceTransient(f"{service} {method}: {problem}", service=service, method=method, error_code=code)


def final(service: str, method: str, code: str, problem: object) -> ServiceError:
    """Return the error of a call that no repetition helps."""
    return ServiceError(f"{service} {method}: {problem}", service=service, method=method, error_code=code)


def usable(service: str, request: Request, *, status: int, body: bytes, tests_expected: bool) -> Response:
    """Return the response in ``body``; raise ServiceTransient or ServiceError when there is none to use."""
    try:
        response = check_response(request, body, tests_expected=tests_expected)
    except InvalidResponse as error:
        if status == OK:
            raise transient(service, request.method, ErrorCode.INVALID_RESPONSE, error) from error
        make = transient if status in RETRYABLE_STATUS else final
        raise make(service, request.method, ErrorCode.TRANSPORT_ERROR, f"HTTP {status} without an envelope") from error
    if response.status is Status.ERROR and response.error is not None:
        raise _reported(service, request.method, response.error)
    return response


def _reported(service: str, method: str, error: ErrorBody) -> ServiceTransient | ServiceError:
    problem = f"{error.code}: {error.message[:2000]}"
    if error.retryable:
        return ServiceTransient(f"{service} {method}: {problem}", service=service, method=method, error_code=error.code)
    return final(service, method, error.code, problem)
