"""Turn the crank in one process: a step, its nodes, and again until only a person or time can move the run."""

from dataclasses import dataclass
from typing import Protocol

from cogworks.engine.attempt import run_attempt
from cogworks.engine.house import House
from cogworks.engine.progress import at_work
from cogworks.engine.sitting_out import sit_out
from cogworks.engine.turn import StepReport, StepResult, patient_step
from cogworks.model.ids import Item, NodeRef
from cogworks.model.state import NodeStatus, RunState
from cogworks.ports.runtime import Refusal

# An outcome that is there already, and an attempt that is given up, are taken up by the next step.
_TAKEN_UP = (Refusal.DONE, Refusal.EXHAUSTED)
_NOT_OURS = frozenset(refusal.value for refusal in Refusal if refusal not in _TAKEN_UP) | {"not_active"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One attempt that was tried here, and how it ended in one word; a refusal of the claim is such a word too."""

    ref: NodeRef
    attempt: int
    result: str

    @property
    def ours(self) -> bool:
        """Whether the attempt was worked on here, or had an outcome that the next step takes up."""
        return self.result not in _NOT_OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cranked:
    """What came of it: the last step's report, and every attempt."""

    report: StepReport
    ran: tuple[Ran, ...]
    steps: int

    @property
    def held_elsewhere(self) -> bool:
        """Whether another worker holds the step, or everything that is left to do."""
        left = self.ran[-1:] if self.report.result is not StepResult.HELD else ()
        return self.report.result is StepResult.HELD or any(not one.ours for one in left)


class Watch(Protocol):
    """Is told of each attempt as it begins and ends."""

    def began(self, ref: NodeRef, attempt: int) -> None: ...
    def ended(self, ran: Ran) -> None: ...


def crank(
    house: House,
    item: Item,
    *,
    hint: str,
    until_blocked: bool,
    watch: Watch,
    rebuild: bool = False,
    accept_graph: bool = False,
) -> Cranked:
    """Take a step and run its nodes; with ``until_blocked`` again and again while that leads anywhere.

    ``rebuild`` and ``accept_graph`` are for the first step: it rebuilds the state, whatever its comment says, or lets
    a stopped run go on with a changed pipeline file. Claims keep it right beside workers: an
    attempt that somebody else has is left to them. A rate limit that lifts soon enough is sat out.
    """
    ran: list[Ran] = []
    before: list[Ran] = []
    steps = 0
    while True:
        first = steps == 0
        report = patient_step(house, item, hint=hint, rebuild=rebuild and first, accept_graph=accept_graph and first)
        steps += 1
        ended = _run_active(house, item, report.state, watch)
        ran += ended
        if not ended and sit_out(house, report):
            continue
        if not until_blocked or not any(one.ours for one in ended) or ended == before:
            return Cranked(report=report, ran=tuple(ran), steps=steps)
        before = ended


def _run_active(house: House, item: Item, state: RunState | None, watch: Watch) -> list[Ran]:
    """Run every attempt that the state calls active, one after the other."""
    if state is None or not state.status.open:
        return []
    ended = []
    for ref in at_work(state, NodeStatus.ACTIVE):
        attempt = state.node(ref).attempts
        watch.began(ref, attempt)
        one = Ran(ref=ref, attempt=attempt, result=run_attempt(house, item, ref, attempt))
        watch.ended(one)
        ended.append(one)
    return ended
