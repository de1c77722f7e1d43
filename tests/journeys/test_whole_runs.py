"""The default run with three sub-work-items, undisturbed."""

import sys
from collections import Counter
from pathlib import Path

from journey import Arrival, Journey, expected_comments, expected_issues, expected_pulls, travel
from stack import by_route
from work_items import THREE

DEFAULT = Journey(
    name="default",
    why="three sub-work-items, the last one builds on the others",
    plan=THREE,
    settings={"COGWORKS_POLL_INTERVAL": "2", "COGWORKS_SWEEP_SECONDS": "30"},
)

EACH_THING_ONCE = Counter(
    comments=expected_comments(THREE).total(),
    pulls=len(expected_pulls(THREE)),
    issues=len(THREE.pieces),
    sub_issues=len(THREE.pieces),
    blocked_by=sum(len(piece.depends_on) for piece in THREE.pieces),
)


def test_three_sub_work_items_become_three_pull_requests(service_home: Path) -> None:
    """What people find at the end, and what it cost in requests to GitHub (70 section 11)."""

    def arrived(arrival: Arrival) -> None:
        found, stack = arrival.found, arrival.stack
        assert [pull.slug for pull in found.pulls] == expected_pulls(THREE)
        assert found.comments == expected_comments(THREE)
        assert found.issues == expected_issues(THREE)
        assert stack.maria.told_cost_microusd() == stack.paid_microusd()
        requests = stack.requests()
        content = Counter(one["route"].rsplit("/", 1)[1] for one in requests if one["content_write"])
        assert content == EACH_THING_ONCE, "a request for each thing that people find, and none besides"
        writes = content.total()
        git = sum(".git/" in one["route"] for one in requests)
        created = sum(one["method"] == "POST" and one["route"].endswith("{repo}/labels") for one in requests)
        rest = sum(one["status"] != 304 for one in requests) - git - created
        lines = [f"{count:5d} {route}" for route, count in by_route(requests).most_common()]
        sys.stdout.write(f"\n{arrival.took_s:.1f} s, {writes=} {rest=} {created=} {git=}\n" + "\n".join(lines) + "\n")
        assert writes <= 60
        assert rest <= 240

    travel(DEFAULT, service_home=service_home, arrived=arrived)
