"""Tasks of a run: decide (``step``), do node work (``run_node``), wake after a broken canvas (``wake``)."""

from cogworks.engine.attempt import run_attempt
from cogworks.engine.turn import patient_step
from cogworks.model.ids import IssueNumber, Item, NodeId, NodeRef, RepoName, SwiOrdinal
from cogworks.telemetry.logs import run_context
from tasks.celery import app, house


@app.task(name="tasks.pipeline.step", ignore_result=True)
def step(repo: str, work_item: int, hint: str) -> str:
    """Take one step for a work item; the only task that decides."""
    with run_context(repo=repo, pipeline_id=work_item):
        return patient_step(house(), Item(RepoName(repo), IssueNumber(work_item)), hint=hint).result.value


@app.task(name="tasks.pipeline.run_node")
def run_node(repo: str, work_item: int, node: str, swi: int | None, attempt: int, *, announce: bool = False) -> str:
    """Run one attempt; never raises for the work itself. In a chord each member announces its own end."""
    item = Item(RepoName(repo), IssueNumber(work_item))
    ref = NodeRef(NodeId(node), None if swi is None else SwiOrdinal(swi))
    with run_context(repo=repo, pipeline_id=work_item, node=node, sub_work_item=swi, attempt=attempt):
        result = run_attempt(house(), item, ref, attempt)
    if announce:
        house().ports.queue.step(item, hint=f"{ref}: {result}")
    return result


@app.task(name="tasks.pipeline.wake", ignore_result=True)
def wake(payload: dict[str, object]) -> None:
    """Enqueue a step after a canvas broke; Celery's error callbacks take exactly one argument."""
    item = Item(RepoName(str(payload["repo"])), IssueNumber(int(str(payload["work_item"]))))
    house().ports.queue.step(item, hint="wake")
