"""What the sweep does about dead letters: it answers those whose run went on, and repeats hints that were lost."""

from cogworks.engine.house import House
from cogworks.model.dead_letter import DeadLetter, LetterStatus
from cogworks.model.state import RunState, state_from_json
from cogworks.policy.dead_letters import OVERDUE, gone_on, is_unanswered


def tend_letters(house: House) -> None:
    """Bring the index up to what the runs tell; reads Redis alone."""
    for letter in house.ports.dead_letters.all():
        state = _state(house, letter) if _moves(house, letter) else None
        if letter.item is None or state is None:
            continue
        if letter.status is LetterStatus.OPEN and gone_on(letter, state):
            house.ports.dead_letters.answer(letter.key, LetterStatus.REPLAYED, at=house.ports.clock.now())
            house.log("dlq", f"{letter.key}: the run has gone on")
        elif letter.status is LetterStatus.REPLAYED and is_unanswered(letter, state):
            house.log("dlq", f"{letter.key}: was replayed, and its run has not gone on yet")
            house.ports.queue.step(letter.item, hint="replay")


def _moves(house: House, letter: DeadLetter) -> bool:
    """Tell whether ``letter`` may need something: it is open, or was replayed so lately that its hint may be lost."""
    if letter.status is LetterStatus.REPLAYED:
        age = house.ports.clock.now() - letter.last_seen
        return house.patience_s < age.total_seconds() < OVERDUE.total_seconds()
    return letter.status is LetterStatus.OPEN


def _state(house: House, letter: DeadLetter) -> RunState | None:
    run = None if letter.item is None else house.ports.projection.load(letter.item)
    return None if run is None else state_from_json(run.state)
