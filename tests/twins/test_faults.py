"""What a fault list may say, and what a real client sees when a fault strikes (80 section 3)."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import JsonValue

from cogworks.twins.faults import FaultPlan, FaultsError

# A twin in small: it counts what it did, so a test sees whether a struck request acted.
COUNTING_TWIN = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    from cogworks.twins.faults import FaultMiddleware, FaultPlan, extra_bill, on_outcome
    from cogworks.twins.serving import bind, serve

    done = {"acted": 0, "delivered": 0, "cut_off": 0, "bill": 0}

    async def act(request):
        done["acted"] += 1
        done["bill"] += extra_bill(request.scope)
        def settle(delivered):
            done["delivered" if delivered else "cut_off"] += 1
        on_outcome(request.scope, settle)
        return JSONResponse({"padding": "x" * 100, "body": (await request.body()).decode()})

    async def show(request):
        return JSONResponse(done)

    app = Starlette(routes=[Route("/act", act, methods=["GET", "POST"]), Route("/_twin/done", show)])
    plan = FaultPlan.load(Path(sys.argv[1])) if len(sys.argv) > 1 else FaultPlan()
    guarded = FaultMiddleware(
        app,
        plan=plan,
        describe=lambda scope, body: {"node": dict(scope["headers"]).get(b"x-node", b"").decode()},
        rate_limit_answer=lambda fault: JSONResponse({"secondary": fault.secondary}, status_code=429),
    )
    bound = bind(0)
    serve(guarded, twin="counting", bound=bound, tokens={"maria": "secret"})
    """
)


@contextlib.contextmanager
def running_twin() -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    process = subprocess.Popen([sys.executable, "-c", COUNTING_TWIN], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready.keys() == {"twin", "url", "tokens"}
    try:
        with httpx.Client(base_url=ready["url"], timeout=10) as client:
            yield client, process
    finally:
        process.terminate()
        assert process.wait(timeout=5) == 0
        process.stdout.close()


@pytest.fixture(scope="module")
def shared_twin() -> Iterator[httpx.Client]:
    with running_twin() as (client, _):
        yield client


@pytest.fixture
def twin(shared_twin: httpx.Client) -> Iterator[httpx.Client]:
    shared_twin.post("/_twin/faults", json=[])
    yield shared_twin
    shared_twin.post("/_twin/faults", json=[])


def done(twin: httpx.Client) -> dict[str, int]:
    counts: dict[str, int] = twin.get("/_twin/done").json()
    return counts


def change(twin: httpx.Client, before: dict[str, int]) -> dict[str, int]:
    return {key: value - before[key] for key, value in done(twin).items() if value != before[key]}


def plan(twin: httpx.Client, *faults: JsonValue) -> None:
    answer = twin.post("/_twin/faults", json=list(faults))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        pytest.param({}, "must be a list", id="not a list"),
        pytest.param(["x"], "faults[0]", id="not an object"),
        pytest.param([{"nth": 1}], "kind", id="kind is missing"),
        pytest.param([{"kind": "explode"}], "'hold_before', 'hold_after'", id="unknown kind names the known ones"),
        pytest.param([{"kind": "timeout", "often": 1}], "often: unknown field, allowed: kind, match, nth", id="field"),
        pytest.param(
            [{"kind": "timeout", "match": {"nod": "x"}}], "match.nod: unknown field, allowed: attempt", id="match key"
        ),
        pytest.param([{"kind": "timeout", "match": {"path": "("}}], "match.path", id="bad regex"),
        pytest.param([{"kind": "timeout", "nth": 0}], "nth: Input should be greater", id="nth counts from 1"),
        pytest.param([{"kind": "status", "code": 1000}], "code: Input should be less", id="no such status"),
        pytest.param([{"kind": "slow"}], "delay_ms: Field required", id="slow without delay"),
        pytest.param([{"kind": "timeout", "rate": 0.5}], "rate and seed come together", id="random but not repeatable"),
        pytest.param([{"kind": "timeout", "nth": 1, "rate": 0.5, "seed": 1}], "exclude", id="two triggers"),
    ],
)
def test_a_wrong_list_is_refused_with_what_is_allowed(listed: JsonValue, said: str) -> None:
    with pytest.raises(FaultsError) as refused:
        FaultPlan.parse(listed)
    assert said in str(refused.value)


def test_a_file_names_every_problem_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('[\n {"kind": "slow"},\n {"kind": "timeout"},\n\n {"kind": "bill", "nth": "x"}\n]', "utf-8")
    with pytest.raises(FaultsError) as refused:
        FaultPlan.load(path)
    lines = str(refused.value).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        [f"{path}:2", "delay_ms"],
        [f"{path}:5", "nth"],
        [f"{path}:5", "microusd"],
    ]


@pytest.mark.parametrize(
    ("fault", "requests", "struck"),
    [
        pytest.param({}, 4, [1, 2, 3, 4], id="no nth strikes every one"),
        pytest.param({"nth": 3}, 4, [3], id="nth counts from one"),
        pytest.param({"rate": 0.0, "seed": 1}, 50, [], id="rate none"),
        pytest.param({"rate": 1.0, "seed": 1}, 3, [1, 2, 3], id="rate all"),
        pytest.param({"match": {"node": "other"}}, 3, [], id="another node"),
        pytest.param({"match": {"node": "review"}, "nth": 2}, 3, [2], id="this node"),
        pytest.param({"match": {"method": "post", "path": "^/v1"}}, 2, [1, 2], id="method in any case, path searched"),
        pytest.param({"match": {"login": "maria"}}, 2, [], id="a key that the twin does not give"),
    ],
)
def test_when_a_fault_strikes(fault: dict[str, JsonValue], requests: int, struck: list[int]) -> None:
    planned = FaultPlan.parse([{"kind": "timeout", **fault}])
    facts = {"method": "POST", "path": "/v1/messages", "node": "review"}
    assert [n for n in range(1, requests + 1) if planned.strike(facts)] == struck


def test_rate_is_random_but_repeatable() -> None:
    def run(seed: int) -> list[bool]:
        planned = FaultPlan.parse([{"kind": "timeout", "rate": 0.05, "seed": seed}])
        return [planned.strike({"method": "GET"}) is not None for _ in range(2000)]

    assert run(7) == run(7) != run(8)
    assert 60 < sum(run(7)) < 140


def test_the_first_fault_that_fires_strikes_and_all_that_match_count() -> None:
    planned = FaultPlan.parse(
        [{"kind": "timeout", "nth": 2}, {"kind": "drop_before", "nth": 2}, {"kind": "slow", "delay_ms": 1}]
    )
    kinds = [getattr(planned.strike({"method": "GET"}), "kind", None) for _ in range(2)]
    assert kinds == ["slow", "timeout"]
    assert [entry["matched"] for entry in planned.report() if isinstance(entry, dict)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("fault", "status", "text", "effect"),
    [
        pytest.param(
            {"kind": "status", "code": 503, "body": {"a": 1}, "headers": {"retry-after": "3"}}, 503, '{"a":1}', {},
            id="status does nothing",
        ),
        pytest.param({"kind": "status", "code": 502, "body": "<html>"}, 502, "<html>", {}, id="status with raw text"),
        pytest.param({"kind": "rate_limit", "secondary": True}, 429, '{"secondary":true}', {}, id="as the twin says"),
        pytest.param(
            {"kind": "bill", "microusd": 250}, 200, "padding", {"acted": 1, "delivered": 1, "bill": 250}, id="bill"
        ),
        pytest.param({"kind": "slow", "delay_ms": 30}, 200, "padding", {"acted": 1, "delivered": 1}, id="slow"),
        pytest.param(
            {"kind": "malformed", "form": "wrong"}, 200, '{"unexpected":[]}', {"acted": 1, "cut_off": 1}, id="wrong"
        ),
    ],
)  # fmt: skip
def test_answers_of_struck_requests(
    twin: httpx.Client, fault: JsonValue, status: int, text: str, effect: dict[str, int]
) -> None:
    before = done(twin)
    plan(twin, fault)
    answer = twin.post("/act", content=b"hello")
    assert answer.status_code == status
    assert text in answer.text
    assert change(twin, before) == effect


def test_malformed_is_half_of_the_real_answer(twin: httpx.Client) -> None:
    plan(twin, {"kind": "malformed", "nth": 1})
    broken, whole = twin.get("/act"), twin.get("/act")
    assert whole.text.startswith(broken.text)
    with pytest.raises(ValueError, match="Unterminated string"):
        broken.json()


@pytest.mark.parametrize(
    ("kind", "effect"),
    [
        pytest.param("drop_before", {}, id="nothing done"),
        pytest.param("drop_after", {"acted": 1, "cut_off": 1}, id="done but not told"),
    ],
)
def test_a_dropped_connection_is_a_connection_error(twin: httpx.Client, kind: str, effect: dict[str, int]) -> None:
    before = done(twin)
    plan(twin, {"kind": kind, "nth": 1})
    with pytest.raises(httpx.TransportError):
        twin.post("/act", content=b"hello")
    assert change(twin, before) == effect
    assert twin.post("/act", content=b"again").json()["body"] == "again"


def test_timeout_never_answers(twin: httpx.Client) -> None:
    before = done(twin)
    plan(twin, {"kind": "timeout"})
    with pytest.raises(httpx.ReadTimeout):
        twin.get("/act", timeout=0.2)
    assert change(twin, before) == {}


@pytest.mark.parametrize(
    ("kind", "acted_while_held"),
    [pytest.param("hold_before", 0, id="before"), pytest.param("hold_after", 1, id="after")],
)
def test_a_held_request_goes_on_when_released(twin: httpx.Client, kind: str, acted_while_held: int) -> None:
    before = done(twin)
    plan(twin, {"kind": kind, "match": {"node": "review"}})
    answers: list[httpx.Response] = []
    call = threading.Thread(
        target=lambda: answers.append(httpx.get(f"{twin.base_url}/act", headers={"x-node": "review"}, timeout=10))
    )
    call.start()
    held = twin.get("/_twin/holds", params={"wait": 10}, timeout=15).json()["holds"]
    assert [(hold["kind"], hold["request"]["node"], hold["request"]["path"]) for hold in held] == [
        (kind, "review", "/act")
    ]
    assert done(twin)["acted"] - before["acted"] == acted_while_held
    assert twin.post("/_twin/release").json()["released"] == [held[0]["id"]]
    call.join(timeout=10)
    assert answers[0].status_code == 200
    assert change(twin, before) == {"acted": 1, "delivered": 1}
    assert twin.get("/_twin/holds").json()["holds"] == []


@pytest.mark.parametrize(
    ("kind", "effect"),
    [
        pytest.param("hold_before", {}, id="a client that died before never acts"),
        pytest.param("hold_after", {"acted": 1, "cut_off": 1}, id="a client that died after was not told"),
    ],
)
def test_a_client_killed_while_held(twin: httpx.Client, kind: str, effect: dict[str, int]) -> None:
    before = done(twin)
    plan(twin, {"kind": kind})
    code = f"import httpx; httpx.get('{twin.base_url}/act', timeout=30)"
    client = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    held = twin.get("/_twin/holds", params={"wait": 20}, timeout=25).json()["holds"]
    client.send_signal(signal.SIGKILL)
    client.wait(timeout=10)
    twin.post("/_twin/release", json={"id": held[0]["id"]})
    # A second request behind the first: when it is held, the first one's end has been dealt with.
    plan(twin, {"kind": "slow", "delay_ms": 200})
    twin.get("/act")
    assert change(twin, before) == {key: effect.get(key, 0) + extra for key, extra in {
        "acted": 1, "delivered": 1, "cut_off": 0}.items() if effect.get(key, 0) + extra}  # fmt: skip


def test_control_routes_are_never_struck_and_show_the_counters(twin: httpx.Client) -> None:
    plan(twin, {"kind": "status", "code": 500})
    assert done(twin)
    twin.get("/act")
    assert twin.get("/_twin/faults").json() == {"faults": [{"kind": "status", "code": 500, "matched": 1, "fired": 1}]}


def test_a_wrong_plan_at_run_time_is_refused_and_changes_nothing(twin: httpx.Client) -> None:
    plan(twin, {"kind": "status", "code": 500})
    answer = twin.post("/_twin/faults", json=[{"kind": "slow"}, {"kind": "explode"}])
    assert answer.status_code == 400
    assert [problem.split(":")[0] for problem in answer.json()["problems"]] == ["faults[0]", "faults[1]"]
    assert twin.get("/act").status_code == 500


def test_waiting_for_a_hold_ends_in_time(twin: httpx.Client) -> None:
    assert twin.get("/_twin/holds", params={"wait": 0.05}).json()["holds"] == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_twin_ends_cleanly_with_a_request_still_open(sent: signal.Signals) -> None:
    with running_twin() as (client, process):
        plan(client, {"kind": "timeout"})
        failed: list[BaseException] = []

        def call() -> None:
            try:
                httpx.get(f"{client.base_url}/act", timeout=10)
            except httpx.TransportError as error:
                failed.append(error)

        hanging = threading.Thread(target=call)
        hanging.start()
        while client.get("/_twin/faults").json()["faults"][0]["fired"] == 0:
            pass
        os.kill(process.pid, sent)
        assert process.wait(timeout=2) == 0
        hanging.join(timeout=5)
        assert len(failed) == 1
