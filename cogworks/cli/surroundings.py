"""What a command works with: the operator's settings as this call changes them, and a house to work in."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from cogworks.bootstrap import (
    Reading,
    build,
    celery_queue,
    private_redis,
    reading,
    start_telemetry,
    task_log,
    waiting_queue,
    work_dir,
)
from cogworks.cli.options import Globals
from cogworks.cli.progress import wants_live
from cogworks.engine.house import House
from cogworks.model.errors import ConfigError, Problem
from cogworks.settings import Need, Settings, read_settings
from cogworks.telemetry.logs import say


def operator(options: Globals, *needs: Need) -> Settings:
    """Return the settings of this call; raise ConfigError that names everything missing."""
    settings = read_settings(needs=needs)
    if Need.GITHUB in needs and settings.github_token is None:
        message = "acting as a GitHub App is not built in yet; set a token beside it"
        problem = Problem(code="missing_key", file="environment", field="COGWORKS_GITHUB_TOKEN", message=message)
        raise ConfigError(problems=(problem,))
    level = options.log_level or ("error" if options.quiet else None)
    return settings.model_copy(update={"log_level": level}) if level else settings


def onlooker(options: Globals) -> Reading:
    """Return what commands that change nothing look through."""
    return reading(operator(options, Need.GITHUB))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """A house to work in. ``alone``: only this process can use its Redis; a lease that is held is a dead one's."""

    house: House
    alone: bool
    lease_s: float


@contextmanager
def workplace(options: Globals, *, key: str) -> Iterator[Workplace]:
    """Return a place for work in this process, on the operator's Redis or on one of our own for ``key`` (CLI-06)."""
    settings = operator(options, Need.GITHUB, Need.LLM)
    lease_s = float(settings.lease_seconds)
    if wants_live(options) and options.log_level is None:
        # The live line tells a person what the log would.
        settings = settings.model_copy(update={"log_level": "warning", "log_format": "text"})
    start_telemetry(settings)
    if settings.redis_url is not None:
        house = build(settings, queue=waiting_queue(), log=task_log, kind="cli")
        yield Workplace(house=house, alone=False, lease_s=lease_s)
        return
    say(
        "COGWORKS_REDIS_URL is not set: a private Redis is used, and only the label guards against other hosts",
        action="lock",
        level="warning",
    )
    # Short, because a socket's path has to be.
    folder = _made(work_dir(settings) / "redis" / hashlib.sha256(key.encode()).hexdigest()[:12])
    with private_redis(folder) as server:
        settings = settings.model_copy(update={"redis_url": SecretStr(server.url)})
        house = build(settings, queue=waiting_queue(), log=task_log, kind="cli", redis_is_private=True)
        yield Workplace(house=house, alone=True, lease_s=lease_s)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message, allowed = f"{folder} cannot be made: {error.strerror}", "a folder that this user may write to"
        problem = Problem(
            code="not_a_folder", file="environment", field="COGWORKS_TEMP_DIR", message=message, allowed=allowed
        )
        raise ConfigError(problems=(problem,)) from error
    return folder


def dispatcher(options: Globals) -> House:
    """Return a house whose steps are taken by the workers of the cluster."""
    settings = operator(options, Need.GITHUB, Need.LLM, Need.REDIS)
    start_telemetry(settings)
    return build(settings, queue=celery_queue(settings), log=task_log, kind="cli")
