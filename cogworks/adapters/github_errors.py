"""From GitHub's refusal (status, headers, body) to the leaf of our error tree that it means; pure.

GH-41 tells a limit from a missing right: 429 is always a limit; 403 is one when ``retry-after`` is present, nothing
remains, or the message speaks of a rate limit.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from cogworks.model.errors import (
    AlreadyExists,
    CapabilityMissing,
    CogWorksError,
    GitHubError,
    GitHubTransient,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
)
from cogworks.model.github import Limits
from cogworks.model.json_value import JsonValue

# Sub-issues and dependencies have no code for it, only words.
_WORDS_OF_PRESENCE = ("already exist", "duplicate sub-issue", "has already been taken")
_LEAF_OF_STATUS: Mapping[int, Callable[..., GitHubError]] = {
    400: InvalidRequest,
    401: PermissionDenied,
    403: PermissionDenied,
    404: NotFound,
    405: CapabilityMissing,
    406: CapabilityMissing,
    409: InvalidRequest,
    410: NotFound,
    415: CapabilityMissing,
    422: InvalidRequest,
    451: PermissionDenied,
    501: CapabilityMissing,
}


def error_of(status: int, headers: Mapping[str, str], body: JsonValue, *, operation: str, target: str) -> CogWorksError:
    """Return the error that an answer other than success means; ``headers`` have lower-case names."""
    message = message_of(body) or "no reason given"
    if _is_limit(status, headers, message):
        return _limited(headers, message, operation=operation, target=target)
    if status in _LEAF_OF_STATUS:
        leaf = AlreadyExists if status == 422 and _says_present(body, message) else _LEAF_OF_STATUS[status]
        return leaf(f"{message} (HTTP {status})", operation=operation, target=target)
    if status >= 500 or status == 408:
        return GitHubTransient(f"{operation} {target}: {message} (HTTP {status})", retry_after_s=_seconds(headers))
    return InvalidRequest(f"unexpected answer: {message} (HTTP {status})", operation=operation, target=target)


def limits_of(headers: Mapping[str, str]) -> Limits | None:
    """Return the primary limit that an answer tells of, or None when it tells nothing."""
    figures = [_number(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining", "reset")]
    limit, remaining, reset = figures
    if limit is None or remaining is None or reset is None:
        return None
    return Limits(limit=int(limit), remaining=int(remaining), reset_at=datetime.fromtimestamp(reset, UTC))


def message_of(body: JsonValue) -> str:
    """Return what GitHub says in a refusal: its message and each field that it names."""
    if not isinstance(body, Mapping):
        return ""
    parts = [str(body.get("message", ""))]
    parts += [_one_problem(problem) for problem in _problems(body)]
    return "; ".join(part for part in parts if part)


def _problems(body: JsonValue) -> list[JsonValue]:
    errors = body.get("errors") if isinstance(body, Mapping) else None
    return list(errors) if isinstance(errors, list) else []


def _one_problem(problem: JsonValue) -> str:
    if not isinstance(problem, Mapping):
        return str(problem)
    named = " ".join(str(problem[key]) for key in ("resource", "field", "code") if key in problem)
    text = problem.get("message")
    return f"{named}: {text}" if text and named else str(text or named)


def _says_present(body: JsonValue, message: str) -> bool:
    codes = {problem.get("code") for problem in _problems(body) if isinstance(problem, Mapping)}
    lowered = message.lower()
    return "already_exists" in codes or any(words in lowered for words in _WORDS_OF_PRESENCE)


def _is_limit(status: int, headers: Mapping[str, str], message: str) -> bool:
    if status == 429:
        return True
    if status != 403:
        return False
    spent = headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in headers or "rate limit" in message.lower()


def _limited(headers: Mapping[str, str], message: str, *, operation: str, target: str) -> RateLimited:
    spent = headers.get("x-ratelimit-remaining") == "0"
    text = f"{operation} {target}: {message}"
    wait_s = _seconds(headers)
    if spent and "secondary" not in message.lower():
        limits = limits_of(headers)
        reset_at = None if limits is None else limits.reset_at
        return RateLimited(text, kind="primary", reset_at=reset_at, retry_after_s=wait_s)
    return RateLimited(text, kind="secondary", retry_after_s=wait_s)


def _seconds(headers: Mapping[str, str]) -> float | None:
    return _number(headers.get("retry-after"))


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None
