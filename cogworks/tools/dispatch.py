"""Run one tool call that a model asked for: refuse what was not offered, check, act, record (ENF-02, 50 section 6)."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from cogworks.model.errors import ToolRefused
from cogworks.model.json_value import JsonObject, JsonValue, compact, sha256_text
from cogworks.model.llm import ToolCall, ToolResult
from cogworks.policy.secrets import redact
from cogworks.tools.bench import Bench
from cogworks.tools.profiles import Toolset

MAX_RESULT_BYTES = 32_768
_VIOLATIONS = ("SCOPE_VIOLATION", "PROTECTED_PATH_VIOLATION")


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What the model is told, whether the call broke its scope, and the record for the audit trail."""

    result: ToolResult
    violation: bool
    record: JsonObject


def call_tool(toolset: Toolset, bench: Bench, call: ToolCall, *, scan: Callable[[str, str], str]) -> Called:
    """Run ``call``; a refusal goes back to the model and changes nothing.

    ``scan(text, source)`` sees every result before the model does and raises when it gives orders (INJ-01).
    """
    offered = {tool.name: tool for tool in toolset.tools}
    try:
        if call.name not in offered:
            raise ToolRefused("this tool was not offered", error="SCOPE_VIOLATION", constraint="profile")
        tool = offered[call.name]
        given = tool.parameters.model_validate(dict(call.input))
        text = tool.run(bench, given, toolset.scopes[tool.name])
    except ValidationError as error:
        problems = "; ".join(f"/{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        refused = ToolRefused(problems, error="INVALID_PARAMETERS")
        return _refused(call, refused, offered=call.name in offered)
    except ToolRefused as error:
        return _refused(call, error, offered=call.name in offered)
    shown = scan(_cut(text), f"tool {call.name}")
    return Called(
        result=ToolResult(call_id=call.id, text=shown),
        violation=False,
        record=_record(call, result="success", text=shown),
    )


def _refused(call: ToolCall, error: ToolRefused, *, offered: bool) -> Called:
    told: dict[str, JsonValue] = {"error": error.error, "tool": call.name, "message": error.message}
    told |= {name: value for name, value in (("parameter", error.parameter), ("constraint", error.constraint)) if value}
    record = _record(call, result="error", text=error.message)
    return Called(
        result=ToolResult(call_id=call.id, text=json.dumps(told), failed=True),
        violation=error.error in _VIOLATIONS,
        record={**record, "error": error.error, "layer1_anomaly": not offered},
    )


def _record(call: ToolCall, *, result: str, text: str) -> JsonObject:
    return {
        "call_id": call.id,
        "tool": call.name,
        "parameters": {name: _short(value) for name, value in call.input.items()},
        "result": result,
        "result_sha256": sha256_text(text),
    }


def _short(value: JsonValue) -> JsonValue:
    text = value if isinstance(value, str) else compact(value)
    return {"bytes": len(text.encode()), "sha256": sha256_text(text)} if len(text) > 1024 else redact(text)


def _cut(text: str) -> str:
    raw = text.encode()
    if len(raw) <= MAX_RESULT_BYTES:
        return text
    return raw[:MAX_RESULT_BYTES].decode("utf-8", errors="ignore") + "\n[truncated]"
