"""What a request weighs before it is sent: its body as JSON, and tokens estimated from its bytes (LLM-18)."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import assert_never

from pydantic import BaseModel

from cogworks.model.json_value import JsonObject, JsonValue, compact
from cogworks.model.llm import AssistantTurn, Block, LlmRequest, ToolResult, ToolSpec, Turn, UserTurn

SUBMIT = "submit_output"
"""Name of the tool that takes the structured answer where the model has no native schema output."""

MAX_CACHE_MARKS = 4
_COUNTED = ("system", "tools", "messages", "output_config")
_BYTES_PER_TOKEN = 3


def request_body(request: LlmRequest, *, schema: JsonObject | None = None) -> dict[str, JsonValue]:
    """Return the body of ``request``: tools, system, messages, stable before volatile (LLM-19).

    ``schema`` is the answer's schema in the provider's dialect; without it pydantic's own stands in, which is good
    enough for estimates. The same request always makes the same body.
    """
    answer = schema if schema is not None else _own_schema(request.schema)
    body: dict[str, JsonValue] = {"model": request.model.id, "max_tokens": request.max_output_tokens}
    tools = [_tool(tool) for tool in request.tools]
    if request.model.schema_output:
        body["output_config"] = {"format": {"type": "json_schema", "schema": answer}}
    else:
        description = f"Hand in the finished {request.schema_name}. Call it exactly once, at the end."
        tools.append({"name": SUBMIT, "description": description, "input_schema": answer})
        body["tool_choice"] = _choice(request)
    marks = _Marks(request.cache_ttl)
    if tools:
        body["tools"] = [*tools[:-1], {**tools[-1], **marks.take()}]
    if request.system:
        body["system"] = [_text(block, marks) for block in request.system]
    body["messages"] = [_message(turn, marks) for turn in request.turns]
    return body


@cache
def _own_schema(schema: type[BaseModel]) -> JsonObject:
    """Return pydantic's JSON Schema of a class; making it costs more than all the rest of a request."""
    made: JsonObject = schema.model_json_schema()
    return made


def wire_name(tool: str) -> str:
    """Return the name of ``tool`` as the provider allows it: no dots."""
    return tool.replace(".", "__")


def counted_bytes(body: Mapping[str, JsonValue]) -> int:
    """Return the UTF-8 bytes of the parts of ``body`` that tokens are estimated from."""
    return len(compact({key: body[key] for key in _COUNTED if key in body}).encode())


def estimate_tokens(byte_count: int) -> int:
    """Return the input tokens that so many bytes are at most expected to be."""
    return -(-byte_count // _BYTES_PER_TOKEN)


class _Marks:
    """The cache marks that are left; the stable prefixes come first and get them first."""

    def __init__(self, ttl: str) -> None:
        self._left = 0 if ttl == "off" else MAX_CACHE_MARKS
        self._mark: JsonObject = {"type": "ephemeral", "ttl": ttl}

    def take(self) -> dict[str, JsonValue]:
        if not self._left:
            return {}
        self._left -= 1
        return {"cache_control": self._mark}


def _choice(request: LlmRequest) -> JsonObject:
    if not request.model.forced_tool:
        return {"type": "auto"}
    return {"type": "any"} if request.tools else {"type": "tool", "name": SUBMIT}


def _tool(tool: ToolSpec) -> dict[str, JsonValue]:
    return {"name": wire_name(tool.name), "description": tool.description, "input_schema": tool.parameters}


def _text(block: Block, marks: _Marks) -> JsonObject:
    mark = marks.take() if block.cached else {}
    return {"type": "text", "text": block.text, **mark}


def _result(result: ToolResult) -> JsonObject:
    return {"type": "tool_result", "tool_use_id": result.call_id, "content": result.text, "is_error": result.failed}


def _message(turn: Turn, marks: _Marks) -> JsonObject:
    match turn:
        case UserTurn():
            # The provider wants results before text, and refuses empty text.
            texts = [_text(block, marks) for block in turn.blocks if block.text]
            content: Sequence[JsonValue] = [*map(_result, turn.results), *texts]
            return {"role": "user", "content": content}
        case AssistantTurn():
            return {"role": "assistant", "content": turn.content}
        case _:
            assert_never(turn)
