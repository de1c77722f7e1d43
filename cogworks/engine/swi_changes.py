"""See what people did to sub-work-items: their issues, pull requests and branches (30 section 11).

Issues and pull requests are asked only when an event told that somebody touched them; branches come with the mirror.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cogworks.engine import acts
from cogworks.engine import events as told
from cogworks.engine.loading import Found
from cogworks.engine.parts import settled, touched
from cogworks.engine.regenerate import code_nodes, with_dependents
from cogworks.graph.definition import Graph
from cogworks.model.errors import NotFound
from cogworks.model.github import WRITERS, Issue
from cogworks.model.ids import IssueNumber, NodeRef, PullNumber, RepoName, Sha, SwiOrdinal
from cogworks.model.outcome import Result
from cogworks.model.state import Artifact, NodeStatus, RunState, RunStatus, Swi, SwiStatus
from cogworks.policy.labels import PENDING_SWI
from cogworks.ports.bundle import Ports
from cogworks.ports.github import GitHub

_MAX_FINDINGS, _MAX_CHARACTERS = 20, 1000
_GOING_ON = (told.NodeEnded, told.GateApproved)
_Told = told.NodeEnded | told.GateApproved


@dataclass(frozen=True, slots=True, kw_only=True)
class SwiChanges:
    """Looks at the sub-work-items of one run."""

    ports: Ports
    github: GitHub
    found: Found

    def on_github(self, state: RunState, ended: Sequence[told.NodeEnded]) -> Iterator[acts.Act]:
        """Yield what people did to issues and pull requests of sub-work-items.

        What takes work back waits until no attempt is at it: ``ended`` are the attempts that just came to their end.
        """
        if state.status is RunStatus.HELD:
            return
        asked = touched(self.found.facts)
        quiet: set[int] = set()
        for swi in state.sub_work_items:
            mine = {int(n) for n in (swi.issue, swi.pr) if n is not None}
            if self.found.projected and not mine & asked:
                continue
            act = self._seen(state, swi)
            if act is None:
                quiet |= mine
            elif (free := _when_free(state, act, ended)) is not None:
                yield free
        settled(self.ports.projection, state.item, self.found.facts, quiet)

    def of_branches(
        self, state: RunState, graph: Graph, happened: Iterable[acts.Happening]
    ) -> Iterator[acts.Happening]:
        """Yield ``happened``, with what stands on branches that people pushed to or deleted meanwhile."""
        fetched = False
        for one in happened:
            swi = state.swi(one.ref.swi) if isinstance(one, _GOING_ON) and one.ref.swi is not None else None
            if not isinstance(one, _GOING_ON) or swi is None or swi.pr is not None or not _goes_on(one):
                yield one
                continue
            nodes = code_nodes(graph, swi)
            if nodes is not None and one.ref.node in nodes[1] and not fetched:
                self.ports.git.fetch(state.repo)
                fetched = True
            yield self._on_branch(state, graph, swi, one)

    def moved(self, state: RunState) -> Iterator[acts.Act]:
        """Yield, for a run that is to go on, what people pushed while it stood still."""
        for swi in state.sub_work_items:
            code = _code(swi)
            head = self.ports.git.branch_head(state.repo, swi.branch) if code and swi.pr is None else None
            if head is not None and head != code:
                yield acts.BranchMoved(ordinal=swi.ordinal, head=head)

    def _on_branch(self, state: RunState, graph: Graph, swi: Swi, one: _Told) -> acts.Happening:
        """Return ``one``, unless the branch is not where it was when the work was done."""
        nodes = code_nodes(graph, swi)
        if isinstance(one, told.NodeEnded) and (made := _branch_made(one)) is not None:
            head = self.ports.git.branch_head(state.repo, made.ref)
            return one if head is None or head == made.sha else _with_head(one, head)
        code = _code(swi)
        if nodes is None or code is None or one.ref.node not in nodes[1]:
            return one
        head = self.ports.git.branch_head(state.repo, swi.branch)
        ended = (one,) if isinstance(one, told.NodeEnded) else ()
        if head is None:
            return acts.BranchGone(ref=NodeRef(nodes[0], swi.ordinal), ended=ended)
        return one if head == code else acts.BranchMoved(ordinal=swi.ordinal, head=head, ended=ended)

    def _seen(self, state: RunState, swi: Swi) -> acts.OfSwi | None:
        try:
            return self._of(state, swi)
        except NotFound:
            return None  # an issue that was deleted tells nothing more

    def _of(self, state: RunState, swi: Swi) -> acts.OfSwi | None:
        if swi.status in (SwiStatus.DONE, SwiStatus.SUPERSEDED):
            return None
        pull = self.github.pulls.get(state.repo, swi.pr) if swi.pr is not None else None
        if pull is not None and pull.merged:
            return acts.SwiMerged(ordinal=swi.ordinal, by=pull.merged_by or "", where=f"pr:{pull.number} merged")
        if pull is not None and not pull.open:
            findings = said_at(self.github, state.repo, pull.number)
            return acts.SwiRegenerate(ordinal=swi.ordinal, findings=findings, closed=pull.number)
        return self._of_issue(state, swi, self.github.issues.get(state.repo, swi.issue))

    def _of_issue(self, state: RunState, swi: Swi, issue: Issue) -> acts.OfSwi | None:
        if not issue.open:
            settled_already = swi.status is SwiStatus.FAILED or not state.status.open
            return None if settled_already else acts.SwiClosed(ordinal=swi.ordinal)
        if PENDING_SWI in issue.labels and swi.status is not SwiStatus.PENDING:
            return acts.SwiRegenerate(ordinal=swi.ordinal)
        blockers = {one.number for one in self.github.issues.blocked_by(state.repo, swi.issue)}
        others = tuple(one.ordinal for one in state.sub_work_items if one.issue in blockers)
        more = tuple(sorted(set(others) - set(swi.depends_on)))
        return acts.SwiWaitsFor(ordinal=swi.ordinal, others=more) if more and state.status.open else None


def said_at(github: GitHub, repo: RepoName, number: PullNumber) -> tuple[str, ...]:
    """Return what people with write access said at a pull request, the newest last."""
    said = [(r.author, r.author_is_bot, r.body) for r in github.pulls.reviews(repo, number)]
    said += [(c.author, c.author_is_bot, c.body) for c in github.comments.list(repo, IssueNumber(number))]
    own = github.contents.login()
    heard = {author for author, bot, body in said if body.strip() and not bot and author != own}
    heard = {who for who in heard if github.contents.permission(repo, who) in WRITERS}
    texts = [body.strip()[:_MAX_CHARACTERS] for author, _, body in said if author in heard and body.strip()]
    return tuple(texts[-_MAX_FINDINGS:])


def _when_free(state: RunState, act: acts.OfSwi, ended: Sequence[told.NodeEnded]) -> acts.OfSwi | None:
    """Return ``act`` with the outcomes that it takes along; None while an attempt is at what it takes back."""
    if not isinstance(act, acts.SwiRegenerate | acts.SwiClosed):
        return act
    taken = with_dependents(state, act.ordinal) if isinstance(act, acts.SwiRegenerate) else {act.ordinal}
    mine = tuple(one for one in ended if one.ref.swi in taken)
    busy = _active(state, taken) - {one.ref for one in mine}
    return None if busy else replace(act, ended=mine)


def _active(state: RunState, ordinals: Iterable[SwiOrdinal]) -> set[NodeRef]:
    return {
        NodeRef(node, ordinal)
        for ordinal in ordinals
        for node, at in state.swi(ordinal).nodes.items()
        if at.status is NodeStatus.ACTIVE
    }


def _goes_on(one: _Told) -> bool:
    """Tell whether ``one`` lets the sub-work-item go on with what its branch holds."""
    if isinstance(one, told.GateApproved):
        return True
    return one.outcome.result is Result.SUCCEEDED and not one.outcome.pr


def _branch_made(one: told.NodeEnded) -> Artifact | None:
    return next((made for made in one.outcome.artifacts.values() if made.kind == "branch"), None)


def _code(swi: Swi) -> str | None:
    return next((one.sha for one in swi.artifacts.values() if one.kind == "branch"), None)


def _with_head(one: told.NodeEnded, head: Sha) -> told.NodeEnded:
    """Return ``one`` as if the attempt had made what people pushed on top of it."""
    artifacts = {
        slot: replace(made, sha=head) if made.kind == "branch" else made for slot, made in one.outcome.artifacts.items()
    }
    return replace(one, outcome=replace(one.outcome, artifacts=artifacts, head=head))
