"""A dead letter in a comment: what people read, and what is read back."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogworks.model.dead_letter import DeadLetter, LetterError, LetterStatus, Reason, Stage
from cogworks.model.ids import NodeId, RunId, SwiOrdinal
from cogworks.pages.letter_block import letters_in, render_letter, with_letter

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LETTER = DeadLetter(
    key="acme/calc#1/r1/review/2/3",
    run=RunId("r1"),
    work_item="acme/calc#1",
    node=NodeId("review"),
    swi=SwiOrdinal(2),
    stage=Stage.EXEC,
    reason=Reason.TIMEOUT,
    attempt=3,
    starts=5,
    error=LetterError(kind="LlmAuth", code="llm_error", message="no"),
    traceback_digest="ab",
    first_seen=NOW,
    last_seen=NOW,
    last_owner="host:7",
    sentry_event_id="",
    payload_hash="cd",
)
OTHER = replace(LETTER, key="acme/calc#1/r1/review/3/1", swi=SwiOrdinal(3), attempt=1, starts=1)


def saying(message: str) -> DeadLetter:
    return replace(LETTER, error=replace(LETTER.error, message=message))


@given(st.text())
def test_whatever_the_error_says_the_letter_comes_back_and_ends_no_comment(message: str) -> None:
    block = render_letter(saying(message))
    assert letters_in(f"### Stopped\n\n{block}") == (saying(message),)
    assert block.count("-->") == 1
    assert "@" not in block.split("\n", 1)[1]


@pytest.mark.parametrize(
    ("status", "note", "told"),
    [
        (LetterStatus.OPEN, "", "timeout at exec, begun 5 times. When the cause is settled: `cogworks dlq replay"),
        (LetterStatus.REPLAYED, "", "`acme/calc#1/r1/review/2/3`: replayed."),
        (LetterStatus.DISCARDED, "not ours, @jo", "`acme/calc#1/r1/review/2/3`: dropped: not ours, @\u200bjo."),
    ],
    ids=str,
)
def test_people_read_how_it_stands(status: LetterStatus, note: str, told: str) -> None:
    assert told in render_letter(replace(LETTER, status=status), note=note).split("\n")[0]


def test_one_of_several_is_answered_and_the_rest_of_the_comment_stays() -> None:
    text = "\n\n".join(["### Stopped", render_letter(LETTER), render_letter(OTHER), "the end"])
    answered = replace(OTHER, status=LetterStatus.REPLAYED)
    changed = with_letter(text, answered)
    assert letters_in(changed) == (LETTER, answered)
    assert changed.startswith("### Stopped\n\n")
    assert changed.endswith("\n\nthe end")
    assert with_letter(changed, answered) == changed


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("nothing of the kind", "no block"),
        (render_letter(LETTER).replace('"attempt":3', '"attempt":"many"'), "a field of a wrong type"),
        (render_letter(LETTER).replace('"starts"', '"begins"'), "a field that nobody knows"),
        (render_letter(LETTER).replace('{"attempt"', '["attempt"'), "no JSON"),
        (render_letter(LETTER).replace("cogworks:end", "cogworks: end"), "a block that does not end"),
        (f"> {render_letter(LETTER)}", "a quotation"),
    ],
)
def test_what_was_edited_by_hand_is_no_letter(body: str, why: str) -> None:
    assert letters_in(body) == (), why
