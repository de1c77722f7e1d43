"""From the provider's refusal to the leaf of our error tree that it means (LLM-08); pure."""

from collections.abc import Callable, Mapping
from datetime import datetime

from cogworks.model.errors import (
    CogWorksError,
    LlmAuth,
    LlmBadRequest,
    LlmError,
    LlmTooLarge,
    LlmTransient,
    RateLimited,
)
from cogworks.model.json_value import JsonValue, compact
from cogworks.model.llm import RateLimits

KEY_VARIABLE = "COGWORKS_LLM_API_KEY"
SPEND_CAP = "enforced_spend_limit_reached"

_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "timeout_error": 408,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "overloaded_error": 529,
}
_LEAF_OF_STATUS: Mapping[int, Callable[..., LlmError]] = {401: LlmAuth, 402: LlmAuth, 403: LlmAuth, 413: LlmTooLarge}
_KIND_OF_STATUS = {408: "timeout", 529: "overloaded"}


def error_of(
    status: int, body: JsonValue, *, headers: Mapping[str, str], limits: RateLimits, request_id: str = ""
) -> CogWorksError:
    """Return the error that an answer means; one inside a stream came with status 200 and is told by its type."""
    kind, message = _said(body)
    if status < 400:
        status = _STATUS_OF_TYPE.get(kind, 500)
    request_id = request_id or headers.get("request-id", "")
    text = f"{message or 'no message'} ({kind or 'no type'}, HTTP {status}, request {request_id or 'unknown'})"
    if status == 429:
        return _limited(body, text, headers=headers, limits=limits, request_id=request_id)
    if status in _KIND_OF_STATUS or status >= 500:
        return LlmTransient(text, kind=_KIND_OF_STATUS.get(status, "server_error"), retry_after_s=_seconds(headers))
    if status == 400 and "prompt is too long" in message.lower():
        return LlmTooLarge(text, request_id=request_id)
    leaf = _LEAF_OF_STATUS.get(status, LlmBadRequest)
    return leaf(f"{_advice(status)}{text}", request_id=request_id)


def incomplete(request_id: str) -> LlmTransient:
    """Return the error of an answer that broke off: it may have been paid for, like one that never came."""
    return LlmTransient(f"the answer broke off (request {request_id or 'unknown'})", kind="timeout")


def _limited(
    body: JsonValue, text: str, *, headers: Mapping[str, str], limits: RateLimits, request_id: str
) -> CogWorksError:
    if SPEND_CAP in compact(body):
        return LlmAuth(f"the account's spending limit is reached, see its billing page: {text}", request_id=request_id)
    used_up = sorted(kind for kind, left in limits.remaining.items() if left == 0)
    resets: list[datetime] = [limits.reset_at[kind] for kind in used_up if kind in limits.reset_at]
    return RateLimited(
        text,
        kind=used_up[0] if used_up else "unknown",
        reset_at=max(resets, default=None),
        retry_after_s=_seconds(headers),
        limits=limits,
    )


def _advice(status: int) -> str:
    if status == 402:
        return "see the billing page of the account: "
    return f"{KEY_VARIABLE} was refused: " if status in (401, 403) else ""


def _said(body: JsonValue) -> tuple[str, str]:
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return "", body[:500] if isinstance(body, str) else ""
    return str(error.get("type", "")), str(error.get("message", ""))


def _seconds(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
