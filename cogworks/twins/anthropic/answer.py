"""Builds the content of an answer in the way that the request asks for it."""

import hashlib
from dataclasses import dataclass

from pydantic import JsonValue

from cogworks.twins.anthropic.catalogue import Model
from cogworks.twins.anthropic.history import sign
from cogworks.twins.anthropic.request import MessagesRequest
from cogworks.twins.anthropic.script_rules import Step
from cogworks.twins.anthropic.tokens import tokens_in
from cogworks.twins.anthropic.wire import JsonObject, compact

SUBMIT_TOOL = "submit_output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The content of one answer and why it ends."""

    content: tuple[JsonObject, ...]
    stop_reason: str

    @property
    def output_tokens(self) -> int:
        """The tokens of the content."""
        return tokens_in(list(self.content))


def wire_name(dotted: str) -> str:
    """Return a tool name as the provider takes it: `fs.write` is `fs__write`."""
    return dotted.replace(".", "__")


def scripted_answer(step: Step | None, request: MessagesRequest, *, model: Model | None, seed: str) -> Answer:
    """Return the answer of a script's step; None says that nothing more is to come. `seed` makes the ids."""
    content = _content(step, request, seed)
    uses_tools = any(block["type"] == "tool_use" for block in content)
    stop_reason = (step.stop_reason if step is not None else None) or ("tool_use" if uses_tools else "end_turn")
    if _thinks(request, model):
        content = [_thinking(seed), *content]
    return _cut(Answer(content=tuple(content), stop_reason=stop_reason), request.max_tokens)


def echo(request: MessagesRequest, *, seed: str) -> Answer:
    """Return the last user text, or a tool call where one is forced."""
    forced = _forced_tool(request)
    if forced is not None:
        return Answer(content=(_tool_use(forced, {}, seed, 0),), stop_reason="tool_use")
    if request.output_format is not None:
        return Answer(content=(_text("{}"),), stop_reason="end_turn")
    texts = [block["text"] for turn in request.turns for block in turn.blocks if isinstance(block.get("text"), str)]
    last = texts[-1] if texts else ""
    return _cut(Answer(content=(_text(str(last) or "…"),), stop_reason="end_turn"), request.max_tokens)


def _content(step: Step | None, request: MessagesRequest, seed: str) -> list[JsonObject]:
    if step is None:
        return [_text("The script has nothing more to say.")]
    if step.tool_calls is not None:
        said = [_text(step.text)] if step.text else []
        calls = [_tool_use(wire_name(call.name), call.input, seed, n) for n, call in enumerate(step.tool_calls)]
        return [*said, *calls]
    if step.output is not None:
        return [_output(step.output, request, seed)]
    return [_text(step.text or "")]


def _output(output: JsonObject, request: MessagesRequest, seed: str) -> JsonObject:
    if request.output_format is not None:
        return _text(compact(output))
    tool = _forced_tool(request)
    if tool is None and SUBMIT_TOOL in _offered(request):
        tool = SUBMIT_TOOL
    return _text(compact(output)) if tool is None else _tool_use(tool, output, seed, 0)


def _offered(request: MessagesRequest) -> list[str]:
    if request.tool_choice.get("type") == "none":
        return []
    return [str(tool.get("name")) for tool in request.tools]


def _forced_tool(request: MessagesRequest) -> str | None:
    offered = _offered(request)
    match request.tool_choice.get("type"):
        case "tool":
            return str(request.tool_choice.get("name"))
        case "any" if offered:
            return SUBMIT_TOOL if SUBMIT_TOOL in offered else offered[0]
        case _:
            return None


def _thinks(request: MessagesRequest, model: Model | None) -> bool:
    asked = request.thinking.get("type") in ("enabled", "adaptive", "between_tools")
    return asked or (model is not None and model.thinking_always_on)


def _thinking(seed: str) -> JsonObject:
    thinking = f"Following the script ({_digest(seed)[:8]})."
    return {"type": "thinking", "thinking": thinking, "signature": sign(thinking)}


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": text, "citations": None}


def _tool_use(name: str, tool_input: JsonObject, seed: str, index: int) -> JsonObject:
    given: JsonValue = tool_input
    return {"type": "tool_use", "id": f"toolu_{_digest(f'{seed}:{index}')[:24]}", "name": name, "input": given}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _cut(answer: Answer, max_tokens: int) -> Answer:
    """Cut an answer that is longer than the request allows, as the model does when it runs out of tokens."""
    over = answer.output_tokens - max_tokens
    if over <= 0:
        return answer
    last = dict(answer.content[-1])
    if last["type"] == "text":
        text = str(last["text"])
        last["text"] = text[: max(1, len(text) - over * 4)]
    else:
        last["input"] = {}
    return Answer(content=(*answer.content[:-1], last), stop_reason="max_tokens")
