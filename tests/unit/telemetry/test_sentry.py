"""What goes to Sentry, and what never does (70 section 9)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from cogworks.model.dead_letter import DeadLetter, LetterError, Reason, Stage
from cogworks.model.errors import (
    BranchDiverged,
    BudgetExceeded,
    Cancelled,
    DependencyUnavailable,
    FailureCategory,
    InvalidOutput,
    LeaseConflict,
    PolicyViolation,
    RateLimited,
    StaleFence,
)
from cogworks.model.ids import NodeId, RunId
from cogworks.telemetry.alarms import letter_report
from cogworks.telemetry.logs import run_context
from cogworks.telemetry.sentry import EventFilter, is_sent, report, report_message, start_sentry

CANARY = "canary-0123456789"


class Mailbox(Transport):
    """Keeps what would have been sent."""

    sent: list[Envelope]

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.sent = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope)

    def events(self) -> list[Any]:
        return [item.payload.json for envelope in self.sent for item in envelope.items if item.type == "event"]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    events = EventFilter(redact=lambda text: text.replace(CANARY, "[REDACTED:x]"), monotonic=lambda: 0.0)
    with sentry_sdk.isolation_scope():
        assert start_sentry("http://k@127.0.0.1:9/1", environment="test", release="1", events=events, transport=box)
        yield box
        sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)


def raised(error: Exception) -> Exception:
    secret_local = f"prompt {CANARY}"
    assert secret_local
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - any error, to be reported with its traceback
        return caught


def test_an_unexpected_error_goes_out_with_tags_and_without_the_work(mailbox: Mailbox) -> None:
    with run_context(repo="o/r", pipeline_id=42, node="planning", sub_work_item=3, title="my issue text"):
        sentry_sdk.set_extra("celery-job", {"args": ["my issue text"]})
        assert report(raised(ValueError(f"{CANARY} went wrong\nmy issue text")))

    [event] = mailbox.events()
    text = json.dumps(event)
    assert event["tags"] == {
        "repo": "o/r", "pipeline_id": "42", "node": "planning", "swi": "3", "error_code": "unexpected",
        "retriable": "false",
    }  # fmt: skip
    assert event["fingerprint"] == ["unexpected", "planning", "ValueError"]
    assert event["exception"]["values"][0]["value"] == "[REDACTED:x] went wrong"
    assert "my issue text" not in text
    assert CANARY not in text
    assert "secret_local" not in text
    assert "def raised" not in text


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        pytest.param(KeyError("x"), True, id="unexpected"),
        pytest.param(StaleFence("old"), True, id="a fencing rejection"),
        pytest.param(BranchDiverged("b"), True, id="a permanent failure, which becomes a dead letter"),
        pytest.param(PolicyViolation("p", category=FailureCategory.INJECTION_DETECTED, event="INJECTION"), True,
                     id="an injection"),
        pytest.param(PolicyViolation("p", category=FailureCategory.PROTECTED_PATH_VIOLATION, event="P"), True,
                     id="a protected path"),
        pytest.param(PolicyViolation("p", category=FailureCategory.CONSTITUTION_MISSING, event="C"), True,
                     id="no constitution"),
        pytest.param(PolicyViolation("p", category=FailureCategory.SCOPE_VIOLATION, event="S"), False,
                     id="scope is daily business"),
        pytest.param(RateLimited("r", kind="x"), False, id="a rate limit"),
        pytest.param(InvalidOutput("i"), False, id="bad model output"),
        pytest.param(BudgetExceeded("b", limit="run"), False, id="a budget stop"),
        pytest.param(LeaseConflict("l"), False, id="a lock conflict"),
        pytest.param(Cancelled("c"), False, id="a cancellation"),
        pytest.param(DependencyUnavailable("d", category=FailureCategory.LLM_ERROR), False, id="exit 75"),
    ],
)  # fmt: skip
def test_what_is_sent_as_an_error(error: Exception, sent: bool) -> None:
    assert is_sent(error) == sent


def test_an_hour_holds_ten_of_a_kind_and_the_rest_are_counted() -> None:
    now = 0.0
    events = EventFilter(redact=str, monotonic=lambda: now)

    def send(error: Exception) -> bool:
        return events.before_send({}, {"exc_info": (type(error), error, None)}) is not None

    assert [send(ValueError("x")) for _ in range(12)] == [True] * 10 + [False] * 2
    assert send(KeyError("another kind"))
    assert list(events.suppressed.values()) == [2]
    now = 3601.0
    assert send(ValueError("x"))


def test_a_silent_beat_is_reported_as_a_sentence(mailbox: Mailbox) -> None:
    assert report_message("beat has been silent for 5 minutes")

    [event] = mailbox.events()
    assert event["logentry" if "logentry" in event else "message"]


def test_logged_errors_are_no_events(mailbox: Mailbox) -> None:
    import logging

    logging.getLogger("somewhere").error("text of an issue")

    assert mailbox.events() == []


def test_a_trace_carries_no_spans_and_no_data(mailbox: Mailbox) -> None:
    events = EventFilter(redact=str, monotonic=lambda: 0.0)
    raw: Any = {
        "type": "transaction", "transaction": "t", "extra": {"args": "my text"}, "spans": [{"description": "my text"}],
        "contexts": {"trace": {"trace_id": "1", "span_id": "2", "data": {"q": "my text"}}},
    }  # fmt: skip

    kept = events.before_send_transaction(raw, {})

    assert "my text" not in json.dumps(kept)
    assert kept["contexts"] == {"trace": {"trace_id": "1", "span_id": "2"}}


def test_without_a_dsn_nothing_is_called() -> None:
    events = EventFilter(redact=str, monotonic=lambda: 0.0)

    assert not start_sentry(None, environment="test", release="1", events=events)
    assert report(ValueError("x")) is None
    assert not sentry_sdk.get_client().is_active()


LETTERS = [
    (Reason.INFRASTRUCTURE_FAILURE, True, "workers died"),
    (Reason.PARSE_ERROR, True, "somebody sends what nobody can read"),
    (Reason.POLICY_VIOLATION, True, "a safety rule was broken"),
    (Reason.EXHAUSTED_RETRIES, False, "a model does not get it right"),
    (Reason.VALIDATION_FAILED, False, "a model does not get it right"),
]


@pytest.mark.parametrize(("reason", "sent", "why"), LETTERS)
def test_a_dead_letter_is_sent_as_a_fixed_sentence_unless_it_is_a_bad_answer(
    mailbox: Mailbox, reason: Reason, sent: bool, why: str
) -> None:
    letter = DeadLetter(
        key="a/b#1/r/planning/-/1",
        run=RunId("r"),
        work_item="a/b#1",
        node=NodeId("planning"),
        swi=None,
        stage=Stage.EXEC,
        reason=reason,
        attempt=1,
        starts=5,
        error=LetterError(kind="WorkerLost", code="environment_fault", message=f"text of an issue {CANARY}"),
        traceback_digest="",
        first_seen=datetime(2026, 11, 26, tzinfo=UTC),
        last_seen=datetime(2026, 11, 26, tzinfo=UTC),
        last_owner="",
        sentry_event_id="",
        payload_hash="",
    )
    told = letter_report(to_sentry=True)(letter)

    assert bool(told) is sent, why
    assert len(mailbox.events()) == int(sent)
    for event in mailbox.events():
        assert event["event_id"] == told
        assert event["tags"]["error_code"] == "environment_fault"
        assert event["tags"]["node"] == "planning"
        assert "text of an issue" not in json.dumps(event)


def test_without_a_dsn_no_letter_is_sent(mailbox: Mailbox) -> None:
    letter = DeadLetter(
        key="message/1",
        run=None,
        work_item=None,
        node=None,
        swi=None,
        stage=Stage.INPUT,
        reason=Reason.PARSE_ERROR,
        attempt=0,
        starts=0,
        error=LetterError(kind="ValueError", code="parse_error", message=""),
        traceback_digest="",
        first_seen=datetime(2026, 11, 26, tzinfo=UTC),
        last_seen=datetime(2026, 11, 26, tzinfo=UTC),
        last_owner="",
        sentry_event_id="",
        payload_hash="",
    )
    assert letter_report(to_sentry=False)(letter) == ""
    assert mailbox.events() == []
