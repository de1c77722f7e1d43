"""Start, options, degraded mode, end."""

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from service_harness import MakeRepository, Service, arguments_for, git

from cogworks.extension_api.envelope import Status
from cogworks.extension_api.methods import HandshakeResult, SimulateResult

Start = Callable[..., Service]

WRONG = [
    (["--http", "0.0.0.0:9100"], "not a loopback address"),
    (["--http", "example.org:80"], "not a loopback address"),
    (["--http", "9100"], "is not HOST:PORT"),
    (["--http", "127.0.0.1:99999"], "is not HOST:PORT"),
    (["--socket", "relative.sock"], "is not an absolute path"),
    (["--socket", "/tmp/" + "x" * 110], "longer than 107 bytes"),
    (["--socket", "/tmp/a.sock", "--http", "127.0.0.1:0"], "not allowed with"),
    (["--python", "/nowhere/python"], "is not an interpreter"),
    (["--sockett", "/tmp/a.sock"], "unrecognized arguments"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=[says for _, says in WRONG])
def test_a_wrong_option_ends_with_one_clear_error_and_exit_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    ended = run(tmp_path, *arguments)
    assert ended.returncode == 2
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The service when it does not start."""
    command = [sys.executable, "-m", "cogworks.service.python", "--home", str(tmp_path / "home"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_an_address_in_use_is_refused(service: Service, tmp_path: Path) -> None:
    ended = run(tmp_path, "--socket", service.ready["path"])
    assert (ended.returncode, "another service listens" in ended.stderr) == (2, True)
    assert service.call("handshake", None, {}).status is Status.SUCCESS


def test_an_open_home_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)
    ended = run(tmp_path, "--socket", str(tmp_path / "s.sock"))
    assert (ended.returncode, "mode 0700" in ended.stderr) == (2, True)


def test_the_socket_is_private_and_a_dead_one_is_replaced(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "sub" / "s.sock"
    first = start("--socket", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    first.client.close()
    with first.process:
        first.process.kill()
    scratch = tmp_path / "home" / f"process-{first.process.pid}"
    assert (path.exists(), scratch.exists()) == (True, True)
    second = start("--socket", str(path))
    assert second.call("handshake", None, {}).status is Status.SUCCESS
    assert not scratch.exists()
    assert second.stop() == 0
    assert not path.exists()


TESTED = {"test_a.py": "def test_x(): ...\n"}


def test_without_bubblewrap_tests_are_not_offered(start: Start, tmp_path: Path, repository: MakeRepository) -> None:
    service = start(*arguments_for("unix", tmp_path), "--bubblewrap", "/nowhere/bwrap")
    shown = service.call("handshake", None, {}).result_as(HandshakeResult)
    assert shown.status == "degraded"
    assert shown.reason == "/nowhere/bwrap is not installed, so repository code cannot be isolated"
    assert service.ready["reason"] == shown.reason
    assert "simulate" not in shown.capabilities
    refused = service.call("simulate", repository(TESTED), {})
    assert refused.error is not None
    assert refused.error.code == "unsupported_method"
    params = {"artifacts": [{"path": "a.py", "content": "import os\nx: int = ''\n", "deleted": False}]}
    checked = service.call("validate", repository(TESTED), params)
    assert [(item.artifact, item.category) for item in checked.diagnostics] == [
        ("a.py", "style_violation"),
        ("a.py", "type_error"),
    ]
    assert service.stop() == 0


def test_a_sandbox_that_does_not_hold_is_not_trusted(start: Start, tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec echo pretends\n')
    fake.chmod(0o755)
    service = start(*arguments_for("unix", tmp_path), "--bubblewrap", str(fake))
    shown = service.call("handshake", None, {}).result_as(HandshakeResult)
    assert shown.status == "degraded"
    assert (shown.reason or "").startswith("the sandbox failed its self-test: pretends")
    assert service.stop() == 0


LEAKS = (
    "import os\n\n\ndef test_clean():\n    assert 'CANARY' not in os.environ\n\n\n"
    "def test_loop():\n    if os.fork() == 0:\n        os.setpgid(0, os.getppid())\n    while True: ...\n"
)


def test_an_operator_may_allow_unsandboxed_tests(
    start: Start, tmp_path: Path, repository: MakeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "visible")
    options = ["--bubblewrap", "/nowhere/bwrap", "--allow-unsandboxed"]
    service = start(*arguments_for("unix", tmp_path), *options)
    shown = service.call("handshake", None, {}).result_as(HandshakeResult)
    assert (shown.status, "simulate" in shown.capabilities) == ("degraded", True)
    assert "unsandboxed" in (shown.reason or "")
    tests = {"pyproject.toml": '[project]\nname="a"\nversion="1"\ndependencies=["pytest"]\n', "test_a.py": LEAKS}
    response = service.call("simulate", repository(tests), {}, deadline_ms=4_000)
    assert {case.name: case.outcome.value for case in response.result_as(SimulateResult).cases} == {
        "test_clean": "passed",
        "test_loop": "timeout",
    }
    assert service.stop() == 0


def test_sigterm_ends_a_call_in_flight_and_everything_it_started(
    start: Start, tmp_path: Path, repository: MakeRepository
) -> None:
    service = start()
    root = repository({"test_a.py": "def test_loop():\n    while True: ...\n"})
    answers: list[str] = []

    def ask() -> None:
        try:
            response = service.call("simulate", root, {})
        except httpx.TransportError:
            answers.append("closed")
        else:
            answers.append(response.status.value)

    caller = threading.Thread(target=ask)
    caller.start()
    scratch = service.home / f"process-{service.process.pid}"
    await_condition(lambda: any(path.stat().st_size for path in scratch.glob("call-*/report.jsonl")))
    started = time.monotonic()
    service.process.terminate()
    with service.process:
        assert service.process.wait(timeout=10) == 0
    assert time.monotonic() - started < 10
    caller.join(timeout=10)
    service.client.close()
    assert answers in (["error"], ["closed"])
    assert not scratch.exists()
    assert not running_with(str(scratch))


def test_a_caller_that_goes_away_ends_its_call(service: Service, repository: MakeRepository) -> None:
    root = repository({"test_a.py": "def test_loop():\n    while True: ...\n"})
    request = json.dumps(service.request("simulate", root, {}).to_json_object())
    transport = httpx.HTTPTransport(uds=service.ready["path"])
    with (
        httpx.Client(transport=transport, base_url="http://service", timeout=1) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.post("/api/v1/simulate", content=request)
    await_condition(lambda: not list(service.home.glob("process-*/call-*")))


def test_a_worktree_and_a_missing_clone_are_told_apart(
    service: Service, repository: MakeRepository, tmp_path: Path
) -> None:
    root = repository({"a.py": "x = 1\n"})
    linked = tmp_path / "linked"
    git(root, "worktree", "add", "--quiet", "--detach", str(linked))
    params = {"artifacts": [{"path": "a.py", "deleted": False}]}
    assert service.call("validate", linked, params).status is Status.SUCCESS
    away = {"repository": {"path": "http://127.0.0.1:9/o/r.git", "ref": "HEAD"}}
    document = service.request("validate", root, params).to_json_object() | away
    reply = service.post("validate", json.dumps(document).encode()).json()
    assert (reply["error"]["code"], reply["error"]["details"]) == ("tool_failed", {"kind": "network"})


def await_condition(holds: Callable[[], object], *, seconds: float = 15.0) -> None:
    """Wait until the function says yes; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(0.02)


def running_with(text: str) -> list[str]:
    """The command lines of living processes that hold the text."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if text in command and place.parent.name != str(os.getpid()):
            found.append(command)
    return found
