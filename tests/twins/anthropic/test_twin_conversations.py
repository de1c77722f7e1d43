"""Rules, uses, conversations and deliveries as the real SDK sees them (TWA-01, TWA-02, TWA-03)."""

import json
from pathlib import Path
from typing import Any

import anthropic
import pydantic
import pytest
from twin_process import HAIKU, SONNET, Twin, running, write_script

OUTPUT = {"title": "the plan"}
SUBMIT: Any = {"name": "submit_output", "input_schema": {"type": "object"}}
WRITE: Any = {"name": "fs__write", "input_schema": {"type": "object"}}
SCHEMA: Any = {
    "type": "object",
    "properties": {"title": {"type": "string"}},
    "required": ["title"],
    "additionalProperties": False,
}
FORMAT: Any = {"format": {"type": "json_schema", "schema": SCHEMA}}

SCRIPT = [
    {"when": {"node": "once"}, "times": 1, "reply": {"text": "first"}},
    {"when": {"node": "once"}, "times": 1, "reply": {"text": "second"}},
    {"when": {"node": "shaky"}, "times": 2, "reply": {"error": {"status": 529, "retry_after": 10}}},
    {"when": {"node": "shaky"}, "reply": {"output": OUTPUT}},
    {"when": {"node": "capped"}, "reply": {"error": {"status": 429, "error_code": "enforced_spend_limit_reached"}}},
    {"when": {"node": "broken"}, "reply": {"error": {"status": 529, "in_stream": True}}},
    {
        "when": {"node": "loop"},
        "times": 1,
        "reply": {
            "turns": [
                {"tool_calls": [{"name": "fs.write", "input": {"path": "a"}}, {"name": "fs.read"}], "text": "Two."},
                {"tool_calls": [{"name": "fs.write", "input": {"path": "b"}}]},
                {"output": OUTPUT},
            ]
        },
    },
    {"when": {"node": "loop"}, "reply": {"text": "another conversation"}},
    {"when": {"node": "plain"}, "reply": {"output": OUTPUT}},
    {"when": {"node": "bare"}, "reply": {"text": "no JSON"}},
    {"when": {"node": "refusing"}, "reply": {"text": "I will not.", "stop_reason": "refusal"}},
    {"when": {"node": "long"}, "reply": {"text": "word " * 400}},
    {"when": {"node": "counted"}, "reply": {"output": OUTPUT}, "usage": {"input_tokens": 100_001, "output_tokens": 8}},
]


class Plan(pydantic.BaseModel):
    """The output that the script gives."""

    title: str


def ask(twin: Twin, node: str, said: str = "hello", **more: Any) -> anthropic.types.Message:
    asked = {"model": HAIKU, "max_tokens": 500, "messages": [{"role": "user", "content": said}], **more}
    answer = twin.client(node=node, purpose="generate").messages.create(**asked)
    assert isinstance(answer, anthropic.types.Message)
    return answer


def texts(message: anthropic.types.Message) -> list[str]:
    return [block.text for block in message.content if block.type == "text"]


@pytest.mark.parametrize(
    ("asked", "kinds", "stop_reason"),
    [
        pytest.param({"output_config": FORMAT}, ["text"], "end_turn", id="output format"),
        pytest.param(
            {"tools": [WRITE, SUBMIT], "tool_choice": {"type": "tool", "name": "submit_output"}}, ["tool_use"],
            "tool_use", id="forced tool",
        ),
        pytest.param(
            {"tools": [WRITE], "tool_choice": {"type": "tool", "name": "fs__write"}}, ["tool_use"], "tool_use",
            id="whatever tool is forced",
        ),
        pytest.param(
            {"tools": [WRITE, SUBMIT], "tool_choice": {"type": "auto"}}, ["tool_use"], "tool_use", id="offered tool"
        ),
        pytest.param({"tools": [WRITE, SUBMIT], "output_config": FORMAT}, ["text"], "end_turn", id="format and tools"),
        pytest.param({}, ["text"], "end_turn", id="nothing asked"),
        pytest.param({"model": SONNET, "output_config": FORMAT}, ["thinking", "text"], "end_turn", id="thinking first"),
        pytest.param(
            {"thinking": {"type": "adaptive"}}, ["thinking", "text"], "end_turn", id="thinking where it is asked for"
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_an_output_comes_the_way_it_is_asked_for(
    twin: Twin, asked: dict[str, Any], kinds: list[str], stop_reason: str, stream: bool
) -> None:
    whole: Any = {"model": HAIKU, "max_tokens": 500, "messages": [{"role": "user", "content": "hello"}], **asked}
    messages = twin.client(node="plain").messages
    if stream:
        with messages.stream(**whole) as events:
            message = events.get_final_message()
    else:
        message = messages.create(**whole)
    assert [block.type for block in message.content] == kinds
    assert message.stop_reason == stop_reason
    last = message.content[-1]
    assert (last.input if last.type == "tool_use" else json.loads(getattr(last, "text", "null"))) == OUTPUT


def test_parse_of_the_sdk_gets_the_model(twin: Twin) -> None:
    parsed = twin.client(node="plain").messages.parse(
        model=SONNET, max_tokens=500, messages=[{"role": "user", "content": "hello"}], output_format=Plan
    )
    assert parsed.parsed_output == Plan(title="the plan")


def test_the_first_rule_with_uses_left_answers_and_then_none(twin: Twin) -> None:
    assert [texts(ask(twin, "once", said)) for said in ("a", "b")] == [["first"], ["second"]]
    with pytest.raises(anthropic.BadRequestError) as gap:
        ask(twin, "once", "c")
    assert '"node": "once"' in str(gap.value.message)


def test_the_same_body_gets_the_same_answer_and_counts_no_use(twin: Twin) -> None:
    first, again = ask(twin, "once", "a"), ask(twin, "once", "a")
    assert first.model_dump() == again.model_dump()
    assert texts(ask(twin, "once", "b")) == ["second"]
    assert [entry["replayed"] for entry in twin.get("log")["requests"]] == [False, True, False]


def test_the_same_body_of_another_node_is_another_request(twin: Twin) -> None:
    assert texts(ask(twin, "once")) != texts(ask(twin, "bare"))


def test_an_error_counts_each_time(twin: Twin) -> None:
    for _ in range(2):
        with pytest.raises(anthropic.APIStatusError) as refused:
            ask(twin, "shaky")
        assert (refused.value.status_code, refused.value.type) == (529, "overloaded_error")
        assert refused.value.response.headers["retry-after"] == "10"
    assert texts(ask(twin, "shaky")) == [json.dumps(OUTPUT, separators=(",", ":"))]


def test_a_spend_cap_names_its_code_and_no_time(twin: Twin) -> None:
    with pytest.raises(anthropic.RateLimitError) as refused:
        ask(twin, "capped")
    assert refused.value.error_code == "enforced_spend_limit_reached"
    assert "retry-after" not in refused.value.response.headers


def test_an_error_inside_a_stream(twin: Twin) -> None:
    messages: Any = [{"role": "user", "content": "hello"}]
    client = twin.client(node="broken")
    with (
        pytest.raises(anthropic.APIStatusError) as refused,
        client.messages.stream(model=HAIKU, max_tokens=9, messages=messages) as events,
    ):
        events.get_final_message()
    assert refused.value.status_code == 200
    assert refused.value.body == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "scripted error"},
        "request_id": refused.value.request_id,
    }


def loop(twin: Twin, *, model: str = HAIKU, turns: int = 3, said: str = "hello") -> list[anthropic.types.Message]:
    """Run a tool loop as a client does: the assistant's content goes back unchanged."""
    messages: list[Any] = [{"role": "user", "content": said}]
    answers = []
    for _ in range(turns):
        answer = ask(twin, "loop", model=model, messages=messages, tools=[WRITE, SUBMIT])
        answers.append(answer)
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": "done"}
            for block in answer.content
            if block.type == "tool_use"
        ]
        messages = [*messages, answer.to_param(), {"role": "user", "content": results or "go on"}]
    return answers


@pytest.mark.parametrize("model", [HAIKU, SONNET])
def test_a_tool_loop_follows_its_rule_with_one_use(twin: Twin, model: str) -> None:
    answers = loop(twin, model=model)
    calls = [[(b.name, b.input) for b in answer.content if b.type == "tool_use"] for answer in answers]
    assert calls == [
        [("fs__write", {"path": "a"}), ("fs__read", {})],
        [("fs__write", {"path": "b"})],
        [("submit_output", OUTPUT)],
    ]
    assert texts(answers[0]) == ["Two."]
    ids = [block.id for answer in answers for block in answer.content if block.type == "tool_use"]
    assert len(set(ids)) == 4
    assert {answer.content[0].type for answer in answers[1:]} == {"thinking" if model == SONNET else "tool_use"}
    assert [entry["rule"] for entry in twin.get("log")["requests"]] == [
        {"line": 7, "use": 1, "turn": turn} for turn in range(3)
    ]


def test_a_loop_past_its_last_turn_ends(twin: Twin) -> None:
    answer = loop(twin, turns=4)[-1]
    assert (answer.stop_reason, [block.type for block in answer.content]) == ("end_turn", ["text"])


def test_a_new_first_message_is_a_new_conversation(twin: Twin) -> None:
    loop(twin, turns=2)
    assert texts(ask(twin, "loop", "hello, with feedback")) == ["another conversation"]


def test_thinking_must_come_back_before_tool_calls(twin: Twin) -> None:
    first = ask(twin, "loop", model=SONNET, tools=[WRITE])
    without = [block for block in first.to_param()["content"] if getattr(block, "type", "") != "thinking"]
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "x"}
        for block in first.content
        if block.type == "tool_use"
    ]
    turns = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": without},
        {"role": "user", "content": results},
    ]
    with pytest.raises(anthropic.BadRequestError, match="sent back unchanged"):
        ask(twin, "loop", model=SONNET, tools=[WRITE], messages=turns)


def test_raw_text_is_not_made_an_output(twin: Twin) -> None:
    answer = ask(twin, "bare", tools=[SUBMIT], tool_choice={"type": "auto"})
    assert (texts(answer), answer.stop_reason) == (["no JSON"], "end_turn")


def test_a_refusal_has_its_stop_reason(twin: Twin) -> None:
    answer = ask(twin, "refusing")
    assert (answer.stop_reason, texts(answer)) == ("refusal", ["I will not."])


def test_an_answer_longer_than_the_limit_is_cut(twin: Twin) -> None:
    answer = ask(twin, "long", max_tokens=50)
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens <= 50
    assert ask(twin, "long", max_tokens=5000).stop_reason == "end_turn"


def test_scripted_usage_is_billed_by_its_tier(twin: Twin) -> None:
    answer = ask(twin, "counted")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (100_001, 8)
    # 100,001 x 0.5 + 8 x 2.5 = 50,020.5, rounded up
    assert twin.get("counts")["delivered"]["cost_microusd"] == 50_021


def test_counted_tokens_are_a_quarter_of_the_bytes(twin: Twin) -> None:
    messages: Any = [{"role": "user", "content": "grüße"}]
    counted = twin.client().messages.count_tokens(model=HAIKU, messages=messages, system="be short")
    text = '{"system":"be short","messages":[{"role":"user","content":"grüße"}]}'
    assert counted.input_tokens == -(-len(text.encode()) // 4)
    assert ask(twin, "bare", messages=messages, system="be short").usage.input_tokens == counted.input_tokens


@pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
def test_a_twin_restarted_on_its_state_has_lost_nothing(tmp_path: Path, killed: bool) -> None:
    script = write_script(tmp_path / "s.jsonl", SCRIPT)
    options = ("--script", script, "--state", tmp_path / "state")
    with running(*options, killed=killed) as twin:
        before = ask(twin, "once", "a")
        first_turn = loop(twin, turns=1)
        counts, log = twin.get("counts"), twin.get("log")
    with running(*options) as twin:
        assert (twin.get("counts"), twin.get("log")) == (counts, log)
        assert ask(twin, "once", "a").model_dump() == before.model_dump()
        assert texts(ask(twin, "once", "b")) == ["second"]
        replayed, second_turn = loop(twin, turns=2)
        assert replayed.model_dump() == first_turn[0].model_dump()
        assert second_turn.stop_reason == "tool_use"


def test_without_a_script_it_echoes_and_forgives() -> None:
    with running() as twin:
        answer = ask(twin, "any", "say this", model="no-such-model", extra_body={"temperature": 1})
        assert texts(answer) == ["say this"]
        assert twin.client().models.retrieve("no-such-model").id == "no-such-model"
