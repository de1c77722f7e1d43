"""The one function from an error to what happens next (20 section 7)."""

from enum import StrEnum

from cogworks.model import errors


class Decision(StrEnum):
    """What an error leads to."""

    RETRY_CALL = "retry_call"
    WAIT = "wait"
    NODE_RETRY = "node_retry"
    NODE_FAILS = "node_fails"
    HOLD = "hold"
    CLARIFY = "clarify"
    STOP_QUIETLY = "stop_quietly"


_CLARIFY = {errors.FailureCategory.SCOPE_UNDERSPECIFIED, errors.FailureCategory.SCOPE_AMBIGUOUS}


def decide_on(error: errors.CogWorksError) -> Decision:
    """Return what ``error`` leads to; an unknown kind of ours fails the node."""
    match error:
        case errors.PolicyViolation(category=errors.FailureCategory.INJECTION_DETECTED):
            return Decision.HOLD
        case errors.PolicyViolation(category=category) if category in _CLARIFY:
            return Decision.CLARIFY
        case errors.Transient():
            return Decision.RETRY_CALL
        case errors.DependencyUnavailable():
            return Decision.WAIT
        case errors.ValidationFailed():
            return Decision.NODE_RETRY
        case errors.LeaseConflict() | errors.StaleFence() | errors.Cancelled():
            return Decision.STOP_QUIETLY
        case _:
            return Decision.NODE_FAILS
