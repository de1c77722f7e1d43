"""Starts the Anthropic twin as a process, the way everyone else does."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import httpx

COMMAND = (sys.executable, "-m", "cogworks.twins.anthropic")
HAIKU = "claude-haiku-5-5"
SONNET = "claude-sonnet-5-5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A running twin."""

    url: str
    process: subprocess.Popen[str]
    open_clients: contextlib.ExitStack

    def client(self, **call: object) -> anthropic.Anthropic:
        """Return the real SDK client, closed when the twin ends; `call` is what the call header says."""
        client = anthropic.Anthropic(
            base_url=self.url,
            api_key="any-key",
            max_retries=0,
            timeout=20,
            default_headers={"X-CogWorks-Call": json.dumps(call)} if call else {},
            _strict_response_validation=True,
        )
        return self.open_clients.enter_context(client)

    def get(self, path: str) -> dict[str, Any]:
        """Return what one of the twin's own routes shows."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/_twin/{path}").raise_for_status().json()
        return answer

    def post(self, path: str, body: object) -> httpx.Response:
        """Send something to one of the twin's own routes."""
        return httpx.post(f"{self.url}/_twin/{path}", json=body)


def write_script(path: Path, rules: Sequence[object]) -> Path:
    """Write a script of these rules."""
    path.write_text("".join(json.dumps(rule) + "\n" for rule in rules), encoding="utf-8")
    return path


@contextlib.contextmanager
def running(*options: object, killed: bool = False) -> Iterator[Twin]:
    """Run a twin until the block ends, and see that it ends cleanly, or as one that was killed."""
    process = subprocess.Popen([*COMMAND, *map(str, options)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        assert ready["twin"] == "anthropic"
        with contextlib.ExitStack() as open_clients:
            yield Twin(url=ready["url"], process=process, open_clients=open_clients)
    finally:
        process.send_signal(signal.SIGKILL if killed else signal.SIGTERM)
        ended_with = process.wait(timeout=5)
        rest = process.stdout.read()
        process.stdout.close()
    assert (ended_with, rest) == (-signal.SIGKILL if killed else 0, "")
