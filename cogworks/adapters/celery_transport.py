"""Repairs of Celery on Redis: workers outlive its absence and odd messages, long tasks run once, nobody listens."""

import logging
import time
from collections.abc import Callable
from typing import Any

from celery import Celery, bootsteps, signals
from celery.backends.redis import RedisBackend, ResultConsumer
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from cogworks.adapters.celery_sifting import OPTION, SiftingRedis, only_logged, sifting_client

_LOG = logging.getLogger(__name__)
_REDIS_SCHEMES = ("redis", "rediss")


class GuardedChannel(kombu_redis.Channel):
    """A channel whose reconnection fails as one, so that a busy worker tries again instead of exiting."""

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        """Return the connection's parameters; raise redis' ConnectionError while there is no connection."""
        transport = self.connection
        if transport is None or transport.client is None:
            raise RedisConnectionError("the broker connection is gone")
        parameters: dict[str, Any] = super()._connparams(asynchronous=asynchronous)  # type: ignore[no-untyped-call]
        return parameters

    def _get_client(self) -> Callable[..., SiftingRedis]:
        """Return what makes this channel's clients: they keep from kombu what is no message."""
        super()._get_client()  # type: ignore[no-untyped-call]  # it checks the version of redis-py
        put_aside = self.connection.client.transport_options.get(OPTION, only_logged)
        return sifting_client(unfold=self._unfold, put_aside=put_aside)

    def _unfold(self, raw: bytes) -> None:
        """Take a message apart as its delivery will; raise what is wrong with it."""
        message = self.Message(loads(bytes_to_str(raw)), channel=self)  # type: ignore[no-untyped-call]
        _ = message.delivery_info["exchange"], message.delivery_info["routing_key"]


class GuardedTransport(kombu_redis.Transport):
    """Kombu's Redis transport with guarded channels."""

    Channel = GuardedChannel


class _NoListener(ResultConsumer):  # type: ignore[misc]  # celery ships no types
    def consume_from(self, task_id: str) -> None:
        """Subscribe to nothing."""

    def cancel_for(self, task_id: str) -> None:
        """End no subscription."""


class UnheardResults(RedisBackend):  # type: ignore[misc]  # celery ships no types
    """Keeps results, which chords count, without a subscription for each in its sender: nobody waits for one."""

    ResultConsumer = _NoListener


class VisibilityHeartbeat(bootsteps.StartStopStep):  # type: ignore[misc]  # celery ships no types
    """Tells the broker every quarter of the visibility timeout that this worker's messages are still at work.

    The timeout can then be short: messages of a dead worker come back soon, those of a long task do not.
    Only speed depends on it; a message that comes back too early is refused by its claim.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        self._timer_entry: Any = None
        super().__init__(consumer, **options)

    def start(self, consumer: Any) -> None:
        """Begin when the worker consumes."""
        visibility_s = consumer.app.conf.broker_transport_options["visibility_timeout"]
        self._timer_entry = consumer.timer.call_repeatedly(visibility_s / 4, _refresh_of, (consumer,))

    def stop(self, consumer: Any) -> None:  # noqa: ARG002 - celery's signature
        """End when the worker stops consuming, also before each reconnection."""
        if self._timer_entry is not None:
            self._timer_entry.cancel()
            self._timer_entry = None


def refresh_unacked(channel: Any) -> int:
    """Renew the time of every message that ``channel`` delivered and that is not acknowledged; return their number."""
    tags = [str(tag) for tag in channel.qos._delivered]
    if not tags:
        return 0
    with channel.conn_or_acquire() as client:
        # XX: what was acknowledged meanwhile must not come back.
        return int(client.zadd(channel.unacked_index_key, dict.fromkeys(tags, time.time()), xx=True, ch=True))


def install_repairs(app: Celery) -> None:
    """Make ``app`` use the guarded transport for Redis URLs and its workers send heartbeats.

    Kombu picks a transport by the URL's scheme, so the guard takes the place of its own in this process.
    """
    name = f"{GuardedTransport.__module__}:{GuardedTransport.__qualname__}"
    TRANSPORT_ALIASES.update(dict.fromkeys(_REDIS_SCHEMES, name))
    app.steps["consumer"].add(VisibilityHeartbeat)
    signals.before_task_publish.connect(_date, dispatch_uid="cogworks sent_at")


def _date(headers: dict[str, Any], **_: Any) -> None:
    """Write into each message when it was sent, so that a queue can tell how long its oldest one waits."""
    headers["sent_at"] = time.time()


def _refresh_of(consumer: Any) -> None:
    if consumer.task_consumer is None:
        return
    try:
        refresh_unacked(consumer.task_consumer.channel)
    except (RedisError, OSError) as error:
        # The worker's own loop reconnects; a heartbeat missed costs a refused redelivery at most.
        _LOG.warning("visibility heartbeat missed", extra={"error": str(error)})
