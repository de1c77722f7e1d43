"""One call to a model: never over budget, never paid twice (LLM-01, LLM-09, LLM-17, RUN-11).

Order: memo, rules check, estimate, reserve, permit, send, memo again, commit. A crash between any two costs at most the
reservation, which then counts as spent until it is reconciled.
"""

from dataclasses import dataclass

from pydantic import TypeAdapter

from cogworks.model.errors import LlmTooLarge
from cogworks.model.json_value import sha256_json, sha256_text
from cogworks.model.llm import LlmAnswer, LlmRequest
from cogworks.model.state import Cost
from cogworks.nodes.calling import Call
from cogworks.nodes.job import Job, Workshop
from cogworks.policy.constitution import violation
from cogworks.policy.llm_request import counted_bytes, estimate_tokens, request_body
from cogworks.policy.prices import cost_microusd, worst_case

_ANSWER: TypeAdapter[LlmAnswer] = TypeAdapter(LlmAnswer)
_COUNT_ABOVE_WINDOW = 0.7
_COUNT_ABOVE_BUDGET = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An answer with what it cost and how it was come by."""

    answer: LlmAnswer
    cost: Cost
    reserved: Cost
    transport_attempts: int
    remembered: bool
    queue_wait_ms: int
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
    noted = _noted(shop, call_id)
    if noted is not None:
        answer, call = _ANSWER.validate_json(noted), None
    else:
        _check_rules(job, request)
        call = Call(job, shop, request, call_id, ask=_worst_case(job, shop, request))
        answer = call.answer()
        noted_now = _ANSWER.dump_json(answer).decode()
        shop.spending.answers[call_id] = noted_now
        shop.memo.put(call_id, noted_now)
    cost = Cost(
        microusd=cost_microusd(answer.usage, request.model, cache_ttl=request.cache_ttl), tokens=answer.usage.total
    )
    shop.spending.paid(call_id, node=job.node.id, cost=cost)
    shop.tally.cost = shop.tally.cost + cost
    shop.tally.llm_calls += 1
    return Sent(
        answer=answer,
        cost=cost,
        reserved=Cost() if call is None else call.ask,
        transport_attempts=0 if call is None else call.tries,
        remembered=call is None,
        queue_wait_ms=0 if call is None else round(call.waiting.waited_s * 1000),
        latency_ms=round((shop.clock.monotonic() - started) * 1000),
    )


def _noted(shop: Workshop, call_id: str) -> str | None:
    """Return the answer that this owner heard already, or one that an earlier owner left in the memo."""
    own = shop.spending.answers.get(call_id)
    if own is not None:
        return own
    left = shop.memo.get(call_id)
    return None if left is None else shop.spending.remember(call_id, left)


def _check_rules(job: Job, request: LlmRequest) -> None:
    """Refuse to send anything that does not start with the approved rules (PRM-01)."""
    if not request.system or sha256_text(request.system[0].text) != job.constitution.sha256:
        raise violation("CONSTITUTIONAL_RULES_MISSING", "the request does not start with the approved rules")


def _worst_case(job: Job, shop: Workshop, request: LlmRequest) -> Cost:
    """Return the most that the call can cost; raise when it is larger than any call may be."""
    tokens = _input_tokens(job, shop, request)
    if tokens > job.config.llm.max_call_tokens:
        raise LlmTooLarge(f"{tokens} input tokens, llm.max_call_tokens allows {job.config.llm.max_call_tokens}")
    return worst_case(
        request.model, input_tokens=tokens, max_output=request.max_output_tokens, cache_ttl=request.cache_ttl
    )


def _input_tokens(job: Job, shop: Workshop, request: LlmRequest) -> int:
    """Return the estimate, or the provider's own count when the call is big for its window or budget (LLM-18)."""
    estimate = estimate_tokens(counted_bytes(request_body(request)))
    left = job.state.cost.limit_tokens - job.state.cost.tokens
    big = estimate > request.model.context_window * _COUNT_ABOVE_WINDOW or estimate > left * _COUNT_ABOVE_BUDGET
    return shop.llm.count(request) if big else estimate
