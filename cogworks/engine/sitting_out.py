"""Sit a rate limit out where a person waits at a command line; nobody else sleeps such a wait (RUN-05, GH-41).

Workers leave it to the run's state or, while GitHub takes nothing, to Redis.
"""

from cogworks.engine.configuring import read_config
from cogworks.engine.house import House
from cogworks.engine.turn import StepReport, StepResult
from cogworks.model.config import Config, GitHubRules, LlmRateLimit
from cogworks.model.errors import DependencyUnavailable
from cogworks.model.state import RunStatus, WaitReason

_RATE_LIMIT = "rate_limit"


def sit_out(house: House, report: StepReport) -> bool:
    """Sleep until a limit lifts, where the configuration lets the command line wait so long; tell whether it did."""
    seconds = _limited_for_s(house, report)
    if seconds is None or seconds > _longest_s(house, report):
        return False
    house.log("task", f"a rate limit is waited for: {seconds:.0f} s")
    house.ports.clock.sleep(seconds)
    return True


def _limited_for_s(house: House, report: StepReport) -> float | None:
    """Return how long a limit keeps the run from going on; None when something else does."""
    error, state = report.error, report.state
    if isinstance(error, DependencyUnavailable):
        return error.retry_after_s if error.reason == _RATE_LIMIT else None
    if report.result is StepResult.UNAVAILABLE or state is None or state.status is not RunStatus.WAITING:
        return None
    wait = state.wait
    if wait is None or wait.reason is not WaitReason.RATE_LIMIT or wait.until is None:
        return None
    return max(0.0, (wait.until - house.ports.clock.now()).total_seconds())


def _longest_s(house: House, report: StepReport) -> float:
    """Return how long a wait may be slept: GitHub's own bound while it takes nothing, else the model provider's."""
    state = report.state
    config: Config | None = None
    if state is not None:
        config = read_config(house.ports.git, state.repo, ref=state.config_sha, shipped=house.shipped).config
    if report.error is not None or house.ports.quota.rests_s():
        rules = GitHubRules() if config is None else config.github
        return rules.max_wait_minutes * 60.0
    return (LlmRateLimit() if config is None else config.llm_rate_limit).halt_threshold_minutes * 60.0
