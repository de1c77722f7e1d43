"""The Celery application: ``celery -A tasks``. Finding it is the one import effect that the house permits."""

from functools import cache

from celery import Celery, Task, signals

from beat_schedule import schedule
from cogworks.adapters.celery_queue import PAYLOAD_VERSION as PAYLOAD_VERSION
from cogworks.adapters.celery_queue import CeleryQueue, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.bootstrap import build, start_telemetry, task_log
from cogworks.engine.house import House
from cogworks.settings import Need, Settings, read_settings
from cogworks.telemetry.logs import current_context, run_context


class TracedTask(Task):  # type: ignore[misc]  # celery ships no types
    """A task whose log lines carry its own facts, and the trace that its message belongs to."""

    abstract = True

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Run the task inside its context."""
        request = self.request
        facts = {"task_id": request.id, "task": self.name, "worker": request.hostname}
        sent_by = (request.headers or {}).get("trace_id")
        queue = (request.delivery_info or {}).get("routing_key")
        with run_context(**facts, queue=queue, **({"trace_id": sent_by} if sent_by else {})):
            return super().__call__(*args, **kwargs)


app = Celery("cogworks", include=["tasks.pipeline", "tasks.upkeep"], task_cls=TracedTask)
install_repairs(app)


def _configuration() -> dict[str, object]:
    """Return the whole configuration, read from the environment when Celery first needs it."""
    settings = _settings()
    assert settings.redis_url is not None, "Need.REDIS was read"
    return {
        **celery_settings(settings.redis_url.get_secret_value(), visibility_s=float(settings.visibility_seconds)),
        "beat_schedule": schedule(poll_s=settings.poll_interval, sweep_s=settings.sweep_seconds),
    }


@cache
def _settings() -> Settings:
    return read_settings(needs=(Need.REDIS, Need.GITHUB, Need.LLM))


def _trace() -> str | None:
    """Return the trace that this process is at work on, which its messages go on with."""
    trace_id = current_context().get("trace_id")
    return None if trace_id is None else str(trace_id)


@cache
def house() -> House:
    """Return this process's house, built on first use: prefork children each build their own."""
    return build(_settings(), queue=CeleryQueue(app, trace_id=_trace), log=task_log)


@cache
def settings() -> Settings:
    """Return this process's settings."""
    return _settings()


@signals.setup_logging.connect
def _start_telemetry(**_: object) -> None:
    """Send every line of the worker through our own logs; Celery then leaves logging alone."""
    start_telemetry(_settings())


app.add_defaults(_configuration)
