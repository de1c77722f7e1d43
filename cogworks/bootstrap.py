"""Plug things together: the only place that names adapters. One function builds everything; importing does nothing."""

import os
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import cast

from redis import Redis

from cogworks.adapters.anthropic_llm import AnthropicLlm
from cogworks.adapters.extension_client import ExtensionClient
from cogworks.adapters.git_mirror import GitMirrors
from cogworks.adapters.github_client import GitHubClient
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
from cogworks.nodes.template import Template, parse_template
from cogworks.policy.known_models import parse_known_models
from cogworks.policy.secrets import redact as redact_secrets
from cogworks.ports.bundle import Ports
from cogworks.ports.runtime import Queue
from cogworks.settings import Settings
from cogworks.telemetry.logs import Action, say, start_logs
from cogworks.telemetry.redaction import redactor
from cogworks.telemetry.sentry import EventFilter, start_sentry

_REDELIVERY_SHARE = 1.5


def build(settings: Settings, *, queue: Queue, log: Callable[[str, str], None]) -> House:
    """Return everything that turning the crank needs, from the operator's settings; connects to nothing yet."""
    assert settings.redis_url is not None, "callers read settings with Need.REDIS"
    client = connect(settings.redis_url.get_secret_value())
    return House(
        ports=_ports(settings, client, queue),
        shipped=shipped(settings),
        templates=shipped_templates(),
        owner=f"{socket.gethostname()}:{os.getpid()}",
        patience_s=_REDELIVERY_SHARE * settings.visibility_seconds,
        max_active_runs=settings.max_active_runs,
        log=log,
    )


def _ports(settings: Settings, client: Redis, queue: Queue) -> Ports:
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
        services=ExtensionClient(),
        leases=RedisLeases(client, lease_s=float(settings.lease_seconds)),
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
        service_tokens=_service_tokens(),
        approval_by_merge=settings.constitution_approval == "merge",
    )


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
