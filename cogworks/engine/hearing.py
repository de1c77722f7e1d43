"""Read what people commanded since the state's cursor, with all that is needed to judge it (GH-09, GH-10).

Comments are listed only when somebody noted that there is something to hear, or when Redis was lost: an undisturbed
step asks GitHub nothing here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cogworks.engine import events as told
from cogworks.engine.graph_change import new_graph
from cogworks.engine.journal import Journal
from cogworks.engine.loading import Found
from cogworks.engine.observing import Scene, results_of
from cogworks.engine.progress import at_work
from cogworks.engine.swi_changes import said_at
from cogworks.graph.definition import Graph
from cogworks.model.commands import Command, Said
from cogworks.model.errors import NotFound
from cogworks.model.github import Comment
from cogworks.model.ids import IssueNumber, NodeId, NodeRef, RepoName, SwiOrdinal
from cogworks.model.state import NodeStatus, RunState
from cogworks.pages.command_page import KIND as REPLY
from cogworks.pages.command_page import reply_key
from cogworks.pages.markers import read_mark
from cogworks.pages.node_comment import KIND as AUDIT
from cogworks.policy.commands import commands_in
from cogworks.policy.speakers import denied
from cogworks.ports.bundle import Ports
from cogworks.ports.github import GitHub

SPOKE, HEARD = "spoke", "heard"
"""Facts: the newest comment with a command that somebody saw, and the newest of those that a step has listened to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Comments with commands by people, oldest first, the keys of the replies that they have, and the newest of all."""

    comments: tuple[Comment, ...]
    replies: frozenset[str]
    newest: int


def something_to_hear(found: Found, state: RunState) -> bool:
    """Tell whether comments have to be listed: somebody spoke, or what was noted is lost."""
    if not found.projected:
        return True
    spoke = int(found.facts.get(SPOKE) or 0)
    return spoke > max(state.cursor.comment_id, int(found.facts.get(HEARD) or 0))


def listen(github: GitHub, repo: RepoName, issues: Sequence[IssueNumber], *, after: int) -> Heard:
    """Return what people commanded on ``issues`` after the comment ``after``.

    Several issues are listed twice, and what came later than the first round is left for the next step: a comment
    that was missed in one list must not be passed over by the cursor because a later one stood in another.
    """
    listed = [one for number in issues for one in _comments(github, repo, number)]
    newest = max((one.id for one in listed), default=0)
    if len(issues) > 1:
        again = [one for number in issues for one in _comments(github, repo, number)]
        listed = [one for one in again if one.id <= newest]
    own = github.contents.login()
    spoken = [one for one in listed if one.id > after and one.author != own and not one.author_is_bot]
    keys = (read_mark(one.body, AUDIT) for one in listed if one.author == own)
    replies = frozenset(mark.fields.get("key", "") for mark in keys if mark and mark.fields.get("kind") == REPLY)
    comments = tuple(sorted((one for one in spoken if commands_in(one.body)), key=lambda one: one.id))
    return Heard(comments=comments, replies=replies, newest=newest)


def _comments(github: GitHub, repo: RepoName, number: IssueNumber) -> tuple[Comment, ...]:
    """Return the comments on an issue; on one that people deleted nobody can say anything any more."""
    try:
        return tuple(github.comments.list(repo, number))
    except NotFound:
        return ()


def hear(scene: Scene, state: RunState, journal: Journal, graph: Graph, *, held: bool) -> tuple[told.Spoken, ...]:
    """Return the comments with commands that no step has acted on, oldest first."""
    if not something_to_hear(scene.found, state):
        return ()
    issues = [state.work_item, *(swi.issue for swi in state.sub_work_items)]
    heard = listen(scene.github, state.repo, issues, after=state.cursor.comment_id)
    if not heard.comments:
        spoke = scene.found.facts.get(SPOKE, "")
        if heard.newest >= int(spoke or 0):
            # A bot's, or one that was deleted. When nothing listed is as new, GitHub's list lags behind its webhook.
            scene.ports.projection.note(state.item, {HEARD: spoke})
        return ()
    may = permissions(scene.github, state.repo, scene.config.config.triggers.allowed_users)
    ear = _Ear(scene=scene, state=state, journal=journal, graph=graph, may=may)
    return tuple(
        told.Spoken(
            comment_id=one.id,
            issue=one.issue or state.work_item,
            by=one.author,
            at=one.created_at,
            orders=tuple(ear.order(said, one.author) for said in commands_in(one.body)),
            answered=reply_key(state.item, one.id) in heard.replies,
            edited=one.edited,
            issue_open=scene.issue.open,
            held_by_hand=held,
        )
        for one in heard.comments
    )


def permissions(github: GitHub, repo: RepoName, allowed_users: Sequence[str]) -> Callable[[Said, str], str]:
    """Return what says why somebody is not heard with a command; GitHub is asked once for each person."""
    permission = cache(lambda login: github.contents.permission(repo, login))
    return lambda said, login: denied(said, login, permission(login), allowed_users)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ear:
    """Puts the facts to each command that are needed to judge it."""

    scene: Scene
    state: RunState
    journal: Journal
    graph: Graph
    may: Callable[[Said, str], str]

    def order(self, said: Said, by: str) -> told.Order:
        why = self.may(said, by)
        look: Mapping[str, Callable[[Command], told.Order]] = {
            "approve": self._approve,
            "sign-off": self._approve,
            "cancel": self._cancel,
            "regenerate": self._regenerate,
            "run": self._run,
        }
        if why or not isinstance(said, Command) or said.word not in look:
            return told.Order(said=said, denied=why)
        return look[said.word](said)

    def _approve(self, said: Command) -> told.Order:
        """Add the approved commit and the outputs that the next edges may name."""
        waiting = at_work(self.state, NodeStatus.AWAITING_APPROVAL)
        named = NodeRef(NodeId(said.node), None if said.swi is None else SwiOrdinal(said.swi))
        ref = waiting[0] if len(waiting) == 1 and not said.node else named
        if ref not in waiting:
            return told.Order(said=said)
        pull = self.scene.pull(self.state, ref, self.graph)
        results = results_of(self.state, self.journal, self.graph, ref)
        return told.Order(said=said, head=str(pull.head_sha) if pull else "", results=results)

    def _cancel(self, said: Command) -> told.Order:
        return told.Order(said=said, ended=self.scene.outcomes(self.state, self.journal, self.graph))

    def _regenerate(self, said: Command) -> told.Order:
        """Add whether it is merged, and what people said at its pull request."""
        swi = next((one for one in self.state.sub_work_items if one.ordinal == said.swi), None)
        if swi is None or swi.pr is None:
            return told.Order(said=said)
        github, repo = self.scene.github, self.state.repo
        if github.pulls.get(repo, swi.pr).merged:
            return told.Order(said=said, merged=True)
        return told.Order(said=said, remarks=said_at(github, repo, swi.pr))

    def _run(self, said: Command) -> told.Order:
        rebuilt = "--rebuild-state" in said.flags and self.scene.found.said is not None
        return told.Order(said=said, rebuilt=rebuilt, new_graph=changed_pipeline(self.scene, self.state))


def changed_pipeline(scene: Scene, state: RunState) -> told.NewGraph | None:
    """Return the pipeline file as it is now when a stopped run began with another one."""
    if state.status.open:
        return None
    ports: Ports = scene.ports
    return new_graph(ports.git, scene.github, ports.projection, state, shipped=scene.shipped)
