"""What every plug of Projection must do (20 section 4)."""

import pytest
from runtime_plugs import ITEM, OTHER, Plugs, attempt

from cogworks.model.errors import StaleFence
from cogworks.model.ids import RepoName
from cogworks.ports.runtime import Claim, ProjectedRun, Refusal

SAVES = [
    ("a later state of the same owner", (4, 2), True),
    ("the same state again", (3, 2), True),
    ("an earlier state of the same owner", (2, 2), False),
    ("a later state of an older owner", (9, 1), False),
    ("a run begun anew by a newer owner", (0, 3), True),
]


@pytest.mark.parametrize(("why", "save", "accepted"), SAVES, ids=[row[0] for row in SAVES])
def test_a_state_is_replaced_only_by_a_newer_one(plugs: Plugs, why: str, save: tuple[int, int], accepted: bool) -> None:
    plugs.projection.save(ITEM, state="first", seq=3, fence=2, open_run=True)
    seq, fence = save
    if accepted:
        plugs.projection.save(ITEM, state="second", seq=seq, fence=fence, open_run=True)
    else:
        with pytest.raises(StaleFence):
            plugs.projection.save(ITEM, state="second", seq=seq, fence=fence, open_run=True)
    loaded = plugs.projection.load(ITEM)
    assert loaded
    assert loaded.state == ("second" if accepted else "first")


def test_load_returns_state_outcomes_and_facts(plugs: Plugs) -> None:
    assert plugs.projection.load(ITEM) is None
    claim = plugs.leases.claim(attempt(), owner="w", fence_floor=0)
    assert isinstance(claim, Claim)
    plugs.leases.complete(claim, "done")
    plugs.projection.note(ITEM, {"state_comment": "17"})
    plugs.projection.note(ITEM, {"audit:coding": "18"})
    plugs.projection.note(ITEM, {})
    assert plugs.projection.load(ITEM) is None, "without a state there is nothing to go by"
    plugs.projection.save(ITEM, state="{}", seq=1, fence=1, open_run=True)
    assert plugs.projection.load(ITEM) == ProjectedRun(
        state="{}", outcomes={str(attempt()): "done"}, facts={"state_comment": "17", "audit:coding": "18"}
    )


def test_known_lists_open_runs_only(plugs: Plugs) -> None:
    plugs.projection.save(OTHER, state="{}", seq=1, fence=1, open_run=True)
    plugs.projection.save(ITEM, state="{}", seq=1, fence=1, open_run=True)
    assert plugs.projection.known() == (ITEM, OTHER)
    plugs.projection.save(ITEM, state="{}", seq=2, fence=1, open_run=False)
    assert plugs.projection.known() == (OTHER,)
    assert plugs.projection.load(ITEM) is not None, "a closed run can still be read"
    plugs.projection.save(ITEM, state="{}", seq=3, fence=1, open_run=True)
    assert plugs.projection.known() == (ITEM, OTHER)


def test_forgetting_a_run_leaves_its_leases_and_its_stop(plugs: Plugs) -> None:
    plugs.projection.save(ITEM, state="{}", seq=1, fence=6, open_run=True)
    claim = plugs.leases.claim(attempt(), owner="w", fence_floor=0)
    assert isinstance(claim, Claim)
    plugs.projection.note(ITEM, {"a": "b"})
    plugs.projection.forget(ITEM)
    assert plugs.projection.load(ITEM) is None
    assert plugs.projection.known() == ()
    assert plugs.leases.live(ITEM) == {str(attempt())}
    plugs.leases.stop(ITEM, reason="held")
    plugs.projection.forget(ITEM)
    assert plugs.leases.claim(attempt(2), owner="w", fence_floor=0) is Refusal.STOPPED
    plugs.projection.save(ITEM, state="{}", seq=0, fence=7, open_run=True)
    loaded = plugs.projection.load(ITEM)
    assert loaded
    assert (loaded.outcomes, loaded.facts) == ({}, {})


def test_a_saved_fence_is_never_handed_out_again(plugs: Plugs) -> None:
    plugs.projection.save(ITEM, state="{}", seq=1, fence=30, open_run=True)
    step = plugs.leases.take_step(ITEM)
    assert step
    assert step.fence == 31


def test_cursors_are_kept_by_repository_and_name(plugs: Plugs) -> None:
    repo, other = RepoName("acme/tally"), RepoName("acme/other")
    assert plugs.projection.cursor(repo, "issues") is None
    plugs.projection.move_cursor(repo, "issues", "2026-01-01")
    plugs.projection.move_cursor(repo, "issues", "2026-01-02")
    assert plugs.projection.cursor(repo, "issues") == "2026-01-02"
    assert plugs.projection.cursor(repo, "comments") is None
    assert plugs.projection.cursor(other, "issues") is None
