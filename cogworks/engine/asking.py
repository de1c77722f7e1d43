"""Read what people commanded since we last asked them, by comment and with write access (GH-09, GH-10)."""

from collections.abc import Iterator
from dataclasses import dataclass

from cogworks.model.github import WRITERS, Comment
from cogworks.model.state import RunState
from cogworks.pages.markers import read_mark
from cogworks.pages.node_comment import KIND
from cogworks.policy.commands import Command, commands_in
from cogworks.ports.github import GitHub


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A command with who gave it and in which comment."""

    command: Command
    by: str
    comment_id: int

    @property
    def where(self) -> str:
        """Where people can read it."""
        return f"comment:{self.comment_id}"


def commands_since(github: GitHub, state: RunState, *, kind: str, key: str | None = None) -> Iterator[Told]:
    """Yield the commands given after our newest comment of ``kind`` (and ``key``) for this run; none without one.

    What came before it was meant for something else, so an old command never acts twice. Bots and people without
    write access are not heard.
    """
    own = github.contents.login()
    comments = github.comments.list(state.repo, state.work_item)
    asked = max((c.id for c in comments if c.author == own and _is(c, kind, key, state)), default=None)
    if asked is None:
        return
    for comment in comments:
        if comment.id > asked and comment.author != own and not comment.author_is_bot:
            commands = commands_in(comment.body)
            if commands and github.contents.permission(state.repo, comment.author) in WRITERS:
                yield from (Told(command=one, by=comment.author, comment_id=comment.id) for one in commands)


def _is(comment: Comment, kind: str, key: str | None, state: RunState) -> bool:
    found = read_mark(comment.body, KIND)
    if found is None or found.fields.get("kind") != kind or found.fields.get("run") != state.run_id:
        return False
    return key is None or found.fields.get("key") == key
