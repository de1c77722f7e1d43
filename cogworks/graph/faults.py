"""Findings about a pipeline file, gathered so that all are shown at once (ENG-06)."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from difflib import get_close_matches

from cogworks.graph.definition import Edge, Graph
from cogworks.model.errors import Problem
from cogworks.model.ids import NodeId

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with one file so far; filled by whoever looks at a part of it."""

    file: str
    found: list[Problem] = field(default_factory=list)

    def add(self, code: str, at: str, message: str, *, allowed: str = "") -> None:
        """Note one fault at the path ``at`` in the file."""
        self.found.append(Problem(code=code, file=self.file, field=at, message=message, allowed=allowed))


def key(at: str, name: str) -> str:
    """Return the path of key ``name`` in the table at ``at``; the name is quoted where TOML needs it."""
    shown = name if _BARE_KEY.fullmatch(name) else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{at}.{shown}" if at else shown


def element(at: str, index: int) -> str:
    """Return the path of one element of the array at ``at``."""
    return f"{at}[{index}]"


def node_at(graph: Graph, at: str, node: NodeId) -> str:
    """Return the path of ``node`` in the pipeline at ``at``."""
    return element(key(at, "nodes"), tuple(graph.nodes).index(node))


def edge_at(graph: Graph, at: str, edge: Edge) -> str:
    """Return the path of ``edge`` in the pipeline at ``at``."""
    return element(key(at, "edges"), graph.edges.index(edge))


def nearest(name: str, known: Collection[str]) -> str:
    """Return a question that offers the known name closest to ``name``, or nothing."""
    close = get_close_matches(name, sorted(known), n=1)
    return f", did you mean {close[0]}?" if close else ""


def listed(names: Collection[str]) -> str:
    """Return ``names`` as one readable list, in the order given."""
    return ", ".join(names)
