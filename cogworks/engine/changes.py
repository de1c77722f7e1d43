"""See what people changed on the work item since the state was written: labels and text (30 section 11).

Nothing here costs a request while nobody touches anything: labels and text come with the issue, and events are read
only when labels differ from what the state wants.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cogworks.engine import acts
from cogworks.model.config import Labels
from cogworks.model.github import Issue, IssueEvent
from cogworks.model.ids import RepoName
from cogworks.model.json_value import sha256_text
from cogworks.model.state import RunState
from cogworks.nodes.material import issue_item
from cogworks.policy.injection import scan
from cogworks.policy.labels import NODE_PREFIX, desired
from cogworks.ports.github import GitHub


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Looks at one work item as it is now."""

    github: GitHub
    repo: RepoName
    issue: Issue
    names: Labels

    def text_sha(self) -> str:
        """Return what tells the text of the issue, and stands for it when it was released (GH-14)."""
        return sha256_text(self._text())

    def stops(self, state: RunState) -> acts.Act | None:
        """Return what halts an open run before anything else is looked at, or None."""
        return self._conflict(state) or self._orders(state)

    def on_the_way(self, state: RunState) -> Iterator[acts.Act]:
        """Yield what an open run takes along and goes on."""
        edited = self._edited(state)
        if edited is not None:
            yield edited
        known = state.classification
        if known is not None and not known.safety_affecting and self.names.safety_critical in self.issue.labels:
            yield acts.SafetyRaised()

    def _text(self) -> str:
        return issue_item(self.issue).text

    def _edited(self, state: RunState) -> acts.TextEdited | None:
        now = self.text_sha()
        return acts.TextEdited(text_sha=now) if state.text_sha not in ("", now) else None

    def _orders(self, state: RunState) -> acts.TextEdited | None:
        """Return an edit whose text gives orders to the machine, unless a person has released it (INJ-01)."""
        edited = self._edited(state)
        found = scan(self._text()) if edited is not None else None
        if edited is None or found is None or edited.text_sha in state.released_findings:
            return None
        return replace(edited, gives_orders=f"INJECTION_DETECTED ({found.category}) in issue-{self.issue.number}")

    def _conflict(self, state: RunState) -> acts.LabelsChanged | None:
        """Return who else changed our node labels; what nobody else did is our own unfinished write (X-02)."""
        expected = {one for one in desired(state, self.names) if one.startswith(NODE_PREFIX)}
        found = {one for one in self.issue.labels if one.startswith(NODE_PREFIX)}
        if expected == found:
            return None
        own = self.github.contents.login()
        events = self.github.issues.events(self.repo)
        newest = [self._newest(events, label, since=state.cursor.event_id) for label in sorted(expected ^ found)]
        others = [event.actor for event in newest if event is not None and event.actor != own]
        if not others:
            return None
        return acts.LabelsChanged(by=others[0], expected=tuple(sorted(expected)), found=tuple(sorted(found)))

    def _newest(self, events: Sequence[IssueEvent], label: str, *, since: int = 0) -> IssueEvent | None:
        """Return the newest of ``events`` about ``label`` on the work item, if it came after event ``since``."""
        about = (e for e in events if e.issue == self.issue.number and e.label == label and e.id > since)
        return max(about, key=lambda one: one.id, default=None)
