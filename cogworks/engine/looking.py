"""Look at a run without touching it: what GitHub holds, and what Redis adds when it can be asked (CLI-05)."""

from collections.abc import Mapping
from dataclasses import dataclass

from cogworks.engine.loading import state_on_github
from cogworks.model.errors import DependencyUnavailable
from cogworks.model.github import Issue
from cogworks.model.ids import Item, NodeId
from cogworks.model.json_value import JsonObject
from cogworks.model.state import Cost, NodeStatus, RunState, state_as_value
from cogworks.pages.run_page import standing
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import Leases, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """An issue with the state of its run, as GitHub tells them."""

    item: Item
    issue: Issue
    state: RunState | None


def look(github: GitHub, item: Item) -> Sight:
    """Return what GitHub holds of ``item``."""
    issue = github.issues.get(item.repo, item.number)
    return Sight(item=item, issue=issue, state=state_on_github(github, item))


def sight_as_value(sight: Sight, *, live: tuple[str, ...] | None) -> JsonObject:
    """Return a sight as programs read it; ``live`` is None when nobody could be asked who is at work."""
    return {
        "issue": str(sight.item),
        "title": sight.issue.title,
        "open": sight.issue.open,
        "labels": list(sight.issue.labels),
        "standing": "no run" if sight.state is None else standing(sight.state),
        "state": None if sight.state is None else state_as_value(sight.state),
        "live_attempts": None if live is None else list(live),
    }


def live_attempts(leases: Leases | None, item: Item) -> tuple[str, ...] | None:
    """Return the attempts that have an owner now; None when no Redis can be asked."""
    if leases is None:
        return None
    try:
        return tuple(sorted(leases.live(item)))
    except DependencyUnavailable:
        return None


def unreconciled(ledger: Ledger | None, state: RunState) -> Cost:
    """Return what was sent and never answered: what the state counts, or more when the ledger knows of more."""
    counted = state.cost.unreconciled
    if ledger is None:
        return counted
    try:
        seen = ledger.show(state.item).unreconciled
    except DependencyUnavailable:
        return counted
    return Cost(microusd=max(seen.microusd, counted.microusd), tokens=max(seen.tokens, counted.tokens))


def node_statuses(state: RunState) -> Mapping[NodeId, str]:
    """Return the status of each node for a drawing; of a sub-work-item's node, one that is not completed yet."""
    shown = {node: at.status.value for node, at in state.nodes.items()}
    for swi in state.sub_work_items:
        for node, at in swi.nodes.items():
            if at.status is not NodeStatus.COMPLETED or node not in shown:
                shown[node] = at.status.value
    return shown
