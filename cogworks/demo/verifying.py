"""Have the run verified by a process of its own, and read its verdict line by line (DEM-06)."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cogworks.demo.stack import Places

_LIMIT_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTold:
    """One check of the verifier."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Everything that the verifier found; ``ledger`` has its figures by repository and issue number."""

    checks: tuple[CheckTold, ...]
    ledger: Mapping[tuple[str, int], Mapping[str, int]]
    twin_microusd: int | None

    @property
    def good(self) -> bool:
        """Whether everything holds."""
        return bool(self.checks) and all(one.ok for one in self.checks)


def verify(places: Places, *, seed: Path, shows: Sequence[str]) -> Verdict:
    """Return the verdict on what is on the twins now; the verifier gets addresses, a token and the seed."""
    command = [sys.executable, "-m", "cogworks.demo.verify", "--github", places.github, "--seed", str(seed)]
    command += ["--token", places.human_token]
    command += ["--anthropic", places.anthropic, "--shows", *shows] if places.anthropic else []
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            env=dict(places.operator),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        late = CheckTold(name="the verifier came to its end", ok=False, detail=f"not within {_LIMIT_S} s")
        return Verdict(checks=(late,), ledger={}, twin_microusd=None)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    checks = tuple(CheckTold(**line) for line in lines if "name" in line)
    # Without this, a verifier that broke half-way would leave only good news behind.
    if done.returncode != (0 if all(one.ok for one in checks) else 1) or not checks or done.stderr:
        why = f"it ended with {done.returncode}: {done.stderr.strip()[-800:]}"
        checks = (*checks, CheckTold(name="the verifier came to its end", ok=False, detail=why))
    figures = {(line["item"]["repo"], line["item"]["number"]): _figures(line) for line in lines if "item" in line}
    return Verdict(checks=checks, ledger=figures, twin_microusd=_twin_cost(places))


def _figures(line: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(value) for name, value in line.items() if name != "item"}


def _twin_cost(places: Places) -> int | None:
    if not places.anthropic:
        return None
    return int(httpx.get(f"{places.anthropic}/_twin/counts", timeout=20.0).json()["delivered"]["cost_microusd"])
