"""The undisturbed run: it shows what the end looks like, which requests there are, and is saved at every boundary."""

from dataclasses import dataclass

from chaos_picture import Money, Picture, look, money
from chaos_requests import STATE_WRITE, Target, targets_of
from chaos_room import WORKER, Room, over
from processes import until


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What every cell is compared with."""

    picture: Picture
    targets: tuple[Target, ...]
    money: Money
    took_s: float


def undisturbed(room: Room, *, within_s: float = 180.0) -> Reference:
    """Run once from start to end, saving each node boundary: the state is written, its writer has no answer yet."""
    room.open()
    room.keep()
    room.set_faults("github", [{"match": STATE_WRITE, "kind": "hold_after"}])
    room.begin_beat()
    # Told to end, it finishes what it is at.
    room.begin_work(REMAP_SIGTERM="")

    def going() -> None:
        if room.holds_a_request():
            with room.at_rest():
                room.keep()
            room.let_go()
        room.maria.merge_what_waits()

    took_s = until(lambda: over(room), within_s=within_s, what="the run ends", meanwhile=going)
    worker = room.programs[WORKER]
    worker.ask_to_end()
    until(lambda: not worker.runs, within_s=60, what="the worker ends", meanwhile=going)
    reference = Reference(picture=look(room), targets=tuple(targets_of(room)), money=money(room), took_s=took_s)
    room.end(WORKER)
    room.clear()
    return reference
