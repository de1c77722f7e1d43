"""What every plug of Ledger must do (RUN-16, RUN-17)."""

from dataclasses import replace
from functools import partial

import pytest
from runtime_plugs import ITEM, OTHER, Plugs

from cogworks.model.spending import Call, Sums
from cogworks.model.state import Cost
from cogworks.ports.runtime import Grant, LedgerView, SpendingLimits

LIMITS = SpendingLimits(run_microusd=1000, run_tokens=100, node_microusd=600, concurrent_calls=3)
TTL_S = 60.0


def cost(microusd: int, tokens: int = 0) -> Cost:
    return Cost(microusd=microusd, tokens=tokens)


def reserve(plugs: Plugs, call_id: str, ask: Cost, *, node: str = "coding", limits: SpendingLimits = LIMITS) -> Grant:
    return plugs.ledger.reserve(ITEM, holder="owner", call_id=call_id, node=node, ask=ask, ttl_s=TTL_S, limits=limits)


# Before each ask: 200 and 20 tokens committed by coding, 300 and 30 tokens reserved by coding.
ASKS = [
    ("exactly at the run limit", "planning", cost(500, 10), LIMITS, Grant.GRANTED),
    ("one micro-dollar over the run limit", "planning", cost(501), LIMITS, Grant.OVER_RUN_LIMIT),
    ("exactly at the token limit", "planning", cost(1, 50), LIMITS, Grant.GRANTED),
    ("one token over", "planning", cost(1, 51), LIMITS, Grant.OVER_TOKEN_LIMIT),
    ("exactly at the node limit", "coding", cost(100), LIMITS, Grant.GRANTED),
    ("one micro-dollar over the node limit", "coding", cost(101), LIMITS, Grant.OVER_NODE_LIMIT),
    ("another node has a limit of its own", "planning", cost(101), LIMITS, Grant.GRANTED),
    ("without a node limit", "coding", cost(500), replace(LIMITS, node_microusd=None), Grant.GRANTED),
    ("as many calls as allowed are under way", "planning", cost(1), replace(LIMITS, concurrent_calls=1), Grant.BUSY),
]


@pytest.mark.parametrize(("why", "node", "ask", "limits", "grant"), ASKS, ids=[row[0] for row in ASKS])
def test_a_reservation_stays_within_limits(
    plugs: Plugs, why: str, node: str, ask: Cost, limits: SpendingLimits, grant: Grant
) -> None:
    plugs.ledger.commit(ITEM, call_id="paid", node="coding", actual=cost(200, 20))
    assert (
        plugs.ledger.reserve(
            ITEM, holder="owner", call_id="under way", node="coding", ask=cost(300, 30), ttl_s=60, limits=LIMITS
        )
        is Grant.GRANTED
    )
    assert reserve(plugs, "new", ask, node=node, limits=limits) is grant
    held = cost(300, 30) + (ask if grant is Grant.GRANTED else cost(0))
    assert plugs.ledger.show(ITEM).reserved == held


def test_a_live_reservation_asked_for_again_is_replaced(plugs: Plugs) -> None:
    alone = replace(LIMITS, concurrent_calls=1)
    assert reserve(plugs, "c1", cost(600), limits=alone) is Grant.GRANTED
    assert reserve(plugs, "c1", cost(500), limits=alone) is Grant.GRANTED
    assert plugs.ledger.show(ITEM).reserved == cost(500)


def test_a_commit_books_once_and_frees_its_reservation(plugs: Plugs) -> None:
    reserve(plugs, "c1", cost(500, 50))
    assert plugs.ledger.commit(ITEM, call_id="c1", node="coding", actual=cost(120, 12))
    assert not plugs.ledger.commit(ITEM, call_id="c1", node="coding", actual=cost(120, 12))
    assert plugs.ledger.commit(ITEM, call_id="c2", node="planning", actual=cost(5, 1)), "no reservation is needed"
    assert plugs.ledger.show(ITEM) == LedgerView(
        committed=cost(125, 13), reserved=cost(0), unreconciled=cost(0), by_node={"coding": 120, "planning": 5}
    )


def test_a_paid_call_is_granted_and_holds_nothing(plugs: Plugs) -> None:
    plugs.ledger.commit(ITEM, call_id="c1", node="coding", actual=cost(1000))
    assert reserve(plugs, "c1", cost(500)) is Grant.GRANTED
    assert plugs.ledger.show(ITEM).reserved == cost(0)


def test_a_released_call_costs_nothing(plugs: Plugs) -> None:
    reserve(plugs, "c1", cost(500))
    plugs.ledger.release(ITEM, call_id="c1", holder="owner")
    plugs.ledger.release(ITEM, call_id="c1", holder="owner")
    assert plugs.ledger.show(ITEM) == LedgerView(committed=cost(0), reserved=cost(0), unreconciled=cost(0))


def test_an_expired_reservation_counts_until_its_answer_is_booked(plugs: Plugs) -> None:
    reserve(plugs, "c1", cost(600, 60))
    assert plugs.ledger.expire(ITEM) == 0
    plugs.pass_time(TTL_S)
    assert plugs.ledger.expire(ITEM) == 1
    assert plugs.ledger.expire(ITEM) == 0
    assert plugs.ledger.show(ITEM) == LedgerView(committed=cost(0), reserved=cost(0), unreconciled=cost(600, 60))
    assert reserve(plugs, "c2", cost(401), node="planning") is Grant.OVER_RUN_LIMIT
    assert reserve(plugs, "c3", cost(1)) is Grant.OVER_NODE_LIMIT
    alone = replace(LIMITS, concurrent_calls=1)
    assert reserve(plugs, "c4", cost(400), node="planning", limits=alone) is Grant.GRANTED, "it is under way no more"
    assert plugs.ledger.commit(ITEM, call_id="c1", node="coding", actual=cost(10, 1))
    view = plugs.ledger.show(ITEM)
    assert (view.committed, view.unreconciled) == (cost(10, 1), cost(0))


def test_a_call_that_another_may_have_sent_is_in_doubt_until_it_is_booked_elsewhere(plugs: Plugs) -> None:
    """RUN-17: its holder died, or was taken for dead; what it sent is never free."""
    reserve(plugs, "c1", cost(300, 30))
    successor = partial(plugs.ledger.reserve, ITEM, call_id="c1", holder="successor", node="coding", ttl_s=TTL_S)
    assert successor(ask=cost(300, 30), limits=LIMITS) is Grant.IN_DOUBT
    plugs.ledger.release(ITEM, call_id="c1", holder="successor")
    assert plugs.ledger.show(ITEM).reserved == cost(300, 30), "it is not the successor's to free"

    plugs.ledger.book(ITEM, [Call(id="c1~1", node="coding", cost=cost(300, 30), answered=False)])
    plugs.ledger.release(ITEM, call_id="c1", holder=None)
    assert successor(ask=cost(300, 30), limits=LIMITS) is Grant.GRANTED
    plugs.ledger.release(ITEM, call_id="c1", holder="owner")
    view = plugs.ledger.show(ITEM)
    assert (view.reserved, view.unreconciled) == (cost(300, 30), cost(300, 30)), "the old holder frees nothing"


def test_a_call_sent_again_after_its_time_counts_twice_until_known(plugs: Plugs) -> None:
    reserve(plugs, "c1", cost(100))
    plugs.pass_time(TTL_S)
    assert reserve(plugs, "c1", cost(100)) is Grant.GRANTED
    view = plugs.ledger.show(ITEM)
    assert (view.reserved, view.unreconciled) == (cost(100), cost(100))
    plugs.ledger.commit(ITEM, call_id="c1", node="coding", actual=cost(30))
    view = plugs.ledger.show(ITEM)
    assert (view.committed, view.reserved, view.unreconciled) == (cost(30), cost(0), cost(100))


def test_items_have_ledgers_of_their_own(plugs: Plugs) -> None:
    plugs.ledger.commit(ITEM, call_id="c1", node="coding", actual=cost(7))
    assert plugs.ledger.show(OTHER).committed == cost(0)


def test_figures_keep_every_digit(plugs: Plugs) -> None:
    large = 4_000_000_000_000_001
    plugs.ledger.commit(ITEM, call_id="c1", node="coding", actual=cost(large, large))
    limits = SpendingLimits(run_microusd=large + 2, run_tokens=large + 2, node_microusd=None, concurrent_calls=1)
    assert reserve(plugs, "c2", cost(3), limits=limits) is Grant.OVER_RUN_LIMIT
    assert reserve(plugs, "c2", cost(2, 2), limits=limits) is Grant.GRANTED
    assert plugs.ledger.show(ITEM).committed == cost(large, large)


# --- started from the journal


def sums(committed: Cost, by_node: dict[str, int], *calls: str, unanswered: tuple[Call, ...] = ()) -> Sums:
    return Sums(committed=committed, by_node=by_node, call_ids=frozenset(calls), unanswered=unanswered)


def call(name: str, actual: Cost, *, node: str = "coding", answered: bool = True) -> Call:
    return Call(id=name, node=node, cost=actual, answered=answered)


def test_a_seed_starts_a_ledger_once(plugs: Plugs) -> None:
    plugs.ledger.seed(ITEM, sums(cost(50, 5), {"intake": 20, "coding": 30}))
    plugs.ledger.seed(ITEM, sums(cost(999, 9), {"coding": 999}))
    assert plugs.ledger.show(ITEM) == LedgerView(
        committed=cost(50, 5), reserved=cost(0), unreconciled=cost(0), by_node={"intake": 20, "coding": 30}
    )
    assert reserve(plugs, "c1", cost(571)) is Grant.OVER_NODE_LIMIT


def test_after_a_loss_the_ledger_equals_the_journal(plugs: Plugs) -> None:
    plugs.ledger.seed(ITEM, sums(cost(0), {}))
    plugs.ledger.commit(ITEM, call_id="old", node="intake", actual=cost(50))
    plugs.wipe()
    # The living owner books a call of its attempt, then somebody starts the ledger from the journal without it.
    plugs.ledger.commit(ITEM, call_id="new", node="coding", actual=cost(7))
    plugs.ledger.seed(ITEM, sums(cost(50), {"intake": 50}, "old"))
    # At the end of its attempt the owner sends all its calls again; so may a taker-over, even journalled ones.
    assert not plugs.ledger.commit(ITEM, call_id="new", node="coding", actual=cost(7))
    assert not plugs.ledger.commit(ITEM, call_id="old", node="intake", actual=cost(50))
    view = plugs.ledger.show(ITEM)
    assert view.committed == cost(57)
    assert view.by_node == {"intake": 50, "coding": 7}


BOOKED = [
    ("a call that the journal holds by now is not added to it", ["a"], cost(40, 4), {"coding": 40}),
    ("a call that it does not hold stays on top", [], cost(70, 7), {"coding": 70}),
]


@pytest.mark.parametrize(("why", "journalled", "committed", "by_node"), BOOKED, ids=[row[0] for row in BOOKED])
def test_what_was_booked_before_the_start_is_counted_once(
    plugs: Plugs, why: str, journalled: list[str], committed: Cost, by_node: dict[str, int]
) -> None:
    assert not plugs.ledger.book(ITEM, [call("a", cost(30, 3))]), "an empty ledger says so"
    plugs.ledger.seed(ITEM, sums(cost(40, 4), {"coding": 40}, *journalled))
    assert plugs.ledger.book(ITEM, [call("a", cost(30, 3))]), "and one that was started says that"
    view = plugs.ledger.show(ITEM)
    assert (view.committed, view.by_node) == (committed, by_node)


def test_a_ledger_started_again_equals_the_journal_and_keeps_what_is_under_way(plugs: Plugs) -> None:
    plugs.ledger.seed(ITEM, sums(cost(10), {"intake": 10}, "a"))
    plugs.ledger.commit(ITEM, call_id="b", node="coding", actual=cost(5))
    plugs.ledger.commit(ITEM, call_id="c", node="review", actual=cost(3))
    plugs.ledger.seed(ITEM, sums(cost(15), {"intake": 10, "coding": 5}, "a", "b"), again=True)
    view = plugs.ledger.show(ITEM)
    assert (view.committed, view.by_node) == (cost(18), {"intake": 10, "coding": 5, "review": 3})


def test_a_cut_off_call_is_unreconciled_at_once_and_once(plugs: Plugs) -> None:
    lost = call("c1~x", cost(100, 10), answered=False)
    reserve(plugs, "c1", cost(100, 10))
    for _ in range(2):
        plugs.ledger.book(ITEM, [lost])
        plugs.ledger.release(ITEM, call_id="c1", holder="owner")
    assert plugs.ledger.show(ITEM) == LedgerView(committed=cost(0), reserved=cost(0), unreconciled=cost(100, 10))
    plugs.wipe()
    plugs.ledger.seed(ITEM, sums(cost(0), {}, unanswered=(lost,)))
    plugs.ledger.book(ITEM, [lost])
    assert plugs.ledger.show(ITEM).unreconciled == cost(100, 10)
    assert reserve(plugs, "c2", cost(501)) is Grant.OVER_NODE_LIMIT, "it counts against the limits"


def test_a_seed_keeps_calls_under_way(plugs: Plugs) -> None:
    reserve(plugs, "c1", cost(500))
    plugs.ledger.seed(ITEM, sums(cost(50), {}))
    assert plugs.ledger.show(ITEM).reserved == cost(500)


def test_a_forgotten_ledger_starts_from_nothing(plugs: Plugs) -> None:
    """ENG-44: a run that takes the place of another has a budget of its own."""
    plugs.ledger.seed(ITEM, Sums(committed=cost(700, 70), by_node={"coding": 700}))
    assert reserve(plugs, "old", cost(100), node="planning") is Grant.GRANTED
    plugs.ledger.forget(ITEM)
    plugs.ledger.seed(ITEM, Sums(committed=cost(0), by_node={}))

    assert plugs.ledger.show(ITEM) == LedgerView(committed=Cost(), reserved=Cost(), unreconciled=Cost())
    assert reserve(plugs, "new", cost(600)) is Grant.GRANTED
