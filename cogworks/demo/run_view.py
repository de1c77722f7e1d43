"""Where a run stands, read from outside: from its state comment on the issue (DEM-04)."""

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cogworks.demo.world import MACHINE

_MARK = re.compile(r"<!-- cogworks:state v1 .*?\benc=(?P<encoding>\S+)")
_PAYLOAD = re.compile(r"<!-- cogworks:json\n(?P<payload>.*?)\ncogworks:end -->", re.DOTALL)
_MACHINES_OWN = re.compile(r"<!-- cogworks:")
_ENDED = ("completed", "failed", "escalated", "cancelled", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One node, or one node of a sub-work-item."""

    node: str
    swi: int | None
    status: str
    attempts: int
    retries: int
    reworks: int
    tokens: int
    microusd: int

    @property
    def name(self) -> str:
        """Return how people call it."""
        return self.node if self.swi is None else f"{self.node} (SWI {self.swi})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwiView:
    """A sub-work-item."""

    ordinal: int
    issue: int
    title: str
    status: str
    fixes: int
    """how often its review sent it back"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as its state comment tells it; ``status`` is ``not started`` before there is one."""

    status: str = "not started"
    comment_url: str = ""
    waits: str = ""
    failure: str = ""
    microusd: int = 0
    tokens: int = 0
    limit_microusd: int = 0
    limit_tokens: int = 0
    nodes: tuple[NodeView, ...] = ()
    swis: tuple[SwiView, ...] = ()
    matrix: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def ended(self) -> bool:
        """Whether the machine will do nothing more by itself."""
        return self.status in _ENDED


def read_run(comments: Iterable[Mapping[str, Any]]) -> RunView:
    """Return the run that the newest state comment of CogWorks tells of."""
    own = [one for one in comments if one["user"]["login"] == MACHINE and _MARK.match(one["body"])]
    if not own:
        return RunView()
    newest = max(own, key=lambda one: int(one["id"]))
    return _view(_payload(newest["body"]), url=str(newest["html_url"]))


def refusal(comments: Iterable[Mapping[str, Any]]) -> str:
    """Return what CogWorks says on an issue whose run it did not start; empty while it says nothing."""
    return next((_plain(one["body"]) for one in comments if one["user"]["login"] == MACHINE), "")


def _plain(body: str) -> str:
    lines = (line.strip() for line in body.splitlines())
    return " ".join(line for line in lines if line and not _MACHINES_OWN.match(line))[:600]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _payload(body: str) -> dict[str, Any]:
    mark, found = _MARK.match(body), _PAYLOAD.search(body)
    if mark is None or found is None:
        return {}
    text = found["payload"]
    if mark["encoding"] != "json":
        text = zlib.decompress(base64.b64decode(text)).decode()
    value = json.loads(text)
    return value if isinstance(value, dict) else {}


def _view(state: Mapping[str, Any], *, url: str) -> RunView:
    cost, wait, failure = state.get("cost", {}), state.get("wait") or {}, state.get("failure") or {}
    swis = state.get("sub_work_items", [])
    nodes = [_node(name, None, at) for name, at in state.get("nodes", {}).items()]
    nodes += [_node(name, swi["ordinal"], at) for swi in swis for name, at in swi.get("nodes", {}).items()]
    return RunView(
        # A field at its default is left out of the comment.
        status=state.get("status", "running"),
        comment_url=url,
        waits=" at ".join(filter(None, (wait.get("reason"), wait.get("node")))),
        failure=_one_line(": ".join(str(failure[key]) for key in ("category", "node", "message") if failure.get(key))),
        microusd=cost.get("microusd", 0),
        tokens=cost.get("tokens", 0),
        limit_microusd=cost.get("limit_microusd", 0),
        limit_tokens=cost.get("limit_tokens", 0),
        nodes=tuple(nodes),
        swis=tuple(_swi(one) for one in swis),
        matrix=tuple(state.get("traceability", [])),
    )


def _node(name: str, swi: int | None, at: Mapping[str, Any]) -> NodeView:
    cost = at.get("cost", {})
    return NodeView(
        node=name,
        swi=swi,
        status=at.get("status", "pending"),
        attempts=at.get("attempts", 0),
        retries=at.get("retries", 0),
        reworks=at.get("reworks", 0),
        tokens=cost.get("tokens", 0),
        microusd=cost.get("microusd", 0),
    )


def _swi(one: Mapping[str, Any]) -> SwiView:
    return SwiView(
        ordinal=one["ordinal"],
        issue=one["issue"],
        title=one.get("title", ""),
        status=one.get("status", "pending"),
        fixes=sum(edge.get("traversals", 0) for edge in one.get("edges", {}).values()),
    )
