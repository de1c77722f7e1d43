"""Whether a run that is to go on still has the pipeline it began with (ENG-07)."""

from cogworks.engine.configuring import PIPELINE_FILE, Shipped, default_branch, read_config
from cogworks.engine.events import NewGraph
from cogworks.engine.run_config import RunConfig
from cogworks.model.errors import ConfigError, NotFound
from cogworks.model.ids import END_TO_END, NodeId, Sha
from cogworks.model.state import NodeStatus, RunState
from cogworks.ports.git import Git
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import Projection

_KEPT = (NodeStatus.COMPLETED, NodeStatus.ACTIVE, NodeStatus.AWAITING_APPROVAL)


def new_graph(
    git: Git, github: GitHub, projection: Projection, state: RunState, *, shipped: Shipped
) -> NewGraph | None:
    """Return the pipeline file at the head of the default branch when it differs from the run's own."""
    git.fetch(state.repo)
    head = git.branch_head(state.repo, default_branch(github, projection, state.repo))
    if head is None or head == state.config_sha:
        return None
    if git.read(state.repo, PIPELINE_FILE, ref=head) == _own(git, state):
        return None
    try:
        config = read_config(git, state.repo, ref=head, shipped=shipped)
    except ConfigError as error:
        first = str(error.problems[0]) if error.problems else error.message
        return NewGraph(config_sha=head, graph_hash="", problem=f"the new pipeline cannot be used: {first}")
    return _compared(state, config, head)


def _own(git: Git, state: RunState) -> bytes | None:
    try:
        return git.read(state.repo, PIPELINE_FILE, ref=state.config_sha)
    except NotFound:
        return None


def _compared(state: RunState, config: RunConfig, head: Sha) -> NewGraph:
    """Return the new graph, with what forbids to go on with it: a node that is done or at work is gone."""
    found = NewGraph(config_sha=head, graph_hash=config.pipeline.graph_hash)
    if state.pipeline not in config.pipeline.pipelines:
        return NewGraph(config_sha=head, graph_hash=found.graph_hash, problem=f"there is no pipeline {state.pipeline}")
    nodes = config.graph(state.pipeline).nodes
    everywhere = [*state.nodes.items(), *(pair for swi in state.sub_work_items for pair in swi.nodes.items())]
    kept: set[NodeId] = {node for node, at in everywhere if at.status in _KEPT and node != END_TO_END}
    gone = sorted(kept - set(nodes))
    if gone:
        problem = f"the new pipeline has no node {', '.join(gone)}, which this run has completed or is at work on"
        return NewGraph(config_sha=head, graph_hash=found.graph_hash, problem=problem)
    return found
