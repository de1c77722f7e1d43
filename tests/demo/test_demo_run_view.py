"""What the demo reads from a state comment, and what it tells of it."""

import base64
import json
import zlib
from typing import Any

import pytest

from cogworks.demo.money import dollars
from cogworks.demo.run_view import RunView, read_run, refusal
from cogworks.demo.voice import changes

STATE = {
    "status": "waiting",
    "wait": {"reason": "approval", "node": "architecture"},
    "cost": {"microusd": 12_345, "tokens": 900, "limit_microusd": 10_000_000, "limit_tokens": 500_000},
    "nodes": {
        "intake": {"status": "completed", "attempts": 1, "cost": {"microusd": 5, "tokens": 7}},
        "architecture": {"status": "awaiting_approval", "attempts": 2, "retries": 1},
    },
    "sub_work_items": [
        {
            "ordinal": 1,
            "issue": 5,
            "title": "A",
            "nodes": {"review": {"attempts": 1}},
            "edges": {"fix": {"traversals": 1}},
        }
    ],
    "traceability": [{"requirement_id": "R1", "text": "it works"}],
}


def comment(
    state: dict[str, Any], *, encoding: str = "json", login: str = "cogworks", number: int = 1
) -> dict[str, Any]:
    """Return a state comment as GitHub tells it."""
    text = json.dumps(state)
    if encoding != "json":
        text = base64.b64encode(zlib.compress(text.encode())).decode()
    mark = f"<!-- cogworks:state v1 run=x enc={encoding} sha256=y -->"
    body = f"{mark}\n### CogWorks\n<!-- cogworks:json\n{text}\ncogworks:end -->"
    return {"id": number, "user": {"login": login}, "html_url": f"http://x/#{number}", "body": body}


@pytest.mark.parametrize("encoding", ["json", "zlib+base64"])
def test_a_state_is_read_in_both_of_its_forms(encoding: str) -> None:
    """A long state is compressed."""
    view = read_run([comment(STATE, encoding=encoding)])
    assert (view.status, view.waits, view.ended) == ("waiting", "approval at architecture", False)
    assert [node.name for node in view.nodes] == ["intake", "architecture", "review (SWI 1)"]
    assert view.swis[0].fixes == 1
    assert view.matrix[0]["requirement_id"] == "R1"


def test_the_newest_comment_of_the_machine_counts_and_nobody_elses() -> None:
    """A person can paste a state comment; it proves nothing."""
    told = [comment({**STATE, "status": "failed"}), comment(STATE, number=2), comment({}, login="maria", number=3)]
    assert read_run(told).comment_url == "http://x/#2"
    assert read_run(told[2:]) == RunView()


def test_a_refusal_is_read_without_its_marks() -> None:
    """CogWorks answers a wrong configuration with a comment and no run."""
    body = "<!-- cogworks:audit v1 key=k -->\n### The run does not start\n- `missing_file`"
    assert refusal([{"user": {"login": "cogworks"}, "body": body}]) == "### The run does not start - `missing_file`"


def test_each_change_is_told_once() -> None:
    """Lines for a log: what began, what ended, how often it was tried."""
    view = read_run([comment(STATE)])
    assert changes(RunView(), view) == [
        "intake: completed attempt 1",
        "architecture: awaiting_approval attempt 2, retries 1",
        "SWI 1: its review sends it back",
    ]
    assert changes(view, view) == []


def test_an_end_is_told_with_its_reason() -> None:
    """What stopped a run stands last."""
    failure = {"category": "flaky_test", "node": "code_generation", "message": "twice\nthe same"}
    view = read_run([comment({"status": "escalated", "failure": failure})])
    assert changes(RunView(status="running"), view)[-1] == "stopped by flaky_test: code_generation: twice the same"


@pytest.mark.parametrize(
    ("microusd", "text"), [(0, "$0.00"), (4_999, "$0.00"), (5_000, "$0.01"), (1_234_567_890, "$1,234.57")]
)
def test_money_is_rounded_half_up(microusd: int, text: str) -> None:
    """As in the cost report."""
    assert dollars(microusd) == text
