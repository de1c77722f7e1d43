"""Tasks that beat sends: look for work (``poll``), find what is stuck (``sweep``)."""

from cogworks.engine.polling import poll as poll_repository
from cogworks.engine.recover import sweep as sweep_runs
from cogworks.model.errors import CogWorksError
from tasks.celery import app, house, settings


@app.task(name="tasks.upkeep.poll", ignore_result=True)
def poll() -> int:
    """Poll every configured repository; one that fails does not keep the others waiting."""
    enqueued = 0
    for repo in settings().repos:
        try:
            enqueued += len(poll_repository(house(), repo).enqueued)
        except CogWorksError as error:
            house().log("task", f"poll of {repo} failed: {error.code}: {error.message}")
    return enqueued


@app.task(name="tasks.upkeep.sweep", ignore_result=True)
def sweep() -> int:
    """Step every open run that has work and no owner."""
    return len(sweep_runs(house()).stepped)
