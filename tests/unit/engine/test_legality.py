"""Which transitions a node may make, and what becomes of a decision that makes another (ENG-24)."""

from itertools import product

import pytest
from run_states import S, at, fresh, with_nodes

from cogworks.engine.effects import Note
from cogworks.engine.legality import lawful, may_become
from cogworks.engine.settling import Decision
from cogworks.model.state import NodeStatus

REFUSED = {
    S.PENDING: {S.COMPLETED, S.AWAITING_APPROVAL, S.CANCELLED},
    S.ACTIVE: set[NodeStatus](),
    S.AWAITING_APPROVAL: set[NodeStatus](),
    S.COMPLETED: {S.AWAITING_APPROVAL, S.CANCELLED},
    S.SKIPPED: {S.COMPLETED, S.AWAITING_APPROVAL, S.CANCELLED, S.FAILED},
    S.BLOCKED: {S.COMPLETED, S.AWAITING_APPROVAL, S.CANCELLED},
    S.FAILED: {S.COMPLETED, S.AWAITING_APPROVAL, S.CANCELLED},
    S.CANCELLED: {S.COMPLETED, S.AWAITING_APPROVAL},
}
"""Everything that is done is done by an attempt: nothing is completed, or waits, that was not at work."""


@pytest.mark.parametrize(("old", "new"), list(product(NodeStatus, NodeStatus)))
def test_every_pair_is_allowed_or_refused(old: NodeStatus, new: NodeStatus) -> None:
    assert may_become(old, new) is (new not in REFUSED[old])


@pytest.mark.parametrize(("old", "new"), [(old, new) for old, news in REFUSED.items() for new in sorted(news)])
def test_a_refused_transition_changes_nothing_and_is_told(old: NodeStatus, new: NodeStatus) -> None:
    before = with_nodes(fresh(), planning=at(old))
    decided = lawful(before, Decision(state=with_nodes(before, planning=at(new)), effects=()))

    assert decided.state == before
    assert [type(effect) for effect in decided.effects] == [Note]
    assert f"planning from {old} to {new}" in str(decided.effects)
