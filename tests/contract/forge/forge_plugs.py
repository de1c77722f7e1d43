"""Both plugs of the ports GitHub and Git, with a person beside each who does what CogWorks never does."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from cogworks.adapters.git_mirror import GitMirrors
from cogworks.adapters.github_client import GitHubClient
from cogworks.adapters.memory_forge import MemoryForge, PlantedIssue
from cogworks.adapters.memory_git import MemoryGit
from cogworks.adapters.memory_github import MemoryGitHub
from cogworks.adapters.memory_people import MemoryPerson
from cogworks.model.ids import IssueNumber, PullNumber, RepoName, Sha
from cogworks.ports.git import Git
from cogworks.ports.github import GitHub

REPO = RepoName("acme/tally")
FILES = {
    "README.md": b"# Tally\n",
    "src/tally.py": b"def add(a, b):\n    return a + b\n",
    "src/deep/er/leaf.txt": "Blätter\n".encode(),
    "logo.bin": b"\x00\x01\x02",
}
READY_S = 30
_SEED = """
[[users]]
login = "maria"
permission = "write"
[[repositories]]
full_name = "acme/tally"
source = "./tally"
[[repositories.milestones]]
title = "v2.0"
[[repositories.issues]]
title = "Totals are off by one cent"
body = "Please look."
author = "maria"
labels = ["cogworks:run"]
milestone = "v2.0"
"""


class Person(Protocol):
    """A human with write access."""

    def close(self, number: IssueNumber) -> object: ...
    def label(self, number: IssueNumber, *names: str) -> object: ...
    def unlabel(self, number: IssueNumber, name: str) -> object: ...
    def comment(self, number: IssueNumber, body: str) -> object: ...
    def approve(self, number: PullNumber) -> object: ...
    def request_changes(self, number: PullNumber, body: str = "") -> object: ...
    def merge(self, number: PullNumber) -> object: ...
    def push(self, branch: str, files: Mapping[str, bytes | None]) -> Sha: ...
    def set_milestone(self, number: IssueNumber, title: str | None) -> object: ...
    def block(self, number: IssueNumber, *, by: IssueNumber) -> object: ...
    def attach(self, number: IssueNumber, *, child: IssueNumber) -> object: ...
    def lock(self, number: IssueNumber) -> object: ...
    def unlock(self, number: IssueNumber) -> object: ...


@dataclass(frozen=True, kw_only=True)
class Forge:
    """One plug of each port on the same forge."""

    github: GitHub
    git: Git
    maria: Person
    repo: RepoName = REPO


@dataclass
class Etags:
    """The cache of reads, in a dictionary."""

    kept: dict[str, tuple[str, str]] = field(default_factory=dict)

    def get(self, key: str) -> tuple[str, str] | None:
        return self.kept.get(key)

    def put(self, key: str, etag: str, body: str) -> None:
        self.kept[key] = (etag, body)


@dataclass(frozen=True)
class Counted:
    """What the client told of its exchanges."""

    seen: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, operation: str, status: int) -> None:
        self.seen.append((operation, status))


@dataclass(frozen=True, kw_only=True)
class RunningTwin:
    """A GitHub twin as a process."""

    url: str
    tokens: Mapping[str, str]

    def client(self, login: str = "cogworks", *, count: Counted | None = None) -> GitHubClient:
        """Return the real adapter with the token of ``login``."""
        return GitHubClient(
            token=self.tokens.get(login, login), base_url=self.url, etags=Etags(), count=count or Counted()
        )

    def post(self, path: str, body: object) -> None:
        """Send something to one of the twin's own routes."""
        httpx.post(f"{self.url}/_twin/{path}", json=body).raise_for_status()

    def routes(self) -> list[dict[str, Any]]:
        """Return the log of requests."""
        entries: list[dict[str, Any]] = httpx.get(f"{self.url}/_twin/log").raise_for_status().json()["log"]
        return entries


@dataclass(frozen=True, kw_only=True)
class TwinPerson:
    """A human at the twin, over HTTP and git with their own token."""

    twin: RunningTwin
    git: Git
    login: str = "maria"

    def close(self, number: IssueNumber) -> object:
        return self._send("PATCH", f"issues/{number}", {"state": "closed"})

    def label(self, number: IssueNumber, *names: str) -> object:
        return self._send("POST", f"issues/{number}/labels", {"labels": [*names]})

    def unlabel(self, number: IssueNumber, name: str) -> object:
        return self._send("DELETE", f"issues/{number}/labels/{name}", None)

    def comment(self, number: IssueNumber, body: str) -> object:
        return self._send("POST", f"issues/{number}/comments", {"body": body})

    def approve(self, number: PullNumber) -> object:
        return self._send("POST", f"pulls/{number}/reviews", {"event": "APPROVE"})

    def request_changes(self, number: PullNumber, body: str = "") -> object:
        return self._send("POST", f"pulls/{number}/reviews", {"event": "REQUEST_CHANGES", "body": body or "No."})

    def merge(self, number: PullNumber) -> object:
        return self._send("PUT", f"pulls/{number}/merge", {})

    def push(self, branch: str, files: Mapping[str, bytes | None]) -> Sha:
        self.git.fetch(REPO)
        old = self.git.branch_head(REPO, branch)
        kept = {path: content for path, content in files.items() if content is not None}
        parent = old or self.git.branch_head(REPO, "main")
        new = self.git.commit_files(REPO, parent=parent, files=kept, message="By hand")
        self.git.push(REPO, branch=branch, sha=new, expected=old)
        return new

    def set_milestone(self, number: IssueNumber, title: str | None) -> object:
        known = {"v2.0": 1}
        return self._send("PATCH", f"issues/{number}", {"milestone": None if title is None else known[title]})

    def block(self, number: IssueNumber, *, by: IssueNumber) -> object:
        return self._send("POST", f"issues/{number}/dependencies/blocked_by", {"issue_id": self._id(by)})

    def attach(self, number: IssueNumber, *, child: IssueNumber) -> object:
        return self._send("POST", f"issues/{number}/sub_issues", {"sub_issue_id": self._id(child)})

    def lock(self, number: IssueNumber) -> object:
        return self._answer("PUT", f"issues/{number}/lock", {})

    def unlock(self, number: IssueNumber) -> object:
        return self._answer("DELETE", f"issues/{number}/lock", None)

    def _id(self, number: IssueNumber) -> object:
        issue = self._send("GET", f"issues/{number}", None)
        assert isinstance(issue, dict)
        return issue["id"]

    def _send(self, verb: str, path: str, body: object) -> object:
        return self._answer(verb, path, body).json()

    def _answer(self, verb: str, path: str, body: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.twin.tokens[self.login]}"}
        address = f"{self.twin.url}/repos/{REPO}/{path}"
        return httpx.request(verb, address, json=body, headers=headers).raise_for_status()


@contextlib.contextmanager
def running_twin(directory: Path) -> Iterator[RunningTwin]:
    """Run the GitHub twin with one seeded repository until the block ends."""
    for path, content in FILES.items():
        place = directory / "tally" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    seed = directory / "seed.toml"
    seed.write_text(_SEED)
    command = [sys.executable, "-m", "cogworks.twins.github", "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        deadline = threading.Timer(READY_S, process.kill)
        deadline.start()
        try:
            ready = json.loads(process.stdout.readline())
            deadline.cancel()
            yield RunningTwin(url=ready["url"], tokens=ready["tokens"])
        finally:
            deadline.cancel()
            process.terminate()
            process.wait(READY_S)


def twin_forge(twin: RunningTwin, directory: Path) -> Forge:
    """Return the real adapters on a running twin."""
    mine = GitMirrors(directory / "ours", remote_url=twin.url, token=twin.tokens["cogworks"])
    hers = GitMirrors(directory / "maria", remote_url=twin.url, token=twin.tokens["maria"])
    return Forge(github=twin.client(), git=mine, maria=TwinPerson(twin=twin, git=hers))


def memory_forge() -> Forge:
    """Return the memory twins on one store, seeded alike."""
    forge = MemoryForge()
    issue = PlantedIssue(
        title="Totals are off by one cent", body="Please look.", labels=("cogworks:run",), milestone="v2.0"
    )
    forge.add_repo(REPO, files=FILES, issues=(issue,), milestones=("v2.0",))
    return Forge(github=MemoryGitHub(forge), git=MemoryGit(forge), maria=MemoryPerson(forge, REPO))
