"""`health`: are the others there, and fit? (70 section 1, RB-01)."""

from pathlib import Path

from cogworks.bootstrap import domain_services, lookout, reading, redis_problems, shipped
from cogworks.cli.answer import Answer, Exit, Wrong
from cogworks.cli.options import Globals
from cogworks.cli.surroundings import operator
from cogworks.engine.fitness import Fitness, github_fitness, service_fitness
from cogworks.engine.installation import installation_fitness
from cogworks.engine.starting import UNREACHABLE
from cogworks.engine.watching import alerts_now
from cogworks.model.errors import ConfigError, Problem
from cogworks.model.services import Services
from cogworks.policy.services_file import parse_services
from cogworks.settings import Settings


def health(options: Globals, service_name: str | None, *, everything: bool) -> Answer:
    """Ask the registered domain services, or one of them; with ``everything`` also all others."""
    settings = operator(options)
    services = _registered(settings)
    chosen = [one for one in services.services if service_name in (None, one.name)]
    if service_name is not None and not chosen:
        known = ", ".join(one.name for one in services.services) or f"none; see {settings.domain_services_config}"
        wrong = Wrong(code="out_of_range", field="service", message=f"no service {service_name}", hint=known)
        return Answer(exit_code=Exit.WRONG_USAGE, errors=(wrong,))
    tokens = shipped(settings).service_tokens
    caller = domain_services()
    checks = [service_fitness(caller, one, token=tokens.get(one.token_variable or "")) for one in chosen]
    if everything:
        checks += _all_others(settings)
    return _verdict(checks)


def _verdict(checks: list[Fitness]) -> Answer:
    bad = [check for check in checks if check.trouble]
    return Answer(
        text="".join(check.line() for check in checks) or "no domain service is registered\n",
        data={"checks": [check.value() for check in checks]},
        exit_code=Exit.OTHER_SIDE if bad else Exit.DONE,
        errors=tuple(Wrong(code=one.code, field=one.name, message=one.trouble) for one in bad),
    )


def _registered(settings: Settings) -> Services:
    """Return the services that the file of this machine registers; none without a file (SVC-05)."""
    path = Path(settings.domain_services_config)
    try:
        return parse_services(path.read_bytes(), file=str(path))
    except FileNotFoundError:
        return Services()
    except OSError as error:
        problem = Problem(code="not_a_file", file=str(path), message=f"cannot be read: {error.strerror}")
        raise ConfigError(problems=(problem,)) from error


def _all_others(settings: Settings) -> list[Fitness]:
    redis = _redis(settings)
    cluster = [] if settings.redis_url is None or redis.code == UNREACHABLE else _cluster(settings)
    return [_github(settings), _model_key(settings), redis, *cluster]


def _cluster(settings: Settings) -> list[Fitness]:
    watch = lookout(settings)
    vitals = watch.pulse.vitals()
    return installation_fitness(vitals, alerts_now(watch, vitals), now=watch.clock.now())


def _github(settings: Settings) -> Fitness:
    if settings.github_token is None:
        return Fitness(name="github", trouble="COGWORKS_GITHUB_TOKEN is not set", code="missing_key")
    return github_fitness(reading(settings).github, settings.repos, every_right=True)


def _model_key(settings: Settings) -> Fitness:
    if settings.llm_api_key is None:
        return Fitness(name="model key", trouble="COGWORKS_LLM_API_KEY is not set", code="missing_key")
    return Fitness(name="model key", detail=f"set, for {settings.llm_api_url}")


def _redis(settings: Settings) -> Fitness:
    if settings.redis_url is None:
        return Fitness(name="redis", detail="none named: `process` starts a private one")
    problems = redis_problems(settings.redis_url.get_secret_value())
    if problems:
        return Fitness(name="redis", trouble="; ".join(one.message for one in problems), code=problems[0].code)
    return Fitness(name="redis", detail="answers, takes writes, evicts nothing")
