"""One question to a model, with tools if it has any, answered by a checked value (LLM-05, LLM-06, TOOL-08)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pydantic import ValidationError

from cogworks.model.errors import FailureCategory, InvalidOutput, LlmRefused, LlmTooLarge, PolicyViolation, Truncated
from cogworks.model.json_value import JsonObject, JsonValue, sha256_json
from cogworks.model.llm import (
    AssistantTurn,
    CallIdentity,
    LlmAnswer,
    LlmRequest,
    Purpose,
    ToolResult,
    Turn,
    UserTurn,
)
from cogworks.model.outputs import SCHEMAS, Output
from cogworks.nodes.gateway import Sent, call_id_of, send
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.material import scanned
from cogworks.nodes.prompt import Prompt, feedback_item, feedback_text, system_blocks
from cogworks.nodes.recording import record
from cogworks.policy.context import BYTES_PER_TOKEN, ContextItem, assemble
from cogworks.policy.llm_request import request_body
from cogworks.policy.secrets import redact, redact_value
from cogworks.tools.bench import Bench
from cogworks.tools.dispatch import call_tool
from cogworks.tools.profiles import Toolset

OutputT = TypeVar("OutputT", bound=Output)

_MAX_PROBLEMS = 20
_NO_TOOLS = Toolset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: a template with its values, material, tools, and for which purpose."""

    template: str
    purpose: Purpose
    values: dict[str, str]
    items: Sequence[ContextItem]
    task: str
    toolset: Toolset = _NO_TOOLS
    bench: Bench | None = None
    with_feedback: bool = False
    technical_retries: int = 0
    extra: tuple[str, ...] = field(default=())


def ask(job: Job, shop: Workshop, question: Question, schema: type[OutputT]) -> OutputT:
    """Return the model's answer as ``schema``; raise InvalidOutput or Truncated when it is none.

    ``technical_retries`` is for calls that have retries of their own (ALN-05); a node's own question has none,
    because its retries are attempts.
    """
    extra: tuple[str, ...] = ()
    for left in range(question.technical_retries, -1, -1):
        try:
            return _ask_once(job, shop, replace(question, extra=extra), schema)
        except InvalidOutput as error:
            if not left:
                raise
            extra = (*extra, "Your answer was rejected:\n" + "\n".join(error.problems))
    raise AssertionError("unreachable: the loop returns or raises")


def _ask_once(job: Job, shop: Workshop, question: Question, schema: type[OutputT]) -> OutputT:
    request = _request(job, shop, question)
    for turn in range(job.config.tools.max_turns):
        _check_time(shop)
        sent = _sent(job, shop, request, question, turn=turn)
        answer = sent.answer
        if not answer.tool_calls:
            return _checked(answer, schema)
        request = _continued(job, shop, request, question, answer)
    raise Truncated(f"no answer after {job.config.tools.max_turns} turns", problems=("/: the tool loop did not end",))


def _request(job: Job, shop: Workshop, question: Question) -> LlmRequest:
    template = shop.templates[question.template]
    model = job.config.model(question.purpose)
    if question.purpose == "generate" and job.node.model:
        model = job.config.llm.models[job.node.model]
    shop.tally.model = model.id
    system = system_blocks(job.constitution, template.render(question.values))
    overhead = sum(len(block.text.encode()) for block in system) // BYTES_PER_TOKEN
    room = min(model.context_window, job.config.llm.max_call_tokens) - overhead - model.asked_output_tokens
    package = assemble([scanned(job, item) for item in question.items], budget_tokens=max(room, 1))
    manifest: JsonObject = {
        "sha256": package.manifest_sha256,
        "template": template.name,
        "items": [item.id for item in package.kept],
        "dropped": [f"{gone.id}: {gone.reason}" for gone in package.dropped],
    }
    record(job, shop, "attempt.context", manifest)
    told = _feedback(job) if question.with_feedback else ""
    prompt = Prompt(
        material=package.texts, task=question.task, feedback="\n\n".join(x for x in (told, *question.extra) if x)
    )
    return LlmRequest(
        model=model,
        system=system,
        tools=tuple(tool.spec() for tool in question.toolset.tools),
        turns=(prompt.turn(),),
        schema_name=template.schema,
        schema=SCHEMAS[template.schema],
        max_output_tokens=model.asked_output_tokens,
        cache_ttl=job.config.llm.cache_ttl,
        identity=_identity(job, question),
        timeout_s=float(job.config.llm.request_timeout_seconds),
    )


def _feedback(job: Job) -> str:
    """Return what earlier attempts teach; it holds others' words, so it is scanned like any material (INJ-01)."""
    item = feedback_item(job.feedback)
    return feedback_text(job.feedback, scanned(job, item)) if item else ""


def _identity(job: Job, question: Question) -> CallIdentity:
    return CallIdentity(
        call_id="",
        run_id=job.key.run_id,
        work_item=job.key.item.number,
        node=job.key.ref.node,
        sub_work_item=job.key.ref.swi,
        purpose=question.purpose,
        template=question.template,
        loop=job.feedback.loop,
        attempt=job.key.attempt,
        trace_id=job.trace_id,
    )


def _sent(job: Job, shop: Workshop, request: LlmRequest, question: Question, *, turn: int) -> Sent:
    """Send one turn; an answer cut at the output limit is asked for once more with twice the room (LLM-08)."""
    sent = _send_recorded(job, shop, request, question, turn=turn)
    if sent.answer.stop_reason == "max_tokens":
        doubled = min(request.max_output_tokens * 2, request.model.max_output_tokens)
        if doubled > request.max_output_tokens:
            sent = _send_recorded(job, shop, replace(request, max_output_tokens=doubled), question, turn=turn)
    if sent.answer.stop_reason == "max_tokens":
        raise Truncated("the answer was cut at the output limit", problems=("/: the answer is too long",))
    return sent


def _send_recorded(job: Job, shop: Workshop, request: LlmRequest, question: Question, *, turn: int) -> Sent:
    started = shop.clock.now()
    call_id = call_id_of(job, request, turn=turn)
    request = replace(request, identity=replace(request.identity, call_id=call_id))
    sent = send(job, shop, request, turn=turn)
    if sent.answer.stop_reason == "refusal":
        raise LlmRefused(sent.answer.output or "the model refused to answer")
    if sent.answer.stop_reason == "model_context_window_exceeded":
        raise LlmTooLarge("the prompt is over the model's window")
    usage = sent.answer.usage
    told: JsonObject = {
        "call_id": call_id,
        "run_id": job.key.run_id,
        "work_item": int(job.key.item.number),
        "sub_work_item": job.key.ref.swi,
        "node": job.key.ref.node,
        "purpose": question.purpose,
        "loop": request.identity.loop,
        "attempt": job.key.attempt,
        "transport_attempts": sent.transport_attempts,
        "model": sent.answer.model,
        "provider_request_id": sent.answer.request_id,
        "stop_reason": sent.answer.stop_reason,
        "template": question.template,
        "template_sha256": shop.templates[question.template].sha256,
        "constitution_sha256": job.constitution.sha256,
        "prompt_sha256": sha256_json(request_body(request)),
        "response_sha256": sha256_json(list(sent.answer.content)),
        "tokens_input": usage.input,
        "tokens_output": usage.output,
        "tokens_cache_write": usage.cache_write,
        "tokens_cache_read": usage.cache_read,
        "cost_microusd": sent.cost.microusd,
        "reserved_microusd": sent.reserved.microusd,
        "tool_calls": len(sent.answer.tool_calls),
        "latency_ms": sent.latency_ms,
        "started_at": started.isoformat(),
        "prompt": redact_value(_said(request, turn=turn)),
        "response": redact_value(list(sent.answer.content)),
    }
    record(job, shop, "llm.call", told)
    return sent


def _said(request: LlmRequest, *, turn: int) -> JsonValue:
    """Return what this turn added to the conversation: everything at first, later the newest two messages."""
    body = request_body(request)
    messages = body["messages"]
    if turn and isinstance(messages, Sequence):
        return list(messages[-2:])
    return {"system": body.get("system"), "messages": messages}


def _continued(job: Job, shop: Workshop, request: LlmRequest, question: Question, answer: LlmAnswer) -> LlmRequest:
    """Run the tools that were asked for, in order, and return the request with their results added."""
    results: list[ToolResult] = []
    for call in answer.tool_calls:
        shop.guard()
        assert question.bench is not None, "tools are only offered with a bench"
        called = call_tool(question.toolset, question.bench, call, scan=lambda text, source: _scan(job, text, source))
        shop.tally.tools[call.name] = shop.tally.tools.get(call.name, 0) + 1
        shop.tally.violations += called.violation
        record(job, shop, "tool.call", called.record)
        results.append(called.result)
    _check_violations(job, shop)
    turns: tuple[Turn, ...] = (*request.turns, AssistantTurn(content=answer.content), UserTurn(results=tuple(results)))
    return replace(request, turns=turns)


def _check_violations(job: Job, shop: Workshop) -> None:
    limit = job.config.tools.scope_violation_threshold
    halts = job.safety or job.config.tools.on_scope_violation_limit == "halt"
    if halts and shop.tally.violations >= limit:
        raise PolicyViolation(
            f"{shop.tally.violations} tool calls outside scope",
            category=FailureCategory.SCOPE_VIOLATION,
            event="SCOPE_VIOLATION",
        )


def _scan(job: Job, text: str, source: str) -> str:
    """Return a tool's result as the model may see it: scanned for orders, secrets removed."""
    item = ContextItem(id=source, kind="tool_result", priority=1, text=text, source=source)
    return redact(scanned(job, item).text)


def _check_time(shop: Workshop) -> None:
    if shop.clock.now() > shop.deadline:
        raise Truncated("the node ran out of time", problems=("/: the node's timeout passed",))


def _checked(answer: LlmAnswer, schema: type[OutputT]) -> OutputT:
    """Return the answer as a value; every fault by its JSON pointer, nothing repaired."""
    if answer.output is None:
        raise InvalidOutput("the model ended without an answer", problems=("/: no structured answer",))
    try:
        return schema.model_validate_json(answer.output)
    except ValidationError as error:
        problems = tuple(f"/{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:_MAX_PROBLEMS])
        raise InvalidOutput("the answer does not fit its schema", problems=problems) from error
