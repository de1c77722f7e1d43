"""The verifier on broken worlds: each is told by name."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from cogworks.demo.verify.asking import Forge, Provider
from cogworks.demo.verify.branches import branch_checks
from cogworks.demo.verify.checks import Check
from cogworks.demo.verify.conduct import conduct_check, showing_checks
from cogworks.demo.verify.delivered import Delivery, delivery_checks
from cogworks.demo.verify.expected import Item
from cogworks.demo.verify.money import Told, ledger_checks, self_checks

ITEM = Item(repo="o/r", number=1)
STATE = "<!-- cogworks:state v1 run=x -->\n| architecture | completed | 1 |\n| interface_design | completed | 1 |"
MATRIX = "<!-- cogworks:audit v1 key=k/summary kind=summary run=x -->\n| R1 | text | a | b | c | d | satisfied |"


def pull(slug: str, **changes: Any) -> dict[str, Any]:
    """Return a pull request as GitHub lists it."""
    usual = {"number": 7, "state": "open", "merged_at": None, "user": {"login": "cogworks"}}
    return {**usual, "head": {"ref": f"cogworks/1/{slug}", "sha": "0" * 40}, **changes}


PULLS = {slug: pull(slug) for slug in ("spec", "interfaces", "swi-1", "swi-2")}


def delivery(**changes: Any) -> Delivery:
    """Return what a run that ended well leaves, with ``changes``."""
    usual: dict[str, Any] = {
        "item": ITEM,
        "labels": frozenset({"cogworks:node:complete"}),
        "pulls": PULLS,
        "doubled": (),
        "sub_issues": (5, 6),
        "comments": (STATE, MATRIX),
    }
    return Delivery(**{**usual, **changes})


def wrong(checks: list[Check]) -> list[str]:
    """Return what is wrong."""
    return [one.detail for one in checks if not one.ok]


def test_a_run_that_ended_well_passes() -> None:
    """The world against which the broken ones stand out."""
    assert wrong(delivery_checks(delivery())) == []


BROKEN = [
    ({"labels": frozenset({"cogworks:node:failed"})}, "not complete, labels: cogworks:node:failed", "a failed run"),
    ({"labels": frozenset({"cogworks:node:planning"})}, "not complete", "a run that never ended"),
    ({"sub_issues": ()}, "no sub-issue is attached", "work that was not cut"),
    ({"sub_issues": (5, 6, 8)}, "no pull request from cogworks/1/swi-3", "a piece without a pull request"),
    ({"pulls": {**PULLS, "swi-2": pull("swi-2", state="closed")}}, "#7 (swi-2) was closed unmerged", "a closed one"),
    ({"pulls": {**PULLS, "spec": pull("spec", user={"login": "eve"})}}, "#7 (spec) is by eve", "a stranger's"),
    ({"doubled": ("swi-1",)}, "swi-1 has more than one", "one branch, two pull requests"),
    ({"comments": (STATE, MATRIX, MATRIX)}, "k/summary is told 2 times", "a comment posted twice"),
    ({"comments": (STATE,)}, "there is no matrix", "no summary"),
    ({"comments": (STATE, MATRIX.replace("satisfied", "not addressed"))}, "R1 is not addressed", "a lost requirement"),
]


@pytest.mark.parametrize(("changes", "detail", "why"), BROKEN)
def test_a_broken_delivery_is_told_by_name(changes: dict[str, Any], detail: str, why: str) -> None:
    """One line that says what and where."""
    assert any(detail in told for told in wrong(delivery_checks(delivery(**changes)))), why


def test_the_reason_of_a_stop_is_passed_on() -> None:
    """The state comment says why a run stopped."""
    stopped = f"{STATE}\n\nStopped: `flaky_test` at code_generation: twice"
    checks = delivery_checks(delivery(labels=frozenset({"cogworks:node:failed"}), comments=(stopped, MATRIX)))
    assert "Stopped: `flaky_test` at code_generation: twice" in wrong(checks)[0]


def test_a_pipeline_without_designs_needs_no_pull_requests_for_them() -> None:
    """A repository of other people may have another pipeline."""
    comments = (STATE.replace("interface_design", "something_else"), MATRIX)
    pulls = {slug: one for slug, one in PULLS.items() if slug != "interfaces"}
    assert wrong(delivery_checks(delivery(comments=comments, pulls=pulls))) == []


def provider(*, delivered: int, cut_off: int = 0, calls: list[dict[str, Any]] | None = None) -> Provider:
    """Return a provider's books for work item 1."""
    part = {"delivered": {"cost_microusd": delivered}, "cut_off": {"calls": cut_off}}
    counts = {"delivered": {"cost_microusd": delivered}, "by_item": {"1": {"none": part}}}
    return cast(Provider, SimpleNamespace(counts=lambda: counts, calls=lambda: calls or []))


LEDGERS = [
    (100, 0, 100, 0, [], "both sides alike"),
    (100, 40, 100, 1, [], "a call cut off is listed on both sides"),
    (100, 0, 101, 0, ["the ledger says 100 micro-dollars, the provider 101: 1 more"] * 2, "one micro-dollar too few"),
    (100, 0, 99, 0, ["the ledger says 100 micro-dollars, the provider 99: 1 less"] * 2, "one too many"),
    (100, 0, 100, 1, ["1 calls were cut off on the provider's side, 0 micro-dollars are unreconciled"], "forgotten"),
    (100, 9, 100, 0, ["0 calls were cut off on the provider's side, 9 micro-dollars are unreconciled"], "invented"),
]


@pytest.mark.parametrize(("ours", "open_ones", "theirs", "cut_off", "told", "why"), LEDGERS)
def test_the_ledger_is_compared_to_the_micro_dollar(
    ours: int, open_ones: int, theirs: int, cut_off: int, told: list[str], why: str
) -> None:
    """Committed is what was delivered; what was cut off is open on both sides."""
    ledger = Told(item=ITEM, microusd=ours, unreconciled_microusd=open_ones, status_microusd=ours)
    assert wrong(ledger_checks([ledger], provider(delivered=theirs, cut_off=cut_off))) == told, why


def test_two_commands_that_disagree_are_told() -> None:
    """`status` and `cost-report` read the same figures."""
    assert not self_checks(Told(item=ITEM, microusd=1, unreconciled_microusd=0, status_microusd=2)).ok


def call(swi: int, loop: str = "first") -> dict[str, Any]:
    """Return a call as the provider's log has it."""
    return {"call": {"node": "code_generation", "sub_work_item": swi, "loop": loop}}


SHOWN = [
    ([call(1), call(1), call(2)], ["parallel", "retry", "rework"], "one after the other, nothing went again"),
    ([call(1), call(2), call(1)], ["retry", "rework"], "at the same time"),
    ([call(1), call(2, "retry"), call(1, "rework")], [], "everything"),
]


@pytest.mark.parametrize(("calls", "missing", "why"), SHOWN)
def test_what_the_demo_promises_is_read_from_the_providers_log(
    calls: list[dict[str, Any]], missing: list[str], why: str
) -> None:
    """What was not seen did not happen."""
    names = ["parallel", "retry", "rework"]
    checks = showing_checks(names, cast(Forge, None), provider(delivered=0, calls=calls), [])
    assert [name for name, one in zip(names, checks, strict=True) if not one.ok] == missing, why


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A GitHub twin with one repository, read as maria; the machine's own token beside it."""
    folder = tmp_path_factory.mktemp("forge")
    tests = folder / "source" / "tests"
    tests.mkdir(parents=True)
    (tests / "test_it.py").write_text("def test_it() -> None:\n    assert True\n", "utf-8")
    (folder / "seed.toml").write_text(
        '[[repositories]]\nfull_name = "o/r"\nsource = "./source"\n[[repositories.issues]]\ntitle = "A"\n', "utf-8"
    )
    words = ["--seed", str(folder / "seed.toml"), "--state", str(folder / "state")]
    command = [sys.executable, "-m", "cogworks.twins.github", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as twin:
        assert twin.stdout is not None
        told = json.loads(twin.stdout.readline())
        person = Forge.at(told["url"], token=told["tokens"]["maria"])
        machine = Forge.at(told["url"], token=told["tokens"]["cogworks"])
        yield SimpleNamespace(maria=person, machine=machine)
        person.client.close()
        machine.client.close()
        twin.terminate()


def branch_with(machine: Forge, slug: str, content: str) -> Delivery:
    """Return a delivery whose one branch holds ``content`` as its only test."""
    ref = f"cogworks/1/{slug}"
    sha = machine.one("/repos/o/r/git/ref/heads/main")["object"]["sha"]
    machine.client.post("/repos/o/r/git/refs", json={"ref": f"refs/heads/{ref}", "sha": sha}).raise_for_status()
    known = machine.one("/repos/o/r/contents/tests/test_it.py")["sha"]
    encoded = base64.b64encode(content.encode()).decode()
    change = {"message": "m", "branch": ref, "sha": known, "content": encoded}
    answer = machine.client.put("/repos/o/r/contents/tests/test_it.py", json=change).raise_for_status().json()
    return delivery(pulls={slug: pull(slug, head={"ref": ref, "sha": answer["commit"]["sha"]})})


BRANCHES = [
    ("swi-1", "def test_it() -> None:\n    assert 1\n", "", "a sound branch"),
    ("swi-2", "def test_it() -> None:\n    assert 1 == 2\n", "the tests fail", "a failing test"),
    ("swi-3", "def oops(:\n", "the tests fail", "a file that does not parse"),
    ("swi-4", "VALUE = 1\n", "has no tests", "nothing that could fail"),
    (
        "swi-5",
        "import socket\n\n\ndef test_it() -> None:\n    socket.create_connection(('127.0.0.1', {port}), 5).close()\n",
        "the tests fail",
        "a test that needs the network",
    ),
]


@pytest.mark.parametrize(("slug", "content", "detail", "why"), BRANCHES)
def test_each_branch_is_cloned_and_tested(forge: Any, slug: str, content: str, detail: str, why: str) -> None:
    """A fresh clone, the repository's own tests, and no network."""
    content = content.replace("{port}", str(httpx.URL(forge.maria.url).port))
    found = branch_with(forge.machine, slug, content)
    (check,) = branch_checks(forge.maria, found)
    assert check.ok is (not detail), why
    assert detail in check.detail


def test_a_branch_that_moved_or_is_gone_is_told(forge: Any) -> None:
    """What is tested has to be what the pull request shows."""
    moved = delivery(pulls={"swi-9": pull("swi-9", head={"ref": "main", "sha": "1" * 40})})
    assert "the pull request at 1111" in wrong(branch_checks(forge.maria, moved))[0]
    gone = delivery(pulls={"swi-9": pull("swi-9", head={"ref": "nowhere", "sha": "1" * 40})})
    assert "nowhere cannot be cloned" in wrong(branch_checks(forge.maria, gone))[0]
    assert wrong(branch_checks(forge.maria, delivery(pulls={}))) == ["there is no branch with code to test"]


def test_a_machine_that_closes_an_issue_is_told(forge: Any) -> None:
    """People close, merge and approve; the machine never does."""
    assert conduct_check(forge.maria, ["o/r"]).ok
    forge.machine.client.patch("/repos/o/r/issues/1", json={"state": "closed"})
    assert not conduct_check(forge.maria, ["o/r"]).ok


def test_a_twin_that_does_not_answer_is_a_failed_check(tmp_path: Path) -> None:
    """Silence is no proof of anything."""
    seed = tmp_path / "seed.toml"
    seed.write_text('[[repositories]]\nfull_name = "o/r"\n[[repositories.issues]]\ntitle = "A"\n', "utf-8")
    words = ["--github", "http://127.0.0.1:9", "--token", "t", "--seed", str(seed)]
    command = [sys.executable, "-m", "cogworks.demo.verify", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["name"] == "the twins answer"
