"""What the twin refuses because the provider does (TWA-04), asked over the wire."""

from typing import Any

import anthropic
import httpx
import pydantic
import pytest
from twin_process import HAIKU, SONNET, Twin

SCRIPT = [{"reply": {"output": {"title": "fine"}}}]
TOOL = {"name": "submit_output", "input_schema": {"type": "object"}}
STRICT_TOOL = {**TOOL, "strict": True}
FORCED = {"type": "tool", "name": "submit_output"}
OLD = "2023-06-01"
NEW = "2026-10-21"


class Plan(pydantic.BaseModel):
    """An output model with a bound, which only a transformed schema may carry."""

    title: str = pydantic.Field(max_length=10)
    steps: list[int] = pydantic.Field(max_length=3)


def schema(**parts: object) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": parts}}}


def closed(**properties: object) -> dict[str, Any]:
    return schema(type="object", properties=properties, additionalProperties=False)


def messages(*pairs: tuple[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in pairs]}


def marked(count: int) -> list[dict[str, Any]]:
    return [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * count


def ask(twin: Twin, body: dict[str, Any], *, version: str = NEW, key: str = "any") -> httpx.Response:
    whole = {"model": HAIKU, "max_tokens": 100, **messages(("user", "hello")), **body}
    headers = {"anthropic-version": version, "authorization": f"Bearer {key}"} if key else {}
    return httpx.post(f"{twin.url}/v1/messages", json=whole, headers=headers)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"temperature": 0.5}, "temperature", id="temperature at any value"),
        pytest.param({"temperature": 1}, "temperature", id="even the default"),
        pytest.param({"top_p": 0.9}, "top_p", id="top_p"),
        pytest.param({"top_k": 3}, "top_k", id="top_k"),
        pytest.param({"model": SONNET, "tools": [TOOL], "tool_choice": FORCED}, "forced tool use", id="forced tool"),
        pytest.param(
            {"model": SONNET, "tools": [TOOL], "tool_choice": {"type": "any"}}, "forced tool use", id="any tool"
        ),
        pytest.param({"model": SONNET, **messages(("user", "a"), ("assistant", "{"))}, "prefill", id="prefill"),
        pytest.param({"model": SONNET, "thinking": {"type": "disabled"}}, "disabled thinking", id="thinking off"),
        pytest.param(
            {"model": SONNET, "max_tokens": 5000, "thinking": {"type": "enabled", "budget_tokens": 2000}},
            "thinking budget", id="thinking budget",
        ),
        pytest.param(
            {"thinking": {"type": "enabled", "budget_tokens": 2000}}, "must be greater than", id="budget over the limit"
        ),
        pytest.param({"max_tokens": 128_001}, "128001 > 128000", id="more output than the model has"),
        pytest.param({"max_tokens": 0}, "max_tokens", id="no output"),
        pytest.param({"max_token": 5}, "max_token: Extra inputs are not permitted", id="unknown field"),
        pytest.param({"system": marked(5)}, "maximum of 4 blocks", id="five cache marks"),
        pytest.param(
            {**messages(("user", "x" * 4_000_000))}, "prompt is too long: 10000", id="a prompt longer than the window"
        ),
        pytest.param({"messages": []}, "at least one message", id="no messages"),
        pytest.param(messages(("assistant", "a"), ("user", "b")), "first message must use the user role", id="order"),
        pytest.param(messages(("system", "a")), "'user' or 'assistant'", id="unknown role"),
        pytest.param(messages(("user", " ")), "non-empty", id="empty text"),
        pytest.param(
            messages(("user", [{"type": "text", "text": "a", "citations": [{"type": "char_location"}]}])),
            "citations", id="citations on user text",
        ),
        pytest.param(
            messages(("user", "a"), ("assistant", [{"type": "document", "source": {}}]), ("user", "b")),
            "document blocks", id="document in an assistant message",
        ),
        pytest.param(
            messages(("user", "a"), ("assistant", [{"type": "tool_use", "id": "t1", "name": "x", "input": {}}]),
                     ("user", "b")),
            "without `tool_result` blocks immediately after: t1", id="tool result missing",
        ),
        pytest.param(
            messages(("user", [{"type": "tool_result", "tool_use_id": "t9", "content": "x"}])),
            "unexpected `tool_use_id`", id="tool result for no call",
        ),
        pytest.param(
            messages(("user", "a"), ("assistant", [{"type": "thinking", "thinking": "forged", "signature": "x"}]),
                     ("user", "b")),
            "Invalid `signature`", id="thinking that was changed",
        ),
        pytest.param({"tools": [{**TOOL, "name": "fs.write"}]}, "should match pattern", id="a dot in a tool name"),
        pytest.param({"tools": [TOOL, TOOL]}, "must be unique", id="two tools of a name"),
        pytest.param({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}}, "not found", id="absent tool"),
        pytest.param({"tool_choice": {"type": "auto"}}, "while providing `tools`", id="a choice of nothing"),
        pytest.param({"tools": [STRICT_TOOL]}, "additionalProperties", id="a strict tool is checked like an output"),
        pytest.param(closed(a={"type": "string", "maxLength": 3}), "'maxLength' is not supported", id="maxLength"),
        pytest.param(closed(a={"type": "integer", "minimum": 3}), "'minimum' is not supported", id="minimum"),
        pytest.param(closed(a={"type": "string", "pattern": "x"}), "'pattern' is not supported", id="pattern"),
        pytest.param(
            closed(a={"type": "array", "items": {"type": "string"}, "maxItems": 3}), "'maxItems'", id="maxItems"
        ),
        pytest.param(
            closed(a={"type": "array", "items": {"type": "string"}, "minItems": 2}), "'minItems'", id="minItems of two"
        ),
        pytest.param(closed(a={"type": "string", "format": "text"}), "format 'text'", id="unknown format"),
        pytest.param(schema(type="object"), "additionalProperties", id="an open object"),
        pytest.param(
            closed(a={"anyOf": [{"type": "object", "properties": {}}]}), "additionalProperties", id="open deep inside"
        ),
        pytest.param({"output_config": {"format": {"type": "xml"}}}, "json_schema", id="unknown output format"),
    ],
)  # fmt: skip
def test_refused_with_400(twin: Twin, body: dict[str, Any], said: str) -> None:
    answer = ask(twin, body)
    assert answer.status_code == 400, answer.text[:500]
    error = answer.json()
    assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
    assert error["request_id"] == answer.headers["request-id"]
    assert said in error["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"tools": [TOOL], "tool_choice": FORCED}, id="this model may be forced"),
        pytest.param({"model": SONNET, "tools": [TOOL], "tool_choice": {"type": "auto"}}, id="an offered tool"),
        pytest.param({"model": SONNET, "thinking": {"type": "adaptive"}}, id="adaptive thinking"),
        pytest.param({"max_tokens": 128_000}, id="all the output that the model has"),
        pytest.param({"system": marked(4)}, id="four cache marks"),
        pytest.param(closed(a={"type": "string", "format": "date"}), id="a known format"),
        pytest.param(closed(a={"type": "array", "items": {"type": "null"}, "minItems": 1}), id="minItems of one"),
        pytest.param(
            {"output_config": {"format": {"type": "json_schema", "schema": anthropic.transform_schema(Plan)}}},
            id="a transformed schema",
        ),
        pytest.param(
            {"tools": [{**TOOL, "input_schema": Plan.model_json_schema()}]}, id="a tool that is not strict takes any"
        ),
    ],
)
def test_accepted(twin: Twin, body: dict[str, Any]) -> None:
    answer = ask(twin, body)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("version", "body", "status"),
    [
        pytest.param(OLD, {}, 200, id="the old version is still there"),
        pytest.param(OLD, {"model": "claude-haiku-4-5", "temperature": 0.5}, 200, id="sampling was allowed then"),
        pytest.param(NEW, {"model": "claude-haiku-4-5", "temperature": 0.5}, 400, id="it is not any more"),
        pytest.param(OLD, {"temperature": 0.5}, 400, id="and this model never took it"),
        pytest.param("2020-01-01", {}, 400, id="a version that never was"),
    ],
)
def test_versions(twin: Twin, version: str, body: dict[str, Any], status: int) -> None:
    assert ask(twin, body, version=version).status_code == status


def test_an_unknown_model_is_not_found(twin: Twin) -> None:
    with pytest.raises(anthropic.NotFoundError) as refused:
        twin.client().messages.create(model="claude-latest", max_tokens=5, messages=[{"role": "user", "content": "a"}])
    assert refused.value.type == "not_found_error"
    with pytest.raises(anthropic.NotFoundError):
        twin.client().models.retrieve("claude-latest")


def test_a_caller_without_a_key_is_refused(twin: Twin) -> None:
    answer = ask(twin, {}, key="")
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")
    by_header = httpx.get(f"{twin.url}/v1/models", headers={"x-api-key": "any", "anthropic-version": OLD})
    assert by_header.status_code == 200


def test_a_refused_request_counts_no_use_and_no_cost(twin: Twin) -> None:
    ask(twin, {"temperature": 1})
    counts = twin.get("counts")
    assert (counts["errors"], counts["delivered"]["calls"], counts["cut_off"]["calls"]) == (1, 0, 0)


def test_a_schema_that_was_not_transformed_is_refused_through_the_sdk_and_a_transformed_one_parses(twin: Twin) -> None:
    with pytest.raises(anthropic.BadRequestError, match="maxLength"):
        twin.client().messages.create(
            model=SONNET,
            max_tokens=500,
            messages=[{"role": "user", "content": "a"}],
            output_config={
                "format": {
                    "type": "json_schema",
                    "schema": {**Plan.model_json_schema(), "additionalProperties": False},
                }
            },
        )


def test_models_are_listed_with_their_lifecycle(twin: Twin) -> None:
    listed = {model.id: model for model in twin.client().models.list(limit=3)}
    assert len(listed) == 10
    assert listed[SONNET].lifecycle == "active"
    assert listed["claude-sonnet-4-5"].lifecycle in ("deprecated", "retired")
    assert listed[HAIKU].max_tokens == 128_000
    assert [model.id for model in twin.client().models.list(lifecycle=["active"], limit=100)].count(
        "claude-sonnet-4-5"
    ) == 0
