"""Celery as the queue: its settings as one table, and hints sent by the name of their task."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from celery import Celery, chain, chord, group
from celery.canvas import Signature
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from cogworks.adapters.celery_sifting import OPTION, PutAside, only_logged
from cogworks.model.errors import DependencyUnavailable, FailureCategory
from cogworks.model.ids import Item, NodeRef

STEP_TASK = "tasks.pipeline.step"
WAKE_TASK = "tasks.pipeline.wake"
RUN_NODE_TASK = "tasks.pipeline.run_node"
CONTROL_QUEUE = "control"
PAYLOAD_VERSION = 1

# By name, for adapters do not know each other.
_RESULTS = "cogworks.adapters.celery_transport:UnheardResults"
_CONSUMER = "cogworks.adapters.celery_sifting:SiftingConsumer"
_SCHEDULER = "cogworks.adapters.celery_beat:LedScheduler"
_DAY_S = 24 * 3600


def celery_settings(
    redis_url: str,
    *,
    visibility_s: float = 120.0,
    soft_shutdown_s: float = 60.0,
    task_time_limit_s: float = 3660.0,
    put_aside: PutAside = only_logged,
) -> dict[str, object]:
    """Return Celery's whole configuration (20 section 12); the time limit is the longest node timeout plus 60 s.

    ``put_aside`` takes word of messages that a worker cannot read.
    """
    url = broker_url(redis_url)
    return {
        **_what_travels(),
        **_how_work_is_held(soft_shutdown_s, task_time_limit_s),
        **_how_redis_is_used(url, visibility_s, put_aside),
    }


def broker_url(redis_url: str) -> str:
    """Return ``redis_url`` as Celery writes it: ``unix:///path?db=1`` is ``redis+socket:///path?virtual_host=1``."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    options = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return f"redis+socket://{parts.path}?virtual_host={options.get('db', '0')}"


class CeleryQueue:
    """Implements Queue. ``trace_id`` names the trace that a message belongs to, sent as a header."""

    def __init__(self, app: Celery, *, trace_id: Callable[[], str | None] | None = None) -> None:
        self._app = app
        self._trace_id = trace_id

    def step(self, item: Item, *, hint: str) -> None:
        """Send one hint that the run may go on."""
        with _broker_errors():
            self._step(item, hint).apply_async()

    def run_nodes(self, item: Item, attempts: Sequence[tuple[NodeRef, int, str]]) -> None:
        """Dispatch attempts of ``(node, attempt, queue)``: one as a chain, several as a chord; each ends in a step."""
        if not attempts:
            return
        announce = len(attempts) > 1
        nodes = [self._node(item, ref, attempt, queue, announce) for ref, attempt, queue in attempts]
        after = self._step(item, "nodes_ended")
        canvas = chord(group(nodes, app=self._app), after, app=self._app) if announce else chain(*nodes, after)
        with _broker_errors():
            canvas.apply_async(link_error=self._wake(item))

    def _step(self, item: Item, hint: str) -> Signature:
        args, version = [item.repo, item.number, hint], {"version": PAYLOAD_VERSION}
        return self._signature(STEP_TASK, args, CONTROL_QUEUE, kwargs=version, ignore_result=True)

    def _wake(self, item: Item) -> Signature:
        payload = {"repo": item.repo, "work_item": item.number, "version": PAYLOAD_VERSION}
        return self._signature(WAKE_TASK, [payload], CONTROL_QUEUE, ignore_result=True)

    def _node(self, item: Item, ref: NodeRef, attempt: int, queue: str, announce: bool) -> Signature:
        args = [item.repo, item.number, ref.node, ref.swi, attempt]
        return self._signature(
            RUN_NODE_TASK,
            args,
            queue,
            kwargs={"announce": announce, "version": PAYLOAD_VERSION},
            # Celery counts a chord's members by their results; alone, nobody reads it.
            ignore_result=not announce,
        )

    def _signature(self, task: str, args: list[Any], queue: str, **options: Any) -> Signature:
        trace_id = self._trace_id() if self._trace_id else None
        if trace_id:
            options["headers"] = {"trace_id": trace_id}
        # Immutable: what ran before adds no argument.
        return self._app.signature(task, args=args, queue=queue, immutable=True, **options)


@contextmanager
def _broker_errors() -> Iterator[None]:
    try:
        yield
    except (OperationalError, RedisError) as error:
        text = f"the queue cannot be reached: {error}"
        category = FailureCategory.SERVICE_UNAVAILABLE
        raise DependencyUnavailable(text, category=category, retry_after_s=5.0) from error


def _what_travels() -> dict[str, object]:
    return {
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        "enable_utc": True,
        "timezone": "UTC",
        "task_default_queue": CONTROL_QUEUE,
        "task_routes": {
            STEP_TASK: {"queue": CONTROL_QUEUE},
            WAKE_TASK: {"queue": CONTROL_QUEUE},
            "tasks.upkeep.poll": {"queue": CONTROL_QUEUE},
            "tasks.upkeep.sweep": {"queue": CONTROL_QUEUE},
        },
        "beat_scheduler": _SCHEDULER,
        # Flower lives from these.
        "worker_send_task_events": True,
        "task_send_sent_event": True,
    }


def _how_work_is_held(soft_shutdown_s: float, task_time_limit_s: float) -> dict[str, object]:
    return {
        # A message goes away only when its work is done; claims refuse what comes twice.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        # What cannot be read is put aside, and its content is not logged.
        "worker_consumer": _CONSUMER,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_soft_shutdown_timeout": soft_shutdown_s,
        "worker_enable_soft_shutdown_on_idle": True,
        "task_time_limit": task_time_limit_s,
        # Our logs are set up by our own code.
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


def _how_redis_is_used(url: str, visibility_s: float, put_aside: PutAside) -> dict[str, object]:
    socket = {"socket_timeout": 30.0, "socket_keepalive": True, "health_check_interval": 25}
    return {
        "broker_url": url,
        "result_backend": f"{_RESULTS}+{url.removeprefix('redis+')}",
        "broker_transport_options": {
            **socket,
            "visibility_timeout": visibility_s,
            "unacked_restore_interval": min(5.0, visibility_s / 4),
            "unacked_restore_throttle": 1,
            # Who dies while restoring must not keep others from it for long.
            "unacked_mutex_expire": 30,
            OPTION: put_aside,
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_retry": True,
        "broker_connection_max_retries": None,
        # A lost hint costs one sweep; a caller that hangs costs its lease.
        "task_publish_retry_policy": {"max_retries": 2, "interval_start": 0.0, "interval_step": 0.2},
        "redis_socket_timeout": 30.0,
        # A unix socket has no keepalive, and redis-py refuses the option there.
        "redis_socket_keepalive": not url.startswith("redis+socket"),
        "redis_backend_health_check_interval": 25,
        "redis_retry_on_timeout": True,
        "result_expires": _DAY_S,
        "result_chord_expires": 7 * _DAY_S,
        "result_failure_expires": 7 * _DAY_S,
    }
