"""JSON as it stands on the wire, and the provider's error answers."""

import json

from pydantic import JsonValue

JsonObject = dict[str, JsonValue]

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class ApiError(Exception):
    """The provider refuses the request with this status and error object."""

    def __init__(
        self, status: int, message: str, *, error_type: str | None = None, retry_after_seconds: int | None = None,
        error_code: str | None = None,
    ) -> None:  # fmt: skip
        """Refuse with `status`; without `error_type` the one that the provider uses with that status."""
        super().__init__(message)
        self.status = status
        self.error_type = error_type or default_error_type(status)
        self.retry_after_seconds = retry_after_seconds
        self.error_code = error_code

    def body(self, request_id: str) -> JsonObject:
        """Return the error body."""
        error: JsonObject = {"type": self.error_type, "message": str(self)}
        if self.error_code is not None:
            error["details"] = {"error_code": self.error_code}
        return {"type": "error", "error": error, "request_id": request_id}

    def headers(self) -> dict[str, str]:
        """Return the headers that go with the error."""
        return {} if self.retry_after_seconds is None else {"retry-after": str(self.retry_after_seconds)}


def default_error_type(status: int) -> str:
    """Return the error type that the provider uses with a status."""
    if status in _TYPES:
        return _TYPES[status]
    return "invalid_request_error" if status < 500 else "api_error"


def invalid(message: str) -> ApiError:
    """Return the refusal of a request that breaks a rule of the API."""
    return ApiError(400, message)


def compact(value: JsonValue) -> str:
    """Return compact JSON, the form in which bytes are counted."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def canonical(value: JsonValue) -> str:
    """Return compact JSON with sorted keys, the form in which things are hashed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
