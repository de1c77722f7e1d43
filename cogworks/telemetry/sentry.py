"""Errors for Sentry, when the operator names a DSN: few, and without a word of the work (70 section 9)."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import sentry_sdk
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.types import Event, Hint

from cogworks.model.errors import (
    BudgetExceeded,
    Cancelled,
    CogWorksError,
    ConfigError,
    DependencyUnavailable,
    FailureCategory,
    LeaseConflict,
    PolicyViolation,
    ToolRefused,
    Transient,
    ValidationFailed,
)
from cogworks.telemetry.logs import current_context, error_fields
from cogworks.telemetry.redaction import Redact

TRACES_SAMPLE_RATE = 0.05
SHUTDOWN_TIMEOUT_S = 2
EVENTS_PER_HOUR = 10
_HOUR_S = 3600.0
_MAX_CHARACTERS = 200

_TAGS = {"sub_work_item": "swi"} | {
    name: name
    for name in ("error_code", "repo", "pipeline_id", "run_id", "trace_id", "node", "task", "queue", "attempt")
}
_KEPT = (
    *("event_id", "timestamp", "start_timestamp", "level", "platform", "environment", "release", "sdk", "type"),
    *("exception", "message", "logentry", "transaction"),
    *("monitor_slug", "monitor_config", "check_in_id", "status", "duration"),
)
_UNSENT = (
    *(Transient, DependencyUnavailable, ValidationFailed, BudgetExceeded),
    *(LeaseConflict, ToolRefused, Cancelled, ConfigError),
)
_SENT_VIOLATIONS = frozenset(
    {
        FailureCategory.INJECTION_DETECTED,
        FailureCategory.PROTECTED_PATH_VIOLATION,
        FailureCategory.CONSTITUTION_MISSING,
    }
)

_Fields = dict[str, Any]


class EventFilter:
    """Decides which errors are sent and takes everything out of them that is not needed to find the fault."""

    def __init__(self, *, redact: Redact, monotonic: Callable[[], float]) -> None:
        self.suppressed: dict[str, int] = {}
        self._redact = redact
        self._monotonic = monotonic
        self._sent: dict[str, list[float]] = {}

    def before_send(self, event: Event, hint: Hint) -> Event | None:
        """Return the event as it may leave, or None."""
        exc_info = hint.get("exc_info")
        error = exc_info[1] if exc_info else None
        if error is not None and not is_sent(error):
            return None
        tags = _tags(error)
        kind = type(error).__name__ if error is not None else "message"
        fingerprint = [tags.get("error_code", "message"), tags.get("node", ""), kind]
        if not self._may_send(" ".join(fingerprint)):
            return None
        return cast(Event, {**self._scrubbed(event), "tags": tags, "fingerprint": fingerprint})

    def before_send_transaction(self, event: Event, _hint: Hint) -> Event:
        """Return a trace without anything but its name and times."""
        kept = {**self._scrubbed(event), "tags": _tags(None), "spans": [], "contexts": _trace_only(event)}
        return cast(Event, kept)

    def _may_send(self, key: str) -> bool:
        now = self._monotonic()
        recent = [at for at in self._sent.get(key, []) if now - at < _HOUR_S]
        allowed = len(recent) < EVENTS_PER_HOUR
        self._sent[key] = [*recent, now] if allowed else recent
        if not allowed:
            self.suppressed[key] = self.suppressed.get(key, 0) + 1
        return allowed

    def _scrubbed(self, event: Event) -> _Fields:
        kept = {key: value for key, value in cast(_Fields, event).items() if key in _KEPT}
        for one in kept.get("exception", {}).get("values", []):
            one["value"] = self._short(one.get("value"))
            one.pop("mechanism", None)
            for frame in one.get("stacktrace", {}).get("frames", []):
                for part in ("vars", "pre_context", "context_line", "post_context", "abs_path"):
                    frame.pop(part, None)
        if "message" in kept:
            kept["message"] = self._short(kept["message"])
        if "logentry" in kept:
            kept["logentry"] = {"message": self._short(kept["logentry"].get("message"))}
        return kept

    def _short(self, text: object) -> str:
        # Only the first line: what validation errors and the like quote comes after it.
        return self._redact(str(text or "").partition("\n")[0])[:_MAX_CHARACTERS]


def is_sent(error: BaseException) -> bool:
    """Tell whether ``error`` is one that an operator must look at."""
    if isinstance(error, PolicyViolation):
        return error.category in _SENT_VIOLATIONS
    return not isinstance(error, _UNSENT)


def start_sentry(
    dsn: str | None,
    *,
    environment: str,
    release: str,
    events: EventFilter,
    unwatched_beat_tasks: Sequence[str] = (),
    transport: Any = None,
) -> bool:
    """Report errors to ``dsn``; without one nothing is ever called. ``unwatched_beat_tasks`` run too often to watch."""
    if not dsn:
        return False
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release,
        transport=transport,
        # No others: those of the model SDK, HTTP and Redis would send what we must not.
        auto_enabling_integrations=False,
        integrations=[
            CeleryIntegration(monitor_beat_tasks=True, exclude_beat_tasks=list(unwatched_beat_tasks)),
            LoggingIntegration(level=None, event_level=None),
        ],
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        traces_sample_rate=TRACES_SAMPLE_RATE,
        shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        before_send=events.before_send,
        before_send_transaction=events.before_send_transaction,
    )
    return True


def report(error: BaseException) -> str | None:
    """Report ``error``, if it is one to be sent; return the id of the event, None when none was sent."""
    return sentry_sdk.capture_exception(error)


def report_message(message: str) -> str | None:
    """Report something that is no exception, such as beat's silence; ``message`` is a fixed sentence."""
    return sentry_sdk.capture_message(message, level="error")


def _tags(error: BaseException | None) -> dict[str, str]:
    context = current_context()
    tags = {tag: str(context[name]) for name, tag in _TAGS.items() if context.get(name) is not None}
    if error is not None:
        fields = error_fields(error)
        code = error.category if isinstance(error, CogWorksError) and error.category else fields["code"]
        tags |= {"error_code": str(code), "retriable": str(fields["retriable"]).lower()}
    return tags


def _trace_only(event: Event) -> _Fields:
    trace = cast(_Fields, event).get("contexts", {}).get("trace", {})
    return {"trace": {key: trace[key] for key in ("trace_id", "span_id", "op", "status") if key in trace}}
