"""What every plug of Leases must do (RUN-02, RUN-07, RUN-14)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from runtime_plugs import ITEM, LEASE_S, OTHER, Plugs, attempt

from cogworks.model.errors import Cancelled, StaleFence
from cogworks.ports.runtime import Claim, Refusal, Starts


def claimed(plugs: Plugs, number: int = 1, *, owner: str = "w1", floor: int = 0) -> Claim:
    """Claim an attempt that must be free."""
    claim = plugs.leases.claim(attempt(number), owner=owner, fence_floor=floor)
    assert isinstance(claim, Claim), claim
    return claim


def finish(plugs: Plugs) -> None:
    assert plugs.leases.complete(claimed(plugs), "done")


def take_higher(plugs: Plugs) -> None:
    claimed(plugs, 2)


def stop(plugs: Plugs) -> None:
    plugs.leases.stop(ITEM, reason="cancelled by maria")


def start_too_often(plugs: Plugs) -> None:
    for _ in range(5):
        claimed(plugs)
        plugs.pass_time(LEASE_S)


REFUSALS: list[tuple[str, Callable[[Plugs], object], Refusal]] = [
    ("its outcome is stored", finish, Refusal.DONE),
    ("somebody works on it", claimed, Refusal.LIVE),
    ("a higher attempt of the same instance is known", take_higher, Refusal.OLDER),
    ("the run was stopped", stop, Refusal.STOPPED),
    ("five starts had no end", start_too_often, Refusal.EXHAUSTED),
]


@pytest.mark.parametrize(("why", "given", "refusal"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_a_claim_is_refused_when(plugs: Plugs, why: str, given: Callable[[Plugs], object], refusal: Refusal) -> None:
    given(plugs)
    assert plugs.leases.claim(attempt(), owner="w2", fence_floor=0) is refusal


def test_beginnings_without_an_end_are_counted_with_their_last_owner(plugs: Plugs) -> None:
    assert plugs.leases.starts(attempt()) == Starts()
    for number in range(1, 5):
        claimed(plugs, owner=f"w{number}")
        plugs.pass_time(LEASE_S)
        assert plugs.leases.starts(attempt()) == Starts(count=number, owner=f"w{number}")
    claimed(plugs, owner="w5")
    assert plugs.leases.starts(attempt()) == Starts(count=5, owner="w5"), "the last one may still come to an end"
    plugs.pass_time(LEASE_S)
    assert plugs.leases.starts(attempt()) == Starts(count=5, owner="w5", spent=True)
    assert plugs.leases.starts(attempt(2)) == Starts(), "another attempt"


def test_an_end_in_order_is_no_beginning_without_an_end(plugs: Plugs) -> None:
    plugs.leases.abandon(claimed(plugs, owner="w1"))
    assert plugs.leases.starts(attempt()) == Starts(owner="w1")
    plugs.leases.complete(claimed(plugs, owner="w2"), "done")
    assert plugs.leases.starts(attempt()) == Starts(owner="w2")


def test_a_fence_is_higher_than_all_before_it_and_than_the_floor(plugs: Plugs) -> None:
    assert plugs.leases.take_step(ITEM, fence_floor=7) is None, "a young store waits for living holders"
    plugs.pass_time(LEASE_S)
    step = plugs.leases.take_step(ITEM, fence_floor=7)
    assert step
    assert step.fence == 8
    assert claimed(plugs).fence == 9
    assert claimed(plugs, 2, floor=3).fence == 10
    assert claimed(plugs, 3, floor=20).fence == 21


def test_an_attempt_whose_owner_went_silent_is_taken_over(plugs: Plugs) -> None:
    first = claimed(plugs)
    with plugs.leases.keep(first) as keeper:
        keeper.guard()
    plugs.pass_time(LEASE_S)
    assert plugs.leases.live(ITEM) == frozenset()
    second = claimed(plugs, owner="w2")
    assert second.fence > first.fence
    assert second.starts == 2
    with plugs.leases.keep(first) as keeper, pytest.raises(StaleFence):
        keeper.guard()
    assert not plugs.leases.complete(first, "late")
    assert plugs.projection.outcome(attempt()) is None
    assert plugs.leases.complete(second, "in time")
    assert plugs.projection.outcome(attempt()) == "in time"


def test_an_owner_who_is_only_late_may_still_complete(plugs: Plugs) -> None:
    claim = claimed(plugs)
    plugs.pass_time(LEASE_S)
    assert plugs.leases.complete(claim, "late but alone")


def test_completing_twice_does_it_once(plugs: Plugs) -> None:
    claim = claimed(plugs)
    assert plugs.leases.complete(claim, "done")
    assert plugs.leases.complete(claim, "done")
    assert plugs.projection.outcome(attempt()) == "done"


def test_a_completed_attempt_cannot_be_kept(plugs: Plugs) -> None:
    claim = claimed(plugs)
    plugs.leases.complete(claim, "done")
    with plugs.leases.keep(claim) as keeper, pytest.raises(StaleFence):
        keeper.guard()


def test_an_abandoned_attempt_is_free_at_once_and_its_start_does_not_count(plugs: Plugs) -> None:
    claim = claimed(plugs)
    plugs.leases.abandon(claim)
    assert claimed(plugs).starts == 1
    plugs.leases.abandon(claim)
    assert plugs.leases.live(ITEM) == {str(attempt())}, "a stale owner cannot end another's lease"


def test_live_names_exactly_the_attempts_at_work(plugs: Plugs) -> None:
    keys = [attempt(2, node="coding", swi=1), attempt(1, node="coding", swi=2), attempt(3, node="planning")]
    for key in keys:
        assert isinstance(plugs.leases.claim(key, owner="w", fence_floor=0), Claim)
    assert plugs.leases.live(ITEM) == {str(key) for key in keys}
    assert plugs.leases.live(OTHER) == frozenset()


def test_attempts_of_another_run_of_the_item_do_not_matter(plugs: Plugs) -> None:
    claimed(plugs, 5)
    assert isinstance(plugs.leases.claim(attempt(1, run="r2"), owner="w", fence_floor=0), Claim)


def test_stopping_cancels_running_work_until_it_is_lifted(plugs: Plugs) -> None:
    with plugs.leases.keep(claimed(plugs)) as keeper:
        keeper.guard()
        plugs.leases.stop(ITEM, reason="held")
        with pytest.raises(Cancelled):
            keeper.guard()
    plugs.leases.stop(ITEM, reason="")
    assert isinstance(claimed(plugs, 2), Claim)


def test_a_stop_leaves_the_step_its_lease(plugs: Plugs) -> None:
    step = plugs.leases.take_step(ITEM)
    assert step
    plugs.leases.stop(ITEM, reason="held")
    with plugs.leases.keep_step(step) as keeper:
        keeper.guard()


def test_a_held_step_counts_wake_ups_for_its_holder(plugs: Plugs) -> None:
    step = plugs.leases.take_step(ITEM)
    assert step
    assert plugs.leases.take_step(ITEM) is None
    assert plugs.leases.take_step(OTHER) is not None, "another item is free"
    assert plugs.leases.end_step(step)
    again = plugs.leases.take_step(ITEM)
    assert again
    assert not plugs.leases.end_step(again), "nobody called this time"


def test_a_step_whose_holder_went_silent_is_taken_over(plugs: Plugs) -> None:
    first = plugs.leases.take_step(ITEM)
    assert first
    plugs.pass_time(LEASE_S)
    second = plugs.leases.take_step(ITEM)
    assert second
    assert second.fence > first.fence
    with plugs.leases.keep_step(first) as keeper, pytest.raises(StaleFence):
        keeper.guard()
    plugs.leases.end_step(first)
    assert plugs.leases.take_step(ITEM) is None, "a stale holder cannot give away what it lost"
    with plugs.leases.keep_step(second) as keeper:
        keeper.guard()


def test_a_late_holder_does_not_come_back_after_a_newer_step_died(plugs: Plugs) -> None:
    first = plugs.leases.take_step(ITEM)
    plugs.pass_time(LEASE_S)
    plugs.leases.take_step(ITEM)
    plugs.pass_time(LEASE_S)
    assert first
    with plugs.leases.keep_step(first) as keeper, pytest.raises(StaleFence):
        keeper.guard()


def test_a_late_holder_goes_on_when_only_attempts_were_claimed_meanwhile(plugs: Plugs) -> None:
    step = plugs.leases.take_step(ITEM)
    assert step
    claimed(plugs)
    plugs.pass_time(LEASE_S)
    with plugs.leases.keep_step(step) as keeper:
        keeper.guard()
        assert plugs.leases.take_step(ITEM) is None


def test_an_ended_step_cannot_be_kept(plugs: Plugs) -> None:
    step = plugs.leases.take_step(ITEM)
    assert step
    plugs.leases.end_step(step)
    with plugs.leases.keep_step(step) as keeper, pytest.raises(StaleFence):
        keeper.guard()
    assert plugs.leases.take_step(ITEM) is not None


# --- Redis started empty


def test_a_lost_attempt_comes_back_with_its_owners_fence(plugs: Plugs) -> None:
    claim = claimed(plugs, floor=10)
    plugs.wipe()
    with plugs.leases.keep(claim) as keeper:
        keeper.guard()
        assert plugs.leases.claim(attempt(), owner="w2", fence_floor=0) is Refusal.LIVE
    assert claimed(plugs, 2).fence > claim.fence
    assert not plugs.leases.complete(claim, "late")


def test_a_lost_attempt_may_be_completed_by_its_owner(plugs: Plugs) -> None:
    claim = claimed(plugs)
    plugs.wipe()
    assert plugs.leases.complete(claim, "done")
    assert plugs.leases.claim(attempt(), owner="w2", fence_floor=0) is Refusal.DONE


def test_after_a_loss_living_owners_come_first_for_one_lease(plugs: Plugs) -> None:
    old = claimed(plugs)
    plugs.wipe()
    taken = plugs.leases.claim(attempt(), owner="w2", fence_floor=old.fence, seen_before=True)
    assert taken is Refusal.SETTLING
    fresh = plugs.leases.claim(attempt(node="planning"), owner="w2", fence_floor=old.fence)
    assert isinstance(fresh, Claim), "what was never dispatched has no owner to wait for"
    plugs.pass_time(LEASE_S)
    taken = plugs.leases.claim(attempt(), owner="w2", fence_floor=old.fence, seen_before=True)
    assert isinstance(taken, Claim), "the owner had its time"
    with plugs.leases.keep(old) as keeper, pytest.raises(StaleFence):
        keeper.guard()


def test_a_lost_step_comes_back_and_a_known_run_waits_for_it(plugs: Plugs) -> None:
    step = plugs.leases.take_step(ITEM, fence_floor=4)
    # The store is young here too, but nobody can hold what GitHub has not seen.
    assert step is None
    fresh = plugs.leases.take_step(OTHER)
    assert fresh is not None
    plugs.wipe()
    assert plugs.leases.take_step(OTHER, fence_floor=fresh.fence) is None, "its holder may be alive"
    with plugs.leases.keep_step(fresh) as keeper:
        keeper.guard()
    assert plugs.leases.end_step(fresh), "the call above is not forgotten"
    again = plugs.leases.take_step(OTHER, fence_floor=fresh.fence)
    assert again
    assert again.fence > fresh.fence


def test_a_known_run_is_free_one_lease_after_the_loss(plugs: Plugs) -> None:
    assert plugs.leases.take_step(ITEM, fence_floor=4) is None
    plugs.pass_time(LEASE_S)
    step = plugs.leases.take_step(ITEM, fence_floor=4)
    assert step
    assert step.fence == 5
    forged = replace(step, token="somebody")
    with plugs.leases.keep_step(forged) as keeper, pytest.raises(StaleFence):
        keeper.guard()


def test_work_without_end_does_not_keep_its_lease(plugs: Plugs) -> None:
    claim = claimed(plugs)
    with plugs.leases.keep(claim, limit_s=0.0) as keeper, pytest.raises(StaleFence, match="time is up"):
        keeper.guard()
    plugs.pass_time(LEASE_S + 1)
    assert isinstance(plugs.leases.claim(attempt(), owner="next", fence_floor=0), Claim), "somebody else may take it"


def test_whoever_holds_a_run_is_named_until_they_give_it_back(plugs: Plugs) -> None:
    assert plugs.leases.holdings(ITEM) == ()
    step = plugs.leases.take_step(ITEM)
    claim = claimed(plugs, owner="host:7")
    assert step
    found = {one.what: one for one in plugs.leases.holdings(ITEM)}
    assert set(found) == {"step", str(attempt())}
    mine = found[str(attempt())]
    assert (mine.owner.split()[0], mine.left_s > LEASE_S - 5, mine.silent_s < 5) == ("host:7", True, True)
    plugs.leases.end_step(step)
    plugs.pass_time(LEASE_S + 10)
    [lapsed] = plugs.leases.holdings(ITEM)
    assert (lapsed.what, lapsed.left_s < 0, lapsed.silent_s > LEASE_S) == (str(attempt()), True, True)
    plugs.leases.complete(claim, "done")
    assert plugs.leases.holdings(ITEM) == ()


def test_an_unlocked_run_is_free_and_its_holders_are_stale(plugs: Plugs) -> None:
    step = plugs.leases.take_step(ITEM)
    claim = claimed(plugs)
    assert step
    plugs.leases.unlock(ITEM, force=False)
    assert len(plugs.leases.holdings(ITEM)) == 2, "living holders keep what they hold"
    plugs.leases.unlock(ITEM, force=True)
    assert plugs.leases.holdings(ITEM) == ()
    with plugs.leases.keep(claim) as keeper, pytest.raises(StaleFence):
        keeper.guard()
    with plugs.leases.keep_step(step) as stepper, pytest.raises(StaleFence):
        stepper.guard()
    assert claimed(plugs, owner="next").fence > claim.fence
    assert plugs.leases.take_step(ITEM)


def test_unlocking_ends_what_has_lapsed(plugs: Plugs) -> None:
    claimed(plugs)
    plugs.pass_time(LEASE_S + 1)
    plugs.leases.unlock(ITEM, force=False)
    assert plugs.leases.holdings(ITEM) == ()
