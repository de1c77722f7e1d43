"""See what people changed on the work item since the state was written: labels, text, configuration (30 section 11).

Nothing here costs a request while nobody touches anything: labels and text come with the issue, files with the mirror,
and events are read only when labels differ from what the state wants.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cogworks.engine import acts
from cogworks.engine import events as told
from cogworks.engine.configuring import PIPELINE_FILE, Shipped, default_branch, read_config
from cogworks.engine.progress import ENDED
from cogworks.engine.run_config import RunConfig
from cogworks.model.config import Labels
from cogworks.model.errors import ConfigError
from cogworks.model.github import Issue, IssueEvent
from cogworks.model.ids import END_TO_END, RepoName, Sha
from cogworks.model.json_value import sha256_text
from cogworks.model.state import NodeStatus, RunState
from cogworks.nodes.material import issue_item
from cogworks.policy.injection import scan
from cogworks.policy.labels import NODE_PREFIX, desired
from cogworks.ports.bundle import Ports
from cogworks.ports.github import GitHub


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Looks at one work item as it is now."""

    ports: Ports
    github: GitHub
    repo: RepoName
    issue: Issue
    names: Labels
    shipped: Shipped

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

    def triggered_again(self, state: RunState) -> bool:
        """Tell whether a person put the trigger on again after the run stopped (GH-08)."""
        if self.names.trigger not in self.issue.labels or state.written_at is None:
            return False
        newest = self._newest(self.github.issues.events(self.repo), self.names.trigger)
        own = self.github.contents.login()
        return (
            newest is not None
            and (newest.kind, newest.actor == own) == ("labeled", False)
            and newest.at > state.written_at
        )

    def resumed(self, state: RunState, asked: told.Triggered) -> acts.Happening:
        """Return ``asked``, or what speaks against going on: the pipeline file is another one now (ENG-07)."""
        git, repo = self.ports.git, state.repo
        git.fetch(repo)
        head = git.branch_head(repo, default_branch(self.github, self.ports.projection, repo))
        if head is None or self._pipeline(state, head) == self._pipeline(state, state.config_sha):
            return asked
        try:
            config = read_config(git, repo, ref=head, shipped=self.shipped)
        except ConfigError as error:
            return acts.GraphChanged(why_not=error.message.splitlines()[0])
        lost = _without_place(state, config)
        if lost or not asked.accept_graph:
            return acts.GraphChanged(why_not=lost)
        return replace(asked, config=config)

    def _pipeline(self, state: RunState, ref: Sha) -> bytes | None:
        return self.ports.git.read(state.repo, PIPELINE_FILE, ref=ref)

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


def _without_place(state: RunState, config: RunConfig) -> str:
    """Return which completed or active nodes another pipeline file has no place for, as people read it."""
    graph = config.pipeline.pipelines.get(state.pipeline)
    if graph is None:
        return f"it defines no pipeline {state.pipeline!r}"
    everywhere = [*state.nodes.items(), *(pair for swi in state.sub_work_items for pair in swi.nodes.items())]
    begun = {node for node, at in everywhere if at.status in (*ENDED, *_AT_WORK) and node != END_TO_END}
    lost = sorted(begun - set(graph.nodes))
    return f"it lacks {', '.join(lost)}" if lost else ""


_AT_WORK = (NodeStatus.ACTIVE, NodeStatus.AWAITING_APPROVAL)
