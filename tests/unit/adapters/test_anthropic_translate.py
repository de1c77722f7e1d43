"""Answers and refusals of the Messages API in our words."""

import pickle
from datetime import UTC, datetime

import pytest

from cogworks.adapters.anthropic_errors import error_of
from cogworks.adapters.anthropic_translate import strip_fence, to_limits
from cogworks.model.errors import CogWorksError, LlmAuth, LlmBadRequest, LlmTooLarge, LlmTransient, RateLimited
from cogworks.model.llm import RateLimits, Usage


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        pytest.param("{}", "{}", id="no fence"),
        pytest.param("```json\n{}\n```", "{}", id="a fence with a language"),
        pytest.param("\n```\n{}\n```\n", "{}", id="a bare fence with blanks around"),
        pytest.param("```\n```\n{}\n```\n```", "```\n{}\n```", id="one fence, not two"),
        pytest.param("Here: ```json\n{}\n```", "Here: ```json\n{}\n```", id="words before it: not repaired"),
    ],
)
def test_one_fence_and_no_more_is_stripped(text: str, stripped: str) -> None:
    assert strip_fence(text) == stripped


def test_limits_come_from_the_provider_s_headers_else_from_the_common_ones() -> None:
    limits = to_limits(
        {
            "anthropic-ratelimit-input-tokens-remaining": "12",
            "anthropic-ratelimit-input-tokens-limit": "100",
            "anthropic-ratelimit-input-tokens-reset": "2026-11-21T10:00:00Z",
            "x-ratelimit-remaining-requests": "3",
            "anthropic-ratelimit-tokens-remaining": "many",
            "anthropic-ratelimit-tokens-reset": "soon",
            "anthropic-ratelimit-output-tokens-reset": "2026-11-21T10:00:00",
        }
    )

    assert limits.remaining == {"input_tokens": 12, "requests": 3}
    assert limits.limit == {"input_tokens": 100}
    assert limits.reset_at == {"input_tokens": datetime(2026, 11, 21, 10, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("status", "kind", "leaf"),
    [
        pytest.param(400, "invalid_request_error", LlmBadRequest, id="400"),
        pytest.param(401, "authentication_error", LlmAuth, id="401"),
        pytest.param(402, "billing_error", LlmAuth, id="402"),
        pytest.param(403, "permission_error", LlmAuth, id="403"),
        pytest.param(404, "not_found_error", LlmBadRequest, id="404"),
        pytest.param(409, "conflict_error", LlmBadRequest, id="409"),
        pytest.param(413, "request_too_large", LlmTooLarge, id="413"),
        pytest.param(422, "", LlmBadRequest, id="422"),
        pytest.param(429, "rate_limit_error", RateLimited, id="429"),
        pytest.param(502, "", LlmTransient, id="a proxy in between"),
        pytest.param(200, "rate_limit_error", RateLimited, id="a limit inside a stream"),
        pytest.param(200, "authentication_error", LlmAuth, id="a refused key inside a stream"),
        pytest.param(200, "something_new", LlmTransient, id="an unknown error inside a stream"),
    ],
)
def test_refusals_become_leaves(status: int, kind: str, leaf: type[CogWorksError]) -> None:
    error = error_of(status, {"error": {"type": kind, "message": "why"}}, headers={}, limits=RateLimits())

    assert type(error) is leaf
    assert "why" in str(error)


def test_a_limit_says_when_it_lifts() -> None:
    early, late = (datetime(2026, 11, 21, hour, tzinfo=UTC) for hour in (10, 11))
    limits = RateLimits(
        remaining={"requests": 0, "tokens": 0, "output_tokens": 9}, reset_at={"requests": early, "tokens": late}
    )

    error = error_of(429, {}, headers={"retry-after": "3600"}, limits=limits)

    assert isinstance(error, RateLimited)
    assert (error.kind, error.reset_at, error.retry_after_s) == ("requests", late, 3600)
    assert error.limits == limits


@pytest.mark.parametrize("header", ["soon", "-1", "inf", "nan"])
def test_a_wait_that_is_no_number_of_seconds_is_not_believed(header: str) -> None:
    error = error_of(429, {}, headers={"retry-after": header}, limits=RateLimits())

    assert isinstance(error, RateLimited)
    assert error.retry_after_s is None


def test_a_body_that_is_no_json_is_quoted_shortly() -> None:
    assert len(str(error_of(502, "<html>" * 1000, headers={}, limits=RateLimits()))) < 700


def test_what_a_refusal_cost_survives_pickling() -> None:
    error = LlmTooLarge("full", request_id="req_1", usage=Usage(input=5))

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert (again.usage, again.request_id, str(again)) == (Usage(input=5), "req_1", "full")
