"""The requests that a cell can stop: found in the logs of the undisturbed run, known again by what they are."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from chaos_gate import When
from chaos_room import Room

Wire = Literal["github", "anthropic", "service"]
_READS = ("GET", "HEAD")
# A step writes the state last; only the first one of a run writes it before all else, and is no boundary.
STATE_WRITE = {"method": "PATCH", "login": "cogworks", "body": "<!-- cogworks:state v1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The ``nth`` request of its kind after the boundary ``moment``."""

    wire: Wire
    moment: int
    match: Mapping[str, Any]
    nth: int
    shown: str

    @property
    def name(self) -> str:
        """Return a name that no other request of the run has."""
        return f"{self.moment:02d} {self.wire} {self.shown}" + (f" #{self.nth}" if self.nth > 1 else "")

    def arm(self, room: Room, when: When) -> None:
        """Have the request held ``before`` or ``after`` it acts."""
        if self.wire == "service":
            room.gate.begin(path=str(self.match["path"]), nth=self.nth, when=when)
        else:
            room.set_faults(self.wire, [{"match": dict(self.match), "nth": self.nth, "kind": f"hold_{when}"}])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    at: datetime
    wire: Wire
    match: Mapping[str, Any]
    shown: str
    boundary: bool = False


def targets_of(room: Room) -> list[Target]:
    """Return every request of the run that is over now, in order."""
    seen = sorted([*_github(room), *_model(room), *_service(room)], key=lambda one: one.at)
    moment, counted, found = 0, Counter[str](), []
    for one in seen:
        kind = json.dumps([one.wire, one.match], sort_keys=True)
        counted[kind] += 1
        found.append(Target(wire=one.wire, moment=moment, match=one.match, nth=counted[kind], shown=one.shown))
        if one.boundary:
            moment, counted = moment + 1, Counter()
    return found


def _github(room: Room) -> Iterator[_Seen]:
    bodies = _recorded(room.recording)
    for one in room.requests():
        if one["method"] in _READS or one["path"].endswith("/git-upload-pack"):
            continue
        kept = bodies.get((one["method"], one["path"]))
        body = str((kept.pop(0) if kept else {}).get("body") or "")
        told = _told(body)
        match = {"method": one["method"], "path": f"^{one['path']}$", "login": "cogworks"} | _marked(told)
        yield _Seen(
            at=datetime.fromisoformat(one["at"]),
            wire="github",
            match=match,
            shown=" ".join(filter(None, [one["method"], _short(one["path"]), told])),
            boundary=told == "state" and one["method"] == STATE_WRITE["method"],
        )


def _recorded(path: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in path.read_text("utf-8").splitlines():
        one = json.loads(line)
        if one["method"] not in _READS:
            body = one["body"] if isinstance(one["body"], dict) else {}
            found.setdefault((one["method"], one["path"]), []).append(body)
    return found


def _told(body: str) -> str:
    """Return what a comment is about, by its mark."""
    if body.startswith("<!-- cogworks:state"):
        return "state"
    _, marked, key = body.partition(" key=")
    return key.split(maxsplit=1)[0].partition("/")[2].partition("/")[2].partition("/")[2] if marked else ""


def _marked(told: str) -> dict[str, str]:
    """Return what the body of a request about ``told`` is known by, whatever the run and the comment are numbered."""
    if not told:
        return {}
    by = {"body": "cogworks:state v1" if told == "state" else f"key=[^ ]+/{re.escape(told)} "}
    return by | {"path": "/comments(/[0-9]+)?$"}


def _short(path: str) -> str:
    """Return a path without the repository, and comments without their numbers."""
    path = re.sub(r"/comments/[0-9]+$", "/comments", path)
    return path.removeprefix("/repos/acme/calc").removeprefix("/acme/calc.git")


def _model(room: Room) -> Iterator[_Seen]:
    for one in room.ask("anthropic", "log")["requests"]:
        call = one["call"]
        keys = ("node", "sub_work_item", "purpose", "template", "attempt")
        match = {"method": "POST", **{key: call[key] for key in keys if call.get(key) is not None}}
        shown = "/".join(str(match[key]) for key in keys if key in match)
        yield _Seen(at=datetime.fromisoformat(one["at"]), wire="anthropic", match=match, shown=shown)


def _service(room: Room) -> Iterator[_Seen]:
    for one in room.gate.passed:
        yield _Seen(at=one.at, wire="service", match={"path": one.path}, shown=one.path)


def actions_after(room: Room, moment: datetime) -> Iterable[datetime]:
    """Return when CogWorks did something outside after ``moment``."""
    return sorted(one.at for one in (*_github(room), *_model(room), *_service(room)) if one.at > moment)
