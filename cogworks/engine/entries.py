"""Attempts as the audit branch records them: what a lost state and an emptied ledger are rebuilt from (GH-20, RUN-18).

Beside the file of an attempt, whose first line is its outcome, lies one with its calls and the state it began with.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from cogworks.model.ids import NodeId, NodeRef, RepoName, RunId, SwiOrdinal
from cogworks.model.json_value import JsonValue, compact
from cogworks.model.outcome import Outcome, outcome_from_json
from cogworks.model.spending import Call
from cogworks.model.state import RunState, state_from_json, state_to_json
from cogworks.pages.pull_page import audit_branch
from cogworks.ports.git import Git

_PATH = re.compile(r"attempts/(?P<node>[a-z][a-z0-9_]*?)(?:-swi(?P<swi>\d+))?-(?P<attempt>\d+)\.jsonl")
_CALLS: TypeAdapter[tuple[Call, ...]] = TypeAdapter(tuple[Call, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One recorded attempt; ``began_with`` is None when it was written in a form we do not know."""

    ref: NodeRef
    attempt: int
    run_id: RunId
    outcome: Outcome
    calls: tuple[Call, ...]
    began_with: RunState | None


def base_path(ref: NodeRef, attempt: int) -> str:
    """Return where the audit branch keeps what an attempt was based on."""
    swi = "" if ref.swi is None else f"-swi{ref.swi}"
    return f"states/{ref.node}{swi}-{attempt}.json"


def base_text(state: RunState, calls: Sequence[Call]) -> str:
    """Return which run an attempt belongs to, what it paid, and the state that it began with, as one line."""
    told = _CALLS.dump_python(tuple(calls), mode="json")
    return compact({"run_id": state.run_id, "calls": told, "state": json.loads(state_to_json(state))}) + "\n"


def entries_of(git: Git, state: RunState) -> tuple[Entry, ...]:
    """Return what the audit branch, as last fetched, records of the run of ``state``."""
    return tuple(one for one in entries_on(git, state.repo, audit_branch(state)) if one.run_id == state.run_id)


def entries_on(git: Git, repo: RepoName, branch: str) -> Iterator[Entry]:
    """Yield every attempt recorded on ``branch``; what is no record of ours is passed over."""
    head = git.branch_head(repo, branch)
    for path in git.list(repo, ref=head) if head else ():
        found = _PATH.fullmatch(path)
        if found is None or head is None:
            continue
        ref = NodeRef(NodeId(found["node"]), None if found["swi"] is None else SwiOrdinal(int(found["swi"])))
        attempt = int(found["attempt"])
        entry = _entry(ref, attempt, git.read(repo, path, ref=head), git.read(repo, base_path(ref, attempt), ref=head))
        if entry is not None:
            yield entry


def _entry(ref: NodeRef, attempt: int, record: bytes | None, base_line: bytes | None) -> Entry | None:
    if not record or not base_line:
        return None
    try:
        outcome = outcome_from_json(record.split(b"\n", 1)[0])
        base = json.loads(base_line)
        calls, run_id = _CALLS.validate_python(base["calls"]), RunId(base["run_id"])
    except (KeyError, ValueError):
        return None
    began_with = _state(base.get("state"))
    return Entry(ref=ref, attempt=attempt, run_id=run_id, outcome=outcome, calls=calls, began_with=began_with)


def _state(value: JsonValue) -> RunState | None:
    try:
        return state_from_json(compact(value))
    except ValidationError:
        return None
