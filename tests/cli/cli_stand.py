"""Twins as processes, a repository of our own on them, and the command line called in this process or its own."""

import gc
import json
import logging
import os
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from cogworks.cli.main import main
from cogworks.cli.options import Globals
from cogworks.cli.starting import init

REPO = "acme/tally"
COGWORKS = [sys.executable, "-m", "cogworks.cli.main"]
_SEED = """
[[users]]
login = "maria"
permission = "write"
[[repositories]]
full_name = "acme/tally"
source = "./tally"
default_branch = "main"
[[repositories.labels]]
name = "bug"
"""
_ISSUE = """
[[repositories.issues]]
title = "{title}"
body = "The sum is off."
author = "maria"
labels = [{labels}]
"""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A twin, or another program of ours that says where it listens."""

    process: subprocess.Popen[str]
    url: str
    tokens: Mapping[str, str]

    def control(self, name: str, body: Any = None) -> Any:
        """Use a harness route."""
        answer = httpx.request("GET" if body is None else "POST", f"{self.url}/_twin/{name}", json=body, timeout=35)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def call(self, method: str, path: str, body: Any = None, *, login: str = "cogworks") -> Any:
        """Use the API of the GitHub twin as somebody."""
        headers = {"authorization": f"Bearer {self.tokens[login]}"}
        answer = httpx.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=10)
        assert answer.status_code < 300, answer.text
        return answer.json()


@contextmanager
def running(*words: str, env: Mapping[str, str] | None = None) -> Iterator[Program]:
    """Run a program of ours until the block ends; its first line says where it listens."""
    process = subprocess.Popen([*words], stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield Program(
            process=process, url=said.get("url") or said.get("serve") or said["path"], tokens=said.get("tokens", {})
        )
    finally:
        process.terminate()
        process.wait(timeout=15)
        if process.stdout is not None:
            process.stdout.close()


def write_seed(folder: Path, issues: list[tuple[str, list[str]]]) -> Path:
    """Write a seed with these issues (title, labels) in a repository that was set up with `init`."""
    source = folder / "tally"
    source.mkdir(parents=True)
    (source / "tally.py").write_text("def add(a: int, b: int) -> int:\n    return a + b\n")
    init(Globals(), source)
    (source / ".cogworks" / "services.toml").unlink()
    told = "".join(_ISSUE.format(title=t, labels=", ".join(f'"{name}"' for name in names)) for t, names in issues)
    (folder / "seed.toml").write_text(textwrap.dedent(_SEED) + told)
    return folder / "seed.toml"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found


class CommandLine:
    """Calls the command line with an environment of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch
        for name in os.environ:
            if name.startswith(("COGWORKS_", "FLOWER_")):
                monkeypatch.delenv(name)

    def set(self, **variables: str) -> None:
        """Set variables without their prefix, in small letters."""
        for name, value in variables.items():
            self._monkeypatch.setenv(f"COGWORKS_{name.upper()}", value)

    def __call__(self, *words: str) -> Said:
        """Call the command line in this process."""
        handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
        code = 2
        try:
            code = main(words)
        finally:
            logging.getLogger().handlers[:] = handlers
            logging.getLogger().setLevel(level)
            logging.captureWarnings(capture=False)
            if code != 2:  # wrong usage has spoken with nobody
                self._forget_connections()
        said = self._capsys.readouterr()
        return Said(code=code, out=said.out, err=said.err)

    def _forget_connections(self) -> None:
        """A command's connections end with its process; here the process goes on."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
