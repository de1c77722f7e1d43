"""A cell: back to a boundary, one disturbance, on to the end, and the comparison with the undisturbed run."""

import re
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from chaos_gate import When
from chaos_picture import Picture, look, money
from chaos_reference import Reference
from chaos_requests import Target, actions_after
from chaos_room import BEAT, CELERY, WORKER, Room, ended
from processes import until

# Generous: on a busy machine everything takes its time, and a run that is stuck stays stuck.
_FIRES_WITHIN_S = 120.0
_ENDS_WITHIN_S = 240.0
_RESTS_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbed:
    """When the disturbance struck, and from when on what is seen outside is the work of those who recovered."""

    at: datetime
    over: datetime


class Unfired(AssertionError):
    """The disturbance never took place, so the cell proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One disturbed run. ``disturb`` gets a room at ``moment`` in which no worker runs yet, and leaves one that does.

    It raises Unfired when nothing was disturbed, and returns None when there is no moment to recover from.
    ``forgets`` says that answers which were recorded in Redis alone may be asked for again. ``finds`` is for broken
    builds: what the cell must complain of, as a regular expression.
    """

    name: str
    family: str
    moment: int
    disturb: Callable[[Room], Disturbed | None]
    forgets: bool = False
    finds: str | None = None
    recovers_within_s: float | None = None
    within_s: float = _ENDS_WITHIN_S
    meanwhile: Callable[[Room], None] = lambda _room: None
    check: Callable[[Room], list[str]] = lambda _room: []


@dataclass(slots=True, kw_only=True)
class Row:
    """What came of a cell."""

    name: str
    family: str
    fired: bool = True
    duplicates: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    paid_twice: list[str] = field(default_factory=list)
    ledger: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    recovery_s: float | None = None
    seconds: float = 0.0

    @property
    def complaints(self) -> list[str]:
        """Everything that is not as it has to be."""
        return [*self.duplicates, *self.losses, *self.paid_twice, *self.ledger, *self.wrong]

    @property
    def failed(self) -> bool:
        """Whether anything is not as it has to be."""
        return not self.fired or bool(self.complaints)

    def as_json(self) -> dict[str, Any]:
        """Return the row as it is written down."""
        return {**asdict(self), "failed": self.failed}


def run_cell(cell: Cell, room: Room, reference: Reference) -> Row:
    """Run a cell; whatever goes wrong stands in its row, and the room is ready for the next cell."""
    row, began = Row(name=cell.name, family=cell.family), datetime.now(UTC)
    try:
        _put_back(room, cell)
        struck = cell.disturb(room)
        ended(room, within_s=cell.within_s, meanwhile=lambda: cell.meanwhile(room))
        let_go(room)
        _compare(cell, room, reference, row)
        row.recovery_s = _recovery_s(room, struck) if struck else None
        row.wrong += [*_too_late(cell, row), *cell.check(room)]
    except Unfired as error:
        row.fired, row.wrong = False, [str(error)]
    except AssertionError as error:
        row.wrong.append(str(error))
    except Exception:  # noqa: BLE001 - an error of the harness is a row too, and the matrix goes on
        row.wrong.append(traceback.format_exc())
    finally:
        if cell.finds is not None:
            row = _turned_round(row, cell.finds)
        if row.failed:
            _keep_evidence(room, cell)
        room.clear()
    row.seconds = (datetime.now(UTC) - began).total_seconds()
    return row


def _turned_round(row: Row, finds: str) -> Row:
    """Return a row that is good when ``row`` complains as it has to."""
    turned = Row(name=row.name, family=row.family, fired=row.fired)
    if not any(re.search(finds, text) for text in row.complaints):
        turned.wrong = [f"nobody noticed that this build is broken: {row.complaints}"]
    return turned


def _put_back(room: Room, cell: Cell) -> None:
    room.open(room.moments[cell.moment])
    if BEAT not in room.programs:
        room.begin_beat()


def _compare(cell: Cell, room: Room, reference: Reference, row: Row) -> None:
    now = _at_rest(room, reference)
    row.duplicates = now.more_than(reference.picture)
    row.losses = reference.picture.more_than(now)
    row.paid_twice = [] if cell.forgets else room.asked_twice()
    row.ledger = money(room).wrong()
    row.wrong += [str(one) for one in room.ask("github", "violations")["violations"]]


def _at_rest(room: Room, reference: Reference) -> Picture:
    """Return the picture once it is the one that is wanted; what is missing after a while stays missing."""
    seen: list[Picture] = []

    def as_wanted() -> bool:
        seen.append(look(room))
        return seen[-1] == reference.picture

    with suppress(AssertionError):
        until(as_wanted, within_s=_RESTS_WITHIN_S, what="the run has come to rest", every_s=0.5)
    return seen[-1]


def _recovery_s(room: Room, struck: Disturbed) -> float:
    """Return the seconds until somebody went on with the run: wrote to GitHub, asked the model or the service."""
    went_on = next(iter(actions_after(room, struck.over)), datetime.now(UTC))
    return round((went_on - struck.at).total_seconds(), 2)


def _too_late(cell: Cell, row: Row) -> list[str]:
    if cell.recovers_within_s is None or row.recovery_s is None or row.recovery_s <= cell.recovers_within_s:
        return []
    return [f"it took {row.recovery_s:.1f} s to go on, {cell.recovers_within_s:g} s are allowed"]


def _keep_evidence(room: Room, cell: Cell) -> None:
    """Keep the logs of a cell that failed, and what the twin was asked, for whoever looks for the reason."""
    name = "".join(letter if letter.isalnum() else "-" for letter in cell.name)
    folder = room.evidence / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "logs.txt").write_text(room.logs(), "utf-8")
    try:
        lines = [f"{one['at']} {one['method']} {one['path']} {one['status']}" for one in room.requests()]
        comments = "\n\n".join(room.maria.comments())
    except Exception as error:  # noqa: BLE001 - what is left of a broken cell is kept all the same
        lines, comments = [repr(error)], ""
    (folder / "requests.txt").write_text("\n".join(lines), "utf-8")
    (folder / "comments.txt").write_text(comments, "utf-8")


def killed_at(target: Target, when: When, *, built: Sequence[str] = CELERY, within_s: float = _ENDS_WITHIN_S) -> Cell:
    """Return the cell that kills the worker's host while ``target`` is held before or after it acts."""
    return _killed(target, when, Room.end, f"{target.name} {when}", built=built, within_s=within_s)


def outlived_by(target: Target) -> Cell:
    """Return the cell that kills the worker alone: the command that asks for ``target`` goes on, and acts too late."""
    return _killed(target, "before", Room.end_alone, f"{target.name} late")


def _killed(
    target: Target,
    when: When,
    end: Callable[[Room, str], None],
    name: str,
    *,
    built: Sequence[str] = CELERY,
    within_s: float = _ENDS_WITHIN_S,
) -> Cell:

    def disturb(room: Room) -> Disturbed:
        target.arm(room, when)
        room.begin_work(launcher=built)
        await_hold(room, target.name)
        end(room, WORKER)
        at = datetime.now(UTC)
        let_go(room)
        over = datetime.now(UTC)
        room.begin_work(launcher=built)
        return Disturbed(at=at, over=over)

    return Cell(
        name=name,
        family=f"kill {target.wire}",
        moment=target.moment,
        disturb=disturb,
        within_s=within_s,
    )


def await_hold(room: Room, what: str) -> None:
    """Return when a request is held; the person does her part until then."""
    try:
        until(
            room.holds_something,
            within_s=_FIRES_WITHIN_S,
            what=f"a request is held: {what}",
            meanwhile=room.maria.merge_what_waits,
            every_s=0.15,
        )
    except AssertionError as error:
        raise Unfired(str(error)) from error


def let_go(room: Room) -> None:
    """Let held requests go on and return when they did."""
    until(lambda: not room.holds_something(), within_s=10, what="nothing is held", meanwhile=room.let_all_go)


def await_fault(room: Room, twin: str, what: str) -> None:
    """Return when a fault of ``twin`` has struck."""

    def struck() -> bool:
        return any(one["fired"] for one in room.ask(twin, "faults")["faults"])

    try:
        until(struck, within_s=_FIRES_WITHIN_S, what=f"a fault strikes: {what}")
    except AssertionError as error:
        raise Unfired(str(error)) from error
