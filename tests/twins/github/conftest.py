"""Fixtures: one twin for all, twins of one's own, and clones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from github_twin_process import Twin, WorkingCopy, start_twin, write_seed


@pytest.fixture(scope="session")
def seed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_seed(tmp_path_factory.mktemp("seed"))


@pytest.fixture(scope="session")
def twin(seed_file: Path) -> Iterator[Twin]:
    """One twin for all tests that need no state of their own."""
    running = start_twin("--seed", str(seed_file))
    yield running
    assert running.stop() == 0


@pytest.fixture
def fresh_twin(seed_file: Path, tmp_path: Path) -> Iterator[Callable[..., Twin]]:
    """Start twins of one's own, with options; they are killed with the test, which is quicker than a clean end."""
    running: list[Twin] = []

    def start(*options: str) -> Twin:
        state = tmp_path / f"state-{len(running)}"
        running.append(start_twin("--seed", str(seed_file), "--state", str(state), *options))
        return running[-1]

    yield start
    for one in running:
        one.process.kill()
        one.stop()


@pytest.fixture
def clone(tmp_path: Path) -> Callable[[Twin, str], WorkingCopy]:
    def make(twin: Twin, login: str) -> WorkingCopy:
        here = WorkingCopy(path=tmp_path)
        here.git("clone", "--quiet", twin.clone_url(login), f"{login}-clone")
        return WorkingCopy(path=tmp_path / f"{login}-clone")

    return make
