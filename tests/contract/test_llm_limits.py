"""Workers of one key share the provider's limits: the real gateway, the real Redis, the Anthropic twin over HTTP.

Times are the specification's, made small: what waits a minute there waits about two seconds here.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

import cogworks.policy
from cogworks.adapters.anthropic_llm import AnthropicLlm
from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_ledger import RedisLedger
from cogworks.adapters.redis_memo import RedisMemo
from cogworks.adapters.redis_permits import RedisPermits
from cogworks.adapters.redis_start import EmbeddedRedis, start_redis
from cogworks.adapters.system_clock import RandomIds, SystemClock
from cogworks.model.errors import Cancelled, DependencyUnavailable, RateLimited
from cogworks.model.ids import AttemptKey, IssueNumber, Item, NodeId, NodeRef, RepoName, RunId
from cogworks.model.json_value import sha256_text
from cogworks.model.llm import Block, CallIdentity, LlmAnswer, LlmRequest, UserTurn
from cogworks.model.state import Cost
from cogworks.nodes.gateway import Sent, send
from cogworks.nodes.job import Job, Tally, Workshop
from cogworks.nodes.spending import Spending
from cogworks.policy.config_file import parse_config
from cogworks.policy.known_models import parse_known_models
from cogworks.ports.limits import Pressure
from cogworks.ports.llm import LLM

KEY = "sk-ant-canary-limits"
ITEM = Item(RepoName("acme/tally"), IssueNumber(42))
RULES = "Be exact."
_CONFIG = """
[llm]
backoff_base_seconds = 0.01
{more}
[llm.models.m]
id = "claude-sonnet-5-5"
[llm.purposes]
generate = "m"
"""
KNOWN = parse_known_models((Path(cogworks.policy.__path__[0]) / "known_models.toml").read_bytes())


class Verdict(BaseModel):
    """What the model is asked for."""

    model_config = ConfigDict(extra="forbid")
    title: str


@dataclass(frozen=True)
class Trip:
    """One request to the provider: when it left, when it was answered, and whether a limit refused it."""

    left: float
    back: float
    refused: bool


@dataclass(frozen=True)
class Timed:
    """The LLM port, which notes each trip."""

    inner: LLM
    trips: list[Trip]

    def call(self, request: LlmRequest) -> LlmAnswer:
        left, refused = time.monotonic(), False
        try:
            return self.inner.call(request)
        except RateLimited:
            refused = True
            raise
        finally:
            self.trips.append(Trip(left, time.monotonic(), refused))

    def count(self, request: LlmRequest) -> int:
        return self.inner.count(request)


@dataclass(kw_only=True)
class Installation:
    """A twin, a Redis, and as many workers as a test wants."""

    twin: str
    redis: EmbeddedRedis
    trips: list[Trip] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)

    def control(self, name: str, body: object) -> None:
        httpx.post(f"{self.twin}/_twin/{name}", json=body).raise_for_status()

    def worker(self, *, guard: Callable[[], None] = lambda: None) -> Workshop:
        """What one process works with; nothing is shared but Redis and the provider."""
        client, clock = connect(self.redis.url), SystemClock()
        llm = AnthropicLlm(api_key=SecretStr(KEY), base_url=self.twin)
        permits = RedisPermits(
            client,
            provider="anthropic",
            api_key=KEY,
            now=clock.now,
            warn=lambda text, _figures: self.warned.append(text),
        )
        shop = SimpleNamespace(
            llm=Timed(llm, self.trips),
            permits=permits,
            ledger=RedisLedger(client),
            memo=RedisMemo(client),
            clock=clock,
            ids=RandomIds(),
            guard=guard,
            tally=Tally(),
            spending=Spending(ledger=RedisLedger(client), item=ITEM, holder=RandomIds().uuid(), refill=lambda: None),
        )
        return cast(Workshop, shop)

    def _warn(self, text: str, _figures: Mapping[str, int | str]) -> None:
        self.warned.append(text)

    def send(self, name: str, *, more: str = "", guard: Callable[[], None] = lambda: None) -> Sent:
        """Send one call as a worker of its own."""
        return send(job(more), self.worker(guard=guard), request(name), turn=0)

    @property
    def permits(self) -> RedisPermits:
        return cast(RedisPermits, self.worker().permits)

    @property
    def reserved(self) -> Cost:
        return self.worker().ledger.show(ITEM).reserved


def job(more: str = "") -> Job:
    config = parse_config(_CONFIG.format(more=more).encode(), file="c", known_models=KNOWN)
    cost = SimpleNamespace(limit_microusd=10**9, limit_tokens=10**9, tokens=0)
    return cast(
        Job,
        SimpleNamespace(
            key=AttemptKey(ITEM, RunId("r1"), NodeRef(NodeId("coding"), None), 1),
            node=SimpleNamespace(id="coding", cost_limit=None),
            state=SimpleNamespace(cost=cost),
            pipeline=SimpleNamespace(max_concurrent_llm_calls=8),
            config=config,
            constitution=SimpleNamespace(sha256=sha256_text(RULES)),
        ),
    )


def request(name: str) -> LlmRequest:
    config = parse_config(_CONFIG.format(more="").encode(), file="c", known_models=KNOWN)
    identity = CallIdentity(
        call_id=name, run_id="r1", work_item=42, node="coding", sub_work_item=None, purpose="generate",
        template="coding", loop="first", attempt=1, trace_id="0" * 32,
    )  # fmt: skip
    return LlmRequest(
        model=config.model("generate"),
        system=(Block(text=RULES),),
        tools=(),
        turns=(UserTurn(blocks=(Block(text=f"Judge {name}."),)),),
        schema_name="Verdict",
        schema=Verdict,
        max_output_tokens=500,
        cache_ttl="off",
        identity=identity,
        timeout_s=10,
    )


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("limited")
    script = folder / "script.jsonl"
    script.write_text(json.dumps({"when": {"node": "coding"}, "reply": {"output": {"title": "fine"}}}))
    command = [sys.executable, "-m", "cogworks.twins.anthropic", "--script", str(script), "--state", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def redis() -> Iterator[EmbeddedRedis]:
    with start_redis() as server:
        yield server


@pytest.fixture
def place(twin: str, redis: EmbeddedRedis) -> Iterator[Installation]:
    installation = Installation(twin=twin, redis=redis)
    connect(redis.url).flushall()
    yield installation
    installation.control("faults", [])
    installation.control("limits", {"requests": {"limit": 50_000}})


@pytest.fixture
def crew() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def until(holds: Callable[[], object], *, deadline_s: float = 20.0) -> None:
    """Return as soon as ``holds``; fail at the deadline."""
    deadline = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {deadline_s} s"
        threading.Event().wait(0.01)


def results(futures: list[Future[Sent]]) -> list[Sent]:
    return [future.result(timeout=60) for future in futures]


def strike(**fault: Any) -> Mapping[str, Any]:
    return {"match": {"path": "/v1/messages"}, **fault}


def test_after_a_refusal_nobody_sends_then_one_then_the_rest(place: Installation, crew: ThreadPoolExecutor) -> None:
    """429 with a time, several workers: none before its end, then one, and the others after its success."""
    place.control("faults", [strike(kind="rate_limit", reset_in=2, nth=1), strike(kind="slow", delay_ms=400, nth=1)])
    first = crew.submit(place.send, "first")
    until(lambda: place.permits.standing(low_water=0.2).pressure is Pressure.PAUSED)
    others = [crew.submit(place.send, f"other {n}") for n in range(2)]
    until(lambda: place.permits.standing(low_water=0.2).queued == 3)
    assert place.reserved == Cost(), "a call that waits reserves nothing"

    sent = results([first, *others])

    refused, probe, *rest = sorted(place.trips, key=lambda trip: trip.left)
    assert refused.refused
    assert probe.left - refused.back >= 1.9
    assert all(trip.left >= probe.back for trip in rest)
    assert (len(rest), [trip.refused for trip in (probe, *rest)]) == (2, [False, False, False])
    assert [one.transport_attempts for one in sent] == [1, 1, 1], "a refusal for a limit uses up no try"
    assert sent[0].queue_wait_ms >= 1900
    assert "refused a call" in place.warned[0]


def test_the_last_requests_of_a_window_are_spaced_and_none_is_refused(
    place: Installation, crew: ThreadPoolExecutor
) -> None:
    place.control("limits", {"requests": {"limit": 50, "remaining": 3, "reset_in": 4}})
    place.send("before")
    futures = [crew.submit(place.send, f"parallel {n}") for n in range(3)]
    results(futures)

    left = sorted(trip.left for trip in place.trips)[1:]
    gaps = [later - earlier for earlier, later in pairwise(left)]
    assert not any(trip.refused for trip in place.trips)
    assert all(gap >= 1.0 for gap in gaps), gaps
    assert any("little is left" in text for text in place.warned)


@pytest.mark.parametrize(
    ("more", "reset_in"),
    [
        pytest.param("", 3600, id="longer than a run waits in place"),
        pytest.param("inline_wait_max_seconds = 1\n", 5, id="longer than this repository lets it wait in place"),
        pytest.param("inline_wait_max_seconds = 600\n", 1850, id="more than all waits of a call together"),
    ],
)
def test_a_long_wait_becomes_a_wait_of_the_run(place: Installation, more: str, reset_in: int) -> None:
    place.control("faults", [strike(kind="rate_limit", reset_in=reset_in)])
    more += "[llm_rate_limit]\nhalt_threshold_minutes = 30\n"
    with pytest.raises(DependencyUnavailable, match=r"rate limit: it refused a call.*waits \d+ s, until 20") as waits:
        place.send("limited", more=more)

    assert waits.value.reason == "rate_limit"
    assert waits.value.retry_after_s == pytest.approx(reset_in, abs=3)
    assert len(place.trips) == 1
    assert place.reserved == Cost()
    with pytest.raises(DependencyUnavailable):
        place.send("another", more=more)
    assert len(place.trips) == 1, "the other worker knows without asking"


def test_four_overloads_and_an_answer_are_one_call(place: Installation) -> None:
    place.control("faults", [strike(kind="status", code=529, nth=n) for n in range(1, 5)])
    sent = place.send("overloaded")

    assert sent.transport_attempts == 5
    ledger = place.worker().ledger.show(ITEM)
    assert (ledger.committed, ledger.reserved, ledger.unreconciled) == (sent.cost, Cost(), Cost())


def test_five_overloads_are_an_outage(place: Installation) -> None:
    place.control("faults", [strike(kind="status", code=529)])
    with pytest.raises(DependencyUnavailable) as away:
        place.send("away")

    assert (away.value.reason, len(place.trips)) == ("outage", 5)
    assert place.reserved == Cost()


def test_a_worker_that_lost_its_lease_stops_waiting(place: Installation) -> None:
    lost = threading.Event()

    def guard() -> None:
        if lost.is_set():
            raise Cancelled("a person ended the run")

    place.control("faults", [strike(kind="rate_limit", reset_in=50)])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(place.send, "cancelled", guard=guard)
        until(lambda: place.permits.standing(low_water=0.2).queued == 1)
        lost.set()
        with pytest.raises(Cancelled):
            waiting.result(timeout=20)
    assert place.permits.standing(low_water=0.2).queued == 0
    assert place.reserved == Cost()


def test_a_lost_redis_refills_from_the_next_answer(place: Installation) -> None:
    place.control("limits", {"requests": {"limit": 50, "remaining": 40, "reset_in": 30}})
    place.send("before")
    connect(place.redis.url).flushall()
    assert place.permits.standing(low_water=0.2).kind == ""
    place.send("after")
    at = place.permits.standing(low_water=0.2)
    assert (at.kind, at.remaining, at.limit) == ("requests", 38, 50)
