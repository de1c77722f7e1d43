"""The log, the sums, the limits and the faults of the Anthropic twin (TWA-04, TWA-05, 80 section 3)."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import anthropic
import pytest
from twin_process import HAIKU, Twin

USAGE = {
    "input_tokens": 1000,
    "output_tokens": 100,
    "cache_creation_input_tokens": 2000,
    "cache_read_input_tokens": 3000,
}
# 1000 x 0.1 + 100 x 0.5 + 2000 x 0.125 + 3000 x 0.01
COST = 430
SCRIPT = [{"reply": {"output": {"ok": True}}, "usage": USAGE}]
LIMIT = "anthropic-ratelimit"


def ask(twin: Twin, said: str = "hello", **call: object) -> anthropic.types.Message:
    who = {"node": "planning", "purpose": "generate", "work_item": "acme/tally#1", "sub_work_item": None, **call}
    return twin.client(**who).messages.create(model=HAIKU, max_tokens=50, messages=[{"role": "user", "content": said}])


def sums(calls: int, *, extra_microusd: int = 0) -> dict[str, Any]:
    tokens = {"input": 1000, "output": 100, "cache_write": 2000, "cache_read": 3000}
    return {
        "calls": calls,
        "tokens": {name: count * calls for name, count in tokens.items()},
        "cost_microusd": COST * calls + extra_microusd,
    }


def test_sums_by_node_purpose_and_item(twin: Twin) -> None:
    ask(twin, "a")
    ask(twin, "b", purpose="alignment")
    ask(twin, "c", node="code", sub_work_item=2)
    counts = twin.get("counts")
    assert (counts["delivered"], counts["cut_off"], counts["errors"]) == (sums(3), sums(0), 0)
    one = {"delivered": sums(1), "cut_off": sums(0)}
    assert counts["by_node"] == {"planning": {"generate": one, "alignment": one}, "code": {"generate": one}}
    assert counts["by_item"] == {"acme/tally#1": {"none": {"delivered": sums(2), "cut_off": sums(0)}, "2": one}}


def test_the_log_holds_requests_whole(twin: Twin) -> None:
    answer = ask(twin, "keep me", attempt=2)
    (entry,) = twin.get("log")["requests"]
    assert entry["call"]["attempt"] == 2
    assert entry["request"]["messages"] == [{"role": "user", "content": "keep me"}]
    assert entry["answer"]["id"] == answer.id
    assert (entry["status"], entry["outcome"], entry["cost_microusd"]) == (200, "delivered", COST)
    assert entry["rule"] == {"line": 1, "use": 1, "turn": 0}
    assert "any-key" not in json.dumps(twin.get("log"))
    assert twin.get(f"log?after={entry['seq']}")["requests"] == []


@pytest.mark.parametrize(
    ("fault", "paid"),
    [
        pytest.param({"kind": "drop_before"}, 0, id="lost on its way there"),
        pytest.param({"kind": "drop_after"}, 1, id="lost on its way back"),
        pytest.param({"kind": "malformed"}, 1, id="a broken answer is paid too"),
    ],
)
def test_a_lost_answer_is_cut_off_and_the_next_try_is_the_same_answer(
    twin: Twin, fault: dict[str, Any], paid: int
) -> None:
    twin.post("faults", [{**fault, "match": {"node": "planning"}, "nth": 1}])
    with pytest.raises((anthropic.APIConnectionError, anthropic.APIResponseValidationError, ValueError)):
        ask(twin)
    assert ask(twin).stop_reason == "end_turn"
    counts = twin.get("counts")
    assert (counts["delivered"], counts["cut_off"]) == (sums(1), sums(paid))
    rules = [entry["rule"] for entry in twin.get("log")["requests"] if entry["rule"] is not None]
    assert {rule["use"] for rule in rules} == {1}


def test_a_bill_fault_shows_in_the_cost_alone(twin: Twin) -> None:
    twin.post("faults", [{"kind": "bill", "microusd": 77}])
    assert ask(twin).usage.input_tokens == 1000
    assert twin.get("counts")["delivered"] == sums(1, extra_microusd=77)


def test_a_status_fault_is_logged_as_an_error(twin: Twin) -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    twin.post("faults", [{"kind": "status", "code": 529, "body": body, "match": {"purpose": "generate"}}])
    with pytest.raises(anthropic.APIStatusError) as refused:
        ask(twin)
    assert refused.value.type == "overloaded_error"
    assert [(e["status"], e["answer"]) for e in twin.get("log")["requests"]] == [
        (529, {"type": "fault", "kind": "status"})
    ]
    assert twin.get("counts")["errors"] == 1


def test_a_rate_limit_fault_answers_as_the_provider(twin: Twin) -> None:
    twin.post("faults", [{"kind": "rate_limit", "reset_in": 10}])
    with pytest.raises(anthropic.RateLimitError) as refused:
        ask(twin)
    headers = refused.value.response.headers
    assert (refused.value.type, headers["retry-after"]) == ("rate_limit_error", "10")
    assert headers[f"{LIMIT}-requests-remaining"] == "0"
    wait = datetime.fromisoformat(headers[f"{LIMIT}-requests-reset"]) - datetime.now(UTC)
    assert timedelta(seconds=8) < wait <= timedelta(seconds=11)


def test_a_call_killed_while_its_answer_was_held_is_cut_off(twin: Twin) -> None:
    twin.post("faults", [{"kind": "hold_after", "nth": 1, "match": {"path": "^/v1/messages$"}}])
    client = twin.client(node="planning")
    failed: list[anthropic.APIError] = []

    def call() -> None:
        try:
            client.with_options(timeout=1).messages.create(
                model=HAIKU, max_tokens=5, messages=[{"role": "user", "content": "a"}]
            )
        except anthropic.APITimeoutError as error:
            failed.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert len(twin.get("holds?wait=10")["holds"]) == 1
    caller.join(timeout=10)
    assert len(failed) == 1
    client.close()
    ended: list[dict[str, Any]] = []
    deadline = datetime.now(UTC) + timedelta(seconds=5)
    while not ended and datetime.now(UTC) < deadline:
        ended = twin.get("holds")["ended"]
    assert ended[-1]["ending"] == "left"
    assert twin.get("counts")["cut_off"]["calls"] == 1


def raw_headers(twin: Twin, said: str) -> dict[str, str]:
    response = twin.client().messages.with_raw_response.create(
        model=HAIKU, max_tokens=5, messages=[{"role": "user", "content": said}]
    )
    return dict(response.headers)


def test_every_answer_shows_what_is_left(twin: Twin) -> None:
    first, second = raw_headers(twin, "a"), raw_headers(twin, "b")
    assert first["request-id"] != second["request-id"]
    used = {
        name: int(first[f"{LIMIT}-{name}-remaining"]) - int(second[f"{LIMIT}-{name}-remaining"])
        for name in ("requests", "tokens", "input-tokens", "output-tokens")
    }
    assert used == {"requests": 1, "tokens": 6100, "input-tokens": 6000, "output-tokens": 100}
    assert int(first[f"{LIMIT}-tokens-limit"]) > 1_000_000
    reset = datetime.fromisoformat(first[f"{LIMIT}-requests-reset"])
    assert timedelta(0) < reset - datetime.now(UTC) <= timedelta(seconds=61)


def test_limits_can_be_set_and_are_kept(twin: Twin) -> None:
    assert twin.post("limits", {"requests": {"limit": 50, "remaining": 1, "reset_in": 30}}).status_code == 200
    assert raw_headers(twin, "a")[f"{LIMIT}-requests-remaining"] == "0"
    with pytest.raises(anthropic.RateLimitError) as refused:
        raw_headers(twin, "b")
    assert 25 <= int(refused.value.response.headers["retry-after"]) <= 30


def test_wrong_limits_are_refused(twin: Twin) -> None:
    answer = twin.post("limits", {"request": {"limit": 5}, "tokens": {"limit": -1}})
    assert answer.status_code == 400
    assert [problem.split(":")[0] for problem in answer.json()["problems"]] == ["tokens.limit", "request"]


def test_an_unknown_route_is_not_found(twin: Twin) -> None:
    with pytest.raises(anthropic.NotFoundError) as refused:
        twin.client().get("/v1/nowhere", cast_to=object)
    assert refused.value.type == "not_found_error"
