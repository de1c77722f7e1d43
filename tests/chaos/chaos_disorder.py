"""Disturbances that kill no worker: a Redis that forgets, workers that stall, doubled and skewed company (HAR-03)."""

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from chaos_cells import Cell, Disturbed, Unfired, await_fault, await_hold, let_go
from chaos_gate import When
from chaos_reference import Reference
from chaos_requests import Target
from chaos_room import BEAT, CELERY, WORKER, Room, ended, over
from chaos_workers import launcher
from processes import until
from seeds import REPO

SECOND, CLI = "second", "cli"
_SEEDS = range(1, 21)
# What RUN-14 asks for: two lease periods, and one round of polling and sweeping.
_FORGETFUL_RECOVERS_WITHIN_S = 2 * 3 + 2.0
_PRODUCTION = {
    "COGWORKS_LEASE_SECONDS": "60",
    "COGWORKS_SWEEP_SECONDS": "30",
    "COGWORKS_VISIBILITY_SECONDS": "120",
}
_PRODUCTION_RECOVERS_WITHIN_S = 180.0


def disordered(reference: Reference) -> list[Cell]:
    """Return all cells of this kind."""
    return [*_redis_cells(reference), *_stalled_cells(reference), *_company(reference), _slow_node(reference)]


def _redis_cells(reference: Reference) -> list[Cell]:
    boundaries = [target for target in reference.targets if target.shown.endswith(" state")]
    cells = [_redis_lost(f"replaced at {one.name}", one, "after", Room.replace_redis) for one in boundaries]
    for seed in _SEEDS:
        chance = random.Random(seed)
        target, when = chance.choice(reference.targets), chance.choice(("before", "after"))
        cells.append(_redis_lost(f"FLUSHALL, seed {seed}: {when} {target.name}", target, when, Room.empty_redis))
    return cells


def _redis_lost(name: str, target: Target, when: When, lose: Callable[[Room], None]) -> Cell:
    def disturb(room: Room) -> Disturbed:
        target.arm(room, when)
        room.begin_work()
        await_hold(room, target.name)
        lose(room)
        at = datetime.now(UTC)
        let_go(room)
        return Disturbed(at=at, over=datetime.now(UTC))

    return Cell(
        name=name,
        family="redis lost",
        moment=target.moment,
        disturb=disturb,
        forgets=True,
        recovers_within_s=_FORGETFUL_RECOVERS_WITHIN_S,
    )


def _stalled_cells(reference: Reference) -> list[Cell]:
    """One target of each kind that a worker can lose its lease behind, once per boundary at most."""
    writes = [one for one in reference.targets if one.wire == "github" and one.moment > 0]
    return [stalled_at(one) for one in writes[::6]]


def stalled_at(target: Target, *, built: Sequence[str] = CELERY) -> Cell:
    """Return the cell whose worker stands still after ``target``, until another one has brought the run to its end."""

    def disturb(room: Room) -> Disturbed:
        target.arm(room, "after")
        # Told to end, it finishes what it is at and nothing more.
        room.begin_work(launcher=built, REMAP_SIGTERM="")
        await_hold(room, target.name)
        at = datetime.now(UTC)
        stalled = room.programs[WORKER]
        os.killpg(stalled.process.pid, signal.SIGSTOP)
        let_go(room)
        over_at = datetime.now(UTC)
        room.begin_work(SECOND)
        ended(room, within_s=120)
        os.killpg(stalled.process.pid, signal.SIGCONT)
        # It finishes what it was at, and then it ends.
        stalled.ask_to_end()
        until(lambda: not stalled.runs, within_s=60, what="the stalled worker ends")
        return Disturbed(at=at, over=over_at)

    return Cell(name=f"stalled after {target.name}", family="stalled", moment=target.moment, disturb=disturb)


def _company(reference: Reference) -> list[Cell]:
    middle = next(one for one in reference.targets if one.shown == "code_generation/1/generate/code_generation/2")
    faulty = [_faulty_cell(seed) for seed in (1, 2, 3)]
    return [
        _cell("two beats", _two_beats),
        _cell("every message comes twice", _twice),
        _cell("two workers and a person with the command line", _crowd, meanwhile=_keep_processing),
        _cell("clocks five minutes apart", _skewed),
        _cell("work folder deleted under the model", _without_folder(middle), moment=middle.moment),
        *faulty,
    ]


def _cell(name: str, disturb: Callable[[Room], Disturbed | None], *, moment: int = 0, **more: Any) -> Cell:
    return Cell(name=name, family="disorder", moment=moment, disturb=disturb, **more)


def _two_beats(room: Room) -> None:
    room.begin_beat(SECOND)
    room.begin_work()


def _twice(room: Room) -> None:
    room.end(BEAT)
    room.begin_beat(launcher=launcher("every-message-twice"))
    room.begin_work(launcher=launcher("every-message-twice"))


def _crowd(room: Room) -> None:
    room.begin_work()
    room.begin_work(SECOND)
    _process(room)


def _keep_processing(room: Room) -> None:
    if not room.programs[CLI].runs and not over(room):
        _process(room)


def _process(room: Room) -> None:
    command = (sys.executable, "-m", "cogworks.cli.main", "process", f"{REPO}#1", "--until-blocked")
    room.begin(CLI, *command)


def _skewed(room: Room) -> None:
    if shutil.which("faketime") is None:
        raise Unfired("this cell needs the command faketime (Debian: apt-get install faketime)")
    room.begin_work(launcher=("faketime", "-f", "-150s", *CELERY))
    room.begin_work(SECOND, launcher=("faketime", "-f", "+150s", *CELERY))


def _without_folder(target: Target) -> Callable[[Room], Disturbed]:
    def disturb(room: Room) -> Disturbed:
        target.arm(room, "after")
        room.begin_work()
        await_hold(room, target.name)
        shutil.rmtree(room.folder / "work")
        at = datetime.now(UTC)
        let_go(room)
        return Disturbed(at=at, over=datetime.now(UTC))

    return disturb


def _faulty_cell(seed: int) -> Cell:
    def disturb(room: Room) -> None:
        room.set_faults("github", _one_in_twenty(seed, code=502, match={"login": "cogworks"}))
        room.set_faults("anthropic", _one_in_twenty(seed, code=529, match={}))
        room.begin_work()

    return _cell(f"one request in twenty fails, seed {seed}", disturb, check=_something_failed)


def _one_in_twenty(seed: int, *, code: int, match: Mapping[str, str]) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = [
        {"kind": "status", "code": code},
        {"kind": "rate_limit", "secondary": True, "reset_in": 1},
        {"kind": "drop_before"},
        {"kind": "drop_after"},
    ]
    share = 0.05 / len(kinds)
    return [{"match": match, "rate": share, "seed": seed * 10 + n, **kind} for n, kind in enumerate(kinds)]


def _something_failed(room: Room) -> list[str]:
    if not any(one["fired"] for twin in ("github", "anthropic") for one in room.ask(twin, "faults")["faults"]):
        raise Unfired("no request failed")
    return []


def _slow_node(reference: Reference) -> Cell:
    """A worker dies 5 s into a call of 40 s; all settings are the ones of production (RUN-22)."""
    target = next(one for one in reference.targets if one.shown.startswith("code_generation/1/generate"))

    def disturb(room: Room) -> Disturbed:
        room.end(BEAT)
        room.begin_beat(**_PRODUCTION)
        slow = {"match": dict(target.match), "nth": 1, "kind": "slow", "delay_ms": 40_000}
        room.set_faults("anthropic", [slow])
        room.begin_work(**_PRODUCTION)
        await_fault(room, "anthropic", target.name)
        room.begin_work(SECOND, **_PRODUCTION)
        room.end(WORKER)
        at = datetime.now(UTC)
        return Disturbed(at=at, over=datetime.now(UTC))

    def once_more_at_most(room: Room) -> list[str]:
        node = {key: value for key, value in target.match.items() if key != "method"}
        asked = [one for one in room.ask("anthropic", "log")["requests"] if node.items() <= one["call"].items()]
        first = [one for one in asked if len(one["request"]["messages"]) == 1]
        return [f"the work of the node was begun {len(first)} times"] if len(first) > 2 else []

    return Cell(
        name="killed in a node of 40 s, production settings",
        family="production",
        moment=target.moment,
        disturb=disturb,
        check=once_more_at_most,
        recovers_within_s=_PRODUCTION_RECOVERS_WITHIN_S,
        within_s=300.0,
    )
