"""What the journeys share: a home of the Python service, so that its type checker warms up once."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def service_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the services of all journeys keep their caches in, one after the other."""
    return tmp_path_factory.mktemp("service-home")
