"""One server for the whole session, one empty store for each test."""

from collections.abc import Iterator

import fakeredis
import pytest
from redis import Redis
from runtime_plugs import Plugs, memory_plugs, redis_plugs

from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_start import EmbeddedRedis, start_redis


class InformedFake(fakeredis.FakeRedis):
    """A fake that also answers INFO, which fakeredis does not know."""

    def info(self, section: str | None = None, *args: object, **kwargs: object) -> dict[str, object]:
        """Return what a healthy server says of itself."""
        return {"role": "master", "maxmemory": 0, "used_memory": 1}


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedRedis]:
    """A real server, started by us."""
    with start_redis() as started:
        yield started


@pytest.fixture
def real_client(server: EmbeddedRedis) -> Iterator[Redis]:
    """A client of the real server, which is empty."""
    with connect(server.url) as client:
        client.flushall()
        yield client


@pytest.fixture(params=["fakeredis", "server"])
def client(request: pytest.FixtureRequest) -> Iterator[Redis]:
    """A client of either kind of Redis, which is empty."""
    if request.param == "server":
        yield request.getfixturevalue("real_client")
        return
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True) as fake:
        yield fake


@pytest.fixture(params=["memory", "fakeredis", "server"])
def plugs(request: pytest.FixtureRequest) -> Iterator[Plugs]:
    """Each plug of the runtime ports in turn."""
    if request.param == "memory":
        yield memory_plugs()
    elif request.param == "server":
        yield redis_plugs(request.getfixturevalue("real_client"))
    else:
        with InformedFake(server=fakeredis.FakeServer(), decode_responses=True) as fake:
            yield redis_plugs(fake)
