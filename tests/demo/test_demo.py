"""The demo as a newcomer runs it: started by its command, judged by its document, broken on purpose, interrupted."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

MARK = "TEST_OF_THE_DEMO"
TOKEN = re.compile(r"token of maria: (?P<token>\S+); logs in (?P<folder>\S+)")
REPO = "/repos/acme/tally"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A demo that has come to its verdict and stays up."""

    process: "subprocess.Popen[str]"
    document: dict[str, Any]
    token: str
    folder: Path

    @property
    def url(self) -> str:
        """The GitHub of the demo."""
        return str(self.document["data"]["urls"]["github"])

    def maria(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Do something as the person of the demo."""
        headers = {"authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, f"{self.url}{REPO}{path}", json=body or None, headers=headers, timeout=20)
        return answer.raise_for_status().json()

    def operator(self) -> dict[str, str]:
        """Return the environment in which `cogworks` commands look at this demo."""
        tokens = json.loads((self.folder / "github.out").read_text("utf-8"))["tokens"]
        return {
            **plain_environment(self.folder),
            "COGWORKS_GITHUB_TOKEN": tokens["cogworks"],
            "COGWORKS_GITHUB_API_URL": self.url,
            "COGWORKS_REDIS_URL": f"unix://{self.folder / 'redis' / 'redis.sock'}",
        }

    def verified_anew(self, seed: Path) -> "subprocess.CompletedProcess[str]":
        """Have everything verified once more, as the demo did."""
        urls = self.document["data"]["urls"]
        words = ["--github", urls["github"], "--anthropic", urls["anthropic"], "--token", self.token]
        command = [sys.executable, "-m", "cogworks.demo.verify", *words, "--seed", str(seed)]
        return subprocess.run(command, env=self.operator(), capture_output=True, text=True, check=False)


def plain_environment(folder: Path) -> dict[str, str]:
    """Return an environment without settings of CogWorks, marked so that a demo's processes are found again."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("COGWORKS_", "PYTEST_"))}
    return {**plain, MARK: str(folder)}


def left_behind(folder: Path) -> list[str]:
    """Return every process of a demo that still lives."""
    return list(processes_with(f"{MARK}={folder}\0").values())


def processes_with(variable: str) -> dict[int, str]:
    """Return the commands of all processes that have ``variable`` in their environment, by pid."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            environment = (place / "environ").read_bytes()
            command = (place / "cmdline").read_text("utf-8", "replace").replace("\0", " ")
        except OSError:
            continue
        if variable.encode() in environment:
            found[int(place.name)] = command
    return found


@contextmanager
def demo(folder: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the demo by its command; whatever happens, it ends with the block."""
    command = [sys.executable, "-m", "cogworks.cli.main", "demo", *words]
    with (
        (folder / "demo.err").open("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            command,
            env=plain_environment(folder),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def told(process: "subprocess.Popen[str]", folder: Path, pattern: re.Pattern[str]) -> re.Match[str]:
    """Return what a demo says on standard error, once it says it."""
    pause = threading.Event()
    while True:
        text = (folder / "demo.err").read_text("utf-8")
        if found := pattern.search(text):
            return found
        assert process.poll() is None, text
        pause.wait(0.05)


def read_document(process: "subprocess.Popen[str]", folder: Path) -> dict[str, Any]:
    """Return the one document that a demo prints, which may stay up afterwards."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("}"):
            return dict(json.loads("".join(lines)))
    raise AssertionError((folder / "demo.err").read_text("utf-8"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One demo for all tests here; when they are done it is interrupted, as a reader would."""
    folder = tmp_path_factory.mktemp("demo")
    with demo(folder, "--json", "--keep") as process:
        document = read_document(process, folder)
        found = told(process, folder, TOKEN)
        yield Running(process=process, document=document, token=found["token"], folder=Path(found["folder"]))
    assert process.returncode == 0, "Ctrl-C is the usual end of a demo that stays up"
    assert left_behind(folder) == []
    assert not Path(found["folder"]).exists()


def test_the_demo_is_verified_and_its_document_is_whole(running: Running) -> None:
    """Two designs and three pieces of code, each a pull request; the ledger agrees to the micro-dollar."""
    document = running.document
    assert document["errors"] == []
    assert (document["command"], document["ok"], document["exit_code"]) == ("demo", True, 0)
    data = document["data"]
    (item,) = data["items"]
    assert (item["repo"], item["number"], item["status"]) == ("acme/tally", 1, "completed")
    kinds = [(one["kind"], one["swi"]) for one in item["pulls"]]
    assert kinds[:2] == [("spec", None), ("interfaces", None)]
    assert sorted(kinds[2:]) == [("code", 1), ("code", 2), ("code", 3)]
    assert [one["ordinal"] for one in item["swis"]] == [1, 2, 3]
    assert (item["ledger_microusd"], item["unreconciled_microusd"]) == (data["twin_microusd"], 0)
    assert {row["status"] for row in item["matrix"]} == {"satisfied"}
    assert [one["name"] for one in data["checks"] if one["name"].startswith("seen: ")] == [
        "seen: two sub-work-items at the same time",
        "seen: a retry after a failing test",
        "seen: a rework after a blocking review finding",
        "seen: two human gates",
    ]
    assert httpx.get(f"{data['urls']['web']}/healthz", timeout=20).status_code == 200


def test_what_review_found_and_did_not_block_is_a_comment_at_its_line(running: Running) -> None:
    """The warning about tax.py, where a reader of the pull request finds it."""
    number = next(one["number"] for one in running.document["data"]["items"][0]["pulls"] if one["swi"] == 2)
    (comment,) = running.maria("GET", f"/pulls/{number}/comments", {})
    assert (comment["path"], comment["user"]["login"]) == ("src/tally/tax.py", "cogworks")
    assert "negative rate" in comment["body"]


def test_a_world_that_is_broken_afterwards_is_told_by_name(running: Running, tally: Path) -> None:
    """A call that nobody entered, a pull request closed behind CogWorks' back, a branch whose tests fail."""
    seed = tally / "seed.toml"
    pulls = {one["swi"]: one for one in running.document["data"]["items"][0]["pulls"] if one["swi"]}
    # Nobody looks any more: CogWorks would make anew what a person rejects.
    ours = processes_with(running.operator()["COGWORKS_REDIS_URL"])
    [beat] = [pid for pid, command in ours.items() if " beat " in f"{command} "]
    os.kill(beat, signal.SIGSTOP)
    head = pulls[2]["head"]
    known = running.maria("GET", f"/contents/tests/test_tax.py?ref={head}", {})["sha"]
    broken = base64.b64encode(b"def test_it() -> None:\n    assert not 'broken'\n").decode()
    running.maria(
        "PUT", "/contents/tests/test_tax.py", {"message": "m", "branch": head, "sha": known, "content": broken}
    )
    running.maria("PATCH", f"/pulls/{pulls[1]['number']}", {"state": "closed"})
    _bill(running, microusd=7)
    done = running.verified_anew(seed)
    assert (done.returncode, done.stderr) == (1, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = {one["name"]: one["detail"] for one in lines if not one.get("ok", True)}
    assert list(wrong) == [
        "acme/tally#1 pull requests",
        "acme/tally#1 ledger agrees",
        "ledger agrees in all",
        "acme/tally#1 swi-2 tests",
    ]
    assert f"#{pulls[1]['number']} (swi-1) was closed unmerged" in wrong["acme/tally#1 pull requests"]
    assert "more" in wrong["ledger agrees in all"]


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C while two sub-work-items are generated, and once more by an impatient person."""
    with demo(tmp_path) as process:
        told(process, tmp_path, re.compile(r"code_generation \(SWI 1\): active"))
        assert len(left_behind(tmp_path)) > 10
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
    assert left_behind(tmp_path) == []


def test_code_that_never_passes_its_tests_fails_the_demo(tally: Path, tmp_path: Path) -> None:
    """The scripted model repeats its mistake for ever: exit 1, and the failing test is named."""
    script = tmp_path / "world" / "forever.jsonl"
    shutil.copytree(tally, script.parent)
    rules = [json.loads(line) for line in (tally / "script.jsonl").read_text("utf-8").splitlines()]
    tries = [one for one in rules if one["when"].get("sub_work_item") == 1 and "turns" in one["reply"]]
    tries[0]["when"].pop("attempt")
    script.write_text("".join(json.dumps(one) + "\n" for one in rules), "utf-8")
    with demo(tmp_path, "--json", "--seed", str(script.parent / "seed.toml"), "--script", str(script)) as process:
        document = read_document(process, tmp_path)
        assert process.wait(timeout=20) == 1
    assert (document["ok"], document["data"]["items"][0]["status"]) == (False, "escalated")
    messages = " ".join(one["message"] for one in document["errors"])
    assert "test_the_parts_add_up_to_the_discount_of_the_whole" in messages
    assert "no pull request from cogworks/1/swi-1" in messages
    assert left_behind(tmp_path) == []


def _bill(running: Running, *, microusd: int) -> None:
    """Let the provider deliver an answer, dearer than usual, that no ledger knows."""
    url = running.document["data"]["urls"]["anthropic"]
    fault = [{"match": {"path": "/v1/messages"}, "kind": "bill", "microusd": microusd}]
    httpx.post(f"{url}/_twin/faults", json=fault, timeout=20).raise_for_status()
    body = {"model": "claude-sonnet-5-5", "max_tokens": 1000, "messages": [{"role": "user", "content": "once more"}]}
    call = json.dumps({"node": "intake", "work_item": 1, "purpose": "generate"})
    headers = {"x-api-key": "any", "anthropic-version": "2026-10-21", "x-cogworks-call": call}
    httpx.post(f"{url}/v1/messages", json=body, headers=headers, timeout=20).raise_for_status()
