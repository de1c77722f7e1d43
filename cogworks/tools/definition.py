"""A tool: what the model sees, what limits it, and what it does (50 section 1)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from cogworks.model.errors import ToolRefused
from cogworks.model.json_value import JsonObject, JsonValue
from cogworks.model.llm import ToolSpec
from cogworks.tools.bench import Bench

ScopeValues = Mapping[str, JsonValue]


class Parameters(BaseModel):
    """Base of all parameter models: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeParameter:
    """A limit that CogWorks injects; the model neither sees nor sets it."""

    name: str
    type: Literal["globs", "regex", "url_prefixes", "names", "int", "bool", "secret_ref"]
    required: bool = True
    default: JsonValue = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool. ``run`` checks scope itself (layer 2) before its one port call; it raises ToolRefused to refuse."""

    name: str
    description: str
    effect: Literal["read", "write", "execute", "network"]
    parameters: type[Parameters]
    scope: tuple[ScopeParameter, ...]
    run: "Callable[[Bench, Parameters, Scope], str]"

    def spec(self) -> ToolSpec:
        """Return the tool as the model sees it."""
        return ToolSpec(name=self.name, description=self.description, parameters=_schema_of(self.parameters))


@cache
def _schema_of(parameters: type[Parameters]) -> JsonObject:
    """Return the JSON Schema of a tool's parameters, made once: every turn of every conversation shows it."""
    made: JsonObject = parameters.model_json_schema()
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Resolved scope values of one tool for one node execution."""

    values: ScopeValues = field(default_factory=dict)

    def names(self, name: str) -> tuple[str, ...]:
        """Return a list value; a missing one allows nothing."""
        value = self.values.get(name)
        return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()

    def number(self, name: str, default: int) -> int:
        """Return an integer value."""
        value = self.values.get(name, default)
        return value if isinstance(value, int) else default

    def text(self, name: str) -> str:
        """Return a text value; a missing one is empty, which matches nothing."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""


def violation(parameter: str, constraint: str, limit: str) -> ToolRefused:
    """Return the refusal of a call outside its scope; it names the limit and nothing about the target."""
    return ToolRefused(
        f"outside the scope of this node: {constraint} is {limit}",
        error="SCOPE_VIOLATION",
        parameter=parameter,
        constraint=constraint,
    )
