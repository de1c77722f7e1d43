"""The Celery application: ``celery -A tasks``. Finding it is the one import effect that the house permits."""

from functools import cache

from celery import Celery, signals

from beat_schedule import schedule
from cogworks.adapters.celery_queue import PAYLOAD_VERSION as PAYLOAD_VERSION
from cogworks.adapters.celery_queue import CeleryQueue, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.bootstrap import build, start_telemetry, task_log
from cogworks.engine.house import House
from cogworks.settings import Need, Settings, read_settings

app = Celery("cogworks", include=["tasks.pipeline", "tasks.upkeep"])
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


@cache
def house() -> House:
    """Return this process's house, built on first use: prefork children each build their own."""
    return build(_settings(), queue=CeleryQueue(app), log=task_log)


@cache
def settings() -> Settings:
    """Return this process's settings."""
    return _settings()


@signals.setup_logging.connect
def _start_telemetry(**_: object) -> None:
    """Send every line of the worker through our own logs; Celery then leaves logging alone."""
    start_telemetry(_settings())


app.add_defaults(_configuration)
