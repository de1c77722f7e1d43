"""One twin process for the session; each test makes issues and branches of its own."""

from collections.abc import Iterator

import pytest
from forge_plugs import Forge, RunningTwin, memory_forge, running_twin, twin_forge


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTwin]:
    """The GitHub twin, started by us."""
    with running_twin(tmp_path_factory.mktemp("twin")) as running:
        yield running


@pytest.fixture(scope="session")
def real_forge(twin: RunningTwin, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    """The real adapters against the twin."""
    return twin_forge(twin, tmp_path_factory.mktemp("mirrors"))


@pytest.fixture(params=["memory", "twin"])
def forge(request: pytest.FixtureRequest) -> Forge:
    """Each plug in turn."""
    if request.param == "memory":
        return memory_forge()
    real: Forge = request.getfixturevalue("real_forge")
    return real
