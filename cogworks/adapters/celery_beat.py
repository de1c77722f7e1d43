"""Beat with a leader: of several beats one sends, the others stand by and write nothing (RUN-24)."""

import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

from celery import Celery
from celery.beat import Scheduler

from cogworks.model.errors import DependencyUnavailable

_LOG = logging.getLogger(__name__)
_ASKED_EVERY_S = 5.0


class Lead(Protocol):
    """Who may act."""

    def acts(self) -> bool:
        """Take or keep the lead and note the tick; False while another beat leads."""
        ...

    def resign(self) -> None: ...


class LedScheduler(Scheduler):  # type: ignore[misc]  # celery ships no types
    """Sends what is due only while it leads. It keeps no file: after a take-over everything overdue is sent once."""

    def __init__(self, app: Celery, *args: Any, **options: Any) -> None:
        self._leads: bool | None = None
        super().__init__(app, *args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        """Send one entry that is due, if this beat leads; return how long to sleep."""
        pause_s: float = self.app.beat_pause_s
        if not self._acts():
            return pause_s
        due_s: float = super().tick(*args, **options)
        return min(due_s, pause_s)

    def close(self) -> None:
        """End in order: the beat that stands by, or the next one, need not wait for the lease to run out."""
        super().close()
        if self._leads:
            try:
                self._lead.resign()
            except DependencyUnavailable as error:
                _LOG.warning("beat could not resign: %s", error.message)

    @cached_property
    def _lead(self) -> Lead:
        lead: Lead = self.app.beat_lead()
        return lead

    def _acts(self) -> bool:
        try:
            leads = self._lead.acts()
        except DependencyUnavailable as error:
            # Nobody could be told anything now; the next look may find Redis again.
            _LOG.warning("beat cannot ask who leads: %s", error.message)
            leads = False
        if leads != self._leads:
            _LOG.info("beat leads" if leads else "beat stands by: another one leads, or Redis is away")
            self._leads = leads
        return leads


def install_lead(app: Celery, lead: Callable[[], Lead], *, pause_s: float = _ASKED_EVERY_S) -> None:
    """Make beats of ``app`` ask their lead before each tick, at least every ``pause_s`` seconds."""
    app.beat_lead = lead
    app.beat_pause_s = pause_s
