"""The node comment: entry part when a node first starts, completion part when an attempt ends (GH-21).

Its mark is the journal entry of the attempt; figures in it are cumulative over the attempts of the node.
"""

from collections.abc import Sequence

from cogworks.graph.definition import Graph, Node
from cogworks.model.ids import AttemptKey, NodeRef
from cogworks.model.json_value import sha256_text
from cogworks.model.money import dollars
from cogworks.model.outcome import Check, Outcome
from cogworks.model.state import RunState
from cogworks.pages.markers import mark
from cogworks.pages.quoting import LIMIT, cut, line

KIND = "audit"


def comment_key(state: RunState, ref: NodeRef, *, kind: str = "node") -> str:
    """Return the stable key of a comment: run, kind, node and SWI, the same for all attempts."""
    swi = "-" if ref.swi is None else ref.swi
    return f"{state.item}/{state.run_id}/{kind}/{ref.node}/{swi}"


def render_node(
    state: RunState, graph: Graph, ref: NodeRef, ended: Sequence[tuple[int, Outcome]], *, output: str
) -> str:
    """Return the body for ``ref``: what it does, and one line per ended attempt, newest last.

    ``ended`` holds (attempt, outcome) in order; ``output`` is where the newest outcome is, ``path@commit``.
    """
    node = graph.nodes[ref.node]
    text = "\n".join([*_entry(state, graph, node, ref), *(_completion(*one) for one in ended)])
    text = cut(text, limit=LIMIT - 2000)
    return f"{_mark(state, ref, text, ended, output=output)}\n{text}"


def _mark(state: RunState, ref: NodeRef, text: str, ended: Sequence[tuple[int, Outcome]], *, output: str) -> str:
    at = state.node(ref)
    newest = ended[-1] if ended else None
    cost = at.cost + newest[1].cost if newest else at.cost
    return mark(
        KIND,
        key=comment_key(state, ref),
        kind="node",
        run=state.run_id,
        node=ref.node,
        swi=ref.swi,
        attempt=newest[0] if newest else at.attempts,
        retries=at.retries,
        reworks=at.reworks,
        fence=state.fence,
        result=newest[1].result if newest else "",
        output=output,
        cost_microusd=cost.microusd,
        tokens=cost.tokens,
        sha256=sha256_text(text),
    )


def _entry(state: RunState, graph: Graph, node: Node, ref: NodeRef) -> list[str]:
    swi = f" · SWI {ref.swi}: {line(state.swi(ref.swi).title)}" if ref.swi else ""
    inputs = ", ".join(f"`{i.slot}`" for i in node.inputs) or "the work item"
    edges = state.edges if ref.swi is None else {**state.edges, **state.swi(ref.swi).edges}
    came = [
        edge.id
        for edge in graph.edges
        if edge.target == node.id and edge.id in edges and edges[edge.id].state == "taken"
    ]
    return [
        f"### {node.id}{swi}",
        (
            f"Reached by {', '.join(f'`{edge}`' for edge in came) or 'the start of the run'}. Reads {inputs}; "
            f"yields {', '.join(f'`{slot}`' for slot in node.outputs) or 'nothing'}."
        ),
        "",
    ]


def _completion(attempt: int, outcome: Outcome) -> str:
    took = (outcome.ended_at - outcome.started_at).total_seconds() if outcome.ended_at and outcome.started_at else 0.0
    paid = f"{outcome.cost.tokens:,} tokens, {dollars(outcome.cost.microusd)}"
    figures = f"{took:.1f} s, {outcome.llm_calls} model calls, {paid}"
    lines = [f"**Attempt {attempt}: {outcome.result}** ({figures})"]
    if outcome.message:
        lines.append(f"- {line(outcome.message, limit=600)}")
    lines += [_check(check) for check in outcome.checks]
    if outcome.alignment:
        lines.append(f"- alignment {outcome.alignment.score:.2f} against {outcome.alignment.threshold:.2f}")
    lines += [f"- {line(str(diagnostic))}" for diagnostic in outcome.diagnostics[:10]]
    lines += [f"- {finding.severity} {line(finding.description)}" for finding in outcome.findings[:10]]
    if outcome.pr:
        lines.append(f"- pull request #{outcome.pr}")
    return "\n".join([*lines, ""])


def _check(check: Check) -> str:
    return f"- check {check.name}: {'passed' if check.passed else 'failed'} {line(check.detail)}"


def attempt_path(key: AttemptKey) -> str:
    """Return where the full record of an attempt lies on the audit branch."""
    swi = "" if key.ref.swi is None else f"-swi{key.ref.swi}"
    return f"attempts/{key.ref.node}{swi}-{key.attempt}.jsonl"
