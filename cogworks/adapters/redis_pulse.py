"""Signs of life in Redis, beside the queues of the broker."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from pydantic import TypeAdapter
from redis import Redis

from cogworks.adapters.redis_broker import queue_levels, unacked
from cogworks.adapters.redis_connection import PREFIX, redis_errors
from cogworks.model.ids import IssueNumber, Item, RepoName, parse_item
from cogworks.model.pulse import Alert, Tick, Vitals, WorkerSign

_KEY = f"{PREFIX}pulse"
_WORKERS, _POLLS, _WAITING = f"{_KEY}:workers", f"{_KEY}:polls", f"{_KEY}:waiting"
_BEGUN, _BEAT = "begun", "beat"
_FORGOTTEN_AFTER = timedelta(days=1)
_SAID_AGAIN_AFTER_S = 3600
_SIGN: TypeAdapter[WorkerSign] = TypeAdapter(WorkerSign)
_TICK: TypeAdapter[Tick] = TypeAdapter(Tick)


class RedisPulse:
    """Implements Pulse."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def ticked(self, tick: Tick) -> None:
        """Note that beat is alive."""
        with redis_errors(), self._client.pipeline(transaction=False) as pipe:
            pipe.hsetnx(_KEY, _BEGUN, tick.at.isoformat())
            pipe.hset(_KEY, _BEAT, _TICK.dump_json(tick).decode())
            pipe.execute()

    def polled(self, repo: RepoName, *, at: datetime, waiting: Mapping[IssueNumber, str]) -> None:
        """Note a poll, and why items are not admitted."""
        with redis_errors(), self._client.pipeline(transaction=False) as pipe:
            pipe.hsetnx(_KEY, _BEGUN, at.isoformat())
            pipe.hset(_POLLS, repo, at.isoformat())
            pipe.hset(_WAITING, repo, json.dumps({str(number): why for number, why in waiting.items()}))
            pipe.execute()

    def worked(self, sign: WorkerSign) -> None:
        """Note that a worker is alive; forget those that were silent for a day."""
        with redis_errors():
            gone = [one.name for one in self._workers() if sign.seen_at - one.seen_at >= _FORGOTTEN_AFTER]
            with self._client.pipeline(transaction=False) as pipe:
                pipe.hsetnx(_KEY, _BEGUN, sign.seen_at.isoformat())
                pipe.hset(_WORKERS, sign.name, _SIGN.dump_json(sign).decode())
                for name in gone:
                    pipe.hdel(_WORKERS, name)
                pipe.execute()

    def vitals(self) -> Vitals:
        """Return everything noted, with what waits in the broker's queues now."""
        with redis_errors():
            noted = cast(dict[str, str], self._client.hgetall(_KEY))
            polls = cast(dict[str, str], self._client.hgetall(_POLLS))
            waiting = cast(dict[str, str], self._client.hgetall(_WAITING))
            return Vitals(
                begun_at=datetime.fromisoformat(noted[_BEGUN]) if _BEGUN in noted else None,
                beat=_TICK.validate_json(noted[_BEAT]) if _BEAT in noted else None,
                workers=self._workers(),
                polls={RepoName(repo): datetime.fromisoformat(at) for repo, at in polls.items()},
                waiting={item: why for repo, text in waiting.items() for item, why in _waiting(repo, text)},
                queues=queue_levels(self._client),
                unacked=unacked(self._client),
                unfit=self._unfit(),
            )

    def first_to_say(self, alert: Alert) -> bool:
        """Tell whether nobody said this alert within the last hour."""
        with redis_errors():
            said = f"{_KEY}:said:{alert.name}"
            return bool(self._client.set(said, alert.reason, nx=True, ex=_SAID_AGAIN_AFTER_S))

    def _workers(self) -> tuple[WorkerSign, ...]:
        found = cast(dict[str, str], self._client.hgetall(_WORKERS))
        return tuple(_SIGN.validate_json(text) for _, text in sorted(found.items()))

    def _unfit(self) -> str:
        """Return why the server would refuse a write, as far as it says so by itself."""
        info = cast(dict[str, object], self._client.info())
        if info.get("role") == "slave" and str(info.get("slave_read_only", "1")) == "1":
            return "Redis is a read-only replica: nothing can be written"
        most, used = int(str(info.get("maxmemory", 0))), int(str(info.get("used_memory", 0)))
        if most and used >= most:
            return f"Redis is full: {used} of {most} bytes are used, and writes are refused"
        return ""


def _waiting(repo: str, text: str) -> list[tuple[Item, str]]:
    told: dict[str, str] = json.loads(text)
    return [(parse_item(f"{repo}#{number}", file="redis", field=_WAITING), why) for number, why in told.items()]
