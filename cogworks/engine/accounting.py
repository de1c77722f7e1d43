"""What a run has spent, recounted from GitHub, and a ledger started from it (RUN-14, RUN-18)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cogworks.engine.entries import Entry, entries_of
from cogworks.engine.loading import load_state
from cogworks.model.ids import Item
from cogworks.model.spending import Call, Sums
from cogworks.model.state import Cost, NodeState, NodeStatus, RunState
from cogworks.ports.bundle import Ports
from cogworks.ports.runtime import LedgerView


def recount(state: RunState, entries: Sequence[Entry]) -> Sums:
    """Return what ``state`` and the journal hold together: the state's sums, and what it has not counted yet."""
    committed, by_node = Cost(microusd=state.cost.microusd, tokens=state.cost.tokens), dict(state.cost.by_node)
    for entry in entries:
        if not _counted(state, entry):
            paid = entry.outcome.cost - _waited(state, entry).within(entry.outcome.remembered)
            committed += paid
            by_node[entry.ref.node] = by_node.get(entry.ref.node, 0) + paid.microusd
    return Sums(
        committed=committed,
        by_node={node: paid for node, paid in by_node.items() if paid},
        call_ids=frozenset(call.id for entry in entries for call in entry.calls if call.answered),
        unanswered=_unanswered(state, entries),
    )


def _counted(state: RunState, entry: Entry) -> bool:
    """Tell whether the state's sums hold an attempt: it has ended, and none of its cost came too late."""
    if entry.ref.swi is not None and all(swi.ordinal != entry.ref.swi for swi in state.sub_work_items):
        return False
    at = state.node(entry.ref)
    if entry.ref.swi is None and entry.ref.node not in state.nodes:
        # Intake moves into the pipeline that it chose, under the name of that pipeline's start.
        return state.classification is not None and not at.attempts
    if entry.attempt in at.uncharged or entry.attempt > at.attempts:
        return False
    return entry.attempt < at.attempts or at.status is not NodeStatus.ACTIVE


def _waited(state: RunState, entry: Entry) -> Cost:
    """Return what an attempt paid while it waited, which the state has counted already."""
    known = entry.ref.swi is None or any(swi.ordinal == entry.ref.swi for swi in state.sub_work_items)
    return state.node(entry.ref).waited if known else Cost()


def _unanswered(state: RunState, entries: Iterable[Entry]) -> tuple[Call, ...]:
    """Return the calls that were cut off; those of attempts that then waited are known to the state alone."""
    entries = tuple(entries)
    named = {call.id: call for entry in entries for call in entry.calls if not call.answered}
    counted = sum((entry.outcome.unreconciled for entry in entries if _counted(state, entry)), Cost())
    rest = state.cost.unreconciled - counted.within(state.cost.unreconciled)
    other = () if rest == Cost() else (Call(id=f"waited/{state.run_id}", node="", cost=rest, answered=False),)
    return (*named.values(), *other)


def start_ledger(ports: Ports, item: Item, *, again: bool = False) -> Sums | None:
    """Start the ledger of ``item`` from what GitHub holds now and return that; None when there is no run.

    ``again``: although it was started before. The state is read before the journal: what ends in between is found
    in the latter and counted once.
    """
    state = load_state(ports.projection, ports.github, item).state
    if state is None:
        return None
    ports.git.fetch(item.repo)
    sums = recount(state, entries_of(ports.git, state))
    ports.ledger.seed(item, sums, again=again)
    return sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Recounted:
    """A ledger before and after GitHub was asked."""

    before: LedgerView
    after: LedgerView

    @property
    def differ(self) -> bool:
        """Whether anything that was spent was counted otherwise."""
        return (self.before.committed, self.before.by_node, self.before.unreconciled) != (
            self.after.committed,
            self.after.by_node,
            self.after.unreconciled,
        )


def recounted(ports: Ports, item: Item, *, again: bool) -> Recounted | None:
    """Bring the ledger to what GitHub holds and return it as it was and is; None when there is no run.

    Without ``again`` only a ledger that was lost is started. Calls of attempts under way stay on top. While an
    attempt waits, its calls are known to the ledger by name and to GitHub by their sum alone: then it is left.
    """
    before = ports.ledger.show(item)
    state = load_state(ports.projection, ports.github, item).state
    waits = state is not None and any(at.waited != Cost() for at in _all_nodes(state))
    if start_ledger(ports, item, again=again and not waits) is None:
        return None
    return Recounted(before=before, after=ports.ledger.show(item))


def _all_nodes(state: RunState) -> tuple[NodeState, ...]:
    return (*state.nodes.values(), *(at for swi in state.sub_work_items for at in swi.nodes.values()))
