"""The body of a request, and what it weighs (LLM-05, LLM-18, LLM-19)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from cogworks.model.llm import (
    AssistantTurn,
    Block,
    CallIdentity,
    LlmRequest,
    ModelSpec,
    Prices,
    ToolResult,
    ToolSpec,
    UserTurn,
)
from cogworks.policy.llm_request import counted_bytes, estimate_tokens, request_body

ONE = Decimal(1)
SPEC = ModelSpec(
    alias="m", id="some-model", context_window=1000, max_output_tokens=100, asked_output_tokens=50,
    min_cache_tokens=1, forced_tool=False, schema_output=True,
    prices=Prices(input=ONE, output=ONE, cache_write_5m=ONE, cache_write_1h=ONE, cache_read=ONE),
)  # fmt: skip
TOOL = ToolSpec(name="fs.read_all", description="Reads.", parameters={"type": "object", "properties": {}})


class Answer(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")
    text: str


def ask(**changes: Any) -> LlmRequest:
    identity = CallIdentity(
        call_id="c", run_id="r", work_item=1, node="n", sub_work_item=None, purpose="generate", template="t",
        loop="first", attempt=1, trace_id="x",
    )  # fmt: skip
    request = LlmRequest(
        model=SPEC, system=(Block(text="S", cached=True),), tools=(), turns=(UserTurn(blocks=(Block(text="U"),)),),
        schema_name="Answer", schema=Answer, max_output_tokens=50, cache_ttl="5m", identity=identity, timeout_s=1,
    )  # fmt: skip
    return replace(request, **changes)


@pytest.mark.parametrize(
    ("spec", "tools", "choice", "named"),
    [
        pytest.param(SPEC, (), None, [], id="native: no tool at all"),
        pytest.param(SPEC, (TOOL,), None, ["fs__read_all"], id="native: the tools of the loop"),
        pytest.param(replace(SPEC, schema_output=False), (), {"type": "auto"}, ["submit_output"], id="offered"),
        pytest.param(replace(SPEC, schema_output=False, forced_tool=True), (),
                     {"type": "tool", "name": "submit_output"}, ["submit_output"], id="forced"),
        pytest.param(replace(SPEC, schema_output=False, forced_tool=True), (TOOL,), {"type": "any"},
                     ["fs__read_all", "submit_output"], id="forced in a loop: one of them"),
    ],
)  # fmt: skip
def test_how_the_answer_is_asked_for(
    spec: ModelSpec, tools: tuple[ToolSpec, ...], choice: object, named: list[str]
) -> None:
    body: Any = request_body(ask(model=spec, tools=tools))

    assert body.get("tool_choice") == choice
    assert [tool["name"] for tool in body.get("tools", [])] == named
    assert ("output_config" in body) == spec.schema_output


def test_tools_come_before_the_system_and_the_system_before_the_messages() -> None:
    order = list(request_body(ask(tools=(TOOL,))))

    assert order.index("tools") < order.index("system") < order.index("messages")


def test_no_sampling_setting_is_ever_sent() -> None:
    assert set(request_body(ask(tools=(TOOL,)))) == {
        "model", "max_tokens", "output_config", "tools", "system", "messages"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ttl", "blocks", "marks"),
    [
        pytest.param("5m", 2, 4, id="tools, system, run, SWI"),
        pytest.param("1h", 1, 3, id="without a SWI"),
        pytest.param("5m", 9, 4, id="never more than four, the stable prefixes first"),
        pytest.param("off", 2, 0, id="caching is off"),
    ],
)
def test_cache_marks(ttl: str, blocks: int, marks: int) -> None:
    turn = UserTurn(blocks=tuple(Block(text=f"B{n}", cached=True) for n in range(blocks)))
    body: Any = request_body(ask(tools=(TOOL,), turns=(turn,), cache_ttl=ttl))

    places = [body["tools"][-1], *body["system"], *body["messages"][0]["content"]]
    carried = [place["cache_control"] for place in places if "cache_control" in place]
    assert carried == [{"type": "ephemeral", "ttl": ttl}] * marks
    assert all("cache_control" in place for place in places[:marks])


def test_a_tool_loop_sends_thinking_back_unchanged_and_results_before_text() -> None:
    said = ({"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "ok", "citations": None})
    answered = UserTurn(
        blocks=(Block(text=""), Block(text="go on")), results=(ToolResult(call_id="t", text="no", failed=True),)
    )
    body: Any = request_body(ask(turns=(AssistantTurn(content=said), answered)))

    assert body["messages"][0] == {"role": "assistant", "content": said}
    assert body["messages"][1]["content"] == [
        {"type": "tool_result", "tool_use_id": "t", "content": "no", "is_error": True},
        {"type": "text", "text": "go on"},
    ]


def test_attempts_share_every_byte_up_to_the_feedback() -> None:
    first: Any = request_body(ask())
    second: Any = request_body(ask(turns=(UserTurn(blocks=(Block(text="U"), Block(text="/text: too long"))),)))

    assert {k: v for k, v in first.items() if k != "messages"} == {k: v for k, v in second.items() if k != "messages"}
    assert second["messages"][0]["content"][:1] == first["messages"][0]["content"]


@pytest.mark.parametrize(
    ("count", "tokens"),
    [pytest.param(0, 0, id="nothing"), pytest.param(3, 1, id="three bytes"), pytest.param(4, 2, id="rounded up")],
)
def test_three_bytes_are_a_token(count: int, tokens: int) -> None:
    assert estimate_tokens(count) == tokens


def test_bytes_are_those_of_the_compact_json_of_what_the_model_reads() -> None:
    assert counted_bytes({"model": "m", "max_tokens": 5, "system": "ä", "messages": [], "tool_choice": {}}) == len(
        '{"messages":[],"system":"ä"}'.encode()
    )
