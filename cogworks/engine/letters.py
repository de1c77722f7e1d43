"""Write dead letters: in the failure comment first, in the index second (RUN-19)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from cogworks.engine.comments import CommentBook, failure_key, notice
from cogworks.engine.journal import Journal
from cogworks.engine.progress import at_work
from cogworks.model.dead_letter import DeadLetter, LetterError, Reason, Stage
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import AttemptKey, NodeId, NodeRef
from cogworks.model.json_value import sha256_text
from cogworks.model.outcome import Outcome, Result
from cogworks.model.state import Failure, NodeStatus, RunState
from cogworks.pages.failure_report import render_failure
from cogworks.pages.letter_block import letters_in, render_letter
from cogworks.policy.dead_letters import PLACES
from cogworks.policy.secrets import redact
from cogworks.ports.bundle import Ports
from cogworks.ports.dead_letters import DeadLetters
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import Leases, Starts

Report = Callable[[DeadLetter], str]
"""Tells operators of a new letter; returns the id of what was sent, empty when nothing was."""

_MESSAGE_LIMIT = 500


def given_up(starts: Starts) -> Outcome:
    """Return the outcome of an attempt that was begun as often as allowed and never came to an end."""
    return Outcome(
        result=Result.FAILED,
        category=FailureCategory.ENVIRONMENT_FAULT,
        message=f"the attempt was begun {starts.count} times and never came to an end: its workers died",
    )


def post_failure(
    ports: Ports, github: GitHub, book: CommentBook, journal: Journal, state: RunState, failure: Failure, report: Report
) -> None:
    """Post the report of ``failure`` with its dead letters, then index these."""
    key = failure_key(state, failure)
    posted = book.find(key)
    if posted is not None:
        letters = letters_in(github.comments.get(state.repo, posted).body)
    else:
        letters = tuple(replace(one, sentry_event_id=report(one)) for one in _letters(state, failure, journal, ports))
        ref = NodeRef(NodeId(failure.node), failure.swi)
        attempts = journal.history(ref, through=state.node(ref).attempts)
        text = "\n\n".join([render_failure(state, failure, attempts), *map(render_letter, letters)])
        book.post_once(key, notice(key, "failure", text, run=state.run_id))
    for letter in letters:
        ports.dead_letters.put(letter)


def _letters(state: RunState, failure: Failure, journal: Journal, ports: Ports) -> Iterator[DeadLetter]:
    """Yield a letter for each attempt that died; what only asks a person something is none."""
    for ref in at_work(state, NodeStatus.FAILED):
        key = AttemptKey(state.item, state.run_id, ref, state.node(ref).attempts)
        outcome = journal.find(key)
        first = (ref.node, ref.swi) == (failure.node, failure.swi)
        category = failure.category if first else _category(outcome)
        if category is not None and PLACES[category] is not None:
            yield _letter(key, state, category, outcome, failure.at, ports.leases)


def _category(outcome: Outcome | None) -> FailureCategory | None:
    """Return why a node failed whose failure is not the one that the run stopped for."""
    if outcome is None:
        return FailureCategory.ENVIRONMENT_FAULT
    match outcome.result:
        case Result.INVALID:
            return outcome.category or FailureCategory.RETRY_EXHAUSTED
        case Result.MISALIGNED:
            return FailureCategory.REWORK_EXHAUSTED
        case Result.FAILED | Result.ESCALATED:
            return outcome.category or FailureCategory.ENVIRONMENT_FAULT
        case _:
            # It delivered; what failed it afterwards was a person or an edge.
            return None


def _letter(
    key: AttemptKey,
    state: RunState,
    category: FailureCategory,
    outcome: Outcome | None,
    seen: datetime,
    leases: Leases,
) -> DeadLetter:
    place, starts = PLACES[category], leases.starts(key)
    assert place is not None, "callers ask for letters of failures that have a place"
    kind = "WorkerLost" if outcome is None else outcome.error or outcome.result.value
    message = redact(state.node(key.ref).error or "")[:_MESSAGE_LIMIT]
    return DeadLetter(
        key=str(key),
        run=key.run_id,
        work_item=str(key.item),
        node=key.ref.node,
        swi=key.ref.swi,
        stage=place.stage,
        reason=place.reason,
        attempt=key.attempt,
        # An end in order sets the count back; that one start was the end of it.
        starts=max(1, starts.count),
        error=LetterError(kind=kind, code=category.value, message=message),
        traceback_digest="" if outcome is None else outcome.traceback_digest,
        first_seen=seen,
        last_seen=seen,
        last_owner=starts.owner,
        sentry_event_id="",
        payload_hash=sha256_text(str(key)),
    )


def put_message_aside(
    letters: DeadLetters, *, payload_hash: str, why: str, kind: str, owner: str, now: datetime, report: Report
) -> None:
    """Write a letter for a message that no worker can read; its content is kept nowhere."""
    letter = DeadLetter(
        key=f"message/{payload_hash[:32]}",
        run=None,
        work_item=None,
        node=None,
        swi=None,
        stage=Stage.INPUT,
        reason=Reason.PARSE_ERROR,
        attempt=0,
        starts=0,
        error=LetterError(kind=kind, code=Reason.PARSE_ERROR.value, message=redact(why)[:_MESSAGE_LIMIT]),
        traceback_digest="",
        first_seen=now,
        last_seen=now,
        last_owner=owner,
        sentry_event_id="",
        payload_hash=payload_hash,
    )
    known = letters.get(letter.key)
    letters.put(letter if known else replace(letter, sentry_event_id=report(letter)))
