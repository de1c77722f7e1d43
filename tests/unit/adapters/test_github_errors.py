"""Which leaf of the tree an answer of GitHub means (GH-41, GH-50)."""

from datetime import UTC, datetime

import pytest

from cogworks.adapters.github_errors import error_of, limits_of
from cogworks.model.errors import (
    AlreadyExists,
    CapabilityMissing,
    CogWorksError,
    GitHubTransient,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
)
from cogworks.model.json_value import JsonValue

RESET = "1795000000"
SPENT = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET}
LEFT = {**SPENT, "x-ratelimit-remaining": "4999"}
SECONDARY: JsonValue = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
TAKEN: JsonValue = {
    "message": "Validation Failed",
    "errors": [{"resource": "Label", "code": "already_exists", "field": "name"}],
}
PULL_TAKEN: JsonValue = {
    "message": "Validation Failed",
    "errors": [{"resource": "PullRequest", "code": "custom", "message": "A pull request already exists for a:b."}],
}
CHILD_TAKEN: JsonValue = {"message": "An error occurred. Issue may not contain duplicate sub-issues"}


def leaf_of(status: int, headers: dict[str, str], body: JsonValue) -> CogWorksError:
    return error_of(status, headers, body, operation="issues.get", target="/repos/a/b/issues/1")


ROWS: list[tuple[str, int, dict[str, str], JsonValue, type[CogWorksError]]] = [
    ("bad credentials", 401, LEFT, {"message": "Bad credentials"}, PermissionDenied),
    ("a right is missing", 403, LEFT, {"message": "Resource not accessible by integration"}, PermissionDenied),
    ("blocked by law", 451, LEFT, {"message": "Repository access blocked"}, PermissionDenied),
    ("nothing remains", 403, SPENT, {"message": "API rate limit exceeded"}, RateLimited),
    ("nothing remains, new status", 429, SPENT, {"message": "API rate limit exceeded"}, RateLimited),
    ("secondary by its message", 403, LEFT, SECONDARY, RateLimited),
    ("secondary by its header", 403, {**LEFT, "retry-after": "30"}, {"message": "Slow down"}, RateLimited),
    ("429 says enough", 429, {}, None, RateLimited),
    ("absent", 404, LEFT, {"message": "Not Found"}, NotFound),
    ("deleted", 410, LEFT, {"message": "This issue was deleted"}, NotFound),
    ("present, by its code", 422, LEFT, TAKEN, AlreadyExists),
    ("present, by its words", 422, LEFT, PULL_TAKEN, AlreadyExists),
    ("present, by the message", 422, LEFT, CHILD_TAKEN, AlreadyExists),
    ("a wrong field", 422, LEFT, {"message": "Validation Failed", "errors": ["base is invalid"]}, InvalidRequest),
    ("malformed", 400, LEFT, {"message": "Problems parsing JSON"}, InvalidRequest),
    ("conflict", 409, LEFT, {"message": "Git Repository is empty."}, InvalidRequest),
    ("a route that is not there", 405, {}, None, CapabilityMissing),
    ("not implemented", 501, {}, None, CapabilityMissing),
    ("server error", 500, {}, None, GitHubTransient),
    ("bad gateway, no JSON", 502, {}, None, GitHubTransient),
    ("request timeout", 408, {}, None, GitHubTransient),
    ("an answer nobody expects", 302, {}, None, InvalidRequest),
]


@pytest.mark.parametrize(("reason", "status", "headers", "body", "leaf"), ROWS, ids=[row[0] for row in ROWS])
def test_an_answer_is_one_leaf_that_names_operation_and_target(
    reason: str, status: int, headers: dict[str, str], body: JsonValue, leaf: type[CogWorksError]
) -> None:
    error = leaf_of(status, headers, body)
    assert type(error) is leaf, reason
    assert str(error).startswith("issues.get /repos/a/b/issues/1: "), reason


LIMITS: list[tuple[str, dict[str, str], JsonValue, str, float | None, datetime | None]] = [
    ("primary waits for the reset", SPENT, {"message": "x"}, "primary", None, datetime.fromtimestamp(int(RESET), UTC)),
    ("secondary waits as told", {**LEFT, "retry-after": "17"}, SECONDARY, "secondary", 17.0, None),
    ("secondary untold is for the quota to say", LEFT, SECONDARY, "secondary", None, None),
    ("secondary though nothing remains", SPENT, SECONDARY, "secondary", None, None),
    ("a broken header is no time", {**LEFT, "retry-after": "soon"}, SECONDARY, "secondary", None, None),
]


@pytest.mark.parametrize(("reason", "headers", "body", "kind", "wait_s", "reset"), LIMITS, ids=[r[0] for r in LIMITS])
def test_a_limit_says_how_long(
    reason: str, headers: dict[str, str], body: JsonValue, kind: str, wait_s: float | None, reset: datetime | None
) -> None:
    error = leaf_of(403, headers, body)
    assert isinstance(error, RateLimited)
    assert (error.kind, error.retry_after_s, error.reset_at) == (kind, wait_s, reset), reason


def test_a_server_error_may_say_when_to_come_back() -> None:
    error = leaf_of(503, {"retry-after": "7"}, None)
    assert isinstance(error, GitHubTransient)
    assert error.retry_after_s == 7.0


def test_the_message_names_each_field() -> None:
    assert "Label name already_exists" in str(leaf_of(422, LEFT, TAKEN))
    assert "A pull request already exists for a:b." in str(leaf_of(422, LEFT, PULL_TAKEN))


@pytest.mark.parametrize("missing", sorted(SPENT))
def test_limits_are_told_whole_or_not_at_all(missing: str) -> None:
    assert limits_of({name: value for name, value in SPENT.items() if name != missing}) is None
    whole = limits_of(SPENT)
    assert whole is not None
    assert (whole.limit, whole.remaining, whole.reset_at) == (5000, 0, datetime.fromtimestamp(int(RESET), UTC))
