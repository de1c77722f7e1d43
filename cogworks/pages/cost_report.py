"""The cost report: the same rows and figures on the command line and in the cost comment (70 section 8)."""

from dataclasses import dataclass

from cogworks.graph.definition import Graph, Node
from cogworks.model.ids import END_TO_END, NodeId
from cogworks.model.json_value import JsonObject
from cogworks.model.money import dollars
from cogworks.model.state import Cost, NodeState, RunState, Swi

_TITLES = {
    "intake": "Task Classification",
    "architecture": "Architecture",
    "interface_design": "Interface Design",
    "planning": "Planning",
    "code_generation": "Code Generation",
    "review": "Review",
    "integration": "Integration",
}
_LABEL, _TOKENS, _COST = 22, 10, 9
_RULE = "─" * (_LABEL + _TOKENS + _COST)
_REVIEW_PASSES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """One row: a node, a sub-work-item below a node, or a heading without figures of its own."""

    label: str
    cost: Cost | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReport:
    """Everything that a cost report shows; sums are exact, only printing rounds."""

    work_item: int
    rows: tuple[CostRow, ...]
    total: Cost
    unreconciled: Cost
    limit: Cost

    @property
    def remaining(self) -> Cost:
        """What is left of the budget."""
        used = self.total + self.unreconciled
        return Cost(microusd=self.limit.microusd - used.microusd, tokens=self.limit.tokens - used.tokens)


def cost_report(state: RunState, graph: Graph, *, unreconciled: Cost = Cost()) -> CostReport:
    """Return the report of a run from its state; nodes without calls are left out."""
    rows: list[CostRow] = []
    number = 0
    for node in graph.nodes.values():
        part = _node_rows(state, node)
        if part:
            number += 1
            rows += [CostRow(label=f"{number}. {_TITLES.get(node.uses, node.id)}", cost=part[0].cost), *part[1:]]
    closing = state.nodes.get(END_TO_END, NodeState()).cost
    if closing.tokens:
        rows.append(CostRow(label=f"{number + 1}. End-to-end Check", cost=closing))
    return CostReport(
        work_item=state.work_item,
        rows=tuple(rows),
        total=Cost(microusd=state.cost.microusd, tokens=state.cost.tokens),
        unreconciled=unreconciled,
        limit=Cost(microusd=state.cost.limit_microusd, tokens=state.cost.limit_tokens),
    )


def _node_rows(state: RunState, node: Node) -> list[CostRow]:
    if not node.per_swi:
        cost = state.nodes.get(node.id, NodeState()).cost
        return [CostRow(label="", cost=cost)] if cost.tokens else []
    below = [
        CostRow(label=f"   SWI #{swi.ordinal}{_passes(swi, node)}", cost=swi.nodes[node.id].cost)
        for swi in state.sub_work_items
        if node.id in swi.nodes and swi.nodes[node.id].cost.tokens
    ]
    return [CostRow(label="", cost=None), *below] if below else []


def _passes(swi: Swi, node: Node) -> str:
    if node.uses != "review":
        return ""
    rounds = max(swi.nodes[NodeId(node.id)].attempts - 1, 0)
    again = f" + {rounds} remediation{'s' if rounds > 1 else ''}" if rounds else ""
    return f" ({_REVIEW_PASSES} passes{again})"


def render_text(report: CostReport) -> str:
    """Return the report as the fixed-width text of the command line."""
    title = f"Pipeline #{report.work_item} Cost Report"
    lines = [title, "=" * len(title), f"{'Node':<{_LABEL}}{'Tokens':>{_TOKENS}}{'Cost':>{_COST}}", _RULE]
    for row in report.rows:
        lines += _text_row(row)
    lines += [_RULE, *_text_row(CostRow(label="Total", cost=report.total))]
    if report.unreconciled != Cost():
        lines += _text_row(CostRow(label="Unreconciled", cost=report.unreconciled))
    lines += _text_row(CostRow(label="Budget", cost=report.limit))
    lines += _text_row(CostRow(label="Remaining", cost=report.remaining))
    return "\n".join(lines) + "\n"


def _text_row(row: CostRow) -> list[str]:
    if row.cost is None:
        return [row.label]
    figures = f"{row.cost.tokens:>{_TOKENS},}{dollars(row.cost.microusd):>{_COST}}"
    if len(row.label) > _LABEL:
        return [row.label, " " * _LABEL + figures]
    return [f"{row.label:<{_LABEL}}{figures}"]


def render_markdown(report: CostReport) -> str:
    """Return the same rows and figures as a Markdown table."""
    tail = [CostRow(label="**Total**", cost=report.total)]
    if report.unreconciled != Cost():
        tail.append(CostRow(label="Unreconciled", cost=report.unreconciled))
    tail += [CostRow(label="Budget", cost=report.limit), CostRow(label="Remaining", cost=report.remaining)]
    lines = [f"### Pipeline #{report.work_item} Cost Report", "", "| Node | Tokens | Cost |", "|---|--:|--:|"]
    for row in (*report.rows, *tail):
        tokens, cost = (f"{row.cost.tokens:,}", dollars(row.cost.microusd)) if row.cost else ("", "")
        lines.append(f"| {row.label.strip()} | {tokens} | {cost} |")
    return "\n".join(lines) + "\n"


def report_as_value(report: CostReport) -> JsonObject:
    """Return the report as plain JSON values in exact micro-dollars."""
    return {
        "work_item": report.work_item,
        "rows": [{"label": row.label.strip(), **_figures(row.cost)} for row in report.rows],
        "total": _figures(report.total),
        "unreconciled": _figures(report.unreconciled),
        "budget": _figures(report.limit),
        "remaining": _figures(report.remaining),
    }


def _figures(cost: Cost | None) -> JsonObject:
    return {"tokens": cost.tokens, "microusd": cost.microusd} if cost else {"tokens": None, "microusd": None}
