"""One server and one worker for all tests that leave them alive."""

from collections.abc import Iterator

import pytest
from worker_stack import Stack, stack_on, worker

from cogworks.adapters.redis_start import EmbeddedRedis, start_redis


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedRedis]:
    """A real server, started by us."""
    with start_redis() as started:
        yield started


@pytest.fixture(scope="session")
def shared_worker(server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One worker for all tests that leave it alive."""
    with worker(server.url, log=tmp_path_factory.mktemp("worker") / "log", visibility_s=2.0):
        yield


@pytest.fixture
def stack(server: EmbeddedRedis, shared_worker: None) -> Iterator[Stack]:
    """A stack whose worker is running."""
    with stack_on(server.url, trace_id="t1") as ready:
        yield ready
