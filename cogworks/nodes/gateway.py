"""One call to a model: never over budget, never paid twice (LLM-01, LLM-09, LLM-17, RUN-11).

Order: memo, rules check, estimate, reserve, send, memo again, commit. A crash between any two costs at most the
reservation, which then counts as spent until it is reconciled.
"""

from dataclasses import dataclass

from pydantic import TypeAdapter

from cogworks.model.errors import (
    BudgetExceeded,
    DependencyUnavailable,
    FailureCategory,
    LlmError,
    LlmTooLarge,
    LlmTransient,
    RateLimited,
    Transient,
)
from cogworks.model.json_value import sha256_json, sha256_text
from cogworks.model.llm import LlmAnswer, LlmRequest
from cogworks.model.state import Cost
from cogworks.nodes.job import Job, Workshop
from cogworks.policy.backoff import backoff_s
from cogworks.policy.constitution import violation
from cogworks.policy.llm_request import counted_bytes, estimate_tokens, request_body
from cogworks.policy.prices import cost_microusd, worst_case
from cogworks.ports.runtime import Grant, SpendingLimits

_ANSWER: TypeAdapter[LlmAnswer] = TypeAdapter(LlmAnswer)
_BUSY_POLL_S = 0.2
_COUNT_ABOVE_WINDOW = 0.7
_COUNT_ABOVE_BUDGET = 0.5
_RESERVATION_GRACE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An answer with what it cost and how it was come by."""

    answer: LlmAnswer
    cost: Cost
    reserved: Cost
    transport_attempts: int
    remembered: bool
    latency_ms: int


def call_id_of(job: Job, request: LlmRequest, *, turn: int) -> str:
    """Return the call key: the same attempt asking the same thing has the same key, on every worker (RUN-11)."""
    identity = request.identity
    body = sha256_json(request_body(request))
    return sha256_text(f"{job.key}\n{identity.purpose}\n{identity.template}\n{turn}\n{body}")


def send(job: Job, shop: Workshop, request: LlmRequest, *, turn: int) -> Sent:
    """Send ``request`` once, as part of ``job``, and return the answer; raise the LLM leaves or BudgetExceeded."""
    shop.guard()
    call_id = call_id_of(job, request, turn=turn)
    started = shop.clock.monotonic()
    noted = shop.memo.get(call_id)
    if noted is not None:
        answer, reserved, tries = _ANSWER.validate_json(noted), Cost(), 0
    else:
        _check_rules(job, request)
        reserved = _reserve(job, shop, request, call_id)
        answer, tries = _transport(job, shop, request, call_id)
        shop.memo.put(call_id, _ANSWER.dump_json(answer).decode())
    cost = Cost(
        microusd=cost_microusd(answer.usage, request.model, cache_ttl=request.cache_ttl), tokens=answer.usage.total
    )
    shop.ledger.commit(job.key.item, call_id=call_id, node=job.node.id, actual=cost)
    shop.tally.cost = shop.tally.cost + cost
    shop.tally.booked[call_id] = cost
    shop.tally.llm_calls += 1
    return Sent(
        answer=answer,
        cost=cost,
        reserved=reserved,
        transport_attempts=tries,
        remembered=noted is not None,
        latency_ms=round((shop.clock.monotonic() - started) * 1000),
    )


def _check_rules(job: Job, request: LlmRequest) -> None:
    """Refuse to send anything that does not start with the approved rules (PRM-01)."""
    if not request.system or sha256_text(request.system[0].text) != job.constitution.sha256:
        raise violation("CONSTITUTIONAL_RULES_MISSING", "the request does not start with the approved rules")


def _reserve(job: Job, shop: Workshop, request: LlmRequest, call_id: str) -> Cost:
    """Hold the worst case of the call; wait for a free place, refuse what would pass a limit."""
    tokens = _input_tokens(job, shop, request)
    ask = worst_case(
        request.model, input_tokens=tokens, max_output=request.max_output_tokens, cache_ttl=request.cache_ttl
    )
    if tokens > job.config.llm.max_call_tokens:
        raise LlmTooLarge(f"{tokens} input tokens, llm.max_call_tokens allows {job.config.llm.max_call_tokens}")
    limits = SpendingLimits(
        run_microusd=job.state.cost.limit_microusd,
        run_tokens=job.state.cost.limit_tokens,
        node_microusd=job.node.cost_limit,
        concurrent_calls=job.pipeline.max_concurrent_llm_calls,
    )
    while True:
        grant = shop.ledger.reserve(
            job.key.item,
            call_id=call_id,
            node=job.node.id,
            ask=ask,
            ttl_s=request.timeout_s + _RESERVATION_GRACE_S,
            limits=limits,
        )
        if grant is Grant.GRANTED:
            return ask
        if grant is not Grant.BUSY:
            raise BudgetExceeded(f"the next call could cost {ask.microusd} micro-dollars: {grant}", limit=str(grant))
        shop.guard()
        shop.ledger.expire(job.key.item)
        shop.clock.sleep(_BUSY_POLL_S)


def _input_tokens(job: Job, shop: Workshop, request: LlmRequest) -> int:
    """Return the estimate, or the provider's own count when the call is big for its window or budget (LLM-18)."""
    estimate = estimate_tokens(counted_bytes(request_body(request)))
    left = job.state.cost.limit_tokens - job.state.cost.tokens
    big = estimate > request.model.context_window * _COUNT_ABOVE_WINDOW or estimate > left * _COUNT_ABOVE_BUDGET
    return shop.llm.count(request) if big else estimate


def _transport(job: Job, shop: Workshop, request: LlmRequest, call_id: str) -> tuple[LlmAnswer, int]:
    """Send until answered; the identical request each time. Raise DependencyUnavailable when that is spent."""
    limit = job.config.llm.transport_max_attempts
    for tries in range(1, limit + 1):
        # Whoever stood still since the reservation may have been replaced, and the other may have paid already.
        shop.guard()
        try:
            return shop.llm.call(request), tries
        except (RateLimited, LlmTransient) as error:
            wait = _wait_s(job, shop, error, tries)
            if tries == limit or wait > job.config.llm.inline_wait_max_seconds:
                if not _may_have_been_answered(error):
                    shop.ledger.release(job.key.item, call_id=call_id)
                raise _unavailable(error, wait) from error
            shop.clock.sleep(wait)
        except LlmError as error:
            _settle_refused(job, shop, request, call_id, error)
            raise
    raise AssertionError("unreachable: the loop returns or raises")


def _may_have_been_answered(error: Transient) -> bool:
    """Tell whether the call may have been paid for: its worst case then stays booked as unreconciled (RUN-17)."""
    return isinstance(error, LlmTransient) and error.kind == "timeout"


def _settle_refused(job: Job, shop: Workshop, request: LlmRequest, call_id: str, error: LlmError) -> None:
    """Book what a refused call was billed, or free its reservation when it was not."""
    if error.usage is None:
        shop.ledger.release(job.key.item, call_id=call_id)
        return
    microusd = cost_microusd(error.usage, request.model, cache_ttl=request.cache_ttl)
    cost = Cost(microusd=microusd, tokens=error.usage.total)
    shop.ledger.commit(job.key.item, call_id=call_id, node=job.node.id, actual=cost)
    shop.tally.cost = shop.tally.cost + cost
    shop.tally.booked[call_id] = cost


def _wait_s(job: Job, shop: Workshop, error: Transient, tries: int) -> float:
    settings = job.config.llm
    asked = error.retry_after_s
    if isinstance(error, RateLimited) and asked is None and error.reset_at is not None:
        asked = max(0.0, (error.reset_at - shop.clock.now()).total_seconds())
    return backoff_s(
        tries,
        jitter=shop.ids.jitter(),
        retry_after_s=asked,
        base_s=settings.backoff_base_seconds,
        cap_s=settings.backoff_cap_seconds,
    )


def _unavailable(error: Transient, wait_s: float) -> DependencyUnavailable:
    reason = "rate_limit" if isinstance(error, RateLimited) else "outage"
    return DependencyUnavailable(
        f"the model provider: {error.message}",
        category=FailureCategory.LLM_ERROR,
        reason=reason,
        retry_after_s=max(wait_s, 1.0),
    )
