"""Does the ledger agree with the provider: to the micro-dollar, item by item (RUN-17)?"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cogworks.demo.verify.asking import Provider
from cogworks.demo.verify.checks import Check, check
from cogworks.demo.verify.expected import Item

_COMMAND_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the product says that an item cost: committed, and sent without ever seeing an answer."""

    item: Item
    microusd: int
    unreconciled_microusd: int
    status_microusd: int

    def line(self) -> str:
        """Return it as a JSON line beside those of the checks."""
        figures = {"ledger_microusd": self.microusd, "unreconciled_microusd": self.unreconciled_microusd}
        return json.dumps({"item": {"repo": self.item.repo, "number": self.item.number}, **figures})


class NotTold(Exception):
    """A `cogworks` command gave no figures; the text says what it gave instead."""


def told_of(item: Item) -> Told:
    """Return what `cogworks cost-report` and `cogworks status` say; raise NotTold when they say nothing."""
    report, status = _command("cost-report", item), _command("status", item)
    return Told(
        item=item,
        microusd=int(report["total"]["microusd"]),
        unreconciled_microusd=int(report["unreconciled"]["microusd"]),
        status_microusd=int(status["state"]["cost"]["microusd"]),
    )


def _command(name: str, item: Item) -> dict[str, Any]:
    """Run a command in the operator's environment, which is ours, and return its ``data``."""
    words = [sys.executable, "-m", "cogworks.cli.main", name, str(item), "--json"]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_COMMAND_S, check=False
        )
        data = json.loads(done.stdout)["data"]
    except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
        raise NotTold(f"`cogworks {name} {item} --json` gave no document: {error!r}") from error
    if not isinstance(data, dict) or data.get("state", data) is None:
        raise NotTold(f"`cogworks {name} {item} --json` knows nothing: exit {done.returncode}")
    return data


def self_checks(told: Told) -> Check:
    """Return whether the two commands agree with each other."""
    same = told.microusd == told.status_microusd
    wrong = [] if same else [f"cost-report says {told.microusd} micro-dollars, status {told.status_microusd}"]
    return check(f"{told.item} status and cost-report agree", wrong, good=f"{told.microusd} micro-dollars")


def ledger_checks(told: Sequence[Told], provider: Provider) -> list[Check]:
    """Return whether the sums of the product are the sums of the provider, for each issue number and in all."""
    counts = provider.counts()
    by_number: dict[int, list[Told]] = defaultdict(list)
    for one in told:
        by_number[one.item.number].append(one)
    checks = [_number_check(number, ours, counts["by_item"].get(str(number), {})) for number, ours in by_number.items()]
    total, delivered = sum(one.microusd for one in told), int(counts["delivered"]["cost_microusd"])
    wrong = [] if total == delivered else [_differs(total, delivered)]
    return [*checks, check("ledger agrees in all", wrong, good=f"{total} micro-dollars on both sides")]


def _number_check(number: int, ours: Sequence[Told], theirs: dict[str, Any]) -> Check:
    ledger, open_ones = sum(one.microusd for one in ours), sum(one.unreconciled_microusd for one in ours)
    delivered = sum(int(part["delivered"]["cost_microusd"]) for part in theirs.values())
    cut_off = sum(int(part["cut_off"]["calls"]) for part in theirs.values())
    wrong = [] if ledger == delivered else [_differs(ledger, delivered)]
    if bool(cut_off) != bool(open_ones):
        wrong.append(f"{cut_off} calls were cut off on the provider's side, {open_ones} micro-dollars are unreconciled")
    names = ", ".join(str(one.item) for one in ours)
    good = f"{ledger} micro-dollars on both sides, {open_ones} unreconciled, {cut_off} calls cut off"
    return check(f"{names} ledger agrees" if ours else f"#{number} ledger agrees", wrong, good=good)


def _differs(ledger: int, provider: int) -> str:
    gap = provider - ledger
    word = "more" if gap > 0 else "less"
    return f"the ledger says {ledger} micro-dollars, the provider {provider}: {abs(gap)} {word}"
