"""Which labels an issue should carry for the state of its run (30 section 2)."""

from cogworks.model.config import Labels
from cogworks.model.state import ItemClass, NodeStatus, RunState, RunStatus, Swi

PROCESSING = "cogworks:processing"
NODE_PREFIX = "cogworks:node:"
NODE_FAILED = "cogworks:node:failed"
NODE_COMPLETE = "cogworks:node:complete"
STATUS_PREFIX = "cogworks:status:"
RESTART = "cogworks:restart"
PENDING_SWI = f"{STATUS_PREFIX}pending"

STOPPED = (RunStatus.FAILED, RunStatus.ESCALATED, RunStatus.CANCELLED)
"""Where a run goes on when people want it to."""

_AT_WORK = (NodeStatus.ACTIVE, NodeStatus.AWAITING_APPROVAL)


def desired(state: RunState, names: Labels) -> frozenset[str]:
    """Return the labels that the machine wants on the work item; people's own labels are not its business."""
    everywhere = [*state.nodes.items(), *(pair for swi in state.sub_work_items for pair in swi.nodes.items())]
    labels = {f"{NODE_PREFIX}{node}" for node, at in everywhere if at.status in _AT_WORK and state.status.open}
    if any(at.status is NodeStatus.ACTIVE for _, at in everywhere) and state.status.open:
        labels.add(PROCESSING)
    if any(at.status is NodeStatus.AWAITING_APPROVAL for _, at in everywhere) and state.status.open:
        labels.add(names.awaiting_review)
    if state.classification and state.classification.item_class is ItemClass.SAFETY_CRITICAL:
        labels.add(names.safety_critical)
    labels |= _of_status(state.status, names)
    return frozenset(labels)


def _of_status(status: RunStatus, names: Labels) -> set[str]:
    match status:
        case RunStatus.FAILED | RunStatus.ESCALATED:
            return {NODE_FAILED}
        case RunStatus.COMPLETED:
            return {NODE_COMPLETE}
        case RunStatus.CANCELLED:
            return {names.cancel}
        case RunStatus.HELD:
            return {names.hold}
        case RunStatus.RUNNING | RunStatus.WAITING:
            return set()


def ours(label: str, names: Labels) -> bool:
    """Tell whether the machine removes ``label`` when it no longer wants it."""
    return label.startswith(NODE_PREFIX) or label in (PROCESSING, names.awaiting_review)


def of_swi(swi: Swi, names: Labels) -> frozenset[str]:
    """Return the labels of a sub-work-item's issue."""
    return frozenset({names.sub_work_item, f"{STATUS_PREFIX}{swi.status}"})


def runnable(labels: frozenset[str], names: Labels) -> bool:
    """Tell whether an open issue with ``labels`` may be picked up (GH-08)."""
    return names.trigger in labels and not labels & {names.hold, names.cancel, NODE_FAILED, NODE_COMPLETE}


def resumes(status: RunStatus, labels: frozenset[str], names: Labels) -> bool:
    """Tell whether a stopped run goes on: a person took the blocking label away while the trigger is on (GH-08)."""
    return status in STOPPED and runnable(labels, names)


def described(names: Labels) -> dict[str, tuple[str, str]]:
    """Return colour and description of each label that is created on first use."""
    return {
        names.trigger: ("0e8a16", "CogWorks: start or resume"),
        names.awaiting_review: ("fbca04", "CogWorks: a gate waits for a person"),
        names.safety_critical: ("b60205", "CogWorks: safety-affecting"),
        names.hold: ("b60205", "CogWorks: suspended; only a person removes it"),
        names.cancel: ("d4c5f9", "CogWorks: cancel asked or done"),
        names.sub_work_item: ("1d76db", "CogWorks: part of a work item"),
        PROCESSING: ("c2e0c6", "CogWorks: a node is at work"),
        NODE_FAILED: ("b60205", "CogWorks: failed or escalated"),
        NODE_COMPLETE: ("0e8a16", "CogWorks: run completed"),
        RESTART: ("fbca04", "CogWorks: restart asked"),
    }
