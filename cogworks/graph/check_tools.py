"""Checks of tool profiles, and of the one number that switches a check off."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from cogworks.graph.definition import Graph, ToolProfile
from cogworks.graph.faults import Faults, element, key, listed, nearest, node_at

SHIPPED_PROFILES = ("reader", "reader_docs", "generator", "reviewer", "integrator")


def profiles(defined: Mapping[str, ToolProfile], into: Faults) -> None:
    """E_UNKNOWN_PROFILE, E_BAD_VALUE: a profile extends one that is not there, or itself."""
    for name, profile in defined.items():
        path = key(key("tool_profiles", name), "extends")
        if profile.extends is not None and profile.extends != name:
            _known(profile.extends, defined, at=path, into=into)
        circle = _circle(name, defined)
        if circle:
            into.add("E_BAD_VALUE", path, f"profiles extend each other in a circle: [{listed(circle)}]")


def used_profiles(graph: Graph, at: str, defined: Mapping[str, ToolProfile], into: Faults) -> None:
    """E_UNKNOWN_PROFILE: a node is given a profile that is not there."""
    for node in graph.nodes.values():
        if node.tool_profile is not None:
            _known(node.tool_profile, defined, at=key(node_at(graph, at, node.id), "tool_profile"), into=into)
    for node_id, name in graph.tool_profiles.items():
        _known(name, defined, at=key(key(at, "tool_profiles"), node_id), into=into)


def profile_tools(defined: Mapping[str, ToolProfile], tools: Collection[str], into: Faults) -> None:
    """W_UNKNOWN_TOOL: a profile lists a tool that this repository does not have."""
    for name, profile in defined.items():
        _tools(profile.tools, tools, at=key(key("tool_profiles", name), "tools"), into=into)


def override_tools(graph: Graph, at: str, tools: Collection[str], into: Faults) -> None:
    """W_UNKNOWN_TOOL: a node adds or removes a tool that this repository does not have."""
    for node in graph.nodes.values():
        path = key(node_at(graph, at, node.id), "tool_overrides")
        for name in ("add", "remove"):
            _tools(tuple(_texts(node.tool_overrides.get(name))), tools, at=key(path, name), into=into)


def stall_threshold(graph: Graph, at: str, into: Faults) -> None:
    """W_STALL_THRESHOLD: a node's retries end before its stalling could be noticed."""
    for node in graph.nodes.values():
        if node.type == "llm" and node.semantic_stall_threshold > node.retries:
            path = key(node_at(graph, at, node.id), "semantic_stall_threshold")
            message = f"{node.semantic_stall_threshold} is more than {node.retries} retries, stalling is not noticed"
            into.add("W_STALL_THRESHOLD", path, message)


def _known(name: str, defined: Mapping[str, ToolProfile], *, at: str, into: Faults) -> None:
    known = tuple(dict.fromkeys((*SHIPPED_PROFILES, *defined)))
    if name not in known:
        message = f"there is no tool profile {name}{nearest(name, known)}"
        into.add("E_UNKNOWN_PROFILE", at, message, allowed=listed(known))


def _circle(name: str, defined: Mapping[str, ToolProfile]) -> Sequence[str]:
    chain = [name]
    while (upper := defined[chain[-1]].extends) is not None and upper in defined:
        if upper == name:
            return chain
        if upper in chain:
            return ()
        chain.append(upper)
    return ()


def _tools(given: Sequence[str], tools: Collection[str], *, at: str, into: Faults) -> None:
    for index, pattern in enumerate(given):
        family = pattern.removesuffix("*") if pattern.endswith(".*") else None
        known = pattern in tools if family is None else any(tool.startswith(family) for tool in tools)
        if not known:
            message = f"unknown tool {pattern}{nearest(pattern, tools)}, it is left out"
            into.add("W_UNKNOWN_TOOL", element(at, index), message, allowed=listed(sorted(tools)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list | tuple):
        yield from (one for one in value if isinstance(one, str))
