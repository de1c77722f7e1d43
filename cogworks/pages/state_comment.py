"""The state comment: one per run, edited in place, read back whole or not at all (GH-15 to GH-20).

What does not fit into it follows in continuation comments. They come in two sets, used in turn: the new parts are
written beside the old ones, the head last, so that a crash leaves the old state whole.
"""

import base64
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from cogworks.graph.definition import Graph
from cogworks.model.errors import CogWorksError, FailureCategory
from cogworks.model.ids import NodeId
from cogworks.model.json_value import sha256_text
from cogworks.model.money import dollars
from cogworks.model.state import NodeState, NodeStatus, RunState, state_from_json, state_to_json
from cogworks.pages.markers import Mark, mark, read_mark
from cogworks.pages.quoting import LIMIT, line

KIND = "state"
PART_KIND = "state-part"
MAX_PARTS = 10
_JSON = re.compile(r"<!-- cogworks:json\n(?P<json>.*?)\ncogworks:end -->", re.DOTALL)
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_PART_ROOM = LIMIT - 1000
_MOST_ROWS = 400


class StateUnreadable(CogWorksError):
    """The state comment is there but cannot be trusted; nothing was overwritten."""

    category = FailureCategory.STATE_CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePages:
    """The comments that hold a state: ``parts`` are written before ``head``, which makes them count."""

    head: str
    parts: tuple[str, ...] = ()


def render_state(state: RunState, graph: Graph) -> StatePages:
    """Return the comments for ``state``; raise StateUnreadable when it is too large for all of them."""
    text = state_to_json(state).translate(_ESCAPES)
    head = _page(state, graph, text, encoding="json")
    if len(head) <= LIMIT:
        return StatePages(head=head)
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    room = max(0, LIMIT - len(_page(state, graph, "", encoding="zlib+base64", parts=1 + MAX_PARTS)))
    rest = [packed[at : at + _PART_ROOM] for at in range(room, len(packed), _PART_ROOM)]
    if len(rest) > MAX_PARTS:
        raise StateUnreadable(f"the state of {state.item} does not fit into {MAX_PARTS} continuation comments")
    total = 1 + len(rest)
    head = _page(state, graph, packed[:room], encoding="zlib+base64", parts=total)
    return StatePages(head=head, parts=tuple(_part(state, one, k, total) for k, one in enumerate(rest, 2)))


def read_state_mark(body: str) -> Mark | None:
    """Return the mark of a state comment, or None when ``body`` is no state comment."""
    return read_mark(body, KIND)


def part_key(body: str) -> str | None:
    """Return the key under which a continuation comment is kept: run, set and place; None when it is none."""
    found = read_mark(body, PART_KIND)
    if found is None or not found.fields.get("seq", "").isdigit():
        return None
    fields = found.fields
    return f"{PART_KIND}/{fields.get('run')}/{int(fields['seq']) % 2}/{fields.get('part', '').split('/')[0]}"


def read_state(body: str, others: Iterable[str] = ()) -> RunState:
    """Return the state in ``body``, whose continuation is among ``others``, comments of ours as well.

    Raises StateUnreadable when check sum, version or form is wrong, or a part is missing.
    """
    found, head = _JSON.search(body), read_state_mark(body)
    if not found or head is None:
        raise StateUnreadable("the state comment holds no state")
    payload = found["json"] + "".join(_continuation(head, others))
    try:
        text = _decoded(payload, head.fields.get("enc", ""))
        if sha256_text(text) != head.fields.get("sha256"):
            raise StateUnreadable("the check sum of the state comment is wrong: it was edited by hand")
        return state_from_json(text)
    except (ValueError, zlib.error) as error:
        raise StateUnreadable(f"the state comment cannot be read: {error}") from error


def _continuation(head: Mark, others: Iterable[str]) -> list[str]:
    """Return the payloads of the parts that ``head`` names, in order."""
    total = head.fields.get("parts", "1")
    if not total.isdigit() or not 1 <= int(total) <= 1 + MAX_PARTS:
        raise StateUnreadable(f"the state comment has {total} parts, which cannot be")
    if total == "1":
        return []
    wanted = (head.fields.get("run"), head.fields.get("seq"))
    known: dict[str, str] = {}
    for body in others:
        part = read_mark(body, PART_KIND)
        if part is not None and (part.fields.get("run"), part.fields.get("seq")) == wanted:
            known[part.fields.get("part", "")] = _checked(body, part)
    places = [f"{k}/{total}" for k in range(2, int(total) + 1)]
    missing = [place for place in places if place not in known]
    if missing:
        raise StateUnreadable(f"part {missing[0]} of the state is missing")
    return [known[place] for place in places]


def _checked(body: str, part: Mark) -> str:
    found = _JSON.search(body)
    payload = found["json"] if found else ""
    if sha256_text(payload) != part.fields.get("sha256"):
        raise StateUnreadable(f"the check sum of part {part.fields.get('part')} is wrong: it was edited by hand")
    return payload


def _decoded(text: str, encoding: str) -> str:
    if encoding == "json":
        return text
    return zlib.decompress(base64.b64decode(text, validate=True)).decode()


def _part(state: RunState, payload: str, k: int, total: int) -> str:
    head = mark(PART_KIND, run=state.run_id, seq=state.seq, part=f"{k}/{total}", sha256=sha256_text(payload))
    title = f"CogWorks keeps part {k} of {total} of its state here. Leave it as it is."
    return f"{head}\n{title}\n<!-- cogworks:json\n{payload}\ncogworks:end -->"


def _page(state: RunState, graph: Graph, payload: str, *, encoding: str, parts: int = 1) -> str:
    plain = state_to_json(state).translate(_ESCAPES)
    head = mark(
        KIND, run=state.run_id, seq=state.seq, fence=state.fence, parts=parts, enc=encoding, sha256=sha256_text(plain)
    )
    cost = f"Cost {dollars(state.cost.microusd)} of {dollars(state.cost.limit_microusd)}."
    rows = _rows(state, graph)
    more = [f"| … {len(rows) - _MOST_ROWS} more | | | | | |"] if len(rows) > _MOST_ROWS else []
    return "\n".join(
        [
            head,
            f"### CogWorks: {_standing(state)}",
            f"Human gates until: {state.boundary or 'none'}. Autonomous after. {cost}",
            "",
            "| Node | Status | Attempts | Retries | Rework | Cost |",
            "|---|---|---|---|---|---|",
            *rows[:_MOST_ROWS],
            *more,
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
