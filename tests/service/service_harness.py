"""The real service as a process of its own, spoken to as a client would, and what tests say to it."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from cogworks.extension_api.checking import check_response
from cogworks.extension_api.envelope import Request, Response

START_SECONDS = 60
STOP_SECONDS = 15


@dataclass
class Service:
    """A running service, spoken to as a client would."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]
    client: httpx.Client
    home: Path
    lines: list[str] = field(default_factory=list)

    def request(self, method: str, repository: Path | None, params: dict[str, Any], **changes: Any) -> Request:
        """The envelope around the params."""
        document: dict[str, Any] = {
            "request_id": str(uuid.uuid4()),
            "api_version": "1.0",
            "method": method,
            "caller": {"system": "cogworks", "system_version": "1.0.0"},
            "repository": None if repository is None else {"path": str(repository), "ref": "HEAD"},
            "params": params,
            "deadline_ms": 60_000,
        }
        return Request.model_validate_json(json.dumps(document | changes))

    def call(self, method: str, repository: Path | None, params: dict[str, Any], **changes: Any) -> Response:
        """The checked reply: every reply of the service must pass the check."""
        request = self.request(method, repository, params, **changes)
        reply = self.post(method, json.dumps(request.to_json_object()).encode())
        assert reply.status_code == 200
        return check_response(request, reply.content)

    def post(self, method: str, body: bytes) -> httpx.Response:
        """The raw reply to a raw body."""
        return self.client.post(f"/api/v1/{method}", content=body, headers={"content-type": "application/json"})

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        with self.process:
            return self.process.wait(timeout=STOP_SECONDS)


def start_service(directory: Path, *arguments: str, python: str = sys.executable) -> Service:
    """The service once it says that it is ready; `arguments` say where it listens."""
    home = directory / "home"
    command = [sys.executable, "-m", "cogworks.service.python", "--home", str(home), "--python", python, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    ready = json.loads(_first_line(process))
    if ready["transport"] == "unix":
        client = httpx.Client(transport=httpx.HTTPTransport(uds=ready["path"]), base_url="http://service", timeout=90)
    else:
        client = httpx.Client(base_url=ready["url"], timeout=90, trust_env=False)
    return Service(process=process, ready=ready, client=client, home=home)


def _first_line(process: subprocess.Popen[str]) -> str:
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    readline = process.stdout.readline
    threading.Thread(target=lambda: lines.put(readline()), daemon=True).start()
    line = lines.get(timeout=START_SECONDS)
    assert line, f"the service ended with {process.wait(timeout=5)}"
    return line


def arguments_for(transport: str, directory: Path) -> list[str]:
    """Where to listen on that transport."""
    return ["--socket", str(directory / "s.sock")] if transport == "unix" else ["--http", "127.0.0.1:0"]


MakeRepository = Callable[..., Path]


def make_repository(directory: Path, files: dict[str, str], *, bare: bool, links: dict[str, str]) -> Path:
    """A git repository with these files in one commit."""
    root = directory / "work"
    root.mkdir()
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    for path, target in links.items():
        (root / path).symlink_to(target)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "everything")
    if bare:
        git(root, "clone", "--quiet", "--bare", str(root), str(directory / "bare.git"))
    return directory / "bare.git" if bare else root


def git(root: Path, *arguments: str) -> str:
    """What git says, as nobody in particular."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "tester@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    return subprocess.run(
        ["git", *arguments], cwd=root, env=environment, check=True, capture_output=True, text=True
    ).stdout


def artifact(path: str, content: str | None = None) -> dict[str, Any]:
    """An artifact as the wire has it."""
    return {"path": path, "deleted": False} | ({} if content is None else {"content": content})


def found(response: Response) -> list[tuple[str, str, str | None, Any]]:
    """Severity, category, artifact and line of each finding."""
    return [
        (item.severity, item.category, item.artifact, (item.location or {}).get("line"))
        for item in response.diagnostics
    ]
