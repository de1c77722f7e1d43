"""Whether a node goes again, and if not, why (ENG-18, ENG-19)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cogworks.graph.definition import Node
from cogworks.model.errors import FailureCategory
from cogworks.model.findings import Category, Diagnostic
from cogworks.model.outcome import Outcome, Result
from cogworks.model.state import NodeState

SCHEMA = "schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The node runs again: as a retry, or as a rework."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The node fails."""

    category: FailureCategory
    message: str


def dominant_category(diagnostics: Sequence[Diagnostic]) -> str:
    """Return the category with most blocking diagnostics, ties alphabetical; ``schema`` when there is none."""
    counts = Counter(d.category for d in diagnostics if d.blocks)
    return min(counts, key=lambda category: (-counts[category], category)) if counts else SCHEMA


def next_try(node: Node, before: NodeState, outcome: Outcome, *, max_rework: int) -> Again | GiveUp:
    """Judge an attempt that ended ``invalid`` or ``misaligned``; ``before`` is the node's state during it."""
    if outcome.result is Result.MISALIGNED:
        if before.reworks < max_rework:
            return Again(counter="reworks")
        return GiveUp(category=FailureCategory.REWORK_EXHAUSTED, message=f"misaligned after {before.reworks} reworks")
    return _flaky(before, outcome) or _stalled(node, before, outcome) or _retry(node, before, outcome)


def _retry(node: Node, before: NodeState, outcome: Outcome) -> Again | GiveUp:
    if before.retries < node.retries:
        return Again(counter="retries")
    category = outcome.category if outcome.category is FailureCategory.TIMEOUT else FailureCategory.RETRY_EXHAUSTED
    return GiveUp(category=category, message=f"still invalid after {before.retries} retries: {outcome.message}")


def flaky_pass(before: NodeState, outcome: Outcome) -> GiveUp | None:
    """Judge an attempt that succeeded: output that failed a test and now passes unchanged says nothing (ENG-19)."""
    same = outcome.output_hash != "" and outcome.output_hash == before.output_hash
    if same and before.categories[-1:] == (Category.TEST_FAILURE,):
        message = "identical output failed a test and then passed it"
        return GiveUp(category=FailureCategory.FLAKY_TEST, message=message)
    return None


def _flaky(before: NodeState, outcome: Outcome) -> GiveUp | None:
    same = outcome.output_hash != "" and outcome.output_hash == before.output_hash
    tests = [d for d in outcome.diagnostics if d.blocks and d.category == Category.TEST_FAILURE]
    if same and tests and before.categories[-1:] == (Category.TEST_FAILURE,):
        return GiveUp(
            category=FailureCategory.FLAKY_TEST, message=f"identical output failed twice: {tests[0].message[:200]}"
        )
    return None


def _stalled(node: Node, before: NodeState, outcome: Outcome) -> GiveUp | None:
    threshold = node.semantic_stall_threshold
    category = dominant_category(outcome.diagnostics)
    recent = (*before.categories, category)[-threshold:]
    if category != SCHEMA and threshold <= node.retries and len(recent) == threshold and set(recent) == {category}:
        return GiveUp(
            category=FailureCategory.SEMANTIC_STALL, message=f"{threshold} attempts in a row failed with {category}"
        )
    return None
