"""Fan-out and failure on real workers (RUN-03, RUN-04, RUN-22, RUN-23)."""

from pathlib import Path

from worker_stack import Stack, kill_all, stack_on, until, worker

from cogworks.adapters.redis_start import start_redis
from cogworks.model.ids import IssueNumber, Item, NodeId, NodeRef, RepoName, SwiOrdinal

ITEM = Item(RepoName("acme/tally"), IssueNumber(42))


def node(name: str, swi: int | None = None) -> NodeRef:
    return NodeRef(NodeId(name), None if swi is None else SwiOrdinal(swi))


def test_a_step_is_one_message(stack: Stack) -> None:
    stack.queue.step(ITEM, hint="label seen")
    until(stack.seen)
    assert stack.seen() == [["step", "acme/tally", 42, "label seen"]]


def test_one_attempt_is_followed_by_its_step(stack: Stack) -> None:
    stack.queue.run_nodes(ITEM, [(node("coding", 3), 2, "llm")])
    until(lambda: len(stack.seen()) == 3)
    assert stack.seen() == [
        ["start", "coding", 3, 2, False, 1, "t1"],
        ["end", "coding", 3, 2],
        ["step", "acme/tally", 42, "nodes_ended"],
    ]


def test_several_attempts_are_followed_by_one_more_step(stack: Stack) -> None:
    stack.queue.run_nodes(ITEM, [(node("coding", n), 1, queue) for n, queue in ((1, "llm"), (2, "llm"), (3, "tool"))])
    until(lambda: len(stack.seen()) == 7)
    facts = stack.seen()
    assert facts[-1] == ["step", "acme/tally", 42, "nodes_ended"]
    assert sorted(facts[:-1], key=str) == sorted(
        [["start", "coding", n, 1, True, 1, "t1"] for n in (1, 2, 3)] + [["end", "coding", n, 1] for n in (1, 2, 3)],
        key=str,
    )


def test_nothing_is_sent_for_no_attempt(stack: Stack) -> None:
    stack.queue.run_nodes(ITEM, [])
    stack.queue.step(ITEM, hint="after")
    until(stack.seen)
    assert stack.kinds() == ["step"]


def test_a_broken_attempt_wakes_the_run(stack: Stack) -> None:
    stack.queue.run_nodes(ITEM, [(node("broken"), 1, "llm")])
    until(lambda: "wake" in stack.kinds())
    assert stack.seen()[-1] == ["wake", "acme/tally", 42]
    assert "step" not in stack.kinds()


def test_a_broken_member_wakes_the_run(stack: Stack) -> None:
    stack.queue.run_nodes(ITEM, [(node("broken"), 1, "llm"), (node("coding", 1), 1, "llm")])
    until(lambda: "wake" in stack.kinds() and "end" in stack.kinds())
    assert ["wake", "acme/tally", 42] in stack.seen()


def test_a_task_longer_than_the_visibility_timeout_runs_once(stack: Stack) -> None:
    stack.queue.run_nodes(ITEM, [(node("long_5"), 1, "llm")])
    until(lambda: "step" in stack.kinds())
    assert stack.kinds() == ["start", "end", "step"]


def test_work_of_a_killed_worker_comes_back(tmp_path: Path) -> None:
    with start_redis() as own, stack_on(own.url) as stack:
        with worker(own.url, log=tmp_path / "first", visibility_s=2.0) as first:
            stack.queue.run_nodes(ITEM, [(node("long_30"), 1, "llm")])
            until(lambda: "start" in stack.kinds())
            kill_all(first)
        with worker(own.url, log=tmp_path / "second", visibility_s=2.0):
            until(lambda: stack.kinds().count("start") == 2, deadline_s=15)


def test_a_worker_told_to_end_gives_its_work_back(tmp_path: Path) -> None:
    with start_redis() as own, stack_on(own.url) as stack:
        with worker(own.url, log=tmp_path / "first") as first:
            stack.queue.run_nodes(ITEM, [(node("long_30"), 1, "llm")])
            until(lambda: "start" in stack.kinds())
            first.terminate()
            until(lambda: first.poll() is not None)
        with worker(own.url, log=tmp_path / "second"):
            until(lambda: stack.kinds().count("start") == 2, deadline_s=10)


def test_a_busy_worker_outlives_an_absence_of_redis(tmp_path: Path) -> None:
    home = tmp_path / "r"
    log = tmp_path / "log"
    with (
        start_redis(folder=home) as before,
        stack_on(before.url) as stack,
        worker(before.url, log=log, visibility_s=2.0) as busy,
    ):
        stack.queue.run_nodes(ITEM, [(node("long_20"), 1, "llm")])
        until(lambda: "start" in stack.kinds())
        before.stop()
        until(lambda: b"Connection to broker lost" in log.read_bytes())
        with start_redis(folder=home):
            stack.queue.step(ITEM, hint="after the absence")
            until(lambda: ["step", "acme/tally", 42, "after the absence"] in stack.seen())
            assert busy.poll() is None
