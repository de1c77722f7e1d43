"""Calls to the provider's twin against a budget in a real Redis: what could pass it is never sent (CST-02, X-63)."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from pydantic import BaseModel, ConfigDict, SecretStr
from redis import Redis
from runtime_plugs import ITEM, attempt, redis_permits

import cogworks.policy
from cogworks.adapters.anthropic_llm import AnthropicLlm
from cogworks.adapters.redis_ledger import RedisLedger
from cogworks.adapters.redis_memo import RedisMemo
from cogworks.adapters.system_clock import RandomIds, SystemClock
from cogworks.model.errors import BudgetExceeded
from cogworks.model.json_value import sha256_text
from cogworks.model.llm import Block, CallIdentity, LlmAnswer, LlmRequest, UserTurn
from cogworks.model.spending import Sums
from cogworks.model.state import Cost
from cogworks.nodes.gateway import send
from cogworks.nodes.job import Job, Tally, Workshop
from cogworks.nodes.spending import Spending
from cogworks.policy.config_file import parse_config
from cogworks.policy.known_models import parse_known_models
from cogworks.policy.llm_request import counted_bytes, estimate_tokens, request_body
from cogworks.policy.prices import worst_case

KNOWN = parse_known_models((Path(cogworks.policy.__path__[0]) / "known_models.toml").read_bytes())
CONFIG = parse_config(
    b'[llm.models.m]\nid = "claude-sonnet-5-5"\n[llm.purposes]\ngenerate = "m"\n', file="c", known_models=KNOWN
)
RULES = "Be exact."


class Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str


@dataclass
class Twin:
    """A running twin and one adapter to it."""

    url: str
    llm: AnthropicLlm

    def seen(self) -> int:
        """Return how many requests the twin saw."""
        return len(httpx.get(f"{self.url}/_twin/log").json()["requests"])


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    folder = tmp_path_factory.mktemp("twin")
    script = folder / "script.jsonl"
    script.write_text(json.dumps({"when": {"node": "n"}, "reply": {"output": {"title": "fine"}}}))
    command = [sys.executable, "-m", "cogworks.twins.anthropic", "--script", str(script), "--state", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        llm = AnthropicLlm(api_key=SecretStr("sk-ant-x"), base_url=url, strict=True)
        yield Twin(url=url, llm=llm)
        llm._client.close()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def request(text: str) -> LlmRequest:
    identity = CallIdentity(
        call_id=text, run_id="r1", work_item=42, node="n", sub_work_item=None, purpose="generate", template="t",
        loop="first", attempt=1, trace_id="0" * 32,
    )  # fmt: skip
    return LlmRequest(
        model=CONFIG.model("generate"),
        system=(Block(text=RULES, cached=True),),
        tools=(),
        turns=(UserTurn(blocks=(Block(text=text),)),),
        schema_name="Verdict",
        schema=Verdict,
        max_output_tokens=2000,
        cache_ttl="5m",
        identity=identity,
        timeout_s=10,
    )


def worst(text: str) -> Cost:
    asked = request(text)
    tokens = estimate_tokens(counted_bytes(request_body(asked)))
    return worst_case(asked.model, input_tokens=tokens, max_output=asked.max_output_tokens, cache_ttl="5m")


@dataclass
class Provider:
    """The adapter to the twin; ``during`` runs while a call is under way."""

    real: AnthropicLlm
    during: Callable[[], object] = lambda: None

    def call(self, asked: LlmRequest) -> LlmAnswer:
        self.during()
        return self.real.call(asked)

    def count(self, asked: LlmRequest) -> int:
        return self.real.count(asked)


@dataclass
class Desk:
    """One owner of one attempt, with a client of its own."""

    twin: Twin
    client: Redis
    limit: int
    node: str = "n"
    journal: Sums = field(default_factory=Sums)
    during: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        ledger = RedisLedger(self.client)
        self.ledger = ledger
        self.spending = Spending(
            ledger=ledger, item=ITEM, holder="owner", refill=lambda: ledger.seed(ITEM, self.journal)
        )
        self.shop = SimpleNamespace(
            guard=lambda: None,
            llm=Provider(self.twin.llm, self.during),
            ledger=ledger,
            permits=redis_permits(self.client, now=SystemClock().now),
            memo=RedisMemo(self.client),
            clock=SystemClock(),
            ids=RandomIds(),
            spending=self.spending,
            tally=Tally(),
        )
        self.job = SimpleNamespace(
            key=attempt(node=self.node),
            node=SimpleNamespace(id=self.node, cost_limit=None),
            config=CONFIG,
            state=SimpleNamespace(cost=SimpleNamespace(limit_microusd=self.limit, limit_tokens=10**9, tokens=0)),
            pipeline=SimpleNamespace(max_concurrent_llm_calls=3),
            constitution=SimpleNamespace(sha256=sha256_text(RULES)),
        )

    def ask(self, text: str) -> bool:
        """Send a call; tell whether the budget allowed it."""
        try:
            send(cast(Job, self.job), cast(Workshop, self.shop), request(text), turn=0)
        except BudgetExceeded:
            return False
        return True


@dataclass
class Last:
    """A memo whose writer is killed as soon as the answer is in it."""

    real: RedisMemo

    def get(self, call_key: str) -> str | None:
        return self.real.get(call_key)

    def put(self, call_key: str, answer: str) -> None:
        self.real.put(call_key, answer)
        raise SystemExit("killed")


def test_a_run_whose_next_call_would_pass_the_cap_stops_before_it_is_sent(twin: Twin, real_client: Redis) -> None:
    before = twin.seen()
    desk = Desk(twin, real_client, limit=worst("first").microusd)
    assert desk.ask("first"), "exactly at the budget is allowed"
    paid = desk.ledger.show(ITEM).committed
    assert paid.microusd > 0
    assert not desk.ask("second")
    assert twin.seen() == before + 1, "the twin saw one call"
    view = desk.ledger.show(ITEM)
    assert (view.committed, view.reserved) == (paid, Cost())


def test_a_run_at_its_cap_is_refused_after_redis_was_emptied_as_well(twin: Twin, real_client: Redis) -> None:
    desk = Desk(twin, real_client, limit=worst("first").microusd)
    assert desk.ask("first")
    paid = desk.ledger.show(ITEM).committed
    before = twin.seen()
    real_client.flushall()
    assert not desk.ask("second"), "its own calls are known to the owner"
    assert desk.ledger.show(ITEM).committed == paid
    real_client.flushall()
    other = Desk(twin, real_client, limit=desk.limit, node="m", journal=Sums(committed=paid, by_node={"n": 1}))
    assert not other.ask("third"), "and those of others to the journal"
    assert twin.seen() == before


def test_of_two_calls_that_fit_singly_and_not_together_one_is_sent(twin: Twin, real_client: Redis) -> None:
    before = twin.seen()
    asked, refused = threading.Event(), threading.Event()

    def under_way() -> None:
        asked.set()
        assert refused.wait(20), "the other one was refused meanwhile"

    limit = worst("a").microusd + worst("b").microusd - 1
    first = Desk(twin, real_client, limit=limit, node="n", during=under_way)
    second = Desk(twin, real_client, limit=limit, node="m")

    def late() -> bool:
        assert asked.wait(20)
        allowed = second.ask("b")
        refused.set()
        return allowed

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(first.ask, "a"), pool.submit(late)
    assert (one.result(), other.result()) == (True, False)
    assert twin.seen() == before + 1
    assert first.ledger.show(ITEM).reserved == Cost()


def test_an_owner_that_lost_memo_and_ledger_pays_for_no_answer_twice(twin: Twin, real_client: Redis) -> None:
    before = twin.seen()
    desk = Desk(twin, real_client, limit=10**9)
    assert desk.ask("first")
    paid = desk.ledger.show(ITEM).committed
    real_client.flushall()
    assert desk.ask("first")
    desk.spending.settle()
    assert desk.ledger.show(ITEM).committed == paid
    assert twin.seen() == before + 1


def test_an_answer_that_was_never_booked_is_booked_from_the_memo(twin: Twin, real_client: Redis) -> None:
    """A worker killed between answer and commit: its reservation counts, until the attempt is taken again."""
    before = twin.seen()
    first = Desk(twin, real_client, limit=10**9)
    first.shop.memo = Last(first.shop.memo)
    with pytest.raises(SystemExit):
        first.ask("first")
    assert first.ledger.show(ITEM).reserved == worst("first")
    second = Desk(twin, real_client, limit=10**9)
    assert second.ask("first")
    view = second.ledger.show(ITEM)
    assert view.reserved == Cost()
    assert 0 < view.committed.microusd < worst("first").microusd
    assert second.spending.remembered == view.committed
    assert twin.seen() == before + 1
