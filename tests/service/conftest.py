"""The real service on both transports, and small repositories for it to look at."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from service_harness import MakeRepository, Service, arguments_for, make_repository, start_service


@pytest.fixture(scope="session", params=["unix", "http"])
def any_service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, once on each transport."""
    directory = tmp_path_factory.mktemp("svc")
    service = start_service(directory, *arguments_for(request.param, directory))
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on a unix socket, for what does not depend on the transport."""
    directory = tmp_path_factory.mktemp("svc")
    service = start_service(directory, *arguments_for("unix", directory))
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> MakeRepository:
    """Makes a git repository with these files and links in one commit; the same again for the same files."""
    made: dict[str, Path] = {}

    def make(files: dict[str, str], *, bare: bool = False, links: dict[str, str] | None = None) -> Path:
        key = repr((sorted(files.items()), bare, links))
        if key not in made:
            made[key] = make_repository(tmp_path_factory.mktemp("repo"), files, bare=bare, links=links or {})
        return made[key]

    return make


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts services for one test; what a failing test leaves running is killed."""
    started: list[Service] = []

    def begin(*arguments: str) -> Service:
        started.append(start_service(tmp_path, *(arguments or arguments_for("unix", tmp_path))))
        return started[-1]

    yield begin
    for service in started:
        service.client.close()
        with service.process:
            service.process.kill()
