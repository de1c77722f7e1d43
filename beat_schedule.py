"""The whole schedule of beat: name, task, period, queue, expiry, and one sentence why (RUN-24)."""


def ticks(*, poll_s: float, sweep_s: float) -> list[dict[str, object]]:
    """Return all entries for these periods in seconds. A message older than its expiry is dropped: the next does it."""
    return [
        {
            "name": "poll",
            "task": "tasks.upkeep.poll",
            "period_s": poll_s,
            "queue": "control",
            "expires_s": poll_s,
            "why": "New labels, comments and answers at gates are found here; webhooks only make it faster.",
        },
        {
            "name": "sweep",
            "task": "tasks.upkeep.sweep",
            "period_s": sweep_s,
            "queue": "control",
            "expires_s": sweep_s,
            "why": "A hint that was lost becomes a delay here instead of a stall, and what stands still is said.",
        },
    ]


def schedule(*, poll_s: float, sweep_s: float) -> dict[str, dict[str, object]]:
    """Return the schedule as Celery reads it."""
    return {
        str(tick["name"]): {
            "task": tick["task"],
            "schedule": tick["period_s"],
            "options": {"queue": tick["queue"], "expires": tick["expires_s"]},
        }
        for tick in ticks(poll_s=poll_s, sweep_s=sweep_s)
    }
