"""The graph of a run for those who only look: from the commit that its configuration was read at."""

from cogworks.engine.configuring import PIPELINE_FILE, Shipped
from cogworks.graph.definition import Graph
from cogworks.graph.parse import parse_pipeline
from cogworks.model.errors import ConfigError, NotFound
from cogworks.model.state import RunState
from cogworks.ports.github import GitHub


def graph_of_run(github: GitHub, state: RunState, *, shipped: Shipped) -> Graph:
    """Return the graph that ``state`` walks; the shipped one when its own file is gone or cannot be read any more."""
    usual = shipped.default_pipeline
    try:
        text = github.contents.file(state.repo, PIPELINE_FILE, ref=state.config_sha)
        found = parse_pipeline(text, file=PIPELINE_FILE, defaults=usual) if text is not None else usual
    except (ConfigError, NotFound):
        found = usual
    return found.pipelines.get(state.pipeline) or usual.pipelines[usual.default]
