"""What a poll of a repository costs in which nothing happens."""

import os
from unittest.mock import patch

from cogworks.adapters.memory_queue import RecordingQueue
from cogworks.engine.polling import poll
from tests.bench.figures import Figure, single
from tests.bench.houses import twin_house
from tests.bench.shapes import IDLE_REPO
from tests.bench.site import Site

_DATABASE = 3


def idle_poll(site: Site) -> list[Figure]:
    """Poll three times and count the requests of the last poll: the first two fill the cache of ETags."""
    with patch.dict(os.environ, site.environment(database=_DATABASE)):
        house = twin_house(RecordingQueue())
    for _ in range(2):
        poll(house, IDLE_REPO)
    before = max(one["seq"] for one in site.log())
    poll(house, IDLE_REPO)
    asked = site.log(after=before)
    group = "An idle poll"
    unchanged = sum(one["status"] == 304 for one in asked)
    return [
        Figure(group=group, name="requests", value=single(len(asked)), unit=""),
        Figure(group=group, name="of them answered with 304", value=single(unchanged), unit=""),
    ]
