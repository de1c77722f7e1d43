"""Poll mode with the commands of the Procfile: nobody types anything, people only label and merge (A5)."""

from pathlib import Path

from people import WAITING
from processes import until
from scripts import rules_of
from seeds import CALC, Seed
from stack import running
from work_items import ONE

INTERVAL_S = 2
IDLE_POLL = [
    ("GET", "/repos/{owner}/{repo}/issues", 304),
    ("GET", "/repos/{owner}/{repo}/issues/events", 304),
    ("GET", "/repos/{owner}/{repo}/issues/comments", 304),
]


def test_a_label_is_picked_up_and_a_merge_moves_the_run_on(service_home: Path) -> None:
    """Idle, a poll is three requests that cost nothing; a label starts the run; a merge opens the next gate."""
    seed = Seed(title=ONE.title, body=ONE.issue_body, files=CALC, labelled=False)
    settings = {"COGWORKS_POLL_INTERVAL": str(INTERVAL_S)}
    with running(seed, rules_of(ONE), service_home=service_home, settings=settings, from_procfile=True) as stack:
        polled = "two polls ended"
        until(lambda: len(stack.requests()) >= 2 * len(IDLE_POLL), within_s=20, what=polled)
        seen = stack.requests()[-1]["seq"]
        until(lambda: len(stack.requests(after=seen)) >= 2 * len(IDLE_POLL), within_s=3 * INTERVAL_S, what=polled)
        asked = [(one["method"], one["route"], one["status"]) for one in stack.requests(after=seen)]
        assert asked == 2 * IDLE_POLL

        maria = stack.maria
        maria.start_work()
        until(lambda: len(maria.labels()) > 1, within_s=INTERVAL_S + 5, what="the label is picked up")
        until(maria.waiting_pull, within_s=20, what="the run waits at its first gate")
        first = maria.waiting_pull()
        assert first is not None
        assert first.slug == "spec"
        maria.merge_what_waits()
        until(lambda: maria.waiting_pull() not in (None, first), within_s=20, what="the run waits at its next gate")
        found = maria.look_around()
        assert [(pull.slug, pull.merged) for pull in found.pulls] == [("spec", True), ("interfaces", False)]
        assert WAITING in found.labels
        assert found.doubled() == []
        assert stack.logged_errors() == []
        assert stack.conforms() == []
