"""Say an alert where operators look: in the log, and in Sentry when it is one of those that go there (70 section 9)."""

from collections.abc import Callable

from cogworks.model.pulse import Alert, AlertKind
from cogworks.telemetry.logs import say

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
