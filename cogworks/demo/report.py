"""What the demo says at the end: pull requests, costs, traceability, checks, and what to try next (DEM-04)."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cogworks.demo.github import GitHub, Item, Pull
from cogworks.demo.person import subject_of
from cogworks.demo.run_view import RunView
from cogworks.demo.stack import Places
from cogworks.demo.verifying import Verdict

_COMMAND_S = 60
_MATRIX = (("requirement_id", 4), ("status", 15), ("sub_work_item", 12), ("code", 12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A demo that came to its verdict."""

    places: Places
    views: Mapping[Item, RunView]
    pulls: Mapping[Item, tuple[Pull, ...]]
    verdict: Verdict
    seconds: float
    titles: Mapping[Item, str] = field(default_factory=dict)


def pulls_of(github: GitHub, item: Item) -> tuple[Pull, ...]:
    """Return CogWorks' pull requests for an item, oldest first."""
    found = [pull for pull in github.pulls(item.repo) if (told := subject_of(pull)) and told.item == item.number]
    return tuple(sorted(found, key=lambda pull: pull.number))


def as_text(ended: Ended) -> str:
    """Return the report for people."""
    parts: list[str] = []
    for item, view in ended.views.items():
        parts += [f"\n{item} {ended.titles.get(item, '')}: {view.status}\n"]
        parts += [_pull_line(pull) for pull in ended.pulls[item]] or ["  no pull request"]
        parts += [f"\nStopped by {view.failure}"] if view.failure else []
        parts += ["", _cost_report(item, ended.places.operator), "Traceability"]
        parts += [_matrix_line(row) for row in view.matrix] or ["  none"]
        parts += [f"\nState: {view.comment_url or 'none'}"]
    wrong = [one for one in ended.verdict.checks if not one.ok]
    count = len(ended.verdict.checks)
    parts.append(f"\nVerified from outside: {count - len(wrong)} of {count} checks hold")
    parts += [f"  FAILED {one.name}: {one.detail}" for one in wrong]
    parts.append(f"The run took {ended.seconds:.1f} s.")
    parts.append(_next(ended))
    return "\n".join(parts) + "\n"


def as_data(ended: Ended) -> dict[str, Any]:
    """Return the report for programs."""
    return {
        "items": [_item(ended, item, view) for item, view in ended.views.items()],
        "twin_microusd": ended.verdict.twin_microusd,
        "checks": [{"name": one.name, "ok": one.ok, "detail": one.detail} for one in ended.verdict.checks],
        "urls": {
            "github": ended.places.github,
            "anthropic": ended.places.anthropic or None,
            "web": ended.places.web,
        },
        "seconds": round(ended.seconds, 1),
    }


def _item(ended: Ended, item: Item, view: RunView) -> dict[str, Any]:
    ledger = ended.verdict.ledger.get((item.repo, item.number), {})
    return {
        "repo": item.repo,
        "number": item.number,
        "status": view.status,
        "pulls": [_pull(pull) for pull in ended.pulls[item]],
        "swis": [{"ordinal": swi.ordinal, "issue": swi.issue, "status": swi.status} for swi in view.swis],
        "ledger_microusd": ledger.get("ledger_microusd"),
        "unreconciled_microusd": ledger.get("unreconciled_microusd"),
        "matrix": [dict(row) for row in view.matrix],
    }


def _pull(pull: Pull) -> dict[str, Any]:
    subject = subject_of(pull)
    assert subject is not None, "pulls_of keeps only those with a subject"
    told = {"number": pull.number, "kind": subject.kind, "swi": subject.swi}
    return {**told, "head": pull.head, "base": pull.base, "url": pull.url}


def _pull_line(pull: Pull) -> str:
    state = "merged" if pull.merged else "open" if pull.open else "closed"
    return f"  #{pull.number:<4}{state:<8}{pull.title}  {pull.url}"


def _matrix_line(row: Mapping[str, Any]) -> str:
    cells = "".join(f"{str(row.get(name) or '-').replace('_', ' '):<{width}}" for name, width in _MATRIX)
    return f"  {cells}{row.get('text', '')[:70]}"


def _cost_report(item: Item, operator: Mapping[str, str]) -> str:
    command = [sys.executable, "-m", "cogworks.cli.main", "cost-report", str(item)]
    done = subprocess.run(  # noqa: S603 - our own command
        command,
        env=dict(operator),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
        check=False,
    )
    return done.stdout or done.stderr


def _next(ended: Ended) -> str:
    if all(one.ok for one in ended.verdict.checks):
        return "Next: cogworks demo --keep --pause-at-gates, and merge the pull requests yourself."
    return "Next: cogworks demo --keep --state DIR, and look at the console, the issue and the logs in DIR."
