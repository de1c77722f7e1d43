"""The closing check as a node of every graph: it has an attempt, a lease and a journal entry like any other."""

from decimal import Decimal

from cogworks.graph.definition import AlignmentRule, Node
from cogworks.model.ids import END_TO_END

CLOSING = Node(
    id=END_TO_END,
    type="llm",
    uses="end_to_end",
    retries=2,
    alignment=AlignmentRule(deterministic=True, llm=True, threshold=Decimal("0.90"), max_rework=0),
)
