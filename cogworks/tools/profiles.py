"""Which tools a node gets, with which limits: pure, the same for the same configuration and state (PROF-05)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cogworks.graph.definition import Node, ToolProfile
from cogworks.model.errors import ConfigError, Problem
from cogworks.model.json_value import JsonValue
from cogworks.tools.definition import Scope, Tool
from cogworks.tools.registry import DEFAULT_PROFILES, PROFILE_OF_NODE, READ_DENIALS, TOOLS

Variables = Mapping[str, str | Sequence[str]]

_VARIABLE = re.compile(r"\{\{([a-z_]+)\}\}")
_WIDENING = re.compile(r"\.\.|^/|[\x00-\x1f*?\[\]]")
FILE = "pipeline.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolset:
    """The resolved tools of one node execution, in a fixed order, each with its scope."""

    tools: tuple[Tool, ...] = ()
    scopes: Mapping[str, Scope] = field(default_factory=dict)


def resolve(
    node: Node,
    *,
    profiles: Mapping[str, ToolProfile],
    variables: Variables,
    protected: Sequence[str] = (),
    denied: Sequence[str] = (),
) -> Toolset:
    """Return the tools of ``node``; raise ConfigError naming every unknown profile or unresolved variable."""
    known = {**DEFAULT_PROFILES, **profiles}
    name = node.tool_profile or PROFILE_OF_NODE.get(node.uses, "reader")
    names, scope = _flatten(name, known)
    tools = tuple(tool for tool in TOOLS.values() if _listed(tool.name, names))
    problems: list[Problem] = []
    scopes = {
        tool.name: Scope(values=_filled(scope.get(tool.name, {}), variables, problems, f"{name}.scope.{tool.name}"))
        for tool in tools
    }
    if problems:
        raise ConfigError(problems=tuple(problems))
    return Toolset(tools=tools, scopes={n: _guarded(s, protected, denied) for n, s in scopes.items()})


def _flatten(name: str, known: Mapping[str, ToolProfile]) -> tuple[tuple[str, ...], dict[str, Mapping[str, JsonValue]]]:
    chain: list[ToolProfile] = []
    while name:
        if name not in known or any(one.name == name for one in chain):
            problem = Problem(
                code="E_UNKNOWN_PROFILE",
                file=FILE,
                field=f"tool_profiles.{name}",
                message="is not defined or extends itself",
                allowed=", ".join(sorted(known)),
            )
            raise ConfigError(problems=(problem,))
        chain.append(known[name])
        name = known[name].extends or ""
    tools = tuple(tool for profile in reversed(chain) for tool in profile.tools)
    scope: dict[str, Mapping[str, JsonValue]] = {}
    for profile in reversed(chain):
        for tool, values in profile.scope.items():
            scope[tool] = {**scope.get(tool, {}), **values}
    return tools, scope


def _listed(tool: str, names: Sequence[str]) -> bool:
    return any(tool == name or (name.endswith(".*") and tool.startswith(name[:-1])) for name in names)


def _filled(
    values: Mapping[str, JsonValue], variables: Variables, problems: list[Problem], where: str
) -> dict[str, JsonValue]:
    return {name: _value(value, variables, problems, f"{where}.{name}") for name, value in values.items()}


def _value(value: JsonValue, variables: Variables, problems: list[Problem], where: str) -> JsonValue:
    if isinstance(value, str):
        expanded = _expand(value, variables, problems, where)
        return expanded[0] if len(expanded) == 1 else expanded
    if isinstance(value, list | tuple):
        return [text for one in value for text in _expand(str(one), variables, problems, where)]
    return value


def _expand(text: str, variables: Variables, problems: list[Problem], where: str) -> list[str]:
    """Return ``text`` once per element of the list that it names; refuse a value that would widen the scope."""
    found = _VARIABLE.search(text)
    if not found:
        return [text]
    given = variables.get(found[1])
    elements = [given] if isinstance(given, str) else list(given or ())
    if not elements:
        problems.append(Problem(code="unresolved_variable", file=FILE, field=where, message=f"{found[1]} has no value"))
    problems += [
        Problem(code="bad_variable", file=FILE, field=where, message=f"{found[1]} = {element!r} would widen it")
        for element in elements
        if not element or _WIDENING.search(element)
    ]
    return [text.replace(found[0], element) for element in elements]


def _guarded(scope: Scope, protected: Sequence[str], denied: Sequence[str]) -> Scope:
    denials = [*scope.names("denied_read_paths"), *READ_DENIALS, *denied]
    return Scope(values={**scope.values, "denied_read_paths": denials, "protected_paths": list(protected)})
