"""The call header: which node of which run asks, and for what."""

import json
from dataclasses import dataclass, fields

from pydantic import JsonValue

from cogworks.twins.anthropic.wire import JsonObject, canonical

HEADER = "x-cogworks-call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who asks; every part is None when the header does not say."""

    call_id: JsonValue = None
    run_id: JsonValue = None
    work_item: JsonValue = None
    node: JsonValue = None
    sub_work_item: JsonValue = None
    purpose: JsonValue = None
    template: JsonValue = None
    loop: JsonValue = None
    attempt: JsonValue = None
    trace_id: JsonValue = None

    def asker(self) -> str:
        """Return what stays the same when the same work is asked for again, after a crash or a lost answer."""
        return canonical([self.work_item, self.node, self.sub_work_item, self.purpose])

    def facts(self) -> dict[str, str]:
        """Return the parts that are known, as the match keys of faults."""
        return {field.name: str(value) for field in fields(self) if (value := getattr(self, field.name)) is not None}


def read_call(header: str | None) -> Call:
    """Read the header; one that is no JSON object says nothing."""
    parsed = parse_header(header)
    known = {field.name for field in fields(Call)}
    return Call(**{key: value for key, value in parsed.items() if key in known})


def parse_header(header: str | None) -> JsonObject:
    """Return the header's JSON object, empty when it holds none."""
    try:
        parsed = json.loads(header or "{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
