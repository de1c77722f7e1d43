"""Which node transitions there are (ENG-24): a decision that makes another one is refused, and nothing changes."""

from cogworks.engine.effects import Note
from cogworks.engine.progress import every_node
from cogworks.engine.settling import Decision
from cogworks.model.state import NodeStatus, RunState

_S = NodeStatus
_STEPS: dict[NodeStatus, frozenset[NodeStatus]] = {
    # what a person closed before it began has failed
    _S.PENDING: frozenset({_S.ACTIVE, _S.SKIPPED, _S.BLOCKED, _S.FAILED}),
    _S.ACTIVE: frozenset({_S.COMPLETED, _S.AWAITING_APPROVAL, _S.FAILED, _S.PENDING, _S.CANCELLED}),
    # a branch that was deleted or pushed to sends a waiting node back
    _S.AWAITING_APPROVAL: frozenset({_S.COMPLETED, _S.FAILED, _S.CANCELLED, _S.PENDING}),
    _S.COMPLETED: frozenset({_S.PENDING, _S.FAILED}),
    _S.SKIPPED: frozenset({_S.PENDING}),
    _S.BLOCKED: frozenset({_S.PENDING, _S.FAILED}),
    _S.FAILED: frozenset({_S.PENDING}),
    _S.CANCELLED: frozenset({_S.PENDING, _S.FAILED}),
}


def may_become(old: NodeStatus, new: NodeStatus) -> bool:
    """Tell whether one decision may lead a node from ``old`` to ``new``: by one step, or over pending in the same."""
    over_pending = _S.PENDING in _STEPS[old] and new in (_S.ACTIVE, _S.SKIPPED, _S.BLOCKED)
    return old is new or new in _STEPS[old] or over_pending


def lawful(before: RunState, decision: Decision) -> Decision:
    """Return ``decision``, or, when it holds an illegal transition, one that changes nothing and says so."""
    known = dict(every_node(before))
    wrong = [
        f"{ref} from {known[ref].status} to {at.status}"
        for ref, at in every_node(decision.state)
        if ref in known and not may_become(known[ref].status, at.status)
    ]
    if not wrong:
        return decision
    return Decision(
        state=before, effects=(Note(action="illegal", message=f"illegal, nothing was changed: {'; '.join(wrong)}"),)
    )
