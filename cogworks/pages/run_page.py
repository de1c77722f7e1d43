"""A run as people read it on a terminal, in a few lines."""

from collections.abc import Iterable
from datetime import datetime

from cogworks.model.json_value import JsonObject
from cogworks.model.money import dollars
from cogworks.model.state import NodeState, NodeStatus, RunState, RunStatus

_SHOWN = (NodeStatus.ACTIVE, NodeStatus.AWAITING_APPROVAL)


def run_text(state: RunState, *, title: str = "") -> str:
    """Return the whole state of a run: where it stands, each node, each sub-work-item, what it cost."""
    spent, limit = dollars(state.cost.microusd), dollars(state.cost.limit_microusd)
    lines = [
        f"{state.item}  {title}".rstrip(),
        f"run {state.run_id} · {standing(state)} · pipeline {state.pipeline} · seq {state.seq}",
        f"cost {spent} of {limit} · {state.cost.tokens:,} of {state.cost.limit_tokens:,} tokens",
        "",
        f"{'NODE':<26}{'STATUS':<20}{'ATTEMPTS':>8}{'RETRIES':>9}{'REWORK':>8}{'COST':>10}",
        *_node_lines(state.nodes.items(), prefix=""),
    ]
    for swi in state.sub_work_items:
        pull = f" · PR #{swi.pr}" if swi.pr else ""
        lines += [f"SWI {swi.ordinal} (#{swi.issue}) {swi.status}{pull}: {swi.title}"]
        lines += _node_lines(swi.nodes.items(), prefix="  ")
    if state.failure is not None:
        lines += ["", f"stopped: {state.failure.category} at {state.failure.node}: {state.failure.message}"]
    return "\n".join(lines) + "\n"


def standing(state: RunState) -> str:
    """Return in a few words where a run stands and what it waits for."""
    if state.status is RunStatus.WAITING and state.wait is not None:
        at = f" at {state.wait.node}" if state.wait.node else ""
        until = f" until {_time(state.wait.until)}" if state.wait.until else ""
        return f"waiting for {state.wait.reason}{at}{until}"
    at_work = [str(node) for node, at in state.nodes.items() if at.status in _SHOWN]
    for swi in state.sub_work_items:
        at_work += [f"{node}/{swi.ordinal}" for node, at in swi.nodes.items() if at.status in _SHOWN]
    return f"{state.status}" + (f" at {', '.join(at_work)}" if at_work else "")


def pulls_of(state: RunState) -> list[JsonObject]:
    """Return the pull requests that a run has opened, by what fills them."""
    found: list[JsonObject] = [
        {"slot": slot, "swi": None, "number": int(one.ref)}
        for slot, one in state.artifacts.items()
        if one.kind == "pr" and one.ref.isdecimal()
    ]
    found += [{"slot": "code", "swi": swi.ordinal, "number": swi.pr} for swi in state.sub_work_items if swi.pr]
    return found


def _node_lines(nodes: Iterable[tuple[str, NodeState]], *, prefix: str) -> list[str]:
    return [
        f"{prefix + node:<26}{at.status:<20}{at.attempts:>8}{at.retries:>9}{at.reworks:>8}"
        f"{dollars(at.cost.microusd):>10}"
        for node, at in nodes
    ]


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"
