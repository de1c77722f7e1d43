"""ENG-11 to ENG-15: what a condition comes to."""

import pytest

from cogworks.graph.conditions import evaluate, fallbacks, names_used, settle
from cogworks.graph.definition import AllOf, AnyOf, Cel, Condition, Judged, Not

NAMES = {
    "output": {"status": "pass", "next": None},
    "run": {"class": "standard", "safety_affecting": False, "tokens": 12},
    "edges": {"fix": {"traversals": 2}},
    "item": {"labels": ["a", "b"]},
    "architecture": {"status": "skipped"},
}
ASK = Judged(question="Is the decomposition wrong?", fallback="skip")
ALSO = Judged(question="Is it urgent?", fallback="take")
TRUE, FALSE, BROKEN = Cel(expression="true"), Cel(expression="false"), Cel(expression="missing")

DECIDED: list[tuple[str, Condition | None, bool, str]] = [
    ("no condition is always true", None, True, "always"),
    ("a field that fits", Cel(expression="output.status == 'pass'"), True, "cel"),
    ("a field that does not", Cel(expression="output.status == 'fail'"), False, "cel"),
    ("a counter", Cel(expression="edges.fix.traversals < 3"), True, "cel"),
    ("a macro", Cel(expression="item.labels.exists(l, l == 'b')"), True, "cel"),
    ("a result that is not there is no error under has", Cel(expression="has(architecture.result)"), False, "cel"),
    ("an unknown name is false", BROKEN, False, "cel"),
    ("and so is its opposite", Cel(expression="!missing"), False, "cel"),
    ("and its opposite from outside", Not(part=BROKEN), False, "composite"),
    ("an unknown field is false", Cel(expression="output.colour == 'red'"), False, "cel"),
    ("types do not mix", Cel(expression="output.status > 1"), False, "cel"),
    ("division by zero", Cel(expression="1 / 0 == 1"), False, "cel"),
    ("over the end of a list", Cel(expression="item.labels[7] == 'a'"), False, "cel"),
    ("too large a number", Cel(expression="9223372036854775807 + 1 > 0"), False, "cel"),
    ("a pattern that cannot be read", Cel(expression="'a'.matches('(')"), False, "cel"),
    ("a number is no answer", Cel(expression="run.tokens"), False, "cel"),
    ("nor is nothing", Cel(expression="output.next"), False, "cel"),
    ("CEL that cannot be read", Cel(expression="a =="), False, "cel"),
    ("over 1,000 characters", Cel(expression="1 + " * 250 + "1 > 0"), False, "cel"),
    ("exactly 1,000 characters", Cel(expression="true" + " " * 996), True, "cel"),
    ("all true", AllOf(parts=(TRUE, TRUE)), True, "composite"),
    ("one false", AllOf(parts=(TRUE, FALSE)), False, "composite"),
    ("one broken", AllOf(parts=(TRUE, BROKEN)), False, "composite"),
    ("one of any", AnyOf(parts=(FALSE, TRUE)), True, "composite"),
    ("none of any", AnyOf(parts=(FALSE, FALSE)), False, "composite"),
    ("a broken part does not spoil a true one", AnyOf(parts=(BROKEN, TRUE)), True, "composite"),
    ("a false part saves the question", AllOf(parts=(ASK, FALSE)), False, "composite"),
    ("a broken part saves it too", AllOf(parts=(ASK, BROKEN)), False, "composite"),
    ("a true part saves the question", AnyOf(parts=(ASK, TRUE)), True, "composite"),
    ("deep inside", Not(part=AnyOf(parts=(FALSE, AllOf(parts=(ASK, FALSE))))), True, "composite"),
]


@pytest.mark.parametrize(("reason", "condition", "result", "evaluator"), DECIDED, ids=[row[0] for row in DECIDED])
def test_decided_without_a_model(reason: str, condition: Condition | None, result: bool, evaluator: str) -> None:
    found = evaluate(condition, NAMES)
    assert (found.result, found.evaluator, found.questions) == (result, evaluator, ()), reason
    assert found.reason


OPEN: list[tuple[str, Condition, tuple[Judged, ...], bool, bool]] = [
    ("the question itself", ASK, (ASK,), True, False),
    ("its opposite", Not(part=ASK), (ASK,), False, True),
    ("nothing false before it", AllOf(parts=(TRUE, ASK)), (ASK,), True, False),
    ("nothing true before it", AnyOf(parts=(FALSE, ASK)), (ASK,), True, False),
    ("a broken part of any may still be saved", AnyOf(parts=(BROKEN, ASK)), (ASK,), True, False),
    ("two questions", AllOf(parts=(ASK, ALSO)), (ASK, ALSO), True, False),
    ("the same question twice is asked once", AnyOf(parts=(ASK, ASK)), (ASK,), True, False),
]


@pytest.mark.parametrize(("reason", "condition", "asked", "yes", "no"), OPEN, ids=[row[0] for row in OPEN])
def test_left_to_a_model(reason: str, condition: Condition, asked: tuple[Judged, ...], yes: bool, no: bool) -> None:
    found = evaluate(condition, NAMES)
    assert (found.result, found.questions) == (None, asked), reason
    for answer, expected in ((True, yes), (False, no)):
        settled = settle(condition, NAMES, answers={one.question: answer for one in asked})
        assert (settled.result, settled.questions) == (expected, ()), reason


def test_one_answer_may_settle_both_questions() -> None:
    found = settle(AllOf(parts=(ASK, ALSO)), NAMES, answers={ASK.question: False})
    assert found.result is False


def test_what_is_still_open_after_one_answer_is_asked_next() -> None:
    found = settle(AllOf(parts=(ASK, ALSO)), NAMES, answers={ASK.question: True})
    assert (found.result, found.questions) == (None, (ALSO,))


def test_fallbacks_answer_where_no_model_can() -> None:
    either = AnyOf(parts=(ASK, ALSO))
    assert settle(either, NAMES, answers=fallbacks(evaluate(either, NAMES).questions)).result is True


def test_the_reason_is_what_the_library_said() -> None:
    assert "missing" in evaluate(Cel(expression="!missing"), NAMES).reason


USED = [
    ("none without a condition", None, set()),
    ("roots only", Cel(expression="review.result.verdict == 'x' && edges.fix.traversals > 1"), {"review", "edges"}),
    ("every part", AllOf(parts=(Cel(expression="a.b"), Not(part=AnyOf(parts=(Cel(expression="c"), ASK))))), {"a", "c"}),
    ("not in texts", Cel(expression="a == 'b.c'"), {"a"}),
    ("nothing of what cannot be read", Cel(expression="a =="), set()),
]


@pytest.mark.parametrize(("reason", "condition", "expected"), USED, ids=[row[0] for row in USED])
def test_which_names_a_condition_reads(reason: str, condition: Condition | None, expected: set[str]) -> None:
    assert names_used(condition) == expected, reason
