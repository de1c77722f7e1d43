"""Who imports whom inside the repository."""

from cogworks.extension_api.methods import DependencyGraphResult, GraphEdge, GraphNode
from cogworks.service.python.checkout import Checkout
from cogworks.service.python.imports import Import, imports_of
from cogworks.service.python.modules import ModuleMap, map_modules, module_name
from cogworks.service.python.sources import Unreadable, parse

_RUNTIME = "import"
_TYPES_ONLY = "type_checking"


def dependency_graph(checkout: Checkout, *, standard_modules: frozenset[str]) -> DependencyGraphResult:
    """The whole repository's import graph, with the overlays of the call."""
    files = checkout.python_files()
    modules = map_modules(files)
    edges: set[tuple[str, str, str]] = set()
    unresolved: set[str] = set()
    for path in files:
        tree = parse(checkout.text(path))
        if isinstance(tree, Unreadable):
            unresolved.add(f"{path}: {tree.reason}")
            continue
        for item in imports_of(tree, path=path):
            target = _target(item, modules)
            if target is not None:
                edges.add((module_name(path), target, _TYPES_ONLY if item.type_checking else _RUNTIME))
            elif item.module.partition(".")[0] not in standard_modules and not modules.exists(item.module):
                unresolved.add(item.module or f"{path}:{item.line}")
    kept = sorted(edge for edge in edges if edge[0] != edge[1])
    return DependencyGraphResult(
        nodes=tuple(GraphNode(id=module_name(path), path=path) for path in sorted(modules.paths.values())),
        edges=tuple(GraphEdge(source=source, target=target, kind=kind) for source, target, kind in kept),
        unresolved=tuple(sorted(unresolved)),
        cycles=find_cycles({(source, target) for source, target, kind in kept if kind == _RUNTIME}),
    )


def _target(item: Import, modules: ModuleMap) -> str | None:
    if item.name is not None and f"{item.module}.{item.name}" in modules.paths:
        return f"{item.module}.{item.name}"
    return item.module if item.module in modules.paths else None


def find_cycles(edges: set[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """The groups of modules that all reach each other, each sorted."""
    forward = _neighbours(edges)
    backward = _neighbours({(target, source) for source, target in edges})
    assigned: set[str] = set()
    groups: list[tuple[str, ...]] = []
    for start in reversed(_finishing_order(forward)):
        if start not in assigned:
            group = _reachable(start, backward, without=assigned)
            assigned |= group
            if len(group) > 1:
                groups.append(tuple(sorted(group)))
    return tuple(sorted(groups))


def _neighbours(edges: set[tuple[str, str]]) -> dict[str, list[str]]:
    table: dict[str, list[str]] = {node: [] for edge in edges for node in edge}
    for source, target in sorted(edges):
        table[source].append(target)
    return table


def _finishing_order(forward: dict[str, list[str]]) -> list[str]:
    order: list[str] = []
    seen: set[str] = set()
    for start in sorted(forward):
        # Each entry is a node and whether everything behind it has been walked; no recursion, so depth is free.
        stack = [(start, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(target, False) for target in forward[node]]
    return order


def _reachable(start: str, table: dict[str, list[str]], *, without: set[str]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        new = [node for node in table[waiting.pop()] if node not in found and node not in without]
        found.update(new)
        waiting += new
    return found
