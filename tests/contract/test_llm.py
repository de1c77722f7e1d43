"""The LLM port: one suite for the scripted model and for the real adapter against the Anthropic twin."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

import cogworks.policy
from cogworks.adapters.anthropic_llm import AnthropicLlm
from cogworks.adapters.memory_llm import Ask, HandIn, Reply, Rule, Say, ScriptedLlm
from cogworks.model.errors import (
    CogWorksError,
    LlmAuth,
    LlmBadRequest,
    LlmError,
    LlmRefused,
    LlmTooLarge,
    LlmTransient,
    RateLimited,
)
from cogworks.model.llm import (
    AssistantTurn,
    Block,
    CallIdentity,
    LlmAnswer,
    LlmRequest,
    ModelSpec,
    ToolCall,
    ToolResult,
    ToolSpec,
    UserTurn,
)
from cogworks.policy.config_file import parse_config
from cogworks.policy.known_models import parse_known_models
from cogworks.policy.llm_request import counted_bytes, estimate_tokens, request_body
from cogworks.ports.llm import LLM

CANARY = "sk-ant-canary-0123456789abcdef"
KNOWN = parse_known_models((Path(cogworks.policy.__path__[0]) / "known_models.toml").read_bytes())


class Verdict(BaseModel):
    """An answer with bounds, which the provider's schema dialect does not know."""

    model_config = ConfigDict(extra="forbid")
    title: str = Field(max_length=40)
    score: int = Field(ge=0, le=10)


ANSWER = {"title": "fine", "score": 7}
READ = ToolSpec(
    name="fs.read",
    description="Reads a file.",
    parameters={
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
        "additionalProperties": False,
    },
)
REPLIES: Mapping[str, tuple[Reply, ...]] = {
    "plain": (HandIn(ANSWER),),
    "looping": (Ask((ToolCall(id="t1", name="fs.read", input={"path": "a.py"}),)), HandIn(ANSWER)),
    "chatty": (Say("I would rather talk."),),
}


TROUBLE: Mapping[str, dict[str, object]] = {
    "fenced": {"text": '```json\n{"title": "fine", "score": 7}\n```'},
    "cut": {"text": '{"title": "fi', "stop_reason": "max_tokens"},
    "refusing": {"text": "I will not.", "stop_reason": "refusal"},
    "full": {"text": "", "stop_reason": "model_context_window_exceeded"},
    "long": {"error": {"status": 400, "message": "prompt is too long: 2 > 1"}},
    "capped": {"error": {"status": 429, "error_code": "enforced_spend_limit_reached"}},
    "unpaid": {"error": {"status": 402}},
    "broken": {"error": {"status": 529, "in_stream": True}},
}


def model(model_id: str) -> ModelSpec:
    text = f'[llm.models.m]\nid = "{model_id}"\n[llm.purposes]\ngenerate = "m"\n'
    return parse_config(text.encode(), file="c", known_models=KNOWN).model("generate")


NATIVE = model("claude-sonnet-5-5")
OFFERED = replace(NATIVE, schema_output=False)
FORCED = replace(model("claude-haiku-5-5"), schema_output=False)
WAYS = [
    pytest.param(NATIVE, id="native schema output"),
    pytest.param(OFFERED, id="an offered tool"),
    pytest.param(FORCED, id="a forced tool"),
]


def ask(node: str, *, spec: ModelSpec = NATIVE, **changes: Any) -> LlmRequest:
    identity = CallIdentity(
        call_id=f"call-{node}", run_id="run-1", work_item=42, node=node, sub_work_item=None, purpose="generate",
        template=node, loop="first", attempt=1, trace_id="0" * 32,
    )  # fmt: skip
    request = LlmRequest(
        model=spec,
        system=(Block(text="Be exact.", cached=True),),
        tools=(),
        turns=(UserTurn(blocks=(Block(text="Judge."),)),),
        schema_name="Verdict",
        schema=Verdict,
        max_output_tokens=2000,
        cache_ttl="5m",
        identity=identity,
        timeout_s=10,
    )
    return replace(request, **changes)


@dataclass(frozen=True)
class Twin:
    """A running Anthropic twin."""

    url: str

    def faults(self, faults: Sequence[Mapping[str, object]]) -> None:
        """Replace the faults in force."""
        httpx.post(f"{self.url}/_twin/faults", json=list(faults)).raise_for_status()

    def log(self) -> Any:
        """Return every request that the twin saw."""
        return httpx.get(f"{self.url}/_twin/log").json()["requests"]

    def llm(self) -> AnthropicLlm:
        """Return the adapter as production builds it, with the SDK's own check of answers on top."""
        return AnthropicLlm(api_key=SecretStr(CANARY), base_url=self.url, strict=True)


def _scripted(reply: Reply) -> dict[str, object]:
    match reply:
        case HandIn(value):
            return {"output": value}
        case Ask(calls):
            return {"tool_calls": [{"name": call.name, "input": call.input} for call in calls]}
        case Say(text):
            return {"text": text}
    raise AssertionError(reply)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    folder = tmp_path_factory.mktemp("twin")
    script = folder / "script.jsonl"
    lines = []
    for node, replies in REPLIES.items():
        turns = [_scripted(reply) for reply in replies]
        lines.append({"when": {"node": node}, "reply": turns[0] if len(turns) == 1 else {"turns": turns}})
    lines += [{"when": {"node": node}, "reply": reply} for node, reply in TROUBLE.items()]
    script.write_text("\n".join(json.dumps(line) for line in lines))
    command = [sys.executable, "-m", "cogworks.twins.anthropic", "--script", str(script), "--state", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Twin(url=json.loads(process.stdout.readline())["url"])
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=20) == 0


@pytest.fixture
def twin(running: Twin) -> Iterator[Twin]:
    running.faults([])
    yield running
    running.faults([])


@pytest.fixture(params=["memory", "anthropic"])
def llm(request: pytest.FixtureRequest) -> LLM:
    if request.param == "memory":
        return ScriptedLlm([Rule(node=node, replies=replies) for node, replies in REPLIES.items()])
    twin: Twin = request.getfixturevalue("twin")
    return twin.llm()


def loop(llm: LLM, request: LlmRequest) -> tuple[LlmAnswer, LlmAnswer]:
    first = llm.call(request)
    results = tuple(ToolResult(call_id=call.id, text="x = 1") for call in first.tool_calls)
    turns = (*request.turns, AssistantTurn(content=first.content), UserTurn(results=results))
    return first, llm.call(replace(request, turns=turns))


@pytest.mark.parametrize("spec", WAYS)
def test_the_structured_answer_comes_out_the_same_however_it_is_delivered(llm: LLM, spec: ModelSpec) -> None:
    answer = llm.call(ask("plain", spec=spec))

    assert json.loads(answer.output or "") == ANSWER
    assert answer.tool_calls == ()
    assert answer.model == spec.id
    assert answer.request_id
    assert answer.usage.prompt > 0
    assert answer.usage.output > 0


@pytest.mark.parametrize("spec", WAYS)
def test_a_tool_loop_ends_in_the_structured_answer(llm: LLM, spec: ModelSpec) -> None:
    first, last = loop(llm, ask("looping", spec=spec, tools=(READ,)))

    assert [(call.name, call.input) for call in first.tool_calls] == [("fs.read", {"path": "a.py"})]
    assert first.output is None
    assert json.loads(last.output or "") == ANSWER


def test_text_where_a_tool_was_offered_is_no_output(llm: LLM) -> None:
    assert llm.call(ask("chatty", spec=OFFERED)).output is None


def test_text_where_the_schema_was_native_is_handed_on_to_be_refused(llm: LLM) -> None:
    assert llm.call(ask("chatty")).output == "I would rather talk."


def test_counting_costs_nothing_and_stays_below_our_estimate(llm: LLM) -> None:
    request = ask("plain")

    counted = llm.count(request)

    assert 0 < counted <= estimate_tokens(counted_bytes(request_body(request)))


def test_a_long_answer_is_streamed_and_comes_out_the_same(twin: Twin) -> None:
    whole, streamed = (twin.llm().call(ask("plain", max_output_tokens=n)) for n in (2000, 30_000))

    assert streamed.output == whole.output
    assert (streamed.usage.output, streamed.stop_reason) == (whole.usage.output, "end_turn")
    assert [block["type"] for block in streamed.content] == [block["type"] for block in whole.content]


def test_a_streamed_tool_loop_sends_back_what_the_provider_accepts(twin: Twin) -> None:
    _, last = loop(twin.llm(), ask("looping", tools=(READ,), max_output_tokens=30_000))

    assert json.loads(last.output or "") == ANSWER


def test_what_the_provider_says_of_its_limits_is_kept(twin: Twin) -> None:
    limits = twin.llm().call(ask("plain")).limits

    assert {"requests", "tokens", "input_tokens", "output_tokens"} <= set(limits.remaining)
    assert all(moment.tzinfo for moment in limits.reset_at.values())


def test_the_key_travels_in_its_header_alone_and_the_call_says_who_it_is(twin: Twin) -> None:
    twin.llm().call(ask("plain"))

    last = twin.log()[-1]
    assert CANARY not in json.dumps(last["request"])
    assert (last["call"]["call_id"], last["call"]["sub_work_item"]) == ("call-plain", None)


WHOLE_AND_STREAMED = pytest.mark.parametrize(
    "max_output_tokens", [pytest.param(2000, id="whole"), pytest.param(30_000, id="streamed")]
)


@WHOLE_AND_STREAMED
def test_one_code_fence_is_stripped(twin: Twin, max_output_tokens: int) -> None:
    answer = twin.llm().call(ask("fenced", max_output_tokens=max_output_tokens))

    assert json.loads(answer.output or "") == ANSWER


@WHOLE_AND_STREAMED
def test_half_an_answer_is_no_output_but_is_paid_for(twin: Twin, max_output_tokens: int) -> None:
    answer = twin.llm().call(ask("cut", max_output_tokens=max_output_tokens))

    assert (answer.output, answer.stop_reason) == (None, "max_tokens")
    assert answer.usage.output > 0


@WHOLE_AND_STREAMED
@pytest.mark.parametrize(
    ("node", "kind", "says", "paid"),
    [
        pytest.param("refusing", LlmRefused, "I will not.", True, id="the model's own words"),
        pytest.param("full", LlmTooLarge, "context window", True, id="full on the way"),
        pytest.param("long", LlmTooLarge, "prompt is too long", False, id="full before it began"),
        pytest.param("capped", LlmAuth, "spending limit", False, id="a 429 that no waiting helps"),
        pytest.param("unpaid", LlmAuth, "billing", False, id="an unpaid bill"),
    ],
)
def test_what_no_repetition_helps(
    twin: Twin, node: str, kind: type[LlmError], says: str, paid: bool, max_output_tokens: int
) -> None:
    with pytest.raises(kind, match=says) as caught:
        twin.llm().call(ask(node, max_output_tokens=max_output_tokens))

    assert (caught.value.usage is not None) == paid
    assert caught.value.request_id


def test_an_error_inside_a_stream_is_classed_by_its_type(twin: Twin) -> None:
    with pytest.raises(LlmTransient) as caught:
        twin.llm().call(ask("broken", max_output_tokens=30_000))

    assert caught.value.kind == "overloaded"


WRONG = [
    pytest.param({"kind": "rate_limit", "reset_in": 7}, RateLimited, {"retry_after_s": 7.0}, id="429 says how long"),
    pytest.param({"kind": "status", "code": 529}, LlmTransient, {"kind": "overloaded"}, id="529"),
    pytest.param({"kind": "status", "code": 500}, LlmTransient, {"kind": "server_error"}, id="500"),
    pytest.param({"kind": "status", "code": 504}, LlmTransient, {"kind": "server_error"}, id="504"),
    pytest.param({"kind": "status", "code": 418}, LlmBadRequest, {}, id="an unknown 4xx"),
    pytest.param({"kind": "status", "code": 599}, LlmTransient, {"kind": "server_error"}, id="an unknown 5xx"),
    pytest.param({"kind": "status", "code": 408}, LlmTransient, {"kind": "timeout"}, id="408"),
    pytest.param({"kind": "status", "code": 401}, LlmAuth, {}, id="401"),
    pytest.param({"kind": "status", "code": 413}, LlmTooLarge, {}, id="413"),
    pytest.param({"kind": "drop_before"}, LlmTransient, {"kind": "timeout"}, id="whether it arrived is unknown"),
    pytest.param({"kind": "drop_after"}, LlmTransient, {"kind": "timeout"}, id="paid for, and the answer lost"),
    pytest.param({"kind": "malformed"}, LlmTransient, {"kind": "timeout"}, id="half an answer"),
    pytest.param({"kind": "malformed", "form": "wrong"}, LlmTransient, {"kind": "timeout"}, id="a strange answer"),
    pytest.param({"kind": "timeout"}, LlmTransient, {"kind": "timeout"}, id="no answer"),
]


@WHOLE_AND_STREAMED
@pytest.mark.parametrize(("fault", "kind", "facts"), WRONG)
def test_what_goes_wrong_is_a_leaf_of_the_tree_and_is_sent_once(
    twin: Twin, fault: dict[str, object], kind: type[CogWorksError], facts: dict[str, object], max_output_tokens: int
) -> None:
    twin.faults([{"match": {"node": "plain"}, **fault}])
    patience = 0.5 if fault["kind"] == "timeout" else 10

    with pytest.raises(kind) as caught:
        twin.llm().call(ask("plain", timeout_s=patience, max_output_tokens=max_output_tokens))

    assert type(caught.value) is kind
    assert {name: getattr(caught.value, name) for name in facts} == facts
    assert CANARY not in str(caught.value)
    [state] = httpx.get(f"{twin.url}/_twin/faults").json()["faults"]
    assert state["fired"] == 1


def test_a_provider_that_is_not_there_was_never_asked() -> None:
    llm = AnthropicLlm(api_key=SecretStr(CANARY), base_url="http://127.0.0.1:9")

    with pytest.raises(LlmTransient) as caught:
        llm.call(ask("plain"))

    assert caught.value.kind == "network"


def test_a_request_that_no_rule_answers_is_refused_with_its_reason(twin: Twin) -> None:
    with pytest.raises(LlmBadRequest, match="invalid_request_error") as caught:
        twin.llm().call(ask("nobody"))

    assert caught.value.request_id
