"""The verifier: a process of its own that trusts nothing it was told by the product (DEM-06).

It is given addresses, a person's token and the seed; it reads GitHub over REST and git, the model provider's books,
and of the product only what ``cogworks cost-report --json`` prints for anybody.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cogworks.demo.rest import Rest, RestError
from cogworks.demo.seed import Ask, SeedWrong, read_seed
from cogworks.demo.view import BOT, PullSeen, look, matrix_in, pulls_of, summary_of

_TESTS_S = 300
_GIT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at, and what was found."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where to look: GitHub as a person, the provider's books, and a command that prints the ledger."""

    github: Rest
    anthropic: Rest | None
    ledger: Callable[[Ask], dict[str, int]]


def verify(evidence: Evidence, asks: tuple[Ask, ...]) -> Iterator[Check]:
    """Yield every check of every issue; a check that cannot be made has failed."""
    for ask in asks:
        for check in (_completed, _designs, _code, _sub_issues, _once, _matrix):
            yield from _tried(f"{ask.repo}#{ask.number} {check.__name__.strip('_')}", check, evidence, ask)
    yield from _tried("nothing forbidden was tried", _lawful, evidence, asks[0])
    if evidence.anthropic is not None:
        yield from _tried("ledger agrees with the provider", _ledger, evidence, asks)


def _tried(name: str, check: Callable[..., Iterator[Check]], *given: object) -> Iterator[Check]:
    try:
        yield from check(*given)
    except (RestError, OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
        yield Check(name=name, ok=False, detail=f"could not be looked at: {error}")


def _completed(evidence: Evidence, ask: Ask) -> Iterator[Check]:
    sight = look(evidence.github, ask)
    told = sight.state.get("failure") or {}
    detail = f"labels {', '.join(sorted(sight.labels))}"
    if told:
        detail += f"; stopped at {told.get('node')}: {told.get('category')}: {told.get('message')}"
    yield Check(name=f"{_of(ask)} is complete", ok=sight.ended == "completed", detail=detail)


def _designs(evidence: Evidence, ask: Ask) -> Iterator[Check]:
    pulls = {pull.kind: pull for pull in pulls_of(evidence.github, ask)}
    for kind in ("spec", "interfaces"):
        pull = pulls.get(kind)
        detail = f"#{pull.number} {pull.state}" if pull else "there is none"
        yield Check(name=f"{_of(ask)} has a merged {kind} pull request", ok=bool(pull and pull.merged), detail=detail)


def _code(evidence: Evidence, ask: Ask) -> Iterator[Check]:
    swis = look(evidence.github, ask).state.get("sub_work_items", [])
    pulls = {pull.swi: pull for pull in pulls_of(evidence.github, ask) if pull.kind == "code"}
    yield Check(name=f"{_of(ask)} was cut into sub-work-items", ok=bool(swis), detail=f"{len(swis)} in the state")
    for swi in swis:
        pull, name = pulls.get(swi["ordinal"]), f"{_of(ask)} SWI {swi['ordinal']}"
        open_or_merged = bool(pull and (pull.state == "open" or pull.merged))
        detail = f"#{pull.number} {pull.state}" if pull else "there is none"
        yield Check(name=f"{name} has a pull request", ok=open_or_merged, detail=detail)
        if pull:
            yield _tests_pass(evidence, ask, pull, name)


def _tests_pass(evidence: Evidence, ask: Ask, pull: PullSeen, name: str) -> Check:
    """Clone the branch afresh and run the repository's own tests in it."""
    with tempfile.TemporaryDirectory(prefix="cogworks-verify-") as folder:
        parts = urlsplit(evidence.github.url)
        url = f"{parts.scheme}://x-access-token:{evidence.github.token}@{parts.netloc}/{ask.repo}.git"
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull, "PATH": os.environ["PATH"]}
        clone = ["git", "clone", "--quiet", "--depth", "1", "--branch", pull.head, url, folder]
        cloned = subprocess.run(clone, capture_output=True, text=True, env=quiet, timeout=_GIT_S, check=False)  # noqa: S603 - fixed command
        if cloned.returncode:
            return Check(name=f"{name} can be cloned", ok=False, detail=cloned.stderr.strip()[-300:])
        path = os.pathsep.join(str(Path(folder, part)) for part in ("src", "."))
        run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header"]
        tested = subprocess.run(  # noqa: S603 - fixed command
            run,
            cwd=folder,
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=_TESTS_S,
            check=False,
        )
        last = (tested.stdout.strip().splitlines() or [tested.stderr.strip()[-300:]])[-1]
        return Check(name=f"{name} passes the tests in a fresh clone", ok=tested.returncode == 0, detail=last)


def _sub_issues(evidence: Evidence, ask: Ask) -> Iterator[Check]:
    attached = list(evidence.github.every(f"/repos/{ask.repo}/issues/{ask.number}/sub_issues"))
    planned = look(evidence.github, ask).state.get("sub_work_items", [])
    same = {issue["number"] for issue in attached} == {swi["issue"] for swi in planned}
    names = ", ".join(f"#{issue['number']}" for issue in attached) or "none"
    yield Check(name=f"{_of(ask)} has its sub-issues attached", ok=same, detail=names)


def _once(evidence: Evidence, ask: Ask) -> Iterator[Check]:
    """Every comment of ours exists once: its mark is its identity."""
    marks = [
        comment["body"].split("\n", 1)[0].split(" key=", 1)[-1].split(" ", 1)[0]
        for comment in evidence.github.every(f"/repos/{ask.repo}/issues/{ask.number}/comments")
        if comment["user"]["login"] == BOT
    ]
    twice = sorted({mark for mark in marks if marks.count(mark) > 1})
    detail = f"{len(marks)} comments" if not twice else f"twice: {', '.join(twice)}"
    yield Check(name=f"{_of(ask)} was told everything once", ok=bool(marks) and not twice, detail=detail)


def _matrix(evidence: Evidence, ask: Ask) -> Iterator[Check]:
    rows = matrix_in(summary_of(evidence.github, ask))
    missing = [row["id"] for row in rows if row.get("status") != "satisfied"]
    detail = f"{len(rows)} requirements" if not missing else f"not satisfied: {', '.join(missing)}"
    yield Check(name=f"{_of(ask)} traces every requirement", ok=bool(rows) and not missing, detail=detail)


def _lawful(evidence: Evidence, _ask: Ask) -> Iterator[Check]:
    tried = evidence.github.get("/_twin/violations")["violations"]
    detail = "; ".join(str(one.get("violation")) for one in tried[:5]) or "no merge, approval, closing or deletion"
    yield Check(name="nothing forbidden was tried", ok=not tried, detail=detail)


def _ledger(evidence: Evidence, asks: tuple[Ask, ...]) -> Iterator[Check]:
    """The ledger's committed sum is the provider's sum of delivered answers, to the micro-dollar (RUN-17)."""
    assert evidence.anthropic is not None
    counts = evidence.anthropic.get("/_twin/counts")
    ours = [evidence.ledger(ask) for ask in asks]
    committed, open_calls = sum(one["total"] for one in ours), sum(one["unreconciled"] for one in ours)
    theirs, cut = counts["delivered"]["cost_microusd"], counts["cut_off"]["cost_microusd"]
    yield Check(
        name="ledger agrees with the provider",
        ok=committed == theirs,
        detail=f"ledger {committed} micro-dollars, provider {theirs}; unreconciled {open_calls}, cut off {cut}",
    )


def _of(ask: Ask) -> str:
    return f"{ask.repo}#{ask.number}"


def ledger_by_command(ask: Ask, *, environment: Mapping[str, str] | None = None) -> dict[str, int]:
    """Return the sums that ``cogworks cost-report --json`` prints, in micro-dollars."""
    command = [sys.executable, "-m", "cogworks.cli.main", "cost-report", f"{ask.repo}#{ask.number}", "--json"]
    told = dict(environment) if environment is not None else None
    printed = subprocess.run(command, capture_output=True, text=True, env=told, timeout=60, check=False)  # noqa: S603 - fixed command
    document = json.loads(printed.stdout)
    if not document["ok"]:
        raise ValueError(f"cost-report: {document['errors']}")
    data = document["data"]
    return {"total": data["total"]["microusd"], "unreconciled": data["unreconciled"]["microusd"]}


def main() -> int:
    """Print each check as a line of JSON; return 0 when all hold, 1 when one does not, 2 for wrong options."""
    parser = argparse.ArgumentParser(prog="python -m cogworks.demo.verify", description=__doc__)
    parser.add_argument("--github", required=True, help="address of GitHub or its twin")
    parser.add_argument("--anthropic", help="address of the model provider's twin; without it costs are not compared")
    parser.add_argument("--token-env", default="COGWORKS_DEMO_TOKEN", help="variable that holds the person's token")
    parser.add_argument("--seed", type=Path, required=True, help="the seed that was planted")
    given = parser.parse_args()
    try:
        seed = read_seed(given.seed)
    except SeedWrong as error:
        sys.stderr.write(f"{error}\n")
        return 2
    evidence = Evidence(
        github=Rest(url=given.github, token=os.environ.get(given.token_env)),
        anthropic=Rest(url=given.anthropic) if given.anthropic else None,
        ledger=ledger_by_command,
    )
    all_hold = True
    for check in verify(evidence, seed.asks):
        sys.stdout.write(json.dumps(asdict(check)) + "\n")
        all_hold &= check.ok
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
