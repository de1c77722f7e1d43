"""Send one call until it is answered: a turn, a reservation, the identical request, and what a failure means."""

from cogworks.model.errors import (
    BudgetExceeded,
    CogWorksError,
    DependencyUnavailable,
    FailureCategory,
    LlmError,
    LlmTransient,
    RateLimited,
    Transient,
)
from cogworks.model.llm import LlmAnswer, LlmRequest, RateLimits
from cogworks.model.state import Cost
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.taking_turns import Waiting
from cogworks.policy.backoff import backoff_s
from cogworks.policy.prices import cost_microusd
from cogworks.ports.runtime import Grant, SpendingLimits

_BUSY_POLL_S = 0.2
_RESERVATION_GRACE_S = 60.0


class Call:
    """One call until it is answered: the identical request each time it is sent (LLM-07).

    Failures of the transport have a number of tries. Refusals for a limit use up none: they pause the key, and the
    call takes its turn again.
    """

    def __init__(self, job: Job, shop: Workshop, request: LlmRequest, call_id: str, *, ask: Cost) -> None:
        self._job, self._shop, self._request, self._id = job, shop, request, call_id
        self.ask, self.tries = ask, 0
        self.waiting = Waiting(shop=shop, config=job.config, request=request, ticket=call_id, ask=ask)
        self._refusals = 0

    def answer(self) -> LlmAnswer:
        """Send until answered; raise DependencyUnavailable when tries or waits are spent."""
        while True:
            self._take_turn()
            # Whoever stood still since the reservation may have been replaced, and the other may have paid already.
            self._guarded()
            try:
                answer = self._shop.llm.call(self._request)
            except RateLimited as error:
                self._limited(error)
            except LlmTransient as error:
                self._failed(error)
            except BaseException as error:
                self._shop.permits.failed(self._id)
                if isinstance(error, LlmError):
                    _settle_refused(self._job, self._shop, self._request, self._id, error)
                raise
            else:
                self.tries += 1
                self._shop.permits.answered(self._id, answer.limits)
                return answer

    def _guarded(self) -> None:
        """Raise when the attempt is not ours any more; nothing is then held for the call."""
        try:
            self._shop.guard()
        except CogWorksError:
            self._shop.permits.failed(self._id)
            self._release()
            raise

    def _take_turn(self) -> None:
        """Return with a permit and the worst case reserved; while the call waits it holds no reservation."""
        while True:
            self._reserve()
            try:
                turn = self.waiting.turn()
            except DependencyUnavailable:
                self._release()
                raise
            if turn.granted:
                return
            self._release()
            self.waiting.sleep(turn)

    def _reserve(self) -> None:
        """Hold the worst case of the call; wait for a free place, refuse what would pass a limit."""
        job, shop = self._job, self._shop
        limits = SpendingLimits(
            run_microusd=job.state.cost.limit_microusd,
            run_tokens=job.state.cost.limit_tokens,
            node_microusd=job.node.cost_limit,
            concurrent_calls=job.pipeline.max_concurrent_llm_calls,
        )
        ttl_s = self._request.timeout_s + _RESERVATION_GRACE_S
        while True:
            # Whatever Redis lost meanwhile, the ledger knows all that was spent before it grants more (RUN-16).
            shop.spending.settle()
            grant = shop.ledger.reserve(
                job.key.item,
                call_id=self._id,
                holder=shop.spending.holder,
                node=job.node.id,
                ask=self.ask,
                ttl_s=ttl_s,
                limits=limits,
            )
            if grant is Grant.GRANTED:
                return
            if grant is Grant.IN_DOUBT:
                self._lost()
                continue
            # Whoever waits behind this call must not wait for its run's own limits too.
            shop.permits.leave(self._id)
            if grant is not Grant.BUSY:
                text = f"the next call could cost {self.ask.microusd} micro-dollars: {grant}"
                raise BudgetExceeded(text, limit=str(grant))
            shop.guard()
            shop.ledger.expire(job.key.item)
            shop.clock.sleep(_BUSY_POLL_S)

    def _release(self) -> None:
        """Free the reservation of a call that was certainly not sent."""
        self._shop.ledger.release(self._job.key.item, call_id=self._id, holder=self._shop.spending.holder)

    def _lost(self) -> None:
        """Book a call that may have been paid for: its worst case counts as unreconciled (RUN-17)."""
        name = f"{self._id}~{self._shop.ids.uuid()}"
        self._shop.spending.lost(self._id, name=name, node=self._job.node.id, worst=self.ask)

    def _limited(self, error: RateLimited) -> None:
        """Pause the key for everyone (LLM-12); the wait itself is slept by taking the next turn."""
        self._refusals += 1
        wait_s = self._wait_s(error, self._refusals)
        self._release()
        self._shop.permits.limited(self._id, wait_s=wait_s, limits=error.limits or RateLimits())

    def _failed(self, error: LlmTransient) -> None:
        """Back off after a failure of the transport; raise when the tries are spent (LLM-09)."""
        self.tries += 1
        self._shop.permits.failed(self._id)
        wait_s = self._wait_s(error, self.tries)
        if error.kind == "timeout":
            self._lost()
        else:
            self._release()
        settings = self._job.config.llm
        if self.tries == settings.transport_max_attempts or wait_s > settings.inline_wait_max_seconds:
            raise _unavailable(error, wait_s) from error
        self._shop.guard()
        self._shop.clock.sleep(wait_s)

    def _wait_s(self, error: Transient, tries: int) -> float:
        settings = self._job.config.llm
        asked = error.retry_after_s
        if isinstance(error, RateLimited) and asked is None and error.reset_at is not None:
            asked = max(0.0, (error.reset_at - self._shop.clock.now()).total_seconds())
        return backoff_s(
            tries,
            jitter=self._shop.ids.jitter(),
            retry_after_s=asked,
            base_s=settings.backoff_base_seconds,
            cap_s=settings.backoff_cap_seconds,
        )


def _settle_refused(job: Job, shop: Workshop, request: LlmRequest, call_id: str, error: LlmError) -> None:
    """Book what a refused call was billed, or free its reservation when it was not."""
    if error.usage is None:
        shop.ledger.release(job.key.item, call_id=call_id, holder=shop.spending.holder)
        return
    microusd = cost_microusd(error.usage, request.model, cache_ttl=request.cache_ttl)
    cost = Cost(microusd=microusd, tokens=error.usage.total)
    shop.spending.paid(call_id, node=job.node.id, cost=cost)
    shop.tally.cost = shop.tally.cost + cost


def _unavailable(error: LlmTransient, wait_s: float) -> DependencyUnavailable:
    return DependencyUnavailable(
        f"the model provider: {error.message}",
        category=FailureCategory.LLM_ERROR,
        reason="outage",
        retry_after_s=max(wait_s, 1.0),
    )
