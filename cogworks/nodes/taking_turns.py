"""Wait for a turn at the model provider, as long as a run may wait in place (LLM-11 to LLM-14).

The wait is slept in small pieces with a look at the lease between them. What lasts longer than that becomes a wait in
the state, which holds no worker.
"""

from dataclasses import dataclass
from datetime import timedelta

from cogworks.model.config import Config
from cogworks.model.errors import DependencyUnavailable, FailureCategory
from cogworks.model.llm import LlmRequest
from cogworks.model.state import Cost
from cogworks.nodes.job import Workshop
from cogworks.ports.limits import Pressure, Standing, Turn

PROBE_GRACE_S = 60.0
_PIECE_S = 1.0
_SHORTEST_S = 0.05


@dataclass(slots=True, kw_only=True)
class Waiting:
    """One call's place in the queue, and how long it has waited in all."""

    shop: Workshop
    config: Config
    request: LlmRequest
    ticket: str
    ask: Cost
    waited_s: float = 0.0

    def turn(self) -> Turn:
        """Ask for a permit; raise DependencyUnavailable when the wait is longer than a run may wait in place."""
        turn = self.shop.permits.ask(
            self.ticket,
            low_water=self.config.llm_rate_limit.low_water_fraction,
            needs=self._needs(),
            probe_s=self.request.timeout_s + PROBE_GRACE_S,
        )
        if not turn.granted and self._too_long(turn.wait_s):
            self.shop.permits.leave(self.ticket)
            raise self._unavailable(turn)
        return turn

    def sleep(self, turn: Turn) -> None:
        """Sleep a piece of the wait, then look whether the attempt is still ours."""
        piece = min(max(turn.wait_s, _SHORTEST_S), _PIECE_S)
        self.shop.clock.sleep(piece)
        self.waited_s += piece
        try:
            self.shop.guard()
        except Exception:
            self.shop.permits.leave(self.ticket)
            raise

    def _needs(self) -> dict[str, int]:
        output = self.request.max_output_tokens
        prompt = max(0, self.ask.tokens - output)
        return {"requests": 1, "tokens": self.ask.tokens, "input_tokens": prompt, "output_tokens": output}

    def _too_long(self, wait_s: float) -> bool:
        in_all = self.config.llm_rate_limit.halt_threshold_minutes * 60
        return wait_s > self.config.llm.inline_wait_max_seconds or self.waited_s + wait_s > in_all

    def _unavailable(self, turn: Turn) -> DependencyUnavailable:
        until = self.shop.clock.now() + timedelta(seconds=turn.wait_s)
        return DependencyUnavailable(
            f"the model provider's rate limit: {_limit(turn.standing)}; "
            f"the call waits {turn.wait_s:.0f} s, until {until:%Y-%m-%d %H:%M:%S} UTC",
            category=FailureCategory.LLM_ERROR,
            reason="rate_limit",
            retry_after_s=max(turn.wait_s, 1.0),
        )


def _limit(at: Standing) -> str:
    left = f"{at.remaining} of {at.limit} {at.kind.replace('_', ' ')} are left" if at.kind else ""
    refused = "it refused a call" if at.pressure in (Pressure.PAUSED, Pressure.PROBING) else ""
    return ", ".join(part for part in (refused, left) if part)
