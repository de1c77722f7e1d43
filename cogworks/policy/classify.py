"""What class a work item has, and whether it is small enough (ENG-02, ENG-50)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from cogworks.model.state import Classification, ItemClass, RunState


def judge_class(
    told: Classification,
    *,
    safety_modules: Sequence[str],
    low_risk_task_types: Sequence[str],
    safety_label: bool,
    matches: Callable[[str, str], bool],
) -> Classification:
    """Return ``told`` with the safety override and the derived class.

    The registry and a person's label can raise ``safety_affecting``; nothing lowers it. ``matches(glob, path)``
    decides whether a module is registered; a module also matches as the folder of what is below it.
    """
    registered = any(
        matches(glob, module) or matches(glob, f"{module}/x")
        for glob in safety_modules
        for module in told.affected_modules
    )
    safety = told.safety_affecting or registered or safety_label
    if safety:
        item_class = ItemClass.SAFETY_CRITICAL
    elif told.task_type in low_risk_task_types:
        item_class = ItemClass.LOW_RISK
    else:
        item_class = ItemClass.STANDARD
    return replace(told, safety_affecting=safety, item_class=item_class)


def scope_excess(told: Classification, *, max_files: int, max_interfaces: int) -> str:
    """Return what is over the scope limits, in words; empty when nothing is."""
    over = []
    if told.scope.files > max_files:
        over.append(f"{told.scope.files} files expected, {max_files} allowed")
    if told.scope.interfaces > max_interfaces:
        over.append(f"{told.scope.interfaces} interfaces expected, {max_interfaces} allowed")
    return "; ".join(over)


SCOPE_GATE = "scope limit"
"""Under this name a run notes that a person lets it go on past the scope limit."""


def scope_accepted(state: RunState) -> bool:
    """Tell whether a person lets this run go on past the scope limit."""
    return any(gate.node == SCOPE_GATE and gate.decision == "approved" for gate in state.gates)
