"""Each worker process gives a sign of life between its tasks, and what it is given to do then it does."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from celery import Celery, bootsteps, signals
from celery.worker import state

from cogworks.model.pulse import WorkerSign

SIGN_EVERY_S = 15.0

Give = Callable[[WorkerSign], None]


class WorkerPulse(bootsteps.StartStopStep):  # type: ignore[misc]  # celery ships no types
    """Gives a sign when the worker begins to consume and every quarter of a minute from then on."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        self._timer_entry: Any = None
        super().__init__(consumer, **options)

    def start(self, consumer: Any) -> None:
        """Begin when the worker consumes."""
        every_s = consumer.app.sign_every_s
        self._timer_entry = consumer.timer.call_repeatedly(every_s, consumer.app.give_sign, (consumer,))
        consumer.timer.call_after(0, consumer.app.give_sign, (consumer,))

    def stop(self, consumer: Any) -> None:  # noqa: ARG002 - celery's signature
        """End when the worker stops consuming, also before each reconnection."""
        if self._timer_entry is not None:
            self._timer_entry.cancel()
            self._timer_entry = None


class _Signs:
    """Remembers when this worker last took a message of each queue."""

    def __init__(self, give: Give) -> None:
        self._give = give
        self._taken: dict[str, datetime] = {}

    def note(self, request: Any = None, **_: Any) -> None:
        """Note that a message was taken."""
        queue = (getattr(request, "delivery_info", None) or {}).get("routing_key")
        if queue:
            self._taken[str(queue)] = datetime.now(UTC)

    def give(self, consumer: Any) -> None:
        """Say how this worker is."""
        sign = WorkerSign(
            name=str(consumer.hostname),
            queues=tuple(sorted(consumer.app.amqp.queues.consume_from)),
            seen_at=datetime.now(UTC),
            busy=len(state.active_requests),
            slots=int(consumer.controller.concurrency or 1),
            taken=dict(self._taken),
        )
        self._give(sign)


def install_pulse(app: Celery, give: Give, *, every_s: float = SIGN_EVERY_S) -> None:
    """Make workers of ``app`` call ``give`` with a sign of life, in the process that consumes."""
    signs = _Signs(give)
    app.give_sign, app.sign_every_s = signs.give, every_s
    signals.task_received.connect(signs.note, weak=False)
    app.steps["consumer"].add(WorkerPulse)
