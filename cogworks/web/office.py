"""Everything that the web's handlers work with, built once per process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cogworks.bootstrap import Reading, celery_queue, deliveries, domain_services, reading, redis_problems, shipped
from cogworks.engine.configuring import Shipped
from cogworks.model.errors import Problem
from cogworks.model.ids import RepoName
from cogworks.ports.runtime import Queue
from cogworks.ports.services import DomainService
from cogworks.settings import Settings
from cogworks.telemetry.metrics import Metrics


class Deliveries(Protocol):
    """Remembers which webhook deliveries were taken."""

    def take(self, delivery_id: str) -> bool: ...
    def give_back(self, delivery_id: str) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What handlers use. ``secrets`` sign webhooks; ``console_token`` opens the API where loopback does not."""

    reading: Reading
    queue: Queue
    deliveries: Deliveries
    services: DomainService
    shipped: Shipped
    redis_problems: Callable[[], list[Problem]]
    repos: tuple[RepoName, ...]
    secrets: tuple[bytes, ...]
    console_token: str | None
    on_loopback: bool
    llm_key_is_set: bool
    metrics: Metrics = field(default_factory=Metrics)

    def close(self) -> None:
        """End every connection."""
        self.reading.close()
        self.deliveries.close()


def open_office(settings: Settings, *, on_loopback: bool) -> Office:
    """Return the office of this process; connects to nothing yet."""
    assert settings.redis_url is not None, "callers read settings with Need.REDIS"
    redis_url = settings.redis_url.get_secret_value()
    secrets = (settings.webhook_secret, settings.webhook_secret_old)
    token = settings.console_token
    return Office(
        reading=reading(settings),
        queue=celery_queue(settings),
        deliveries=deliveries(settings),
        services=domain_services(),
        shipped=shipped(settings),
        redis_problems=lambda: redis_problems(redis_url),
        repos=settings.repos,
        secrets=tuple(secret.get_secret_value().encode() for secret in secrets if secret is not None),
        console_token=None if token is None else token.get_secret_value(),
        on_loopback=on_loopback,
        llm_key_is_set=settings.llm_api_key is not None,
    )
