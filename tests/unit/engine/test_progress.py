"""What may start, what never will, and what an SWI's status says (ENG-30, ENG-36, ENG-37)."""

from dataclasses import replace

import pytest
from run_states import S, at, fresh, graph, planned, ref, swi, taken, with_nodes

from cogworks.engine.progress import Readiness, eligible, propagate, readiness, swi_status
from cogworks.model.ids import PullNumber
from cogworks.model.state import Artifact, NodeStatus, RunState, Swi, SwiStatus

FILE = Artifact(kind="file", ref="")


def after_intake(**more: object) -> RunState:
    return replace(with_nodes(fresh(), intake=at(S.COMPLETED)), **more)


@pytest.mark.parametrize(
    ("state", "node", "ready"),
    [
        pytest.param(fresh(), "intake", Readiness.ELIGIBLE, id="nothing comes before the start"),
        pytest.param(fresh(), "architecture", Readiness.NOT_YET, id="its source has not ended"),
        pytest.param(
            after_intake(edges=taken("e1"), artifacts={"classification": FILE}),
            "architecture",
            Readiness.ELIGIBLE,
            id="edge taken, input there",
        ),
        pytest.param(
            after_intake(edges=taken("e1")), "architecture", Readiness.BLOCKED, id="edge taken, required input absent"
        ),
        pytest.param(
            with_nodes(fresh(), intake=at(S.FAILED)), "architecture", Readiness.BLOCKED, id="its source failed"
        ),
        pytest.param(
            with_nodes(fresh(), intake=at(S.SKIPPED)), "architecture", Readiness.DEAD, id="its source was skipped"
        ),
    ],
)
def test_a_pending_node_knows_what_to_expect(state: RunState, node: str, ready: Readiness) -> None:
    assert readiness(state, graph(), ref(node)) is ready


def test_dead_and_hopeless_nodes_are_closed_down_the_line() -> None:
    state = propagate(with_nodes(fresh(), intake=at(S.FAILED)), graph())
    blocked = {node for node, one in state.nodes.items() if one.status is S.BLOCKED}
    assert blocked == {"architecture", "interface_design", "planning"}


@pytest.mark.parametrize(
    ("swis", "parallel", "started"),
    [
        pytest.param((swi(1), swi(2), swi(3)), 1, ["code_generation/1"], id="one at a time"),
        pytest.param((swi(1), swi(2), swi(3)), 2, ["code_generation/1", "code_generation/2"], id="two at a time"),
        pytest.param(
            (swi(1), swi(2, depends_on=(1,)), swi(3)), 3, ["code_generation/1", "code_generation/3"], id="waits"
        ),
        pytest.param((swi(1, code_generation=at(S.ACTIVE)), swi(2)), 1, [], id="no room while one is at work"),
        pytest.param(
            (swi(1, code_generation=at(S.FAILED)), swi(2)), 1, ["code_generation/2"], id="a failed one gives its room"
        ),
    ],
)
def test_sub_work_items_start_in_order_and_within_the_limit(
    swis: tuple[Swi, ...], parallel: int, started: list[str]
) -> None:
    state = propagate(planned(*swis), graph())
    assert [str(one) for one in eligible(state, graph(), max_parallel_swis=parallel)] == started


def test_what_builds_on_a_failed_part_is_blocked_and_all_that_builds_on_that() -> None:
    state = propagate(
        planned(swi(1, code_generation=at(S.FAILED)), swi(2, depends_on=(1,)), swi(3, depends_on=(2,)), swi(4)), graph()
    )
    assert [one.status for one in state.sub_work_items] == [
        SwiStatus.FAILED,
        SwiStatus.BLOCKED,
        SwiStatus.BLOCKED,
        SwiStatus.PENDING,
    ]


@pytest.mark.parametrize(
    ("nodes", "pull", "status"),
    [
        pytest.param({}, None, SwiStatus.PENDING, id="nothing began"),
        pytest.param({"code_generation": S.ACTIVE}, None, SwiStatus.ACTIVE, id="at work"),
        pytest.param(
            {"code_generation": S.COMPLETED, "review": S.AWAITING_APPROVAL}, None, SwiStatus.AWAITING_REVIEW, id="gate"
        ),
        pytest.param(
            {"code_generation": S.COMPLETED, "integration": S.COMPLETED}, 9, SwiStatus.PR_OPEN, id="delivered"
        ),
        pytest.param({"code_generation": S.FAILED}, None, SwiStatus.FAILED, id="failed"),
        pytest.param({"code_generation": S.CANCELLED}, None, SwiStatus.FAILED, id="cancelled"),
        pytest.param({"code_generation": S.BLOCKED}, None, SwiStatus.BLOCKED, id="blocked"),
    ],
)
def test_the_status_of_a_part_follows_from_its_nodes(
    nodes: dict[str, NodeStatus], pull: int | None, status: SwiStatus
) -> None:
    one = swi(1, **{name: at(value) for name, value in nodes.items()})
    assert swi_status(replace(one, pr=None if pull is None else PullNumber(pull))) is status


@pytest.mark.parametrize("status", [SwiStatus.DONE, SwiStatus.SUPERSEDED])
def test_what_people_made_of_a_part_stays(status: SwiStatus) -> None:
    assert swi_status(replace(swi(1, code_generation=at(S.FAILED)), status=status)) is status
