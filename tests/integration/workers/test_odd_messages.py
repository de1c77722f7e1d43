"""Messages that a worker cannot read, or is too old for: it lives, puts them aside or drops them, and goes on."""

import base64
import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from celery import Celery
from redis import Redis
from worker_stack import until, worker

from cogworks.adapters.celery_queue import PAYLOAD_VERSION, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_dead_letters import RedisDeadLetters
from cogworks.adapters.redis_projection import RedisProjection
from cogworks.adapters.redis_start import start_redis
from cogworks.model.dead_letter import DeadLetter, Reason, Stage
from cogworks.model.ids import IssueNumber, Item, NodeId, RepoName, RunId, Sha
from cogworks.model.state import NodeState, NodeStatus, RunCost, RunState, state_to_json

ITEM = Item(RepoName("acme/tally"), IssueNumber(42))
SECRET = "never-to-be-logged"
# Nobody listens there: no test waits for what a task comes to.
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True, kw_only=True)
class Office:
    """A worker of the product, and everything that reaches it."""

    client: Redis
    app: Celery
    log: Path
    alive: Callable[[], bool]

    def letters(self) -> tuple[DeadLetter, ...]:
        return RedisDeadLetters(self.client).all()

    def says(self, text: str) -> bool:
        return text in self.log.read_text("utf-8", "replace")

    def handles_a_good_message(self) -> bool:
        """A task of Celery's own, which needs nobody outside, comes to its result."""
        sent = self.app.send_task("celery.accumulate", args=[1, 2], queue="control")
        until(lambda: self.client.get(f"celery-task-meta-{sent.id}"))
        return self.alive()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("o")
    with start_redis(folder=folder / "r") as server, connect(server.url) as client:
        app = Celery("sender", set_as_current=False)
        app.conf.update(celery_settings(server.url))
        install_repairs(app)
        settings = {
            "COGWORKS_GITHUB_TOKEN": "t" * 40,
            "COGWORKS_GITHUB_API_URL": NOWHERE,
            "COGWORKS_LLM_API_KEY": "k" * 40,
            "COGWORKS_LLM_API_URL": NOWHERE,
            "COGWORKS_TEMP_DIR": str(folder / "work"),
            "COGWORKS_LOG_FORMAT": "text",
        }
        with worker(server.url, log=folder / "worker.log", visibility_s=2.0, app="tasks", settings=settings) as process:
            yield Office(
                client=client,
                app=app,
                log=folder / "worker.log",
                alive=lambda: process.poll() is None,
            )
        app.close()


def envelope(content: bytes, **changes: object) -> str:
    """Return a message as Celery writes it, but for ``changes``."""
    whole = {
        "body": base64.b64encode(content).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": "tasks.pipeline.step", "id": "1", "lang": "py"},
        "properties": {
            "correlation_id": "1",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "control"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": "tag-1",
        },
    }
    return json.dumps({**whole, **changes})


def call(number: int) -> bytes:
    """The content of a good message; letters are told apart by content."""
    return json.dumps([["acme/tally", number, SECRET], {}, {}]).encode()


PICKLED = {"content-type": "application/x-python-serialize", "content-encoding": "binary"}
ODD = [
    ("pickled", envelope(pickle.dumps([[SECRET], {}, {}]), **PICKLED), "a pickle would run what a stranger wrote"),
    ("no JSON in it", envelope(b"{" + SECRET.encode()), "its content is broken"),
    ("not UTF-8", envelope(b"\xff\xfe" + SECRET.encode()), "its content is broken further down"),
    ("an unknown task", envelope(call(1), headers={"task": "tasks.no.such", "id": "1"}), "of another program"),
    ("no task", envelope(b'{"a": "' + SECRET.encode() + b'"}', headers={}), "of no Celery at all"),
    ("no headers", envelope(call(2), headers=None), "half a message"),
    ("a task that is no name", envelope(call(3), headers={"task": [SECRET], "id": "1"}), "headers by hand"),
    ("no id", envelope(call(4), headers={"task": "tasks.pipeline.step"}), "headers by hand"),
    ("a number for arguments", envelope(b"5"), "its content is JSON and no call"),
    ("no base64", envelope(b"", body="***"), "its content is not even packed"),
    ("no properties", json.dumps({"body": SECRET}), "JSON that is no message"),
    ("a list", json.dumps([SECRET]), "JSON that is no message"),
    ("garbage", f"{SECRET} and more", "text that somebody pushed by hand"),
    ("bytes", b"\x80\x00\xff", "not even text"),
]


@pytest.mark.parametrize(("name", "raw", "why"), ODD, ids=[row[0] for row in ODD])
def test_a_message_that_nobody_can_read_is_put_aside_once(
    office: Office, name: str, raw: str | bytes, why: str
) -> None:
    known = len(office.letters())
    office.client.lpush("control", raw)
    until(lambda: len(office.letters()) == known + 1)
    letter = office.letters()[-1]
    assert (letter.stage, letter.reason, letter.run) == (Stage.INPUT, Reason.PARSE_ERROR, None), why
    assert letter.key == f"message/{letter.payload_hash[:32]}"

    assert office.handles_a_good_message()
    assert len(office.letters()) == known + 1
    until(lambda: office.client.hlen("unacked") == 0)  # it does not come back
    assert not office.says(SECRET), "what is in it stays out of the log"


def test_the_same_message_again_is_the_same_letter(office: Office) -> None:
    for _ in range(3):
        office.client.lpush("control", "garbage, and again")
    assert office.handles_a_good_message()
    assert [one.key for one in office.letters()].count(office.letters()[-1].key) == 1


NEWER = {"version": PAYLOAD_VERSION + 1}
TOO_NEW = [
    ("tasks.pipeline.step", ["acme/tally", 42, "from-tomorrow"], NEWER),
    ("tasks.pipeline.step", ["acme/tally", 42, "from-tomorrow", "a new argument"], NEWER),
    ("tasks.pipeline.wake", [{"somewhere": "else", **NEWER}], {}),
    ("tasks.pipeline.run_node", ["acme/tally", 42, "coding", None, 1], {"announce": False, "more": 1, **NEWER}),
]


@pytest.mark.parametrize(("task", "args", "kwargs"), TOO_NEW)
def test_a_message_of_a_newer_release_is_dropped_with_a_line(
    office: Office, task: str, args: list[object], kwargs: dict[str, object]
) -> None:
    """DEP-02."""
    told = f"{task}: dropped, for its message is of a newer release"
    before = office.log.read_text("utf-8", "replace").count(told)
    office.app.send_task(task, args=args, kwargs=kwargs, queue="control")
    until(lambda: office.log.read_text("utf-8", "replace").count(told) == before + 1)
    assert not office.says("from-tomorrow")
    assert office.handles_a_good_message()


def test_the_sweep_sends_a_dropped_hint_again(office: Office) -> None:
    """DEP-02: an attempt that nobody works on is stepped, whatever became of its message."""
    state = RunState(
        schema_version="1",
        run_id=RunId("r1"),
        repo=ITEM.repo,
        work_item=ITEM.number,
        pipeline="default",
        graph_hash="",
        config_sha=Sha("c" * 40),
        cost=RunCost(limit_microusd=1000, limit_tokens=1000),
        nodes={NodeId("intake"): NodeState(status=NodeStatus.ACTIVE, attempts=1)},
    )
    RedisProjection(office.client).save(ITEM, state=state_to_json(state), seq=1, fence=1, open_run=True)
    office.app.send_task("tasks.upkeep.sweep", queue="control")
    until(lambda: any("tasks.pipeline.step" in message for message in office.client.hvals("unacked")))
    assert office.says(f"sweep: {ITEM} has work and no owner")
