"""From the text of ``pipeline.toml`` to graphs, or to everything that is wrong with it at once."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from cogworks.graph.definition import Edge, Graph, Node, PipelineFile, ToolProfile
from cogworks.graph.edge_entry import MAX_TRAVERSALS, edge_from
from cogworks.graph.faults import Faults, element, key, listed, nearest
from cogworks.graph.node_entry import Origins, node_from
from cogworks.graph.reading import plain, read, read_text
from cogworks.graph.tables import (
    BoundaryTable,
    EdgeTable,
    GraphTable,
    NodeTable,
    ProfileTable,
    RootTable,
    SettingsTable,
)
from cogworks.graph.validate import validate
from cogworks.model.errors import ConfigError
from cogworks.model.ids import NodeId
from cogworks.model.state import ItemClass

SCHEMA_VERSION = 1

_PIPELINE_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
_DEFAULT_BOUNDARIES: Mapping[ItemClass, str] = {
    ItemClass.SAFETY_CRITICAL: "review",
    ItemClass.STANDARD: "interface_design",
    ItemClass.LOW_RISK: "intake",
}


class _Read(NamedTuple):
    graph: Graph | None
    whole: bool


def parse_pipeline(text: bytes, *, file: str, defaults: PipelineFile | None) -> PipelineFile:
    """Return what ``text`` says; raise ConfigError with every problem found, those of ``validate`` included.

    ``defaults`` is the shipped pipeline, from which nodes with a built-in ``uses`` take the keys left
    out; None reads the shipped pipeline itself. A file that raises nothing is still to be validated.
    """
    faults = Faults(file)
    document = read_text(text, into=faults)
    root = None if document is None else read(RootTable, document, at="", into=faults)
    if root is None:
        raise ConfigError(problems=tuple(faults.found))
    settings = _settings(root, into=faults)
    built_in = {} if defaults is None else _by_uses(defaults)
    origins = Origins(settings=settings, built_in=built_in)
    graphs = {name: _graph(name, raw, origins=origins, into=faults) for name, raw in root.pipelines.items()}
    _judge_default(settings.default, graphs, into=faults)
    whole = {name: one.graph for name, one in graphs.items() if one.whole and one.graph is not None}
    found = PipelineFile(
        default=settings.default,
        pipelines=whole,
        tool_profiles=_profiles(root, into=faults),
        max_concurrent_llm_calls=settings.max_concurrent_llm_calls,
        max_parallel_sub_work_items=settings.max_parallel_sub_work_items,
        on_duplicate_trigger=settings.on_duplicate_trigger,
        graph_hash=hashlib.sha256(text).hexdigest(),
        built_in=defaults is None,
    )
    if faults.found:
        raise ConfigError(problems=(*faults.found, *validate(found, file=file).errors))
    return found


def with_budgets(
    file: PipelineFile, *, review_max_remediation_cycles: int, sub_work_item_max_retries: int
) -> PipelineFile:
    """Return the shipped pipeline with the repository's two budgets in it; a file's own numbers stay."""
    if not file.built_in:
        return file
    cycles = min(review_max_remediation_cycles, MAX_TRAVERSALS)
    budgeted = {
        name: replace(
            graph,
            nodes={id_: _with_retries(node, sub_work_item_max_retries) for id_, node in graph.nodes.items()},
            edges=tuple(_with_cycles(edge, graph, cycles) for edge in graph.edges),
        )
        for name, graph in file.pipelines.items()
    }
    return replace(file, pipelines=budgeted)


def _with_retries(node: Node, retries: int) -> Node:
    return replace(node, retries=retries) if node.uses == "code_generation" else node


def _with_cycles(edge: Edge, graph: Graph, cycles: int) -> Edge:
    if edge.rework is None or graph.nodes[edge.source].uses != "review":
        return edge
    return replace(edge, rework=replace(edge.rework, max_traversals=cycles))


def _by_uses(defaults: PipelineFile) -> Mapping[str, Node]:
    nodes = defaults.pipelines[defaults.default].nodes.values()
    return {node.uses: node for node in reversed(tuple(nodes)) if node.uses != "custom"}


def _settings(root: RootTable, *, into: Faults) -> SettingsTable:
    version = root.schema_version
    if isinstance(version, bool) or version != SCHEMA_VERSION or not isinstance(version, int):
        message = "schema_version is missing" if version is None else f"version {version!r} is not known"
        into.add("E_SCHEMA_VERSION", "schema_version", message, allowed=str(SCHEMA_VERSION))
    return read(SettingsTable, root.pipeline, at="pipeline", into=into) or SettingsTable()


def _judge_default(default: str, graphs: Mapping[str, _Read], *, into: Faults) -> None:
    if not graphs:
        into.add("E_NO_PIPELINES", "pipelines", "no pipeline is defined", allowed="one [pipelines.<name>] or more")
    elif default not in graphs:
        message = f"there is no pipeline {default}{nearest(default, graphs)}"
        into.add("E_UNKNOWN_DEFAULT", "pipeline.default", message, allowed=listed(graphs))


def _profiles(root: RootTable, *, into: Faults) -> Mapping[str, ToolProfile]:
    profiles = {}
    for name, raw in root.tool_profiles.items():
        table = read(ProfileTable, raw, at=key("tool_profiles", name), into=into)
        if table is not None:
            scope = {tool: {key_: plain(value) for key_, value in keys.items()} for tool, keys in table.scope.items()}
            profiles[name] = ToolProfile(name=name, extends=table.extends, tools=table.tools, scope=scope)
    return profiles


def _graph(name: str, raw: object, *, origins: Origins, into: Faults) -> _Read:
    at = key("pipelines", name)
    if not _PIPELINE_NAME.fullmatch(name):
        into.add("E_BAD_ID", at, f"{name!r} is not a pipeline name", allowed=_PIPELINE_NAME.pattern)
    table = read(GraphTable, raw, at=at, into=into)
    if table is None:
        return _Read(None, whole=False)
    nodes = _nodes(table.nodes, origins=origins, at=key(at, "nodes"), into=into)
    edges = _edges(table.edges, at=key(at, "edges"), into=into)
    if not table.nodes:
        into.add("E_EMPTY_GRAPH", key(at, "nodes"), "the pipeline has no node", allowed="one node or more")
    if table.start is None:
        into.add("E_START_NODE", key(at, "start"), "start is missing", allowed=listed(nodes))
    if not nodes or table.start is None:
        return _Read(None, whole=False)
    graph = Graph(
        name=name,
        start=NodeId(table.start),
        nodes=nodes,
        edges=edges,
        boundaries=_boundaries(table.shift_work, nodes, edges),
        tool_profiles={NodeId(node): profile for node, profile in table.tool_profiles.items()},
    )
    return _Read(graph, whole=len(nodes) == len(table.nodes) and len(edges) == len(table.edges))


def _nodes(raws: Sequence[object], *, origins: Origins, at: str, into: Faults) -> Mapping[NodeId, Node]:
    nodes: dict[NodeId, Node] = {}
    for index, raw in enumerate(raws):
        path = element(at, index)
        table = read(NodeTable, raw, at=path, into=into)
        if table is None:
            continue
        node = node_from(table, origins=origins, at=path, into=into)
        if node.id in nodes:
            into.add("E_DUPLICATE_NODE_ID", key(path, "id"), f"there is another node {node.id}", allowed="unique ids")
        nodes.setdefault(node.id, node)
    return nodes


def _edges(raws: Sequence[object], *, at: str, into: Faults) -> tuple[Edge, ...]:
    edges: dict[str, Edge] = {}
    for index, raw in enumerate(raws):
        path = element(at, index)
        table = read(EdgeTable, raw, at=path, into=into)
        if table is None:
            continue
        edge = edge_from(table, at=path, into=into)
        if edge.id in edges:
            into.add("E_DUPLICATE_EDGE_ID", key(path, "id"), f"there is another edge {edge.id}", allowed="unique ids")
        edges.setdefault(edge.id, edge)
    return tuple(edges.values())


def _boundaries(
    written: BoundaryTable, nodes: Mapping[NodeId, Node], edges: Sequence[Edge]
) -> Mapping[ItemClass, NodeId]:
    return {
        item_class: NodeId(getattr(written, item_class.value) or _default_boundary(default, nodes, edges))
        for item_class, default in _DEFAULT_BOUNDARIES.items()
    }


def _default_boundary(default: str, nodes: Mapping[NodeId, Node], edges: Sequence[Edge]) -> NodeId:
    """The node of that name, else of that behaviour, else the last terminal: people then stand up to the end."""
    if default in nodes:
        return NodeId(default)
    sources = {edge.source for edge in edges if edge.rework is None}
    alike = [node.id for node in nodes.values() if node.uses == default]
    ends = [node for node in nodes if node not in sources] or list(nodes)
    return alike[0] if alike else ends[-1]
