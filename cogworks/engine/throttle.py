"""What the limits of others mean for us: when to look for work, when to begin something new, when to sit a wait out."""

from cogworks.engine.configuring import read_config
from cogworks.engine.house import House
from cogworks.engine.turn import StepReport, StepResult
from cogworks.model.config import Config, GitHubRules, LlmRateLimit
from cogworks.model.errors import DependencyUnavailable
from cogworks.model.ids import RepoName
from cogworks.model.state import RunStatus, WaitReason
from cogworks.ports.bundle import Ports
from cogworks.ports.limits import Pressure

_PASSED_OVER = "passed-over"
_TIGHT = frozenset({Pressure.LOW, Pressure.PAUSED})
_RATE_LIMIT = "rate_limit"


def nothing_new(ports: Ports) -> str:
    """Return why no run may begin now, or an empty text; what runs already goes on (20 section 11)."""
    github = ports.quota.admits()
    if github:
        return github
    model = ports.permits.standing(low_water=LlmRateLimit().low_water_fraction)
    if model.pressure not in _TIGHT:
        return ""
    if model.pressure is Pressure.PAUSED:
        return f"the model provider's rate limit: nothing is sent for {model.paused_s:.0f} s"
    return f"the model provider's rate limit: {model.remaining} of {model.limit} {model.kind} are left"


def may_poll(house: House, repo: RepoName) -> bool:
    """Tell whether to ask GitHub for news: not while it takes nothing, every second time while little is left."""
    quota, projection = house.ports.quota, house.ports.projection
    if quota.rests_s():
        return False
    if not quota.admits():
        return True
    pass_over = projection.cursor(repo, _PASSED_OVER) != "yes"
    projection.move_cursor(repo, _PASSED_OVER, "yes" if pass_over else "no")
    return not pass_over


def sit_out(house: House, report: StepReport) -> bool:
    """Sleep until a limit lifts, where the configuration allows the command line to; tell whether it was (RUN-05).

    Nobody else sleeps such a wait: workers leave it to the state, or while GitHub takes nothing to Redis.
    """
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
