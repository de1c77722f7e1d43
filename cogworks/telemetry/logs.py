"""One line per event on stderr, JSON for machines or text for people (70 section 4)."""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.contextvars import bound_contextvars, get_contextvars

from cogworks.model.errors import CogWorksError, DependencyUnavailable
from cogworks.telemetry.redaction import Redact, redact_value

Level = Literal["debug", "info", "warning", "error"]
Action = Literal[
    "node_start",
    "node_end",
    "llm_call",
    "github_call",
    "domain_call",
    "edge_eval",
    "state_write",
    "lock",
    "ledger",
    "gate",
    "metric",
    "task",
    "dlq",
    "safety_event",
]
Result = Literal["success", "failure", "retry", "skipped", "denied"]

_Event = MutableMapping[str, Any]
_RUN_FIELDS = ("pipeline_id", "run_id", "step_id", "trace_id", "repo")
# They tell at info what was sent where, or at debug what was in it.
_TALKATIVE = (
    *("httpx", "httpx2", "httpcore", "httpcore2", "anthropic", "urllib3", "github", "sentry_sdk"),
    *("celery.beat", "celery.worker.strategy", "celery.app.trace"),
)


class _Quiet(logging.StreamHandler[TextIO]):
    """Writes lines; a full disk or a closed pipe loses the line and nothing else (LOG-02)."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Lose the line."""


def start_logs(*, level: Level, form: Literal["json", "text"], redact: Redact, stream: TextIO | None = None) -> None:
    """Send every log line of this process, libraries included, to ``stream`` (default stderr) in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )

    def redacted(_logger: object, _name: str, event: _Event) -> _Event:
        hidden = redact_value(event, redact)
        assert isinstance(hidden, dict)
        return hidden

    render = structlog.processors.JSONRenderer(ensure_ascii=False) if form == "json" else _as_text
    handler = _Quiet(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _complete, redacted, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def say(
    message: str,
    *,
    action: Action,
    result: Result = "success",
    level: Level = "info",
    error: BaseException | None = None,
    **fields: object,
) -> None:
    """Log one event. ``fields`` are those of 70 section 4, such as ``duration_ms``; prompts and code belong nowhere."""
    told = fields if error is None else {**fields, "error": error_fields(error)}
    structlog.get_logger("cogworks").log(getattr(logging, level.upper()), message, action=action, result=result, **told)


def task_log(action: str, message: str) -> None:
    """Write one line about a run; ``action`` is one of 70 section 4."""
    say(message, action=cast("Action", action))


@contextmanager
def run_context(**fields: object) -> Iterator[None]:
    """Add ``fields`` (``pipeline_id``, ``repo``, ``run_id``, ``node``, …) to every line logged inside the block."""
    with bound_contextvars(**fields):
        yield


def current_context() -> dict[str, object]:
    """Return the fields that ``run_context`` has added here."""
    return dict(get_contextvars())


def error_fields(error: BaseException) -> dict[str, object]:
    """Return an error as the log shows it."""
    known = isinstance(error, CogWorksError)
    return {
        "code": error.code if isinstance(error, CogWorksError) else "unexpected",
        "type": type(error).__name__,
        "message": str(error) if known else f"{error}"[:500],
        "retriable": isinstance(error, DependencyUnavailable),
    }


def _complete(_logger: object, _name: str, event: _Event) -> _Event:
    exc_info = event.pop("exc_info", None)
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif exc_info is True:
        exc_info = sys.exc_info()
    if isinstance(exc_info, tuple) and exc_info[1] is not None:
        event.setdefault("error", error_fields(exc_info[1]))
    event.pop("stack_info", None)
    event["message"] = str(event.pop("event", ""))
    event["level"] = {"critical": "error", "warn": "warning"}.get(event["level"], event["level"])
    for name in _RUN_FIELDS:
        event.setdefault(name, None)
    event.setdefault("action", "task")
    event.setdefault("result", "failure" if event["level"] == "error" else "success")
    return event


def _as_text(_logger: object, _name: str, event: _Event) -> str:
    def shown(name: str, form: str = "{}") -> str:
        return "" if event.get(name) is None else form.format(event[name])

    time = str(event["timestamp"])[11:19] + "Z"
    node = shown("node") + shown("sub_work_item", "/{}")
    tokens = "" if event.get("tokens_input") is None else f"{event['tokens_input']}>{event.get('tokens_output', 0)}tok"
    parts = [
        time,
        str(event["level"]).upper().ljust(5),
        shown("pipeline_id", "#{}"),
        node,
        str(event["action"]),
        str(event["result"]),
        shown("duration_ms", "{}ms"),
        tokens,
        " ".join(str(event["message"]).splitlines()),
        _error_text(event.get("error")),
    ]
    return " ".join(part for part in parts if part)


def _error_text(error: object) -> str:
    if not isinstance(error, dict):
        return ""
    return f"[{error.get('code')}: {' '.join(str(error.get('message', '')).splitlines())}]"
