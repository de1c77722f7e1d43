"""Edge conditions: what CEL decides here, and what is left for a model to judge (ENG-10 to ENG-15)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, assert_never

import cel

from cogworks.graph.definition import AllOf, AnyOf, Cel, Condition, Judged, Not
from cogworks.model.json_value import JsonObject

MAX_CHARACTERS = 1000
ROOT_NAMES = frozenset({"run", "item", "swi", "output", "edges"})

Evaluator = Literal["cel", "llm", "composite", "always"]

# The library raises these and no common ancestor of its own (tried with 0.10); none may fail the run.
_RAISED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_TEXTS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_BINDING = re.compile(r"\.\s*(?:all|exists|exists_one|existsOne|map|filter)\s*\(")
_DISCOURAGED = re.compile(r"\.\s*(exists|all|matches)\s*\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a condition comes to. ``result`` None: the ``questions`` are for a model, ``settle`` goes on then."""

    result: bool | None
    evaluator: Evaluator
    reason: str
    questions: tuple[Judged, ...] = ()


class _Truth(Enum):
    YES = "true"
    NO = "false"
    ERROR = "error"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class _Found:
    truth: _Truth
    reason: str
    questions: tuple[Judged, ...] = ()


def evaluate(condition: Condition | None, names: JsonObject) -> Verdict:
    """Return what ``condition`` comes to over ``names`` without asking a model.

    Whatever CEL raises makes the condition false with its text as the reason, also under a ``not``.
    """
    return settle(condition, names, answers={})


def settle(condition: Condition | None, names: JsonObject, *, answers: Mapping[str, bool]) -> Verdict:
    """Return what ``condition`` comes to once a model has answered; ``answers`` has the questions as keys."""
    if condition is None:
        return Verdict(result=True, evaluator="always", reason="the edge has no condition")
    found = _judge(condition, names, answers)
    result = None if found.truth is _Truth.OPEN else found.truth is _Truth.YES
    questions = found.questions if result is None else ()
    return Verdict(result=result, evaluator=_evaluator(condition), reason=found.reason, questions=questions)


def fallbacks(questions: Iterable[Judged]) -> Mapping[str, bool]:
    """Return the answers to give to ``settle`` when no model can be asked (ENG-14)."""
    return {one.question: one.fallback == "take" for one in questions}


def names_used(condition: Condition | None) -> frozenset[str]:
    """Return the root names that ``condition`` reads; names bound by macros may be among them."""
    return frozenset(name for part in cels(condition) for name in _variables(part.expression))


def cels(condition: Condition | None) -> Iterator[Cel]:
    """Yield every CEL part of ``condition``, in written order."""
    for _, part in parts(condition, at=""):
        if isinstance(part, Cel):
            yield part


def parts(condition: Condition | None, *, at: str) -> Iterator[tuple[str, Cel | Judged]]:
    """Yield every leaf of ``condition`` with its path in the file, ``at`` being that of the whole."""
    match condition:
        case None:
            return
        case Cel() | Judged():
            yield at, condition
        case Not(part=part):
            yield from parts(part, at=f"{at}.not")
        case AllOf(parts=inner) | AnyOf(parts=inner):
            kind = "all" if isinstance(condition, AllOf) else "any"
            for index, part in enumerate(inner):
                yield from parts(part, at=f"{at}.{kind}[{index}]")
        case _:
            assert_never(condition)


def fault_in(expression: str) -> str:
    """Return why ``expression`` is no CEL of at most 1,000 characters, or nothing."""
    if len(expression) > MAX_CHARACTERS:
        return f"{len(expression)} characters, more than {MAX_CHARACTERS}"
    try:
        cel.compile(expression)
    except _RAISED as error:
        return _first_line(error)
    return ""


def binds_names(expression: str) -> bool:
    """Tell whether a macro of ``expression`` binds names of its own, so that its root names are not all known."""
    return _BINDING.search(_TEXTS.sub("''", expression)) is not None


def discouraged(expression: str) -> tuple[str, ...]:
    """Return which of ``exists``, ``all`` and ``matches`` are used, sorted; they may take long on long values."""
    return tuple(sorted(set(_DISCOURAGED.findall(_TEXTS.sub("''", expression)))))


def _variables(expression: str) -> tuple[str, ...]:
    if fault_in(expression):
        return ()
    return tuple(cel.compile(expression).variables())


def _judge(condition: Condition, names: JsonObject, answers: Mapping[str, bool]) -> _Found:
    match condition:
        case Cel(expression=expression):
            return _run(expression, names)
        case Judged(question=question):
            return _answered(condition, answers.get(question))
        case Not(part=part):
            return _not(_judge(part, names, answers))
        case AllOf(parts=inner):
            return _all(_judge(part, names, answers) for part in inner)
        case AnyOf(parts=inner):
            return _any(_judge(part, names, answers) for part in inner)
        case _:
            assert_never(condition)


def _run(expression: str, names: JsonObject) -> _Found:
    if len(expression) > MAX_CHARACTERS:
        return _Found(_Truth.ERROR, fault_in(expression))
    try:
        value = cel.compile(expression).execute(dict(names))
    except _RAISED as error:
        return _Found(_Truth.ERROR, f"{expression}: {_first_line(error)}")
    if not isinstance(value, bool):
        return _Found(_Truth.ERROR, f"{expression}: the value is {value!r}, neither true nor false")
    return _Found(_Truth.YES if value else _Truth.NO, f"{expression}: {str(value).lower()}")


def _answered(question: Judged, answer: bool | None) -> _Found:
    if answer is None:
        return _Found(_Truth.OPEN, f"{question.question}: to be judged", (question,))
    return _Found(_Truth.YES if answer else _Truth.NO, f"{question.question}: judged {str(answer).lower()}")


_OPPOSITE = {
    _Truth.YES: _Truth.NO,
    _Truth.NO: _Truth.YES,
    _Truth.ERROR: _Truth.ERROR,
    _Truth.OPEN: _Truth.OPEN,
}


def _not(found: _Found) -> _Found:
    return _Found(_OPPOSITE[found.truth], found.reason, found.questions)


def _all(found: Iterable[_Found]) -> _Found:
    """A false part decides; then an error, which no answer of a model can mend; then what is open."""
    every = tuple(found)
    return _first(every, _Truth.NO, _Truth.ERROR) or _joined(every, otherwise=_Truth.YES)


def _any(found: Iterable[_Found]) -> _Found:
    """A true part decides; then what is open; then an error."""
    every = tuple(found)
    decided = _first(every, _Truth.YES)
    if decided is None and not any(one.truth is _Truth.OPEN for one in every):
        decided = _first(every, _Truth.ERROR)
    return decided or _joined(every, otherwise=_Truth.NO)


def _first(every: tuple[_Found, ...], *truths: _Truth) -> _Found | None:
    return next((one for truth in truths for one in every if one.truth is truth), None)


def _joined(every: tuple[_Found, ...], *, otherwise: _Truth) -> _Found:
    reason = "; ".join(one.reason for one in every)
    questions = tuple(dict.fromkeys(question for one in every for question in one.questions))
    return _Found(_Truth.OPEN if questions else otherwise, reason, questions)


def _evaluator(condition: Condition) -> Evaluator:
    match condition:
        case Cel():
            return "cel"
        case Judged():
            return "llm"
        case AllOf() | AnyOf() | Not():
            return "composite"
        case _:
            assert_never(condition)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
