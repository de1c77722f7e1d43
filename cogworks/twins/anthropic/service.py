"""Answers messages requests: refuse, replay or follow the script, count and bill."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from cogworks.twins.anthropic import refusals
from cogworks.twins.anthropic.answer import Answer, echo, scripted_answer
from cogworks.twins.anthropic.cache import LIFETIMES, CacheUse, cache_use
from cogworks.twins.anthropic.calls import HEADER, Call, parse_header, read_call
from cogworks.twins.anthropic.catalogue import Model
from cogworks.twins.anthropic.conversation import Chosen, answer_key, choose
from cogworks.twins.anthropic.limits import Limits
from cogworks.twins.anthropic.prices import Usage, cost_microusd
from cogworks.twins.anthropic.request import MessagesRequest, read_request
from cogworks.twins.anthropic.script import ScriptedRule
from cogworks.twins.anthropic.script_rules import ErrorReply
from cogworks.twins.anthropic.store import Logged, Store
from cogworks.twins.anthropic.tokens import input_tokens
from cogworks.twins.anthropic.usage import overridden, read_usage, usage_json, usage_of
from cogworks.twins.anthropic.wire import ApiError, JsonObject, invalid

MESSAGES_PATH = "/v1/messages"
COUNT_PATH = "/v1/messages/count_tokens"
# The most bytes of a request body.
MAX_BODY_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer to be sent; `broken_by` is an error that ends a stream which began well."""

    status: int
    body: JsonObject
    headers: dict[str, str] = field(default_factory=dict)
    stream: bool = False
    broken_by: JsonObject | None = None
    rule: JsonObject | None = None
    replayed: bool = False
    cost_microusd: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One HTTP request."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    extra_bill_microusd: int = 0


class _Scripted(Exception):
    """An error of the script; `message` is the beginning of the stream in which the client meets it, if any."""

    def __init__(self, error: ApiError, *, rule: JsonObject, message: JsonObject | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.rule = rule
        self.message = message


class Service:
    """The provider; without a script it echoes and refuses nothing but a missing key."""

    def __init__(
        self,
        *,
        store: Store,
        models: Mapping[str, Model],
        rules: Sequence[ScriptedRule] | None,
        now: Callable[[], datetime],
    ) -> None:
        """Answer by `rules`, or leniently when there are none."""
        self.store = store
        self.models = models
        self.limits = Limits(store, now=now)
        self._rules = rules
        self._now = now

    @property
    def lenient(self) -> bool:
        """Whether there is no script."""
        return self._rules is None

    @property
    def now(self) -> datetime:
        """The time of the twin's clock."""
        return self._now()

    def handle(self, incoming: Incoming) -> Reply:
        """Answer a messages or count request, and write it to the log."""
        with self.store.transaction():
            seq = self.store.next_seq()
            request_id = f"req_{seq:024d}"
            parsed = _parse(incoming.body)
            reply = self._reply(incoming, parsed, request_id)
            entry = Logged(
                at=self.now.isoformat(),
                path=incoming.path,
                call=parse_header(incoming.headers.get(HEADER)),
                request=parsed,
                status=reply.status,
                answer=reply.broken_by or reply.body,
                rule=reply.rule,
                replayed=reply.replayed,
                cost_microusd=reply.cost_microusd + incoming.extra_bill_microusd,
            )
            headers = {"request-id": request_id, **self.limits.headers(), **reply.headers}
            return Reply(
                status=reply.status, body=reply.body, headers=headers, stream=reply.stream,
                broken_by=reply.broken_by, seq=self.store.log(entry),
            )  # fmt: skip

    def note_unacted(self, incoming: Incoming, *, status: int, kind: str) -> None:
        """Write a request that a fault kept from being answered to the log; `status` 0 is no answer at all."""
        self.store.log(
            Logged(
                at=self.now.isoformat(),
                path=incoming.path,
                call=parse_header(incoming.headers.get(HEADER)),
                request=_parse(incoming.body),
                status=status,
                answer={"type": "fault", "kind": kind},
            )
        )

    def check_access(self, headers: Mapping[str, str]) -> None:
        """Refuse a caller without a key, and, with a script, an unknown API version."""
        bearer = headers.get("authorization", "").removeprefix("Bearer").strip()
        if not bearer and not headers.get("x-api-key", "").strip():
            raise ApiError(401, "x-api-key header or Authorization: Bearer is required")
        if not self.lenient:
            refusals.check_version(headers.get("anthropic-version"))

    def _reply(self, incoming: Incoming, parsed: JsonValue, request_id: str) -> Reply:
        try:
            self.check_access(incoming.headers)
            if len(incoming.body) > MAX_BODY_BYTES:
                raise ApiError(413, "Request exceeds the maximum size")
            self.limits.check()
            if incoming.path == COUNT_PATH:
                return self._count(parsed)
            return self._message(read_request(parsed), read_call(incoming.headers.get(HEADER)), incoming)
        except ApiError as error:
            return Reply(status=error.status, body=error.body(request_id), headers=error.headers())
        except _Scripted as scripted:
            refusal, body = scripted.error, scripted.error.body(request_id)
            if scripted.message is not None:
                return Reply(status=200, body=scripted.message, stream=True, broken_by=body, rule=scripted.rule)
            return Reply(status=refusal.status, body=body, headers=refusal.headers(), rule=scripted.rule)

    def _count(self, parsed: JsonValue) -> Reply:
        request = read_request(parsed, counting=True)
        if not self.lenient:
            refusals.find_model(self.models, request.model, today=self.now.date())
        self.limits.take(Usage())
        return Reply(status=200, body={"input_tokens": input_tokens(request.body)})

    def _message(self, request: MessagesRequest, call: Call, incoming: Incoming) -> Reply:
        model = self.models.get(request.model)
        if not self.lenient:
            model = refusals.find_model(self.models, request.model, today=self.now.date())
            version = incoming.headers.get("anthropic-version", "")
            refusals.check_request(request, model, version=version)
        key = answer_key(request, call)
        before = self.store.answered(key)
        if before is not None:
            return self._billed(*before, request=request, model=model, replayed=True)
        if self._rules is None:
            return self._new(echo(request, seed=key), None, request=request, model=model, key=key)
        chosen = choose(request, call, rules=self._rules, store=self.store)
        if chosen is None:
            header = incoming.headers.get(HEADER) or "absent"
            raise invalid(f"no rule of the script answers this call; X-CogWorks-Call: {header}")
        if chosen.rule.reply.error is not None:
            raise self._refusal(chosen.rule.reply.error, chosen, request=request, model=model, key=key)
        answer = scripted_answer(chosen.rule.reply.step(chosen.turn), request, model=model, seed=key)
        return self._new(answer, chosen, request=request, model=model, key=key)

    def _refusal(
        self, scripted: ErrorReply, chosen: Chosen, *, request: MessagesRequest, model: Model | None, key: str
    ) -> _Scripted:
        error = ApiError(
            scripted.status,
            scripted.message,
            error_type=scripted.type,
            retry_after_seconds=scripted.retry_after,
            error_code=scripted.error_code,
        )
        message: JsonObject | None = None
        if scripted.in_stream and request.stream:
            usage = usage_of(self._cache_use(request, model), output=1)
            message = _message_json(Answer(content=(), stop_reason="end_turn"), usage, model=request.model, key=key)
        return _Scripted(error, rule=chosen.report(), message=message)

    def _cache_use(self, request: MessagesRequest, model: Model | None) -> CacheUse:
        minimum = model.min_cache_tokens if model is not None else 1024
        now = self.now
        return cache_use(request, minimum=minimum, known=lambda sha: self.store.remembers_prefix(sha, now=now))

    def _new(
        self, answer: Answer, chosen: Chosen | None, *, request: MessagesRequest, model: Model | None, key: str
    ) -> Reply:
        used = self._cache_use(request, model)
        usage = usage_of(used, output=answer.output_tokens)
        if chosen is not None and chosen.rule.usage is not None:
            usage = overridden(usage, chosen.rule.usage)
        for sha256, ttl in used.remember:
            self.store.remember_prefix(sha256, until=self.now + LIFETIMES[ttl])
        message = _message_json(answer, usage, model=request.model, key=key)
        rule = None if chosen is None else chosen.report()
        self.store.keep_answer(key, message, rule)
        return self._billed(message, rule, request=request, model=model, replayed=False)

    def _billed(
        self,
        message: JsonObject,
        rule: JsonObject | None,
        *,
        request: MessagesRequest,
        model: Model | None,
        replayed: bool,
    ) -> Reply:
        usage = read_usage(message)
        self.limits.take(usage)
        return Reply(
            status=200,
            body=message,
            stream=request.stream,
            rule=rule,
            replayed=replayed,
            cost_microusd=0 if model is None else cost_microusd(model, usage),
        )


def _message_json(answer: Answer, usage: Usage, *, model: str, key: str) -> JsonObject:
    return {
        "id": f"msg_{key[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": list(answer.content),
        "container": None,
        "stop_reason": answer.stop_reason,
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": None}
        if answer.stop_reason == "refusal"
        else None,
        "usage": usage_json(usage),
    }


def _parse(body: bytes) -> JsonValue:
    try:
        parsed: JsonValue = json.loads(body)
    except ValueError:
        return None
    return parsed
