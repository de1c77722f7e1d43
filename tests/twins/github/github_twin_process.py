"""A real twin process, people to act on it, and a client that holds every answer to GitHub's description."""

import base64
import itertools
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from conformance import check_answer

REPO = "/repos/acme/tally"
SEED = """
[[users]]
login = "maria"
permission = "write"
[[users]]
login = "boss"
permission = "admin"
[[users]]
login = "tina"
permission = "triage"
[[users]]
login = "guest"
permission = "read"
[[users]]
login = "stranger"
permission = "none"
[[repositories]]
full_name = "acme/tally"
source = "./tally"
default_branch = "main"
[[repositories.labels]]
name = "bug"
color = "d73a4a"
[[repositories.milestones]]
title = "v2.0"
[[repositories.issues]]
title = "Totals are off by one cent"
body_file = "./issue.md"
author = "maria"
labels = ["cogworks:run"]
milestone = "v2.0"
[[repositories.issues]]
title = "Second"
body = "text"
author = "boss"
"""


@dataclass(kw_only=True)
class Person:
    """Somebody with a token; every answer that arrives is checked."""

    login: str
    client: httpx.Client

    def __call__(self, method: str, path: str, body: Any = None, *, status: int | None = None, **more: Any) -> Any:
        """Send a request below the repository (or, with a leading `//`, below the base) and return its JSON."""
        return self.answer(method, path, body, status=status, **more)[1]

    def answer(
        self, method: str, path: str, body: Any = None, *, status: int | None = None, **more: Any
    ) -> tuple[httpx.Response, Any]:
        """Send a request and return the answer with its JSON, which conforms to GitHub's description."""
        full = path[1:] if path.startswith("//") else REPO + path
        response = self.client.request(method, full, json=body, **more)
        is_json = response.content and "json" in response.headers.get("content-type", "")
        shown = response.json() if is_json else None
        assert check_answer(method, full, response.status_code, shown) == []
        if status is not None:
            assert response.status_code == status, shown
        return response, shown


@dataclass(kw_only=True)
class Twin:
    """A running twin."""

    process: subprocess.Popen[str]
    url: str
    tokens: dict[str, str]
    people: dict[str, Person] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def as_(self, login: str) -> Person:
        """Return somebody to act."""
        if login not in self.people:
            headers = {"authorization": f"Bearer {self.tokens[login]}"}
            self.people[login] = Person(login=login, client=httpx.Client(base_url=self.url, headers=headers))
        return self.people[login]

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """Use a harness route."""
        answer = httpx.request(method, f"{self.url}/_twin/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def clone_url(self, login: str) -> str:
        """Return the address that git uses as somebody."""
        return f"{self.url.replace('://', f'://x-access-token:{self.tokens[login]}@')}/acme/tally.git"

    def branch(self, *, content: str | None = None, path: str = "new.txt") -> str:
        """Push, as cogworks would, a branch with one commit that writes one file; returns its name."""
        name = f"cogworks/{next(self.numbers)}/swi-1"
        maria = self.as_("maria")
        sha = maria("GET", "/git/ref/heads/main")["object"]["sha"]
        maria("POST", "/git/refs", {"ref": f"refs/heads/{name}", "sha": sha}, status=201)
        # equal content in the same second would be the very same commit
        self.write(path, f"{name}\n" if content is None else content, branch=name)
        return name

    def write(self, path: str, content: str, *, branch: str = "main") -> None:
        """Write one file as maria."""
        body = {"message": f"Write {path}", "content": base64.b64encode(content.encode()).decode(), "branch": branch}
        found, old = self.as_("maria").answer("GET", f"/contents/{path}?ref={branch}")
        if found.status_code == 200:
            body["sha"] = old["sha"]
        self.as_("maria")("PUT", f"/contents/{path}", body)

    def pull(self, *, body: str = "", content: str | None = None, path: str = "new.txt") -> dict[str, Any]:
        """Open a pull request as cogworks on a fresh branch."""
        new = {"title": "A change", "head": self.branch(content=content, path=path), "base": "main", "body": body}
        opened: dict[str, Any] = self.as_("cogworks")("POST", "/pulls", new, status=201)
        return opened

    def issue(self, title: str = "An issue", **more: Any) -> dict[str, Any]:
        """Open an issue as cogworks."""
        opened: dict[str, Any] = self.as_("cogworks")("POST", "/issues", {"title": title, **more}, status=201)
        return opened

    def stop(self) -> int:
        """End the process and return its exit code."""
        for person in self.people.values():
            person.client.close()
        self.people.clear()
        self.process.terminate()
        code = self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


def start_twin(*options: str) -> Twin:
    """Start a twin and wait for its ready line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cogworks.twins.github", *options], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready["twin"] == "github"
    return Twin(process=process, url=ready["url"], tokens=ready["tokens"])


def write_seed(folder: Path) -> Path:
    """Write the seed of these tests with the folder it names."""
    source = folder / "tally"
    (source / "tests").mkdir(parents=True)
    (source / "tally.py").write_text("def add(a: int, b: int) -> int:\n    return a + b\n")
    (source / "tests" / "test_tally.py").write_text("from tally import add\n")
    (source / "README.md").write_text("# Tally\n")
    (folder / "issue.md").write_text("The sum of three items is off.\n")
    (folder / "seed.toml").write_text(textwrap.dedent(SEED))
    return folder / "seed.toml"


@dataclass(frozen=True, kw_only=True)
class WorkingCopy:
    """A clone, driven by the git command line."""

    path: Path

    def git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run git in the clone."""
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
        who = ("-c", "user.name=cogworks", "-c", "user.email=cogworks@example.org")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.path, env=env, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def commit(self, name: str, text: str) -> str:
        """Commit one file and return the commit."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"Write {name}")
        return self.git("rev-parse", "HEAD").stdout.strip()
