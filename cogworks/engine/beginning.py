"""The first step of a run: a state out of nothing, once everything that steers it is known to be sound."""

from cogworks.engine.run_config import RunConfig
from cogworks.model.github import Issue
from cogworks.model.ids import Item, RunId
from cogworks.model.state import SCHEMA_VERSION, Cursor, ItemClass, RunCost, RunState

_NOTHING_READ = Cursor()


def new_run(
    item: Item, issue: Issue, config: RunConfig, *, run_id: RunId, restart_no: int = 0, cursor: Cursor = _NOTHING_READ
) -> RunState:
    """Return the state of a run that has not started anything; intake comes from the default pipeline (ENG-08)."""
    pipeline = config.pipeline.default
    graph = config.graph(pipeline)
    budgets = config.config.budgets
    return RunState(
        schema_version=SCHEMA_VERSION,
        run_id=run_id,
        restart_no=restart_no,
        cursor=cursor,
        repo=item.repo,
        work_item=issue.number,
        pipeline=pipeline,
        graph_hash=config.pipeline.graph_hash,
        config_sha=config.config_sha,
        boundary=graph.boundaries[ItemClass.STANDARD],
        cost=RunCost(limit_microusd=budgets.pipeline_max_cost, limit_tokens=budgets.pipeline_max_tokens),
    )
