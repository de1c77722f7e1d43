"""Whether an issue without a run calls for one: by its label, or by the command of a person who may (GH-08, GH-10)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from cogworks.engine import effects as do
from cogworks.engine.answering import answer
from cogworks.engine.hearing import listen, permissions
from cogworks.model.commands import Misunderstood, Said
from cogworks.model.config import Config, Labels
from cogworks.model.github import Comment, Issue
from cogworks.model.ids import IssueNumber, Item
from cogworks.model.state import RunState
from cogworks.pages.command_page import help_page, refused, reply_key, reply_text, status_page
from cogworks.policy.commands import commands_in
from cogworks.policy.labels import NODE_FAILED, RESTART, runnable
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What an issue without a run asks for: ``issue`` as it is afterwards, and how far its comments were read."""

    starts: bool
    issue: Issue
    read_to: int = 0


def heard_cursor(number: IssueNumber) -> str:
    """Return the name of the cursor that says how far the comments of an issue without a run were read."""
    return f"heard-{number}"


def called_for(issue: Issue, names: Labels) -> bool:
    """Tell whether an issue without a run asks for one by its labels; a pull request never does."""
    return issue.open and not issue.is_pull and runnable(frozenset(issue.labels), names)


def heed(
    github: GitHub, projection: Projection, item: Item, issue: Issue, config: Config, *, old: RunState | None
) -> Call:
    """Answer what people commanded on an issue without a run, and say whether a run is to start.

    ``old``: a run that was there and names its successor; then nobody need be asked.
    """
    if old is not None:
        return Call(starts=issue.open and config.labels.hold not in issue.labels, issue=issue)
    if issue.is_pull:
        return Call(starts=False, issue=issue)
    fact = heard_cursor(issue.number)
    after = int(projection.cursor(item.repo, fact) or 0)
    heard = listen(github, item.repo, [issue.number], after=after)
    may = permissions(github, item.repo, config.triggers.allowed_users)
    for comment in heard.comments:
        issue = _answered(github, item, issue, comment, config.labels, may=may, replies=heard.replies)
    read_to = heard.comments[-1].id if heard.comments else after
    if read_to != after:
        projection.move_cursor(item.repo, fact, str(read_to))
    if RESTART in issue.labels and issue.open and config.labels.hold not in issue.labels:
        # There is nothing to start again: the run that begins is what was asked for.
        wanted = do.ChangeLabels(add=(config.labels.trigger,), drop=(RESTART, NODE_FAILED, config.labels.cancel))
        answer(github, item, wanted, run_id="", issue=issue)
        issue = _with_labels(issue, wanted)
    return Call(starts=called_for(issue, config.labels), issue=issue, read_to=read_to)


def _answered(
    github: GitHub,
    item: Item,
    issue: Issue,
    comment: Comment,
    names: Labels,
    *,
    may: Callable[[Said, str], str],
    replies: Collection[str],
) -> Issue:
    """Answer one comment, and return the issue as it is then."""
    effects: list[do.Answer] = []
    lines: list[str] = []
    for said in commands_in(comment.body):
        meant = _meant(said, comment, issue, names, denied=may(said, comment.author))
        if isinstance(meant, _No):
            effects.append(do.React(comment_id=comment.id, kind="-1"))
            lines.append(refused(said, meant.why))
            continue
        effects.append(do.React(comment_id=comment.id, kind="+1"))
        if isinstance(meant, str):
            lines.append(meant)
        else:
            effects.append(meant)
            issue = _with_labels(issue, meant)
    if lines and reply_key(item, comment.id) not in replies:
        effects.append(do.Reply(issue=issue.number, comment_id=comment.id, text=reply_text(comment.author, lines)))
    before = github.issues.get(item.repo, item.number)
    for effect in dict.fromkeys(effects):
        answer(github, item, effect, run_id="", issue=before)
    return issue


def _with_labels(issue: Issue, change: do.ChangeLabels) -> Issue:
    kept = (label for label in issue.labels if label not in change.drop)
    return replace(issue, labels=tuple(dict.fromkeys((*kept, *change.add))))


@dataclass(frozen=True, slots=True)
class _No:
    why: str


def _meant(said: Said, comment: Comment, issue: Issue, names: Labels, *, denied: str) -> do.ChangeLabels | str | _No:
    """Return the labels that make the issue runnable, the text that answers a question, or why it is refused."""
    if denied:
        return _No(denied)
    if isinstance(said, Misunderstood):
        return _No(said.why)
    if said.word in ("help", "status"):
        return help_page() if said.word == "help" else status_page(None)
    if said.word != "run":
        return _No("no run was started yet: set the trigger label, or comment `/cogworks run`")
    if comment.edited:
        return _No("the comment was edited before it was read: please say it in a new comment")
    if not issue.open or names.hold in issue.labels:
        return _No("the issue is closed" if not issue.open else "the item is on hold")
    return do.ChangeLabels(add=(names.trigger,), drop=(NODE_FAILED, names.cancel))
