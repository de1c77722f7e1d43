"""What a person reads when a gate waits, and when money runs low."""

from cogworks.model.ids import NodeRef
from cogworks.model.money import dollars
from cogworks.model.state import RunState


def render_gate(state: RunState, ref: NodeRef, *, pull: str | None) -> str:
    """Return what to look at and how to answer."""
    if pull:
        how = f"Read #{pull}, change what you like on its branch, and merge or approve it. Close it to reject."
    else:
        name = ref.node if ref.swi is None else f"{ref.node} swi {ref.swi}"
        how = f"Comment `/cogworks approve {name}` or `/cogworks reject {name} <reason>`."
    return f"### {ref} waits for you\n{how}\nSpent so far: {dollars(state.cost.microusd)}.\n"


def render_budget(state: RunState, level: int) -> str:
    """Return the alert for passing ``level`` percent of the budget (CST-02)."""
    left = state.cost.limit_microusd - state.cost.microusd
    return (
        f"### {level} % of the budget is used\n"
        f"Spent {dollars(state.cost.microusd)} and {state.cost.tokens:,} tokens; {dollars(left)} and "
        f"{state.cost.limit_tokens - state.cost.tokens:,} tokens are left. At 100 % no further call is sent.\n"
    )
