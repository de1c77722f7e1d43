"""A model that answers from a script, for tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from cogworks.model.errors import CogWorksError
from cogworks.model.json_value import JsonObject, compact
from cogworks.model.llm import LlmAnswer, LlmRequest, RateLimits, ToolCall, Usage
from cogworks.policy.llm_request import SUBMIT, counted_bytes, estimate_tokens, request_body, wire_name


@dataclass(frozen=True, slots=True)
class HandIn:
    """The model hands in this answer."""

    value: JsonObject


@dataclass(frozen=True, slots=True)
class Say:
    """The model says this text instead of handing something in."""

    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The model asks for tools."""

    calls: tuple[ToolCall, ...]


Reply = HandIn | Say | Ask | CogWorksError
"""What a rule answers; an error is raised."""


@dataclass(slots=True, kw_only=True)
class Rule:
    """Answers the requests that fit it: one reply a request, the last one again and again unless ``once``."""

    replies: Sequence[Reply]
    node: str | None = None
    purpose: str | None = None
    attempt: int | None = None
    when: Callable[[LlmRequest], bool] | None = None
    usage: Usage | None = None
    once: bool = False
    used: int = field(default=0, init=False)

    def fits(self, request: LlmRequest) -> bool:
        """Tell whether this rule answers ``request``."""
        who = request.identity
        wanted = ((self.node, who.node), (self.purpose, who.purpose), (self.attempt, who.attempt))
        if self.once and self.used >= len(self.replies):
            return False
        return all(want in (None, have) for want, have in wanted) and (self.when is None or self.when(request))

    def next(self) -> Reply:
        """Return the next reply and count it as used."""
        reply = self.replies[min(self.used, len(self.replies) - 1)]
        self.used += 1
        return reply


class ScriptedLlm:
    """The first rule that fits a request answers it; ``requests`` holds all that were sent."""

    def __init__(self, rules: Sequence[Rule], *, limits: RateLimits | None = None) -> None:
        self.requests: list[LlmRequest] = []
        self._rules = tuple(rules)
        self._limits = limits or RateLimits()

    def call(self, request: LlmRequest) -> LlmAnswer:
        """Return the scripted answer to ``request``; AssertionError when no rule fits."""
        self.requests.append(request)
        for rule in self._rules:
            if rule.fits(request):
                return self._answer(rule.next(), request, rule.usage)
        raise AssertionError(f"no rule answers {request.identity}")

    def count(self, request: LlmRequest) -> int:
        """Return the estimated input tokens of ``request``."""
        return estimate_tokens(counted_bytes(request_body(request)))

    def _answer(self, reply: Reply, request: LlmRequest, usage: Usage | None) -> LlmAnswer:
        content: tuple[JsonObject, ...]
        output: str | None
        match reply:
            case CogWorksError():
                raise reply
            case HandIn() if request.model.schema_output:
                content, output = (_text(compact(reply.value)),), compact(reply.value)
            case HandIn():
                content, output = (_tool_use(f"toolu_{len(self.requests)}", SUBMIT, reply.value),), compact(reply.value)
            case Say():
                content, output = (_text(reply.text),), reply.text if request.model.schema_output else None
            case Ask():
                content, output = tuple(_tool_use(c.id, wire_name(c.name), c.input) for c in reply.calls), None
            case _:
                assert_never(reply)
        return LlmAnswer(
            content=content,
            tool_calls=reply.calls if isinstance(reply, Ask) else (),
            output=output,
            stop_reason="tool_use" if content[0]["type"] == "tool_use" else "end_turn",
            usage=usage or Usage(input=self.count(request), output=estimate_tokens(len(compact(content)))),
            request_id=f"req_{len(self.requests)}",
            model=request.model.id,
            limits=self._limits,
        )


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": text}


def _tool_use(call_id: str, name: str, given: JsonObject) -> JsonObject:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}
