"""The audit branch: one envelope for everything that happened, each transition once (20 section 9, GH-22)."""

import json
from collections import Counter

from world import World, merge_gates

ENVELOPE = {
    *("id", "version", "type", "timestamp", "trace_id", "correlation_id", "cause", "repo", "actor", "payload"),
}


def events(world: World) -> list[dict[str, object]]:
    """Every event of the run, as the audit branch holds them."""
    files = world.content("cogworks/1/audit")
    lines = [line for path in sorted(files) if path.endswith(".jsonl") for line in files[path].decode().splitlines()]
    told = [json.loads(line) for line in lines]
    return [one for one in told if "type" in one]


def test_every_event_of_a_run_has_the_envelope_and_its_own_id() -> None:
    world = World().run()
    told = events(world)

    assert all(set(one) == ENVELOPE for one in told)
    assert len({str(one["id"]) for one in told}) == len(told)
    assert {one["trace_id"] for one in told} == {world.state.run_id.replace("-", "")}
    assert {one["repo"] for one in told} == {"acme/calc"}


def test_each_transition_is_told_once_from_the_start_to_the_end() -> None:
    world = World().run()
    kinds = Counter(str(one["type"]) for one in events(world))

    assert kinds["run.started"] == kinds["run.completed"] == 1
    assert kinds["gate.waiting"] == kinds["gate.approved"] == 2
    assert kinds["attempt.queued"] == kinds["attempt.started"] == kinds["attempt.succeeded"] == 8
    assert kinds["llm.call"] == len(world.llm.requests)


def test_a_message_that_comes_twice_tells_nothing_twice() -> None:
    once, twice = World().run(), World(twice=True).run()

    assert Counter(one["type"] for one in events(twice)) == Counter(one["type"] for one in events(once))


def test_a_person_at_a_gate_is_the_actor_of_the_decision() -> None:
    told = events(World(people=merge_gates).run())

    assert {json.dumps(one["actor"]) for one in told if one["type"] == "gate.approved"} == {
        '{"kind": "human", "name": "maria"}'
    }


def test_calls_of_models_and_services_carry_the_trace_of_the_run() -> None:
    world = World().run()
    trace = world.state.run_id.replace("-", "")

    assert {request.identity.trace_id for request in world.llm.requests} == {trace}
    assert {one.request.caller.trace_id for one in world.service.calls if one.request.method != "handshake"} == {trace}
