"""Plug things together: the only place that names adapters. One function builds everything; importing does nothing.

What is slow to import comes in where it is plugged: a person who asks for a status does not wait for the model's SDK.
"""

import os
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, cast

from redis import Redis

from cogworks.adapters.github_client import GitHubClient
from cogworks.adapters.memory_queue import RecordingQueue
from cogworks.adapters.memory_runtime import MemoryEtags
from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_etags import RedisEtags
from cogworks.adapters.redis_leases import RedisLeases
from cogworks.adapters.redis_ledger import RedisLedger
from cogworks.adapters.redis_memo import RedisMemo
from cogworks.adapters.redis_projection import RedisProjection
from cogworks.adapters.system_clock import RandomIds, SystemClock
from cogworks.engine.configuring import Shipped
from cogworks.engine.house import House
from cogworks.graph.definition import PipelineFile
from cogworks.graph.parse import parse_pipeline
from cogworks.model.audit import Actor, ActorKind
from cogworks.model.errors import ConfigError, Problem
from cogworks.nodes.template import Template, parse_template
from cogworks.policy.known_models import parse_known_models
from cogworks.policy.secrets import redact as redact_secrets
from cogworks.ports.bundle import Ports
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import Clock, Ids, Leases, Ledger, Projection, Queue
from cogworks.ports.services import DomainService
from cogworks.settings import Settings
from cogworks.telemetry.logs import Action, run_context, say, start_logs
from cogworks.telemetry.redaction import redactor

if TYPE_CHECKING:
    from cogworks.adapters.redis_deliveries import RedisDeliveries
    from cogworks.adapters.redis_start import EmbeddedRedis

_REDELIVERY_SHARE = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What commands that change nothing look through; the parts of Redis are None when none is named."""

    github: GitHub
    clock: Clock
    ids: Ids
    ledger: Ledger | None
    leases: Leases | None
    projection: Projection | None
    close: Callable[[], None]


def reading(settings: Settings) -> Reading:
    """Return what read-only commands need; connects to nothing yet."""
    assert settings.github_token is not None, "callers read settings with Need.GITHUB"
    client = None if settings.redis_url is None else connect(settings.redis_url.get_secret_value(), timeout_s=5.0)
    return Reading(
        github=GitHubClient(
            token=settings.github_token.get_secret_value(),
            base_url=settings.github_api_url,
            etags=MemoryEtags(),
            count=lambda _endpoint, _status: None,
        ),
        clock=SystemClock(),
        ids=RandomIds(),
        ledger=None if client is None else RedisLedger(client),
        leases=None if client is None else RedisLeases(client, lease_s=float(settings.lease_seconds)),
        projection=None if client is None else RedisProjection(client),
        close=(lambda: None) if client is None else client.close,
    )


def domain_services() -> DomainService:
    """Return the caller of domain services."""
    from cogworks.adapters.extension_client import ExtensionClient

    return ExtensionClient()


def redis_problems(redis_url: str) -> list[Problem]:
    """Return everything that keeps a Redis from being relied on; empty when it can be used."""
    from cogworks.adapters.redis_check import check_redis

    with connect(redis_url, timeout_s=5.0) as client:
        return check_redis(client)


def private_redis(folder: Path) -> "EmbeddedRedis":
    """Start a Redis of our own that keeps its data in ``folder``; the thread that started it stops it."""
    from cogworks.adapters.redis_start import start_redis

    return start_redis(folder=folder)


def celery_queue(settings: Settings) -> Queue:
    """Return the queue of the cluster, for doors that only send hints."""
    from celery import Celery

    from cogworks.adapters.celery_queue import CeleryQueue, celery_settings
    from cogworks.adapters.celery_transport import install_repairs

    assert settings.redis_url is not None, "callers read settings with Need.REDIS"
    app = Celery("cogworks", set_as_current=False)
    install_repairs(app)
    url = settings.redis_url.get_secret_value()
    app.conf.update(celery_settings(url, visibility_s=float(settings.visibility_seconds)))
    return CeleryQueue(app)


def deliveries(settings: Settings) -> "RedisDeliveries":
    """Return the memory of webhook deliveries."""
    from cogworks.adapters.redis_deliveries import RedisDeliveries

    assert settings.redis_url is not None, "callers read settings with Need.REDIS"
    return RedisDeliveries(connect(settings.redis_url.get_secret_value(), timeout_s=5.0))


def waiting_queue() -> RecordingQueue:
    """Return a queue in this process, for doors that do the work themselves."""
    return RecordingQueue()


def build(
    settings: Settings,
    *,
    queue: Queue,
    log: Callable[[str, str], None],
    kind: ActorKind = "worker",
    redis_is_private: bool = False,
) -> House:
    """Return everything that turning the crank needs, from the operator's settings; connects to nothing yet.

    ``kind`` says what this process is in the audit trail. ``redis_is_private``: nobody but this process can have
    used it, so that nothing has to settle after a start.
    """
    assert settings.redis_url is not None, "callers read settings with Need.REDIS"
    client = connect(settings.redis_url.get_secret_value())
    return House(
        ports=_ports(settings, client, queue, settle_s=0.0 if redis_is_private else None),
        shipped=shipped(settings),
        templates=shipped_templates(),
        actor=Actor(kind=kind, name=f"{socket.gethostname()}:{os.getpid()}"),
        patience_s=_REDELIVERY_SHARE * settings.visibility_seconds,
        max_active_runs=settings.max_active_runs,
        log=log,
        within=run_context,
    )


def _ports(settings: Settings, client: Redis, queue: Queue, *, settle_s: float | None) -> Ports:
    from cogworks.adapters.anthropic_llm import AnthropicLlm
    from cogworks.adapters.git_mirror import GitMirrors

    assert settings.github_token is not None, "callers read settings with Need.GITHUB"
    assert settings.llm_api_key is not None, "callers read settings with Need.LLM"
    token = settings.github_token.get_secret_value()
    return Ports(
        github=GitHubClient(
            token=token,
            base_url=settings.github_api_url,
            etags=RedisEtags(client),
            count=lambda _endpoint, _status: None,
        ),
        git=GitMirrors(work_dir(settings), remote_url=git_url(settings.github_api_url), token=token),
        llm=AnthropicLlm(api_key=settings.llm_api_key, base_url=settings.llm_api_url),
        services=domain_services(),
        leases=RedisLeases(client, lease_s=float(settings.lease_seconds), settle_s=settle_s),
        projection=RedisProjection(client),
        memo=RedisMemo(client),
        ledger=RedisLedger(client),
        queue=queue,
        clock=SystemClock(),
        ids=RandomIds(),
    )


def start_telemetry(settings: Settings) -> None:
    """Start logs, and Sentry when the operator names a DSN; every credential is hidden in both."""
    redact = redactor(settings.credentials(), detect=redact_secrets)
    start_logs(level=settings.log_level, form=settings.log_format, redact=redact)
    if settings.sentry_dsn is not None:
        from cogworks.telemetry.sentry import EventFilter, start_sentry

        start_sentry(
            settings.sentry_dsn.get_secret_value(),
            environment=settings.environment,
            release=version("cogworks"),
            events=EventFilter(redact=redact, monotonic=time.monotonic),
        )


def task_log(action: str, message: str) -> None:
    """Write one line about a run; ``action`` is one of 70 section 4."""
    say(message, action=cast("Action", action), result="success")


def work_dir(settings: Settings) -> Path:
    """Return the directory of mirrors and work trees; losing it costs a re-clone."""
    return settings.temp_dir or Path(tempfile.gettempdir()) / "cogworks"


def git_url(api_url: str) -> str:
    """Return where git clones from, for the address of an API: github.com, an enterprise host, or a twin."""
    if api_url == "https://api.github.com":
        return "https://github.com"
    return api_url.removesuffix("/api/v3")


def shipped(settings: Settings) -> Shipped:
    """Return the package's own data and the operator's choices that no repository can make."""
    return Shipped(
        default_pipeline=default_pipeline(),
        known_models=parse_known_models((files("cogworks.policy") / "known_models.toml").read_bytes()),
        services_file=settings.domain_services_config,
        services_text=_operators_services(settings.domain_services_config),
        service_tokens=_service_tokens(),
        approval_by_merge=settings.constitution_approval == "merge",
    )


def _operators_services(path: str) -> bytes | None:
    """Return the services file of the operator when its path is absolute; a relative one is the repository's."""
    if not Path(path).is_absolute():
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        problem = Problem(
            code="missing_file",
            file=path,
            field="COGWORKS_DOMAIN_SERVICES_CONFIG",
            message=f"cannot be read: {error.strerror}",
            allowed="an absolute path on this machine, or a path in the repository",
        )
        raise ConfigError(problems=(problem,)) from error


def default_pipeline() -> PipelineFile:
    """Return the pipeline that a repository without a file of its own gets."""
    text = (files("cogworks.graph") / "default.toml").read_bytes()
    return parse_pipeline(text, file="default.toml", defaults=None)


def shipped_templates() -> Mapping[str, Template]:
    """Return the package's prompt templates by name."""
    found = sorted((files("cogworks.nodes") / "prompts").iterdir(), key=lambda one: one.name)
    parsed = [
        parse_template(one.read_text(encoding="utf-8"), file=one.name) for one in found if one.name.endswith(".md")
    ]
    return {template.name: template for template in parsed}


def _service_tokens() -> Mapping[str, str]:
    """Return variables that a services file may name as holding a token; our own are never among them."""
    own = ("COGWORKS_", "FLOWER_")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}
