"""The report of a run that stopped: what happened, what it cost, what a person can do (ENG-57)."""

from collections.abc import Sequence

from cogworks.model.errors import FailureCategory
from cogworks.model.money import dollars
from cogworks.model.outcome import Outcome
from cogworks.model.state import Failure, NodeStatus, RunState
from cogworks.pages.quoting import line, quoted

_ADVICE: dict[FailureCategory, str] = {
    FailureCategory.RETRY_EXHAUSTED: "make the sub-work-item or its interface clearer, then comment `/cogworks run`",
    FailureCategory.REWORK_EXHAUSTED: "settle the findings in the specification, then comment `/cogworks run`",
    FailureCategory.TRAVERSALS_EXHAUSTED: "settle the review findings with the team, then comment `/cogworks run`",
    FailureCategory.SEMANTIC_STALL: "revise specification, interface or prompt, then `/cogworks run`",
    FailureCategory.FLAKY_TEST: "the same code passes and fails: make the test deterministic, then `/cogworks run`",
    FailureCategory.BUDGET_EXCEEDED: "raise `[budgets]` in `config.toml` or split the item, then `/cogworks run`",
    FailureCategory.GATE_REJECTED: "the pull request was closed: say what to change in a review, then `/cogworks run`",
    FailureCategory.SCOPE_THRESHOLD: "`/cogworks approve scope` to go on, `/cogworks reject scope`, or split the item",
    FailureCategory.SCOPE_UNDERSPECIFIED: "answer with `/cogworks clarify <text>`, or add detail, then `/cogworks run`",
    FailureCategory.GRAPH_CHANGED: (
        "`/cogworks run --accept-graph` to go on with the new pipeline, or `/cogworks restart` to begin anew"
    ),
    FailureCategory.CONFIG_ERROR: "fix the file, check it with `cogworks config check`, then `/cogworks run`",
    FailureCategory.CONSTITUTION_MISSING: "restore the rules by a reviewed pull request, then `/cogworks run`",
    FailureCategory.SERVICE_UNAVAILABLE: "check the service with `cogworks health`, then `/cogworks run`",
    FailureCategory.GITHUB_ERROR: "check the token's rights with `cogworks health --all`, then `/cogworks run`",
    FailureCategory.LLM_ERROR: "mend what the provider refused (key, billing, or as it says), then `/cogworks run`",
}


def render_failure(state: RunState, failure: Failure, attempts: Sequence[tuple[int, Outcome]]) -> str:
    """Return the report for ``failure``; ``attempts`` are those of the failed node, oldest first."""
    swi = f" · SWI {failure.swi}" if failure.swi else ""
    return "\n".join(
        [
            f"### Stopped at {failure.node}{swi}: `{failure.category}`",
            f"Run `{state.run_id}`. {line(failure.message, limit=1000)}",
            "",
            f"**What you can do:** {_ADVICE.get(failure.category, 'settle the cause, then comment `/cogworks run`')}.",
            "",
            *_attempts(attempts),
            *_traversals(state),
            *_blocked(state),
            (
                f"**Cost:** {dollars(state.cost.microusd)} of {dollars(state.cost.limit_microusd)}, "
                f"{state.cost.tokens:,} of {state.cost.limit_tokens:,} tokens."
            ),
            *_links(state),
        ]
    )


def _attempts(attempts: Sequence[tuple[int, Outcome]]) -> list[str]:
    if not attempts:
        return []
    lines = ["| Attempt | Ended | Result | First finding | Output |", "|---|---|---|---|---|"]
    for number, outcome in attempts:
        first = next((str(d) for d in (*outcome.diagnostics, *outcome.findings)), outcome.message)
        ended = f"{outcome.ended_at:%H:%M:%SZ}" if outcome.ended_at else "-"
        lines.append(
            f"| {number} | {ended} | {outcome.result} | {line(first, limit=200)} | {outcome.output_hash[:12]} |"
        )
    history = [quoted(str(f.description), limit=600) for _, outcome in attempts for f in outcome.findings]
    return [*lines, "", *(["**Findings:**", "", *history[:20], ""] if history else [])]


def _traversals(state: RunState) -> list[str]:
    edges = [(f"{edge}", at.traversals) for edge, at in state.edges.items() if at.traversals]
    for swi in state.sub_work_items:
        edges += [(f"{edge} (SWI {swi.ordinal})", at.traversals) for edge, at in swi.edges.items() if at.traversals]
    return (
        [f"**Rework edges:** {', '.join(f'{name} taken {count} times' for name, count in edges)}.", ""] if edges else []
    )


def _blocked(state: RunState) -> list[str]:
    blocked = [f"{node}" for node, at in state.nodes.items() if at.status is NodeStatus.BLOCKED]
    blocked += [f"SWI {swi.ordinal}" for swi in state.sub_work_items if swi.status == "blocked"]
    return [f"**Blocked:** {', '.join(blocked)}.", ""] if blocked else []


def _links(state: RunState) -> list[str]:
    pulls = [f"#{artifact.ref} ({slot})" for slot, artifact in state.artifacts.items() if artifact.kind == "pr"]
    pulls += [f"#{swi.pr} (SWI {swi.ordinal})" for swi in state.sub_work_items if swi.pr]
    return ["", f"**Pull requests left open:** {', '.join(pulls)}."] if pulls else []
