"""The Celery application: ``celery -A tasks``. Finding it is the one import effect that the house permits."""

from collections.abc import Mapping
from functools import cache

from celery import Celery, Task, signals

from beat_schedule import schedule
from cogworks.adapters.celery_beat import install_lead
from cogworks.adapters.celery_pulse import install_pulse
from cogworks.adapters.celery_queue import PAYLOAD_VERSION, CeleryQueue, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.bootstrap import (
    beat_lead,
    build,
    letterbox,
    lookout,
    require_redis,
    require_token,
    start_telemetry,
)
from cogworks.engine.house import Alarm, House
from cogworks.engine.watching import Lookout, give_sign
from cogworks.model.errors import ConfigError
from cogworks.settings import Need, Settings, read_settings
from cogworks.telemetry.alarms import alarms
from cogworks.telemetry.logs import current_context, run_context, say, task_log

NEWER_VERSION = "newer_version"


class TracedTask(Task):  # type: ignore[misc]  # celery ships no types
    """A task whose log lines carry its own facts, and the trace that its message belongs to.

    A message of a newer release, whatever else it holds, is dropped: the sweep sends it again, and by then to a worker
    that knows it (DEP-02). Its version is the argument of that name, or in the one argument of an error callback.
    """

    abstract = True
    # Arguments are checked where they arrive: a sender does not know what a newer worker takes.
    typing = False

    def __call__(self, *args: object, version: int = 1, **kwargs: object) -> object:
        """Run the task inside its context."""
        request = self.request
        facts = {"task_id": request.id, "task": self.name, "worker": request.hostname}
        sent_by = (request.headers or {}).get("trace_id")
        queue = (request.delivery_info or {}).get("routing_key")
        with run_context(**facts, queue=queue, **({"trace_id": sent_by} if sent_by else {})):
            if max(version, *map(_version_in, args), 1) > PAYLOAD_VERSION:
                task_log("task", f"{self.name}: dropped, for its message is of a newer release")
                return NEWER_VERSION
            return super().__call__(*args, **kwargs)


def _version_in(argument: object) -> int:
    found = argument.get("version") if isinstance(argument, dict) else None
    return found if isinstance(found, int) else 1


app = Celery("cogworks", include=["tasks.pipeline", "tasks.upkeep"], task_cls=TracedTask)
install_repairs(app)


def _configuration() -> dict[str, object]:
    """Return the whole configuration, read from the environment when Celery first needs it."""
    settings = _settings()
    assert settings.redis_url is not None, "Need.REDIS was read"
    return {
        **celery_settings(
            settings.redis_url.get_secret_value(),
            visibility_s=float(settings.visibility_seconds),
            put_aside=letterbox(settings),
        ),
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
def _lookout() -> Lookout:
    return lookout(_settings())


@cache
def _alarm() -> Alarm:
    return alarms()


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
    _telemetry()


@cache
def _telemetry() -> None:
    start_telemetry(_settings())


@signals.celeryd_init.connect
@signals.beat_init.connect
def _check(options: Mapping[str, object] | None = None, **_: object) -> None:
    """Let no worker and no beat begin on a Redis that cannot be relied on, nor steps without rights; exit 2."""
    _telemetry()
    try:
        require_redis(_settings())
        if "control" in str((options or {}).get("queues")):
            # The worker that takes the steps asks for all.
            require_token(_settings())
    except ConfigError as error:
        say(str(error), action="task", result="failure", level="error")
        raise SystemExit(2) from error


app.add_defaults(_configuration)
install_lead(app, lambda: beat_lead(_settings()))
install_pulse(app, lambda sign: give_sign(_lookout(), sign, _alarm()))
