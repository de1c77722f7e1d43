"""HAR-02 in process: wherever one process of the demo run is hurt, people see the same in the end.

Every call of the run x before and after, its message lost for one half and redelivered for the other; every third call
that changes something, made by a process whose work another has done meanwhile; Redis lost before each message, and
emptied at a sample of all moments. The parts share the work between processes.
"""

from collections.abc import Callable, Sequence

import pytest
from demo_shape import demo_shape
from matrix import FORKS, Cell, Plan, Told, plan_of, run_cells

pytestmark = [pytest.mark.filterwarnings(FORKS), pytest.mark.timeout(900)]
PARTS = 6
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(demo_shape)


def judge(record: Record, name: str, cells: Sequence[Cell], told: Sequence[Told]) -> None:
    """Put the figures of one part into the table at the end, and name what went wrong."""
    record(
        "matrix",
        {
            "name": name,
            "cells": sum(cell.stands_for for cell in cells),
            "runs": len(told),
            "fired": sum(one.fired for one in told),
            "lost": sum(bool(one.lost or one.error) for one in told),
            "doubled": sum(bool(one.doubled) for one in told),
            "paid_twice": sum(len(one.paid_twice) for one in told),
            "in_flight": sum(one.in_flight for one in told),
            "recovery_s": [round(one.recovery_s) for one in told],
        },
    )
    assert {str(one.cell): one.wrong for one in told if one.wrong} == {}
    assert len(told) == len(cells)


@pytest.mark.parametrize("part", range(PARTS))
def test_wherever_a_process_dies_nothing_is_lost_doubled_or_paid_twice(
    part: int, plan: Plan, record_property: Record
) -> None:
    cells = plan.deaths()[part::PARTS]
    judge(record_property, "killed", cells, run_cells(demo_shape, plan, cells))


@pytest.mark.parametrize("part", range(PARTS))
def test_whoever_was_replaced_meanwhile_writes_nothing_more(part: int, plan: Plan, record_property: Record) -> None:
    """RUN-07, RUN-10: its lease ran out, its message came again and another did it; only then it goes on."""
    cells = plan.returns(every=3)[part::PARTS]
    judge(record_property, "replaced", cells, run_cells(demo_shape, plan, cells))


@pytest.mark.parametrize(
    ("name", "choose"),
    [
        ("Redis lost", Plan.losses),
        ("Redis emptied", lambda plan: plan.losses_amid(every=12)),
    ],
    ids=["at every message boundary, with the message and without", "amid a message, while its process lives"],
)
def test_redis_lost_changes_nothing_that_people_see(
    name: str, choose: Callable[[Plan], Sequence[Cell]], plan: Plan, record_property: Record
) -> None:
    """RUN-14, the sums of the ledger included."""
    cells = choose(plan)
    judge(record_property, name, cells, run_cells(demo_shape, plan, cells))


def test_every_call_of_the_run_is_in_the_matrix(plan: Plan) -> None:
    """Each call stands there before and after; those that share a world with a neighbour are counted with it."""
    moments = [moment for group in plan.groups for moment in group.moments]
    assert [moment.number for moment in moments] == list(range(len(moments)))
    assert {call for call, after in plan.moments if after} <= {call for call, after in plan.moments if not after}
    assert sum(cell.stands_for for cell in plan.deaths()) == len(moments)
    assert len(moments) > 4000
    told = {moment.name for moment in moments}
    assert {"llm.call", "services.call", "git.push", "queue.run_nodes", "memo.put", "leases.complete"} <= told


def test_the_journey_has_the_shape_of_the_demo_run(plan: Plan) -> None:
    """Three sub-work-items, two of them at once; one retry, one remediation, both gates merged by a person."""
    swis = [nodes for _, _, nodes in plan.picture["swis"]]
    assert [nodes["code_generation"][1] for nodes in swis] == [2, 2, 1]
    assert [nodes["review"][1] for nodes in swis] == [1, 2, 1]
    assert plan.picture["blockers"] == {7: [5, 6]}
    assert [gate[:2] for gate in plan.picture["gates"]] == [
        ("architecture", "approved"),
        ("interface_design", "approved"),
    ]
    assert {"user_docs", "release_check"} <= set(plan.picture["nodes"])
    assert plan.picture["status"] == ("completed", None)
