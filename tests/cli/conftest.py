"""One pair of twins for all; each test has issues of its own."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_stand import CommandLine, Program, running, write_seed

ISSUES = [
    ("Totals are off by one cent", ["cogworks:run"]),  # 1: runs, and its model answers nonsense
    ("Nobody asked for this", []),  # 2: has no trigger
    ("On hold", ["cogworks:run", "cogworks:hold"]),  # 3: stopped by a person
    ("Has a state", []),  # 4: carries a hand-made state comment
    ("Is interrupted", ["bug"]),  # 5: started by `run`
    ("Has a damaged state", []),  # 6
    ("Is only looked at", ["cogworks:run"]),  # 7
    ("Has a dead letter", ["cogworks:run", "cogworks:node:failed"]),  # 8
]


@pytest.fixture(scope="session")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("github")
    seed = write_seed(folder, ISSUES)
    words = [sys.executable, "-m", "cogworks.twins.github", "--seed", str(seed), "--state", str(folder / "state")]
    with running(*words) as twin:
        yield twin


@pytest.fixture(scope="session")
def anthropic() -> Iterator[Program]:
    with running(sys.executable, "-m", "cogworks.twins.anthropic") as twin:
        yield twin


@pytest.fixture
def bare(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    """The command line without any setting, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return CommandLine(capsys, monkeypatch)


@pytest.fixture
def cogworks(bare: CommandLine, github: Program, anthropic: Program) -> Iterator[CommandLine]:
    """The command line of an operator whose GitHub and model provider are the twins."""
    # Sockets have short names, so the folder has one too.
    with tempfile.TemporaryDirectory(prefix="cwc-") as work:
        bare.set(
            github_api_url=github.url,
            github_token=github.tokens["cogworks"],
            llm_api_url=anthropic.url,
            llm_api_key=anthropic.tokens["api_key"],
            temp_dir=work,
        )
        yield bare
