"""The state comment: one per run, edited in place, read back whole or not at all (GH-15 to GH-20)."""

import base64
import binascii
import re
import zlib

from cogworks.graph.definition import Graph
from cogworks.model.errors import CogWorksError, FailureCategory
from cogworks.model.ids import NodeId
from cogworks.model.json_value import sha256_text
from cogworks.model.money import dollars
from cogworks.model.state import NodeState, NodeStatus, RunState, state_from_json, state_to_json
from cogworks.pages.markers import Mark, mark, read_mark
from cogworks.pages.quoting import LIMIT, line

KIND = "state"
_JSON = re.compile(r"<!-- cogworks:json\n(?P<json>.*?)\ncogworks:end -->", re.DOTALL)
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class StateUnreadable(CogWorksError):
    """The state comment is there but cannot be trusted; nothing was overwritten."""

    category = FailureCategory.STATE_CONFLICT


def render_state(state: RunState, graph: Graph) -> str:
    """Return the whole comment body for ``state``."""
    text = state_to_json(state).translate(_ESCAPES)
    body = _page(state, graph, text, encoding="json")
    if len(body) > LIMIT:
        body = _page(state, graph, base64.b64encode(zlib.compress(text.encode(), 9)).decode(), encoding="zlib+base64")
    if len(body) > LIMIT:
        raise StateUnreadable(f"the state of {state.item} does not fit into one comment")
    return body


def read_state_mark(body: str) -> Mark | None:
    """Return the mark of a state comment, or None when ``body`` is no state comment."""
    return read_mark(body, KIND)


def read_state(body: str) -> RunState:
    """Return the state in ``body``; raise StateUnreadable when the check sum, version or form is wrong."""
    found, head = _JSON.search(body), read_state_mark(body)
    if not found or head is None:
        raise StateUnreadable("the state comment holds no state")
    try:
        text = _decoded(found["json"], head.fields.get("enc", ""))
        if sha256_text(text) != head.fields.get("sha256"):
            raise StateUnreadable("the check sum of the state comment is wrong: it was edited by hand")
        return state_from_json(text)
    except (ValueError, zlib.error, binascii.Error) as error:
        raise StateUnreadable(f"the state comment cannot be read: {error}") from error


def _decoded(text: str, encoding: str) -> str:
    if encoding == "json":
        return text
    return zlib.decompress(base64.b64decode(text, validate=True)).decode()


def _page(state: RunState, graph: Graph, payload: str, *, encoding: str) -> str:
    plain = state_to_json(state).translate(_ESCAPES)
    head = mark(
        KIND, run=state.run_id, seq=state.seq, fence=state.fence, parts=1, enc=encoding, sha256=sha256_text(plain)
    )
    cost = f"Cost {dollars(state.cost.microusd)} of {dollars(state.cost.limit_microusd)}."
    return "\n".join(
        [
            head,
            f"### CogWorks: {_standing(state)}",
            f"Human gates until: {state.boundary or 'none'}. Autonomous after. {cost}",
            "",
            "| Node | Status | Attempts | Retries | Rework | Cost |",
            "|---|---|---|---|---|---|",
            *_rows(state, graph),
            *_stopped(state),
            "<!-- cogworks:json",
            payload,
            "cogworks:end -->",
        ]
    )


def _standing(state: RunState) -> str:
    if state.superseded_by is not None:
        return f"superseded by run {state.superseded_by}"
    return f"{state.status} · {_where(state)}"


def _stopped(state: RunState) -> list[str]:
    if state.failure is None:
        return []
    return [f"\nStopped: `{state.failure.category}` at {state.failure.node}: {line(state.failure.message)}"]


def _where(state: RunState) -> str:
    at_work = [str(node) for node, at in state.nodes.items() if at.status in _SHOWN]
    for swi in state.sub_work_items:
        total = len(state.sub_work_items)
        at_work += [f"{node} (SWI {swi.ordinal} of {total})" for node, at in swi.nodes.items() if at.status in _SHOWN]
    return ", ".join(at_work) or "idle"


_SHOWN = (NodeStatus.ACTIVE, NodeStatus.AWAITING_APPROVAL)


def _rows(state: RunState, graph: Graph) -> list[str]:
    rows = [_row(node, state.nodes[node]) for node in [*graph.nodes, *_others(state, graph)] if node in state.nodes]
    for swi in state.sub_work_items:
        rows += [_row(f"{node} · SWI {swi.ordinal}", swi.nodes[node]) for node in graph.nodes if node in swi.nodes]
    return rows


def _others(state: RunState, graph: Graph) -> list[NodeId]:
    return [node for node in state.nodes if node not in graph.nodes]


def _row(name: str, at: NodeState) -> str:
    return f"| {name} | {at.status} | {at.attempts} | {at.retries} | {at.reworks} | {dollars(at.cost.microusd)} |"
