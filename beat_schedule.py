"""The whole schedule of beat: name, task, period, queue, expiry, and one sentence why (RUN-24)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One entry. A message that waits longer than ``expires_s`` is dropped, for the next one does the same."""

    name: str
    task: str
    period_s: float
    queue: str
    expires_s: float
    why: str


def ticks(*, poll_s: float, sweep_s: float) -> tuple[Tick, ...]:
    """Return all entries for these periods in seconds."""
    return (
        Tick(
            name="poll",
            task="tasks.upkeep.poll",
            period_s=poll_s,
            queue="control",
            expires_s=poll_s,
            why="New labels, comments and answers at gates are found here; webhooks only make it faster.",
        ),
        Tick(
            name="sweep",
            task="tasks.upkeep.sweep",
            period_s=sweep_s,
            queue="control",
            expires_s=sweep_s,
            why="A hint that was lost becomes a delay here instead of a stall, and what stands still is said.",
        ),
    )


def schedule(*, poll_s: float, sweep_s: float) -> dict[str, dict[str, object]]:
    """Return the schedule as Celery reads it."""
    return {
        tick.name: {
            "task": tick.task,
            "schedule": tick.period_s,
            "options": {"queue": tick.queue, "expires": tick.expires_s},
        }
        for tick in ticks(poll_s=poll_s, sweep_s=sweep_s)
    }
