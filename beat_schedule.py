"""The whole schedule of beat: name, task, period, queue, expiry, and one sentence why (RUN-24)."""


def schedule(*, poll_s: float, sweep_s: float) -> dict[str, dict[str, object]]:
    """Return the schedule for these periods in seconds. A tick that waits longer than its period is dropped."""
    return {
        # New labels, comments and answers at gates are found here; webhooks only make it faster.
        "poll": _entry("tasks.upkeep.poll", every_s=poll_s),
        # A hint that was lost with a worker or a broker becomes a delay here instead of a stall.
        "sweep": _entry("tasks.upkeep.sweep", every_s=sweep_s),
    }


def _entry(task: str, *, every_s: float) -> dict[str, object]:
    return {"task": task, "schedule": every_s, "options": {"queue": "control", "expires": every_s}}
