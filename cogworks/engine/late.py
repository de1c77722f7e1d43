"""Attempts that were cancelled while they paid: their cost is counted when they have told it (ENG-42)."""

from collections.abc import Iterator

from cogworks.engine.events import NodeEnded
from cogworks.engine.journal import Journal
from cogworks.model.ids import AttemptKey, NodeRef
from cogworks.model.state import RunState


def late_costs(state: RunState, journal: Journal) -> Iterator[NodeEnded]:
    """Yield the outcomes of cancelled attempts that the state has not charged yet."""
    refs = [NodeRef(node) for node, at in state.nodes.items() if at.uncharged]
    refs += [
        NodeRef(node, swi.ordinal) for swi in state.sub_work_items for node, at in swi.nodes.items() if at.uncharged
    ]
    for ref in refs:
        for attempt in state.node(ref).uncharged:
            outcome = journal.find(AttemptKey(state.item, state.run_id, ref, attempt))
            if outcome is not None:
                yield NodeEnded(ref=ref, attempt=attempt, outcome=outcome)
