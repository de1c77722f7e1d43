"""The shape of a script line."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from cogworks.twins.anthropic.wire import JsonObject

StopReason = Literal[
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Strict):
    """Which calls a rule is for: every key that is written must be equal, `contains` is searched in the request."""

    node: str | None = None
    purpose: str | None = None
    template: str | None = None
    sub_work_item: int | None = None
    attempt: int | None = None
    loop: Literal["first", "retry", "rework"] | None = None
    work_item: str | int | None = None
    model: str | None = None
    contains: str | None = None

    @field_validator("contains")
    @classmethod
    def _is_regex(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"must be a regular expression ({error})") from error
        return pattern


class UsageOverride(_Strict):
    """Token counts that replace the counted ones."""

    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    cache_creation_input_tokens: int | None = Field(default=None, ge=0)
    cache_read_input_tokens: int | None = Field(default=None, ge=0)


class ToolCall(_Strict):
    """A call of the tool `name`, dots as in the product's names."""

    name: str = Field(min_length=1)
    input: dict[str, JsonValue] = {}


class ErrorReply(_Strict):
    """A refusal; `in_stream` sends it as an error event inside a started stream when the request streams."""

    status: int = Field(ge=400, le=599)
    type: str | None = None
    message: str = "scripted error"
    retry_after: int | None = Field(default=None, ge=0)
    error_code: str | None = None
    in_stream: bool = False


class Step(_Strict):
    """One answer of a conversation: tool calls (with a text before them, if wanted), an output, or a text."""

    tool_calls: list[ToolCall] | None = Field(default=None, min_length=1)
    output: dict[str, JsonValue] | None = None
    output_file: str | None = None
    text: str | None = None
    stop_reason: StopReason | None = None

    @model_validator(mode="after")
    def _one_content(self) -> "Step":
        contents = {"tool_calls", "output", "output_file", "text"} & self.model_fields_set
        if len(contents) != 1 and contents != {"tool_calls", "text"}:
            raise ValueError("needs exactly one of tool_calls, output, output_file, text")
        return self


class Reply(_Strict):
    """What a rule answers."""

    output: dict[str, JsonValue] | None = None
    output_file: str | None = None
    turns: list[Step] | None = Field(default=None, min_length=1)
    text: str | None = None
    error: ErrorReply | None = None
    stop_reason: StopReason | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "Reply":
        kinds = ("output", "output_file", "turns", "text", "error")
        if len(self.model_fields_set.intersection(kinds)) != 1:
            raise ValueError(f"needs exactly one of {', '.join(kinds)}")
        if self.stop_reason is not None and (self.turns is not None or self.error is not None):
            raise ValueError("stop_reason goes with output, output_file or text; in turns it stands in the turn")
        return self

    def step(self, turn_number: int) -> Step | None:
        """Return the answer of a turn; None when the conversation is over."""
        if self.turns is not None:
            return self.turns[turn_number] if turn_number < len(self.turns) else None
        if self.output is not None:
            return Step(output=self.output, stop_reason=self.stop_reason)
        return Step(text=self.text or "", stop_reason=self.stop_reason)


class Rule(_Strict):
    """One line of the script."""

    when: When = When()
    times: int | None = Field(default=None, ge=1)
    reply: Reply
    usage: UsageOverride | None = None


def load_output(reply: Reply, folder: Path) -> Reply:
    """Return the reply with its output files read."""
    if reply.output_file is not None:
        return Reply(output=_read_object(folder / reply.output_file), stop_reason=reply.stop_reason)
    if reply.turns is None:
        return reply
    return Reply(turns=[_load_step(step, folder) for step in reply.turns])


def _load_step(step: Step, folder: Path) -> Step:
    if step.output_file is None:
        return step
    return Step(output=_read_object(folder / step.output_file), stop_reason=step.stop_reason)


def _read_object(path: Path) -> JsonObject:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object")
    return found


_PARTS: dict[str, type[BaseModel]] = {
    "": Rule, "when": When, "reply": Reply, "usage": UsageOverride, "turns": Step, "tool_calls": ToolCall,
    "error": ErrorReply,
}  # fmt: skip


def problems_of(error: ValidationError) -> Sequence[str]:
    """Return one line a problem: field, what is wrong, what is allowed."""
    found = []
    for detail in error.errors(include_url=False):
        names = [part for part in detail["loc"] if isinstance(part, str)]
        field = ".".join(str(part) for part in detail["loc"]) or "rule"
        if detail["type"] == "extra_forbidden":
            allowed = _PARTS[names[-2] if len(names) > 1 else ""].model_fields
            found.append(f"{field}: unknown field, allowed: {', '.join(allowed)}")
        else:
            found.append(f"{field}: {detail['msg']}")
    return found
