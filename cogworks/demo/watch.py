"""Look at the runs from outside until all have ended, and let the person answer their gates."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cogworks.demo.github import GitHub, Item, Labels
from cogworks.demo.person import Person
from cogworks.demo.processes import Family
from cogworks.demo.run_view import RunView, read_run, refusal

_TICK_S = 0.3
# A refusal is one comment and no run; a run has its state comment first.
_REFUSED_AFTER_S = 5.0


class TooLate(Exception):
    """The runs did not end in time; the text says where each stands."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """Looks a few times a second; ``show`` gets every look."""

    github: GitHub
    person: Person
    family: Family
    show: Callable[[Mapping[Item, RunView]], None]
    timeout_s: float
    _quiet_since: dict[Item, float] = field(default_factory=dict)

    def until_all_ended(self, items: Sequence[Item], labels: Mapping[str, Labels]) -> dict[Item, RunView]:
        """Return how each run ended; raise TooLate at the deadline, StackFailed when a process is lost."""
        deadline = time.monotonic() + self.timeout_s
        while True:
            views = {item: self._look(item) for item in items}
            self.show(views)
            if all(view.ended for view in views.values()):
                return views
            for item, view in views.items():
                if not view.ended and labels[item.repo].awaiting_review in self.github.issue_labels(item):
                    self.person.answer(item)
                    if self.person.paused:
                        deadline = time.monotonic() + self.timeout_s
            self.family.check()
            if time.monotonic() > deadline:
                raise TooLate(self._overdue(views))
            time.sleep(_TICK_S)

    def _look(self, item: Item) -> RunView:
        comments = self.github.comments(item)
        view = read_run(comments)
        said = refusal(comments) if view.status == "not started" else ""
        if not said:
            self._quiet_since.pop(item, None)
            return view
        since = self._quiet_since.setdefault(item, time.monotonic())
        return RunView(status="failed", failure=said) if time.monotonic() - since > _REFUSED_AFTER_S else view

    def _overdue(self, views: Mapping[Item, RunView]) -> str:
        open_runs = [f"{item} is {_standing(view)}" for item, view in views.items() if not view.ended]
        return f"not done after {self.timeout_s:.0f} s: {'; '.join(open_runs)}"


def _standing(view: RunView) -> str:
    at_work = [node.name for node in view.nodes if node.status in ("active", "awaiting_approval")]
    where = f" at {', '.join(at_work)}" if at_work else ""
    return f"{view.status}{f' for {view.waits}' if view.waits else where}"
