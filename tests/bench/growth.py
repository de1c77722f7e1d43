"""What a step costs as the state grows: the whole step function on a forge in memory, with 1 to 100 sub-work-items."""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from cogworks.engine.comments import state_key
from cogworks.engine.loading import WHOLE
from cogworks.model.ids import AttemptKey, IssueNumber, NodeId, NodeRef, SwiOrdinal
from cogworks.model.outcome import Outcome, Result, outcome_to_json
from cogworks.model.state import Artifact, NodeState, NodeStatus, RunState, RunStatus, state_to_json
from cogworks.pages.state_comment import read_state_mark, render_state
from tests.bench.figures import Figure, ratio, spread

_TESTS = Path(__file__).resolve().parents[1]
_SIZES = (1, 10, 30, 100)
_LAST = NodeId("integration")
_MS, _KIB = 1000.0, 1024


def growth(*, rounds: int) -> list[Figure]:
    """Measure the step that takes up the last sub-work-item's end, in turn for each size."""
    # The worlds of the tests find their modules beside them, as pytest lets them.
    sys.path.insert(0, str(_TESTS / "inprocess"))
    from answers import body, good_answers  # type: ignore[import-not-found]  # found as said
    from world import World  # type: ignore[import-not-found]  # found as said

    ended = World(rules=good_answers(3), text=body(3)).run()
    taken: dict[int, list[float]] = {size: [] for size in _SIZES}
    sizes_kib: dict[int, float] = {}
    for number in range(rounds + 1):
        for size in _SIZES:
            sizes_kib[size] = _grow(ended, size) / _KIB
            took_ms = _step_ms(ended)
            if number:
                taken[size].append(took_ms)
    group = "A step that takes up an outcome and starts the next node, by sub-work-items of the run"
    return [
        Figure(
            group=group,
            name=f"{size} sub-work-items, a state comment of {sizes_kib[size]:.1f} KiB",
            value=spread(values),
            unit="ms",
            digits=1,
            ratio=ratio(values, taken[1]) if size > 1 else None,
            against="one sub-work-item" if size > 1 else "",
        )
        for size, values in taken.items()
    ]


def _step_ms(world: Any) -> float:
    began = time.perf_counter()
    report = world.step()
    took_ms = (time.perf_counter() - began) * _MS
    started = report.state is not None and report.state.nodes[NodeId("end_to_end")].status is NodeStatus.ACTIVE
    if not started:
        raise RuntimeError(f"the step led to {report}")
    return took_ms


def _grow(world: Any, size: int) -> int:
    """Put the run back to where the last of ``size`` sub-work-items ends; return the bytes of its state comment."""
    state: RunState = world.state
    made = [replace(state.sub_work_items[0], ordinal=SwiOrdinal(number)) for number in range(1, size + 1)]
    working = NodeState(status=NodeStatus.ACTIVE, attempts=1)
    made[-1] = replace(made[-1], nodes={**made[-1].nodes, _LAST: working})
    nodes = {node: at for node, at in state.nodes.items() if node != "end_to_end"}
    seq = state.seq + 1
    state = replace(state, status=RunStatus.RUNNING, sub_work_items=tuple(made), nodes=nodes, seq=seq, traceability=())
    run, house = world.store.run(state.item), world.house
    graph = world.house.shipped.default_pipeline.pipelines[state.pipeline]
    text = render_state(state, graph)
    comment = next(one for one in world.comments() if read_state_mark(one.body))
    world.repo.comments[comment.id] = replace(comment, body=text)
    world.repo.issues[IssueNumber(1)] = replace(world.issue(), labels=("cogworks:run", "cogworks:processing"))
    run.facts.clear()
    run.outcomes.clear()
    run.stopped = False
    labels = {f"swi-label:{one.ordinal}": "pr-open" for one in made}
    house.ports.projection.note(
        state.item, {WHOLE: "yes", f"comment:{state_key(state.run_id)}": str(comment.id), **labels}
    )
    fence = run.fence + 1
    house.ports.projection.save(state.item, state=state_to_json(state), seq=seq, fence=fence, open_run=True)
    key = AttemptKey(state.item, state.run_id, NodeRef(_LAST, made[-1].ordinal), 1)
    done = Outcome(result=Result.SUCCEEDED, artifacts={"pull_request": Artifact(kind="pr", ref=str(made[-1].pr))})
    run.outcomes[key] = outcome_to_json(done)
    return len(text.encode())
