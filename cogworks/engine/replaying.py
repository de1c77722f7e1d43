"""Answer dead letters: replay, drop, rebuild their index (RUN-19, RUN-20).

The answer is written into the failure comment, where it survives everything; a step that finds it there acts on it.
Index and hint come after it, so that whatever is lost in between, asking again or waiting leads to the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from cogworks.engine.comments import notice
from cogworks.engine.configuring import CONFIG_FILE
from cogworks.engine.loading import state_on_github
from cogworks.model.config import Labels
from cogworks.model.dead_letter import DeadLetter, LetterStatus
from cogworks.model.errors import ConfigError, Problem
from cogworks.model.github import Comment
from cogworks.model.ids import Item, RepoName, parse_item
from cogworks.model.state import RunState
from cogworks.pages.letter_block import letters_in, with_letter
from cogworks.pages.markers import read_mark
from cogworks.pages.node_comment import KIND
from cogworks.pages.state_comment import StateUnreadable
from cogworks.policy.config_file import labels_left
from cogworks.policy.dead_letters import gone_on, is_unanswered, replay_refused
from cogworks.policy.labels import NODE_FAILED
from cogworks.ports.dead_letters import Answer, DeadLetters
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import Clock, Queue

_ATTEMPT_PARTS = 4
"""Run, node, SWI and attempt follow the item in the key of an attempt (RUN-06)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What answering letters needs."""

    github: GitHub
    letters: DeadLetters
    queue: Queue
    clock: Clock


class Result(StrEnum):
    """What became of the wish."""

    REPLAYED = "replayed"
    DROPPED = "dropped"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to whoever wished; ``reason`` explains a duplicate or a refusal."""

    key: str
    result: Result
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A letter with the failure comment that carries it."""

    letter: DeadLetter
    comment: Comment


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild found on GitHub, and how many letters of that the index lacked."""

    found: int
    added: int


def replay(desk: Desk, key: str) -> Reply:
    """Let the run of a letter go on with a new attempt of its node; done twice, it acts once."""
    letter, posted = find_letter(desk, key)
    item = letter.item
    if item is None:
        return _refused(key, "nobody can read the message, so there is nothing to replay; it can only be dropped")
    if posted is None:
        return _refused(key, "its failure comment is gone; let the run go on with a comment `/cogworks run`")
    if posted.letter.status is LetterStatus.DISCARDED:
        return _refused(key, "it was dropped")
    state = state_on_github(desk.github, item)
    if state is None or gone_on(letter, state):
        desk.letters.answer(key, LetterStatus.REPLAYED, at=desk.clock.now())
        return Reply(key=key, result=Result.DUPLICATE, reason="the run has gone on since")
    reason = _refusal(desk.github, item, letter, state)
    return _refused(key, reason) if reason else _replay(desk, item, posted)


def _refusal(github: GitHub, item: Item, letter: DeadLetter, state: RunState) -> str:
    issue = github.issues.get(item.repo, item.number)
    reason = replay_refused(state, issue, _label_names(github, item.repo))
    return reason or ("" if is_unanswered(letter, state) else "the run is still at work on it")


def _replay(desk: Desk, item: Item, posted: Posted) -> Reply:
    key = posted.letter.key
    if posted.letter.status is LetterStatus.OPEN:
        _write(desk, posted, LetterStatus.REPLAYED, note="")
    # Also for a wish that is known: its hint may have been lost, and one too many does nothing.
    desk.queue.step(item, hint="replay")
    if desk.letters.answer(key, LetterStatus.REPLAYED, at=desk.clock.now()):
        return Reply(key=key, result=Result.REPLAYED)
    return Reply(key=key, result=Result.DUPLICATE, reason="it was asked for before")


def drop(desk: Desk, key: str, *, reason: str) -> Reply:
    """Say that a letter needs no answer; the run stays as it is."""
    _, posted = find_letter(desk, key)
    if posted is not None and posted.letter.status is LetterStatus.OPEN:
        _write(desk, posted, LetterStatus.DISCARDED, note=reason)
    elif posted is not None and posted.letter.status is LetterStatus.REPLAYED:
        desk.letters.answer(key, LetterStatus.REPLAYED, at=desk.clock.now())
    if desk.letters.answer(key, LetterStatus.DISCARDED, at=desk.clock.now()):
        return Reply(key=key, result=Result.DROPPED)
    return Reply(key=key, result=Result.DUPLICATE, reason="it was answered before")


def rebuild(desk: Desk, repos: Iterable[RepoName]) -> Rebuilt:
    """Index again what the failure comments of ``repos`` hold, on open issues that carry the failed label."""
    found = added = 0
    for repo in repos:
        for issue in desk.github.issues.find(repo, labels=[NODE_FAILED]):
            item = Item(repo, issue.number)
            posted, state = posted_letters(desk.github, item), _state(desk.github, item)
            found += len(posted)
            added += sum(desk.letters.put(_as_it_stands(one.letter, state)) for one in posted)
            if state is not None and any(_is_wished(one.letter, state) for one in posted):
                desk.queue.step(item, hint="replay")
    return Rebuilt(found=found, added=added)


def find_letter(desk: Desk, key: str) -> tuple[DeadLetter, Posted | None]:
    """Return a letter, and its comment when it has one; one that the index lost is indexed again.

    Raises ConfigError when there is none of this key.
    """
    known = desk.letters.get(key)
    item = known.item if known else _item_in(key)
    comments = () if item is None else posted_letters(desk.github, item)
    posted = next((one for one in comments if one.letter.key == key), None)
    if known is None and posted is not None:
        assert item is not None, "only an item has comments"
        known = _as_it_stands(posted.letter, _state(desk.github, item))
        desk.letters.put(known)
    if known is None:
        message = f"there is no dead letter {key}"
        allowed = "a key of `cogworks dlq list --all`; after a loss of Redis, `cogworks dlq rebuild` first"
        raise ConfigError(problems=(Problem(code="letter_not_found", field="key", message=message, allowed=allowed),))
    return known, posted


def posted_letters(github: GitHub, item: Item) -> tuple[Posted, ...]:
    """Return every letter in our failure comments on ``item``, oldest first."""
    own = github.contents.login()
    return tuple(
        Posted(letter=letter, comment=comment)
        for comment in github.comments.list(item.repo, item.number)
        if comment.author == own and _is_failure(comment)
        for letter in letters_in(comment.body)
    )


def wished_replay(github: GitHub, state: RunState) -> DeadLetter | None:
    """Return the letter by which a stopped run is to go on, if a person asked for that."""
    return next((one.letter for one in posted_letters(github, state.item) if _is_wished(one.letter, state)), None)


def _is_wished(letter: DeadLetter, state: RunState) -> bool:
    return letter.status is LetterStatus.REPLAYED and is_unanswered(letter, state)


def _as_it_stands(letter: DeadLetter, state: RunState | None) -> DeadLetter:
    """Return ``letter`` with what the run tells of it: a person may have let the run go on without asking here."""
    if letter.status is LetterStatus.OPEN and state is not None and gone_on(letter, state):
        return replace(letter, status=LetterStatus.REPLAYED)
    return letter


def _state(github: GitHub, item: Item) -> RunState | None:
    try:
        return state_on_github(github, item)
    except StateUnreadable:
        # The letters can be read all the same.
        return None


def _write(desk: Desk, posted: Posted, answer: Answer, *, note: str) -> None:
    """Write the answer into the failure comment, whose check sum follows."""
    letter, comment = replace(posted.letter, status=answer, last_seen=desk.clock.now()), posted.comment
    head, _, text = comment.body.partition("\n")
    found = read_mark(head, KIND)
    assert found is not None, "callers found the letter in a comment of ours"
    body = notice(
        found.fields["key"],
        found.fields["kind"],
        with_letter(text, letter, note=note),
        run=found.fields.get("run", ""),
        node=found.fields.get("node", ""),
    )
    assert letter.item is not None, "a letter in a comment has an item"
    desk.github.comments.update(letter.item.repo, comment.id, body)


def _is_failure(comment: Comment) -> bool:
    found = read_mark(comment.body, KIND)
    return found is not None and found.fields.get("kind") == "failure" and bool(found.fields.get("key"))


def _item_in(key: str) -> Item | None:
    parts: Sequence[str] = key.rsplit("/", _ATTEMPT_PARTS)
    if len(parts) != _ATTEMPT_PARTS + 1:
        return None
    try:
        return parse_item(parts[0], field="key")
    except ConfigError:
        return None


def _label_names(github: GitHub, repo: RepoName) -> Labels:
    branch = github.contents.repo(repo).default_branch
    return labels_left(github.contents.file(repo, CONFIG_FILE, ref=branch))


def _refused(key: str, reason: str) -> Reply:
    return Reply(key=key, result=Result.REFUSED, reason=reason)
