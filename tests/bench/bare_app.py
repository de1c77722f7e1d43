"""Plain Celery with our settings: tasks that do nothing. Found by ``celery -A tests.bench.bare_app``."""

import os

from celery import Celery

from cogworks.adapters.celery_queue import celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.adapters.redis_connection import connect
from tests.bench.done import DONE

URL = os.environ["COGWORKS_REDIS_URL"]
app = Celery("bare", set_as_current=False)
app.conf.update(celery_settings(URL))
install_repairs(app)
_CLIENT = connect(URL)


@app.task(name="bare.nothing")  # type: ignore[untyped-decorator]  # celery ships no types
def nothing() -> None:
    """Do nothing."""


@app.task(name="bare.last", ignore_result=True)  # type: ignore[untyped-decorator]  # celery ships no types
def last() -> None:
    """Say that everything before is done."""
    _CLIENT.rpush(DONE, "done")
