"""What a worker logs of a task says which task it was, and which trace its message belongs to (70 section 4)."""

import json
from pathlib import Path

from worker_stack import stack_on, until, worker

from cogworks.adapters.redis_start import EmbeddedRedis
from cogworks.model.ids import IssueNumber, Item, NodeId, NodeRef, RepoName

# Nobody listens there: the attempt cannot begin, and says so at once.
NOWHERE = "http://127.0.0.1:9"
TRACE = "5d0c0f3e7a524b0e9a0c0d9c2f6f1b11"


def test_the_trace_of_a_message_is_on_every_line_of_its_task(server: EmbeddedRedis, tmp_path: Path) -> None:
    settings = {
        "COGWORKS_GITHUB_TOKEN": "token",
        "COGWORKS_GITHUB_API_URL": NOWHERE,
        "COGWORKS_LLM_API_KEY": "key",
        "COGWORKS_TEMP_DIR": str(tmp_path),
    }
    log = tmp_path / "worker.log"
    item, ref = Item(RepoName("acme/tally"), IssueNumber(42)), NodeRef(NodeId("intake"))
    with (
        stack_on(server.url, trace_id=TRACE) as stack,
        worker(server.url, log=log, app="tasks", settings=settings),
    ):
        stack.queue.run_nodes(item, [(ref, 3, "llm")])
        until(lambda: b"could not begin" in log.read_bytes())

    told = [json.loads(line) for line in log.read_text().splitlines() if "could not begin" in line]
    assert len({one["task_id"] for one in told}) == 1
    known = {"trace_id": TRACE, "task": "tasks.pipeline.run_node", "queue": "llm", "pipeline_id": 42, "attempt": 3}
    assert known.items() <= told[0].items()
