"""What shall go wrong: the fault list of a twin, read with every mistake named at once."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)


class FaultsError(Exception):
    """The fault list is wrong; the message names each problem, its field and what is allowed, one a line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(_Strict):
    """Which requests a fault concerns: `path` and `body` are searched as regular expressions, all else is equal."""

    method: str | None = None
    path: str | None = None
    body: str | None = None
    login: str | None = None
    call_id: str | None = None
    run_id: str | None = None
    work_item: str | int | None = None
    node: str | None = None
    sub_work_item: int | None = None
    purpose: str | None = None
    template: str | None = None
    loop: str | None = None
    attempt: int | None = None
    model: str | None = None

    @field_validator("path", "body")
    @classmethod
    def _is_regex(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"must be a regular expression ({error})") from error
        return pattern

    def fits(self, facts: Mapping[str, str]) -> bool:
        """Say whether a request with these facts is meant."""
        wanted = self.model_dump(exclude_none=True)
        return all(_fits(key, str(value), facts.get(key)) for key, value in wanted.items())


def _fits(key: str, wanted: str, actual: str | None) -> bool:
    if actual is None:
        return False
    if key in {"path", "body"}:
        return re.search(wanted, actual) is not None
    return wanted.upper() == actual.upper() if key == "method" else wanted == actual


class _Fault(_Strict):
    match: Match = Match()
    nth: int | None = Field(default=None, ge=1)
    rate: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = None

    @model_validator(mode="after")
    def _one_trigger(self) -> "_Fault":
        if self.nth is not None and self.rate is not None:
            raise ValueError("nth and rate exclude each other")
        if (self.rate is None) != (self.seed is None):
            raise ValueError("rate and seed come together")
        return self

    def fires_at(self, count: int) -> bool:
        """Say whether the `count`-th matching request, from 1, is struck."""
        if self.nth is not None:
            return count == self.nth
        if self.rate is None:
            return True
        digest = hashlib.sha256(f"{self.seed}:{count}".encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64 < self.rate


class StatusFault(_Fault):
    """Answers with this status and does nothing."""

    kind: Literal["status"]
    code: int = Field(ge=200, le=599)
    body: JsonValue = None
    headers: dict[str, str] = {}


class RateLimitFault(_Fault):
    """Answers as the real service does when a limit is used up; `reset_in` in seconds."""

    kind: Literal["rate_limit"]
    reset_in: int = Field(default=60, ge=0)
    secondary: bool = False


class SlowFault(_Fault):
    """Acts and answers, `delay_ms` late."""

    kind: Literal["slow"]
    delay_ms: int = Field(ge=0)


class PlainFault(_Fault):
    """Never answers, or closes the connection before or after acting."""

    kind: Literal["timeout", "drop_before", "drop_after"]


class HoldFault(_Fault):
    """Stops before or after acting until it is released or the client leaves."""

    kind: Literal["hold_before", "hold_after"]


class MalformedFault(_Fault):
    """Acts, and answers with JSON that is cut in half or of a wrong shape."""

    kind: Literal["malformed"]
    form: Literal["truncated", "wrong"] = "truncated"


class BillFault(_Fault):
    """Acts and answers, and adds `microusd` to the cost that the twin counts."""

    kind: Literal["bill"]
    microusd: int


Fault = StatusFault | RateLimitFault | SlowFault | PlainFault | HoldFault | MalformedFault | BillFault
_FAULT: TypeAdapter[Fault] = TypeAdapter(Annotated[Fault, Field(discriminator="kind")])
_SHAPES: tuple[type[BaseModel], ...] = (
    StatusFault, RateLimitFault, SlowFault, PlainFault, HoldFault, MalformedFault, BillFault,
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Planned:
    """One fault with its counters: how many requests matched and how many were struck."""

    fault: Fault
    matched: int = 0
    fired: int = 0


class FaultPlan:
    """The faults in force; the first one that fires strikes, every matching one counts."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        """Start with all counters at zero."""
        self.planned = [Planned(fault=fault) for fault in faults]

    @classmethod
    def parse(cls, listed: JsonValue, *, places: Sequence[str] = ()) -> "FaultPlan":
        """Read a list of fault objects; `places` names where each one stands. Raises FaultsError with all problems."""
        if not isinstance(listed, list):
            raise FaultsError(f"faults: must be a list of fault objects, not {type(listed).__name__}")
        faults: list[Fault] = []
        problems: list[str] = []
        for index, entry in enumerate(listed):
            place = places[index] if index < len(places) else f"faults[{index}]"
            try:
                faults.append(_FAULT.validate_python(entry, strict=True))
            except ValidationError as error:
                problems.extend(f"{place}: {problem}" for problem in _problems(error, entry))
        if problems:
            raise FaultsError("\n".join(problems))
        return cls(faults)

    @classmethod
    def load(cls, path: Path) -> "FaultPlan":
        """Read a file that holds one JSON list; problems name its lines."""
        try:
            text = path.read_text(encoding="utf-8")
            listed = json.loads(text)
        except OSError as error:
            raise FaultsError(f"{path}: cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise FaultsError(f"{path}:{getattr(error, 'lineno', 1)}: must be a JSON list ({error})") from error
        return cls.parse(listed, places=[f"{path}:{line}" for line in _entry_lines(text)])

    def strike(self, facts: Mapping[str, str]) -> Fault | None:
        """Count a request with these facts and return the fault that strikes it, if any."""
        struck: Planned | None = None
        for planned in self.planned:
            if not planned.fault.match.fits(facts):
                continue
            planned.matched += 1
            if struck is None and planned.fault.fires_at(planned.matched):
                struck = planned
        if struck is None:
            return None
        struck.fired += 1
        return struck.fault

    def report(self) -> list[JsonValue]:
        """Return every fault with its counters, as JSON."""
        return [
            {**p.fault.model_dump(exclude_unset=True), "matched": p.matched, "fired": p.fired} for p in self.planned
        ]


def _entry_lines(text: str) -> list[int]:
    """Return the line on which each entry of a JSON list begins."""
    decoder = json.JSONDecoder()
    position = text.find("[") + 1
    lines: list[int] = []
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        if position >= len(text) or text[position] == "]":
            return lines
        lines.append(text.count("\n", 0, position) + 1)
        _, position = decoder.raw_decode(text, position)


def _problems(error: ValidationError, entry: JsonValue) -> list[str]:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    found = []
    for detail in error.errors(include_url=False):
        # pydantic puts the kind itself in front of the fields of that kind
        field = ".".join(str(part) for part in detail["loc"] if part != kind) or "fault"
        if detail["type"] == "extra_forbidden":
            allowed = Match.model_fields if field.startswith("match.") else _fields_of(kind)
            found.append(f"{field}: unknown field, allowed: {', '.join(sorted(allowed))}")
        else:
            found.append(f"{field}: {detail['msg']}")
    return found


def _fields_of(kind: JsonValue) -> Sequence[str]:
    for shape in _SHAPES:
        if kind in getattr(shape.model_fields["kind"].annotation, "__args__", ()):
            return list(shape.model_fields)
    return ["kind"]
