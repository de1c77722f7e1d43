"""Say alerts and dead letters where operators look: in the log, and in Sentry those that go there (70 section 9)."""

import time
from collections.abc import Callable

from cogworks.model.dead_letter import DeadLetter
from cogworks.model.pulse import Alert, AlertKind
from cogworks.policy.dead_letters import wakes
from cogworks.telemetry.logs import run_context, say

_SENT = {AlertKind.BEAT_SILENT: "beat has been silent for five minutes"}
"""Kinds that go to Sentry, by the fixed sentence that does; the item stays in the log."""

_AGAIN_AFTER_S = 3600.0


class Alarms:
    """Says each alert at most once an hour, also while Redis cannot remember that it was said.

    ``report`` sends a fixed sentence to Sentry.
    """

    def __init__(self, *, monotonic: Callable[[], float], report: Callable[[str], object]) -> None:
        self._monotonic, self._report = monotonic, report
        self._said: dict[str, float] = {}

    def say(self, alert: Alert) -> None:
        """Log the alert as a warning."""
        now = self._monotonic()
        said = self._said.get(alert.name)
        if said is not None and now - said < _AGAIN_AFTER_S:
            return
        self._said[alert.name] = now
        say(alert.line(), action="task", result="failure", level="warning")
        if alert.kind in _SENT:
            self._report(_SENT[alert.kind])


def alarms() -> Callable[[Alert], None]:
    """Return what says the alerts of this process."""
    return Alarms(monotonic=time.monotonic, report=_to_sentry).say


def letter_report(*, to_sentry: bool) -> Callable[[DeadLetter], str]:
    """Return what tells operators of a new dead letter and answers the id of its Sentry event, empty without one."""

    def report(letter: DeadLetter) -> str:
        what = f"dead letter: {letter.reason} at {letter.stage}"
        say(f"{what}: {letter.key}", action="dlq", result="failure", level="warning")
        if not to_sentry or not wakes(letter.reason):
            return ""
        about = {"node": letter.node, "sub_work_item": letter.swi, "attempt": letter.attempt, "run_id": letter.run}
        with run_context(**about, error_code=letter.error.code):
            return _to_sentry(what)

    return report


def _to_sentry(sentence: str) -> str:
    # Slow to import, and most installations never say anything there.
    from cogworks.telemetry.sentry import report_message

    return report_message(sentence) or ""
