"""What a person reads when a gate waits, when a run is held or asks something, and when money runs low."""

from cogworks.model.ids import END_TO_END, NodeRef
from cogworks.model.money import dollars
from cogworks.model.state import RunState
from cogworks.pages.quoting import inert


def render_gate(state: RunState, ref: NodeRef, *, pull: str | None) -> str:
    """Return what to look at and how to answer."""
    name = ref.node if ref.swi is None else f"{ref.node} swi {ref.swi}"
    if ref.node == END_TO_END:
        how = "Read the traceability matrix in the summary. Comment `/cogworks sign-off` to accept it."
    elif pull:
        how = f"Read #{pull}, change what you like on its branch, and merge or approve it. Close it to reject."
    else:
        how = f"Comment `/cogworks approve {name}` or `/cogworks reject {name} <reason>`."
    return f"### {ref} waits for you\n{how}\nSpent so far: {dollars(state.cost.microusd)}.\n"


def render_hold(found: str) -> str:
    """Return why a run is held and what people can do about it (GH-14)."""
    return (
        f"### On hold\n{inert(found)}\n\n"
        "False alarm: comment `/cogworks release-hold <why it is one>` (20 characters or more), then take the hold "
        "label away. "
        "True: leave the label, comment `/cogworks contaminated <reason>`, and take the trigger label away.\n"
    )


def render_question(question: str) -> str:
    """Return what the run asks and how to answer."""
    return (
        f"### A question about the scope\n{inert(question)}\n\n"
        "Comment `/cogworks clarify <text>`: the node reads it and goes on.\n"
    )


def render_budget(state: RunState, level: int) -> str:
    """Return the alert for passing ``level`` percent of the budget (CST-02)."""
    left = state.cost.limit_microusd - state.cost.microusd
    return (
        f"### {level} % of the budget is used\n"
        f"Spent {dollars(state.cost.microusd)} and {state.cost.tokens:,} tokens; {dollars(left)} and "
        f"{state.cost.limit_tokens - state.cost.tokens:,} tokens are left. At 100 % no further call is sent.\n"
    )
