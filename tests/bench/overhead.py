"""What a node costs that has nothing to do: whole runs against plain Celery canvases of the same shape."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from celery import Celery, chain, chord, group
from redis import Redis

from cogworks.adapters.celery_queue import CONTROL_QUEUE, CeleryQueue, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_projection import RedisProjection
from cogworks.model.ids import IssueNumber, Item, NodeId
from cogworks.model.state import RunState, state_from_json
from tests.bench.done import DONE
from tests.bench.figures import Figure, ratio, single, spread
from tests.bench.shapes import CHAIN_NODES, FAN_NODES, REPO
from tests.bench.site import Site

_BARE, _MEMORY, _TWIN = 0, 1, 2
_LONGEST_S = 60
_MS = 1000.0


@dataclass(slots=True, kw_only=True)
class _Party:
    """One worker and how it is asked; the issues of its forge are used up one after the other."""

    app: Celery
    client: Redis
    chains_ms: list[float] = field(default_factory=list)
    fans_ms: list[float] = field(default_factory=list)

    def timed_ms(self, send: Callable[[], object], *, word: str) -> float:
        """Return how long it took until the worker said ``word``."""
        self.client.delete(DONE)
        began = time.perf_counter()
        send()
        said = self.client.blpop([DONE], timeout=_LONGEST_S)
        took_ms = (time.perf_counter() - began) * _MS
        if said is None or said[1] != word:
            raise RuntimeError(f"instead of {word!r} the worker said {said}")
        return took_ms


def overhead(site: Site, *, rounds: int) -> list[Figure]:
    """Measure in turn, so that what disturbs one disturbs all; plain Celery, the shortest, around the others."""
    site.start_worker("bare", "tests.bench.bare_app", database=_BARE)
    site.start_worker("memory", "tests.bench.house_app", database=_MEMORY, forge="memory")
    site.start_worker("twin", "tests.bench.house_app", database=_TWIN)
    bare, memory, twin = (_party(site.database(number)) for number in (_BARE, _MEMORY, _TWIN))
    # The first round warms caches, connections and the clone, and is not counted.
    for number in range(rounds + 1):
        around = [_bare_round(bare)]
        for party in (memory, twin):
            _round(party, chain_issue=2 * number + 1, fan_issue=2 * number + 2)
            around.append(_bare_round(bare))
        bare.chains_ms.append(median(chain_ms for chain_ms, _ in around))
        bare.fans_ms.append(median(fan_ms for _, fan_ms in around))
    asked = [one for one in site.log() if one["login"] == "cogworks"]
    return [
        *_figures("7-node run", CHAIN_NODES, [one.chains_ms[1:] for one in (bare, memory, twin)], "chain of 7"),
        *_figures("fan-out of 10", FAN_NODES, [one.fans_ms[1:] for one in (bare, memory, twin)], "chord of 10"),
        *_requests(asked, runs=rounds + 1),
    ]


def _party(url: str) -> _Party:
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(url))
    install_repairs(app)
    return _Party(app=app, client=connect(url, timeout_s=_LONGEST_S + 10.0))


def _bare_round(bare: _Party) -> tuple[float, float]:
    nothing = bare.app.signature("bare.nothing", queue=CONTROL_QUEUE, immutable=True)
    quiet = nothing.clone(ignore_result=True)
    last = bare.app.signature("bare.last", queue=CONTROL_QUEUE, immutable=True, ignore_result=True)
    in_a_row = chain(*[quiet] * (CHAIN_NODES - 1), last, app=bare.app)
    fan = chord(group([nothing.clone() for _ in range(FAN_NODES)], app=bare.app), last, app=bare.app)
    return bare.timed_ms(in_a_row.apply_async, word="done"), bare.timed_ms(fan.apply_async, word="done")


def _round(party: _Party, *, chain_issue: int, fan_issue: int) -> None:
    queue, projection = CeleryQueue(party.app), RedisProjection(party.client)
    one, other = Item(REPO, IssueNumber(chain_issue)), Item(REPO, IssueNumber(fan_issue))
    party.chains_ms.append(party.timed_ms(lambda: queue.step(one, hint="bench"), word="completed"))
    party.timed_ms(lambda: queue.step(other, hint="bench"), word="completed")
    run = projection.load(other)
    assert run is not None, "the run has just ended"
    party.fans_ms.append(_fan_ms(state_from_json(run.state)))


def _fan_ms(state: RunState) -> float:
    """Return the time from the step that sent the members to the step that saw the last of them end."""
    members = [state.nodes[NodeId(f"member_{number}")] for number in range(1, FAN_NODES + 1)]
    began = min(one.started_at for one in members if one.started_at)
    ended = max(one.ended_at for one in members if one.ended_at)
    return (ended - began).total_seconds() * _MS


def _figures(shape: str, nodes: int, taken: list[list[float]], against: str) -> list[Figure]:
    bare, memory, twin = ([one / nodes for one in some] for some in taken)
    group_name = f"Overhead per node, {shape} of no-ops"

    def figure(name: str, values: list[float], *, compared: bool) -> Figure:
        told = ratio(values, bare) if compared else None
        return Figure(
            group=group_name,
            name=name,
            value=spread(values),
            unit="ms",
            digits=1,
            ratio=told,
            against=f"a Celery {against}" if compared else "",
        )

    return [
        figure(f"bare Celery {against}", bare, compared=False),
        figure("forge in memory", memory, compared=True),
        figure("GitHub twin, real git", twin, compared=True),
    ]


def _requests(asked: list[dict[str, object]], *, runs: int) -> list[Figure]:
    """Return what the twin was asked for per node, the closing check of each run counted as one."""
    ended = runs * (CHAIN_NODES + 1 + 1 + FAN_NODES + 1)
    git = sum(".git/" in str(one["route"]) for one in asked)
    told = {"REST": len(asked) - git, "git": git}
    return [
        Figure(
            group="Requests to the twin per attempt of these runs",
            name=f"{kind} requests",
            value=single(count / ended),
            unit="",
            digits=1,
        )
        for kind, count in told.items()
    ]
