"""What the demo says at the end: pull requests, costs, traceability, checks, and what to try next (DEM-04)."""

import subprocess
import sys
from dataclasses import asdict, dataclass

from cogworks.demo.installation import Installation
from cogworks.demo.rest import Json, Rest
from cogworks.demo.seed import Ask, Seed
from cogworks.demo.verify import Check, ledger_by_command
from cogworks.demo.view import PullSeen, Sight, matrix_in, pulls_of, summary_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A demo that ran to its verdict."""

    seed: Seed
    at: Installation
    sights: tuple[Sight, ...]
    checks: tuple[Check, ...]
    seconds: float

    @property
    def github(self) -> Rest:
        """GitHub as the human sees it."""
        return Rest(url=self.at.github, token=self.at.human_token)


def as_text(ended: Ended) -> str:
    """Return the report for people."""
    parts = []
    for sight in ended.sights:
        ask = sight.ask
        parts += [
            f"\n{ask.repo}#{ask.number} {ask.title}: {sight.ended or 'unfinished'}\n",
            *(_pull_line(pull) for pull in pulls_of(ended.github, ask)),
            "",
            _command(ended, "cost-report", f"{ask.repo}#{ask.number}"),
            "Traceability",
            *_matrix_lines(matrix_in(summary_of(ended.github, ask))),
            f"\nState: {sight.state_url or 'none'}",
        ]
    failed = [check for check in ended.checks if not check.ok]
    parts.append(f"\nVerified from outside: {len(ended.checks) - len(failed)} of {len(ended.checks)} checks hold")
    parts += [f"  FAILED {check.name}: {check.detail}" for check in failed]
    parts.append(f"The run took {ended.seconds:.1f} s.")
    if not failed:
        parts.append("Next: cogworks demo --keep --pause-at-gates, and merge the pull requests yourself.")
    return "\n".join(parts) + "\n"


def _pull_line(pull: PullSeen) -> str:
    state = "merged" if pull.merged else pull.state
    return f"  #{pull.number:<4}{state:<8}{pull.title}  {pull.url}"


def _matrix_lines(rows: list[dict[str, str]]) -> list[str]:
    return [_matrix_line(row) for row in rows] or ["  none"]


def _matrix_line(row: dict[str, str]) -> str:
    cells = (("id", 4), ("status", 15), ("swi", 12), ("code", 12))
    return "  " + "".join(f"{row.get(name, ''):<{width}}" for name, width in cells) + row.get("requirement", "")[:70]


def _command(ended: Ended, *arguments: str) -> str:
    command = [sys.executable, "-m", "cogworks.cli.main", *arguments]
    environment = dict(ended.at.environment)
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)  # noqa: S603 - our own command
    return ran.stdout or ran.stderr


def as_document(ended: Ended, *, exit_code: int) -> dict[str, object]:
    """Return the report for programs: the envelope of every command, with the demo's data."""
    failed = [check for check in ended.checks if not check.ok]
    return {
        "schema_version": "1",
        "command": "demo",
        "ok": exit_code == 0,
        "exit_code": exit_code,
        "retriable": False,
        "retry_after_s": None,
        "data": {
            "items": [_item(ended, sight) for sight in ended.sights],
            "twin_microusd": _twin_cost(ended),
            "checks": [asdict(check) for check in ended.checks],
            "urls": {"github": ended.at.github, "anthropic": ended.at.anthropic, "web": ended.at.web},
            "seconds": round(ended.seconds, 3),
        },
        "errors": [
            {"code": "check_failed", "message": f"{c.name}: {c.detail}", "file": None, "field": None, "hint": None}
            for c in failed
        ],
    }


def _item(ended: Ended, sight: Sight) -> dict[str, object]:
    ask = sight.ask
    sums = _sums(ended, ask)
    return {
        "repo": ask.repo,
        "number": ask.number,
        "status": sight.state.get("status", sight.ended or "unfinished"),
        "pulls": [
            {"number": p.number, "kind": p.kind, "swi": p.swi, "head": p.head, "base": p.base, "url": p.url}
            for p in pulls_of(ended.github, ask)
            if p.kind != "other"
        ],
        "swis": [
            {"ordinal": swi["ordinal"], "issue": swi["issue"], "status": swi.get("status", "pending")}
            for swi in sight.state.get("sub_work_items", [])
        ],
        "ledger_microusd": sums.get("total"),
        "unreconciled_microusd": sums.get("unreconciled"),
        "matrix": matrix_in(summary_of(ended.github, ask)),
    }


def _sums(ended: Ended, ask: Ask) -> dict[str, int]:
    try:
        return ledger_by_command(ask, environment=ended.at.environment)
    except (ValueError, KeyError):
        return {}


def _twin_cost(ended: Ended) -> Json:
    if ended.at.anthropic is None:
        return None
    return Rest(url=ended.at.anthropic).get("/_twin/counts")["delivered"]["cost_microusd"]
