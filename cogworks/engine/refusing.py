"""Say why nothing can run, and hear the one command that helps when a state cannot be read (CFG-01, GH-20)."""

from cogworks.engine.calling import called_for
from cogworks.engine.comments import CommentBook, notice
from cogworks.engine.configuring import default_branch, labels_at
from cogworks.engine.hearing import Heard, listen
from cogworks.engine.house import House
from cogworks.engine.labelling import ensure_labels
from cogworks.model.commands import Command
from cogworks.model.config import Labels
from cogworks.model.errors import CogWorksError, ConfigError
from cogworks.model.github import Comment, Issue
from cogworks.model.ids import Item
from cogworks.model.json_value import sha256_text
from cogworks.model.state import RunState
from cogworks.pages.command_page import reply_key
from cogworks.pages.quoting import inert
from cogworks.pages.state_comment import StateUnreadable
from cogworks.policy.commands import commands_in
from cogworks.policy.labels import NODE_FAILED
from cogworks.policy.speakers import denied
from cogworks.ports.github import GitHub

_NOTICE = "config"
_REBUILD = "--rebuild-state"


def refuse(house: House, item: Item, issue: Issue, state: RunState | None, error: CogWorksError) -> None:
    """Say once on the issue why nothing can run: no call to a model was made (CFG-01, CONST-03)."""
    github = house.ports.github
    if NODE_FAILED in issue.labels or (state is not None and not state.status.open):
        return
    if isinstance(error, ConfigError) and state is None:
        branch = default_branch(github, house.ports.projection, item.repo)
        if not called_for(issue, labels_at(house.ports.git, item.repo, branch=branch)):
            # Whoever asked by hand is told; on an issue that nobody labelled for us there is nothing to say.
            return
    book = CommentBook(github=github, projection=house.ports.projection, item=item, facts={}, projected=False)
    unreadable = isinstance(error, StateUnreadable)
    # A state that is damaged again after a rebuild is told of again, and asks for another word.
    answered = _last_rebuild(github, item) if unreadable else 0
    key = f"{item}/{_NOTICE}/{sha256_text(error.message)[:16]}" + (f"/{answered}" if answered else "")
    lines = "\n".join(f"- {line}" for line in _complaints(error))
    ways = f"Fix it, then remove `{NODE_FAILED}`"
    ways += f"; or comment `/cogworks run {_REBUILD}` to rebuild it from the rest.\n" if unreadable else ".\n"
    text = f"### Nothing was started: `{error.category}`\n{lines}\n\n{ways}"
    book.post_once(key, notice(key, _NOTICE, text))
    ensure_labels(github, Labels(), item.repo, frozenset({NODE_FAILED}))
    github.labels.add(item.repo, item.number, [NODE_FAILED])


def _last_rebuild(github: GitHub, item: Item) -> int:
    heard = listen(github, item.repo, [item.number], after=0)
    return max((one.id for one in _rebuilds(heard)), default=0)


def _complaints(error: CogWorksError) -> list[str]:
    """Return what is wrong, a line each; a finding in a file starts with its code (ENG-06)."""
    if isinstance(error, ConfigError):
        return [f"`{problem.code}` {inert(str(problem))}" for problem in error.problems]
    return [inert(line) for line in error.message.splitlines()]


def rebuild_commanded(github: GitHub, item: Item) -> bool:
    """Tell whether somebody who may write commanded to rebuild the state, and has no answer to that yet.

    With the state its configuration is out of reach, so that rights in the repository alone decide.
    """
    heard = listen(github, item.repo, [item.number], after=0)
    waiting = (one for one in _rebuilds(heard) if reply_key(item, one.id) not in heard.replies)
    return any(not one.edited and _may(github, item, one) for one in waiting)


def _rebuilds(heard: Heard) -> tuple[Comment, ...]:
    """Return the comments of people that command to rebuild the state."""
    return tuple(one for one in heard.comments if _rebuild_in(one) is not None)


def _rebuild_in(comment: Comment) -> Command | None:
    said = (one for one in commands_in(comment.body) if isinstance(one, Command))
    return next((one for one in said if one.word == "run" and _REBUILD in one.flags), None)


def _may(github: GitHub, item: Item, comment: Comment) -> bool:
    said = _rebuild_in(comment)
    permission = github.contents.permission(item.repo, comment.author)
    return said is not None and not denied(said, comment.author, permission, ())
