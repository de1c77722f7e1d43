"""Between our words and those of the Messages API; pure."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import anthropic

from cogworks.adapters.anthropic_errors import incomplete
from cogworks.model.errors import LlmRefused, LlmTooLarge
from cogworks.model.json_value import JsonObject, JsonValue, compact
from cogworks.model.llm import CallIdentity, LlmAnswer, LlmRequest, RateLimits, ToolCall, Usage
from cogworks.policy.llm_request import SUBMIT, request_body, wire_name

CALL_HEADER = "X-CogWorks-Call"

_FENCED = re.compile(r"\s*```[A-Za-z]*[ \t]*\n(.*)\n[ \t]*```\s*", re.DOTALL)
_KINDS = ("requests", "tokens", "input-tokens", "output-tokens")


def to_body(request: LlmRequest) -> dict[str, JsonValue]:
    """Return the body of ``request`` as it is sent, with the answer's schema in the provider's dialect."""
    return request_body(request, schema=anthropic.transform_schema(request.schema))


def to_call_header(identity: CallIdentity) -> str:
    """Return the header that says who calls (TWA-01); plain ASCII."""
    value = {
        "call_id": identity.call_id,
        "run_id": identity.run_id,
        "work_item": identity.work_item,
        "node": identity.node,
        "sub_work_item": identity.sub_work_item,
        "purpose": identity.purpose,
        "template": identity.template,
        "loop": identity.loop,
        "attempt": identity.attempt,
        "trace_id": identity.trace_id,
    }
    return json.dumps(value, separators=(",", ":"))


def to_answer(message: JsonObject, *, headers: Mapping[str, str], request: LlmRequest) -> LlmAnswer:
    """Return the answer that ``message`` is; raise LlmRefused, LlmTooLarge or, for half an answer, LlmTransient.

    ``output`` and ``tool_calls`` may both be filled when a model hands in its work and asks for tools in one answer.
    """
    content = _blocks(message)
    usage = _usage(message.get("usage"))
    request_id = headers.get("request-id", "")
    stop_reason = message.get("stop_reason")
    if not isinstance(stop_reason, str) or usage is None:
        raise incomplete(request_id)
    if stop_reason == "refusal":
        raise LlmRefused(_text(content) or "the model refused to answer", request_id=request_id, usage=usage)
    if stop_reason == "model_context_window_exceeded":
        raise LlmTooLarge("the model's context window is full", request_id=request_id, usage=usage)
    calls = [block for block in content if block.get("type") == "tool_use"]
    names = {wire_name(tool.name): tool.name for tool in request.tools}
    return LlmAnswer(
        content=content,
        tool_calls=tuple(_tool_call(call, names) for call in calls if call.get("name") != SUBMIT),
        output=_output(content, calls, stop_reason, native=request.model.schema_output),
        stop_reason=stop_reason,
        usage=usage,
        request_id=request_id,
        model=str(message.get("model", request.model.id)),
        limits=to_limits(headers),
    )


def to_limits(headers: Mapping[str, str]) -> RateLimits:
    """Return what ``headers`` (lower-case names) say of the provider's limits; what cannot be read is left out."""
    remaining: dict[str, int] = {}
    limit: dict[str, int] = {}
    reset_at: dict[str, datetime] = {}
    for kind in _KINDS:
        name = kind.replace("-", "_")
        for figures, part in ((remaining, "remaining"), (limit, "limit")):
            text = _limit_header(headers, kind, part)
            if text.isdecimal():
                figures[name] = int(text)
        moment = _moment(_limit_header(headers, kind, "reset"))
        if moment is not None:
            reset_at[name] = moment
    return RateLimits(remaining=remaining, limit=limit, reset_at=reset_at)


def _limit_header(headers: Mapping[str, str], kind: str, part: str) -> str:
    return headers.get(f"anthropic-ratelimit-{kind}-{part}") or headers.get(f"x-ratelimit-{part}-{kind}") or ""


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _blocks(message: JsonObject) -> tuple[JsonObject, ...]:
    content = message.get("content")
    if not isinstance(content, Sequence) or isinstance(content, str):
        return ()
    return tuple(block for block in content if isinstance(block, Mapping))


def _usage(figures: JsonValue) -> Usage | None:
    if not isinstance(figures, Mapping):
        return None
    return Usage(
        input=_count(figures.get("input_tokens")),
        output=_count(figures.get("output_tokens")),
        cache_write=_count(figures.get("cache_creation_input_tokens")),
        cache_read=_count(figures.get("cache_read_input_tokens")),
    )


def _count(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0


def _tool_call(block: JsonObject, names: Mapping[str, str]) -> ToolCall:
    name, given = str(block.get("name", "")), block.get("input")
    return ToolCall(
        id=str(block.get("id", "")),
        name=names.get(name, name.replace("__", ".")),
        input=given if isinstance(given, Mapping) else {},
    )


def _output(
    content: Sequence[JsonObject], calls: Sequence[JsonObject], stop_reason: str, *, native: bool
) -> str | None:
    if stop_reason not in ("end_turn", "tool_use", "stop_sequence"):
        return None
    handed_in = [call for call in calls if call.get("name") == SUBMIT]
    if handed_in:
        return compact(handed_in[-1].get("input"))
    if not native or calls:
        return None
    return strip_fence(_text(content)) or None


def strip_fence(text: str) -> str:
    """Return ``text`` without the one code fence around it, if there is one (LLM-06)."""
    fenced = _FENCED.fullmatch(text)
    return fenced[1] if fenced else text


def _text(content: Sequence[JsonObject]) -> str:
    return "".join(str(block.get("text", "")) for block in content if block.get("type") == "text")
