"""Give people what they get for what they said: a thumb, a reply, labels (GH-10). Done twice, each acts once."""

from typing import assert_never

from cogworks.engine import effects as do
from cogworks.engine.comments import notice
from cogworks.model.errors import NotFound
from cogworks.model.github import Issue
from cogworks.model.ids import Item
from cogworks.pages.command_page import KIND, reply_key
from cogworks.ports.github import GitHub


def answer(github: GitHub, item: Item, effect: do.Answer, *, run_id: str, issue: Issue) -> None:
    """Perform ``effect``; a comment that was deleted meanwhile gets no answer."""
    match effect:
        case do.React():
            try:
                github.comments.react(item.repo, effect.comment_id, effect.kind)
            except NotFound:
                return
        case do.Reply():
            key = reply_key(item, effect.comment_id)
            github.comments.create(item.repo, effect.issue, notice(key, KIND, effect.text, run=run_id))
        case do.ChangeLabels():
            missing = [name for name in effect.add if name not in issue.labels]
            if missing:
                github.labels.add(item.repo, item.number, missing)
            for name in effect.drop:
                if name in issue.labels:
                    github.labels.remove(item.repo, item.number, name)
        case _:
            assert_never(effect)
