"""`GET /readyz`: can this installation work now? One line for each check (70 section 12)."""

from collections.abc import Callable, Iterator
from pathlib import Path

from cogworks.engine.checking import check_repository
from cogworks.engine.fitness import github_fitness, service_fitness
from cogworks.engine.watching import alerts_now
from cogworks.model.errors import CogWorksError, ConfigError
from cogworks.model.ids import RepoName
from cogworks.policy.services_file import parse_services
from cogworks.web.office import Office

Checks = dict[str, str]
OK = "ok"


def readiness(office: Office) -> Checks:
    """Return ``ok`` or the reason for each check."""
    found = {
        "redis": _first(problem.message for problem in office.redis_problems()),
        "github": github_fitness(office.reading.github, office.repos, every_right=False).trouble or OK,
        "llm_key": OK if office.llm_key_is_set else "COGWORKS_LLM_API_KEY is not set",
    }
    found["alerts"] = _asked(lambda: _alerts(office))
    for repo in office.repos:
        found[f"config {repo}"] = _config(office, repo)
    return {**found, **_services(office)}


def _alerts(office: Office) -> str:
    """Return what keeps everybody's work from going on; a single run that stands still is no reason to be unready."""
    lookout = office.reading.lookout
    assert lookout is not None, "serve needs Redis"
    everybodys = [alert for alert in alerts_now(lookout) if "#" not in alert.about]
    return "; ".join(f"{alert.about}: {alert.reason}" for alert in everybodys) or OK


def _first(reasons: Iterator[str]) -> str:
    return next(reasons, OK)


def _config(office: Office, repo: RepoName) -> str:
    return _asked(lambda: _problems_of(office, repo))


def _problems_of(office: Office, repo: RepoName) -> str:
    found = check_repository(office.reading.github, repo, ref=None, shipped=office.shipped)
    return "; ".join(str(problem) for problem in found.problems) or OK


def _services(office: Office) -> Checks:
    """Return the services that the operator's own file registers; those of repositories are greeted by each run."""
    path = Path(office.shipped.services_file)
    try:
        registered = parse_services(path.read_bytes(), file=str(path))
    except FileNotFoundError:
        return {}
    except (OSError, ConfigError) as error:
        return {"services": str(error)}
    tokens = office.shipped.service_tokens
    return {
        f"service {one.name}": service_fitness(office.services, one, token=tokens.get(one.token_variable or "")).trouble
        or OK
        for one in registered.services
    }


def _asked(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except CogWorksError as error:
        return error.message or error.code
