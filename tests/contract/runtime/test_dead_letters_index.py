"""What every plug of DeadLetters must do (RUN-19, RUN-20)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from runtime_plugs import ITEM, Plugs, attempt

from cogworks.model.dead_letter import DeadLetter, LetterError, LetterStatus, Reason, Stage
from cogworks.model.ids import NodeId, RunId
from cogworks.ports.dead_letters import Answer

NOW = datetime(2026, 11, 26, 12, 0, 0, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=90)


def letter(number: int = 1) -> DeadLetter:
    return DeadLetter(
        key=str(attempt(number)),
        run=RunId("r1"),
        work_item=str(ITEM),
        node=NodeId("coding"),
        swi=None,
        stage=Stage.EXEC,
        reason=Reason.INFRASTRUCTURE_FAILURE,
        attempt=number,
        starts=5,
        error=LetterError(kind="WorkerLost", code="environment_fault", message="its workers died <!-- ü"),
        traceback_digest="",
        first_seen=NOW,
        last_seen=NOW,
        last_owner="host:7",
        sentry_event_id="",
        payload_hash="ab" * 32,
    )


def test_a_letter_comes_back_as_it_was_put(plugs: Plugs) -> None:
    assert plugs.letters.put(letter())
    assert plugs.letters.get(letter().key) == letter()
    assert plugs.letters.get(letter(2).key) is None
    assert plugs.letters.all() == plugs.letters.open() == (letter(),)


def test_a_key_is_there_once_and_was_seen_again(plugs: Plugs) -> None:
    plugs.letters.put(letter())
    again = replace(letter(), last_seen=LATER, starts=9)
    assert not plugs.letters.put(again)
    assert plugs.letters.all() == (replace(letter(), last_seen=LATER),)
    assert not plugs.letters.put(letter()), "an older sight of it"
    assert plugs.letters.all() == (replace(letter(), last_seen=LATER),)


def test_letters_keep_the_order_in_which_they_came(plugs: Plugs) -> None:
    for number in (3, 1, 2):
        plugs.letters.put(letter(number))
    assert [one.attempt for one in plugs.letters.open()] == [3, 1, 2]


@pytest.mark.parametrize("answer", [LetterStatus.REPLAYED, LetterStatus.DISCARDED], ids=str)
def test_only_the_first_answer_counts(plugs: Plugs, answer: Answer) -> None:
    plugs.letters.put(letter(1))
    plugs.letters.put(letter(2))
    assert plugs.letters.answer(letter(1).key, answer, at=LATER)
    assert not plugs.letters.answer(letter(1).key, answer, at=LATER)
    assert not plugs.letters.answer(letter(1).key, LetterStatus.DISCARDED, at=LATER)
    assert plugs.letters.open() == (letter(2),)
    assert plugs.letters.get(letter(1).key) == replace(letter(1), status=answer, last_seen=LATER)


def test_a_letter_that_is_put_again_stays_answered(plugs: Plugs) -> None:
    plugs.letters.put(letter())
    plugs.letters.answer(letter().key, LetterStatus.REPLAYED, at=NOW)
    plugs.letters.put(letter())
    assert plugs.letters.open() == ()


def test_an_unknown_letter_cannot_be_answered(plugs: Plugs) -> None:
    assert not plugs.letters.answer("nobody", LetterStatus.DISCARDED, at=NOW)
    assert plugs.letters.all() == ()


def test_a_letter_can_be_put_as_answered(plugs: Plugs) -> None:
    """So that the index can be rebuilt from what GitHub says."""
    plugs.letters.put(replace(letter(), status=LetterStatus.DISCARDED))
    assert plugs.letters.open() == ()
    assert not plugs.letters.answer(letter().key, LetterStatus.REPLAYED, at=NOW)


def test_a_lost_index_is_empty(plugs: Plugs) -> None:
    plugs.letters.put(letter())
    plugs.wipe()
    assert plugs.letters.all() == ()
    assert plugs.letters.put(letter())
