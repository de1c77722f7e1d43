"""Everything that steers a run, as read at one commit of the default branch."""

from dataclasses import dataclass

from cogworks.graph.definition import Graph, Node, PipelineFile
from cogworks.model.config import Config
from cogworks.model.ids import NodeRef, Sha
from cogworks.model.services import Services
from cogworks.nodes.closing import CLOSING


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """The parsed ``.cogworks`` files with the commit that they came from."""

    config: Config
    pipeline: PipelineFile
    services: Services
    config_sha: Sha

    def graph(self, name: str) -> Graph:
        """Return the pipeline called ``name``; KeyError when the file defines none."""
        return self.pipeline.pipelines[name]


def node_of(graph: Graph, ref: NodeRef) -> Node:
    """Return the definition of a node instance; the closing check is a node of every graph."""
    return CLOSING if ref.node == CLOSING.id else graph.nodes[ref.node]
