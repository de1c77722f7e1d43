"""Logs (70 section 4)."""

import base64
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import structlog

from cogworks.model.errors import DependencyUnavailable, FailureCategory, NotFound
from cogworks.telemetry.logs import run_context, say, start_logs
from cogworks.telemetry.redaction import redact_value, redactor

CANARY = "canary/secret+0123456789"
REDACT = redactor({"COGWORKS_LLM_API_KEY": CANARY}, detect=lambda text: text.replace("ghp_found", "[REDACTED:x]"))


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    text = io.StringIO()
    start_logs(level="info", form="json", redact=REDACT, stream=text)
    return text


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_every_field_that_is_always_there(stream: io.StringIO) -> None:
    say("hello", action="lock")

    [line] = lines(stream)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "level": "info", "message": "hello", "action": "lock", "result": "success",
        "pipeline_id": None, "run_id": None, "step_id": None, "trace_id": None, "repo": None,
    }  # fmt: skip


def test_the_run_context_is_on_every_line_inside_the_block(stream: io.StringIO) -> None:
    with run_context(pipeline_id=42, repo="o/r", fencing_token=7):
        say("in", action="task", duration_ms=3)
    say("out", action="task")

    inside, outside = lines(stream)
    assert (inside["pipeline_id"], inside["repo"], inside["fencing_token"], inside["duration_ms"]) == (42, "o/r", 7, 3)
    assert outside["repo"] is None


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        pytest.param(DependencyUnavailable("away", category=FailureCategory.LLM_ERROR),
                     {"code": "dependency_unavailable", "type": "DependencyUnavailable", "message": "away",
                      "retriable": True}, id="the only retriable one"),
        pytest.param(NotFound("gone", operation="get", target="o/r"),
                     {"code": "not_found", "type": "NotFound", "message": "get o/r: gone", "retriable": False},
                     id="one of ours"),
        pytest.param(ValueError("x"), {"code": "unexpected", "type": "ValueError", "message": "x", "retriable": False},
                     id="one of nobody"),
    ],
)  # fmt: skip
def test_an_error_is_shown_by_code_and_type(stream: io.StringIO, error: Exception, shown: dict[str, object]) -> None:
    say("failed", action="node_end", result="failure", level="error", error=error)

    assert lines(stream)[0]["error"] == shown


def test_lines_of_libraries_have_the_same_form(stream: io.StringIO) -> None:
    logging.getLogger("celery.worker").error("lost %s", "it", exc_info=ValueError("boom\nmore"))
    logging.getLogger("httpx").info("HTTP Request: POST http://h/?q=issue+text")

    [line] = lines(stream)
    assert (line["message"], line["result"], line["level"]) == ("lost it", "failure", "error")
    assert line["error"] == {"code": "unexpected", "type": "ValueError", "message": "boom\nmore", "retriable": False}


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(CANARY, id="raw"),
        pytest.param(base64.b64encode(CANARY.encode()).decode(), id="base64"),
        pytest.param(base64.b64encode(f"u:{CANARY}@host".encode()).decode(), id="inside a longer base64"),
        pytest.param(base64.b64encode(f"xx{CANARY}yy".encode()).decode(), id="two bytes in"),
        pytest.param(base64.b64encode(f"x{CANARY}y".encode()).decode(), id="one byte in"),
        pytest.param(quote(CANARY, safe=""), id="URL-encoded"),
        pytest.param("ghp_found", id="what the detector finds"),
    ],
)
def test_no_form_of_a_credential_is_logged(stream: io.StringIO, form: str) -> None:
    with run_context(title=f"my {form}"):
        say(f"key {form}", action="task", error=ValueError(form), deep={"a": [form, (form,)]})
        logging.getLogger("lib").warning("%s", form)

    assert form not in stream.getvalue()
    assert stream.getvalue().count("[REDACTED:") >= 5
    core = form[4:-4]
    assert len(core) < 5 or core not in stream.getvalue()


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        pytest.param("github_token", True, id="a token"),
        pytest.param("Authorization", True, id="a header"),
        pytest.param("api-key", True, id="a key"),
        pytest.param("fencing_token", False, id="a number of ours"),
        pytest.param("tokens_input", False, id="a count"),
        pytest.param("key", False, id="any key"),
    ],
)
def test_secret_named_fields_are_hidden_whatever_they_hold(name: str, hidden: bool) -> None:
    shown = redact_value({name: 12}, lambda text: text)

    assert (shown != {name: 12}) == hidden


def test_the_password_of_an_address_is_a_credential_too() -> None:
    redact = redactor({"URL": "redis://:hunter2hunter2@h/0", "AUTH": "me:swordfish1"}, detect=str)

    assert "hunter2" not in redact("AUTH hunter2hunter2")
    assert "swordfish" not in redact("it is swordfish1")


def test_text_for_people() -> None:
    stream = io.StringIO()
    start_logs(level="info", form="text", redact=REDACT, stream=stream)
    with run_context(pipeline_id=42, node="code_generation", sub_work_item=5):
        say("Generated\ncode", action="llm_call", duration_ms=3200, tokens_input=4500, tokens_output=1200)

    assert stream.getvalue()[9:] == (
        " INFO  #42 code_generation/5 llm_call success 3200ms 4500>1200tok Generated code\n"
    )


class Broken(io.StringIO):
    """A disk that is full."""

    def write(self, _text: str, /) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_and_a_closed_pipe_fail_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (Broken(), closed):
        start_logs(level="info", form="json", redact=REDACT, stream=stream)
        say("lost", action="task")

    assert capsys.readouterr().err == ""


def test_a_redactor_that_fails_loses_the_line_rather_than_show_it() -> None:
    stream = io.StringIO()

    def fail(_text: str) -> str:
        raise RuntimeError("broken")

    start_logs(level="info", form="json", redact=fail, stream=stream)
    say(CANARY, action="task")

    assert CANARY not in stream.getvalue()


def test_importing_starts_nothing() -> None:
    code = (
        "import logging, structlog, sentry_sdk, cogworks.settings;"
        "import cogworks.telemetry.logs, cogworks.telemetry.metrics, cogworks.telemetry.sentry;"
        "assert not logging.getLogger().handlers and not structlog.is_configured();"
        "assert not sentry_sdk.get_client().is_active()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
