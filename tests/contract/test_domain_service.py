"""The DomainService port: one suite for the scripted services and for the client against the reference service."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from cogworks.adapters.extension_client import ExtensionClient
from cogworks.adapters.memory_services import MemoryServices, answers
from cogworks.extension_api.diagnostics import Diagnostic, Severity
from cogworks.extension_api.envelope import Caller, Repository, Request, Response, Status
from cogworks.extension_api.methods import HandshakeResult, ValidateResult
from cogworks.extension_api.wire import JsonObject
from cogworks.model.errors import ServiceError, ServiceTransient
from cogworks.ports.services import DomainService, ServiceAddress

HANDSHAKE: JsonObject = {
    "name": "python", "service_version": "1.0.0", "api_version": "1.0", "domain": "software",
    "capabilities": ["validate"], "artifact_types": ["py"], "status": "ready",
}  # fmt: skip
BROKEN = Diagnostic(severity=Severity.BLOCKING, category="syntax_error", message="invalid syntax", artifact="a.py")


@dataclass(frozen=True)
class Plug:
    """A port with an address that answers and the repository it answers about."""

    port: DomainService
    address: ServiceAddress
    repository: Path


def ask(method: str, repository: Path, params: JsonObject | None = None) -> Request:
    return Request(
        request_id=uuid4(),
        method=method,
        caller=Caller(system_version="1.0.0"),
        repository=Repository(path=str(repository), ref="HEAD"),
        params=params or {},
        deadline_ms=60_000,
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    (root / "a.py").write_text("X = 1\n")
    git = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "start"]):
        subprocess.run([*git, *command], check=True)
    return root


def serve(arguments: list[str]) -> Iterator[Mapping[str, str]]:
    command = [sys.executable, "-m", "cogworks.service.python", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=20) == 0


@pytest.fixture(scope="module")
def on_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceAddress]:
    home = tmp_path_factory.mktemp("s")
    for line in serve(["--socket", str(home / "p.sock"), "--home", str(home / "home")]):
        yield ServiceAddress(name="python", transport="unix", address=line["path"])


@pytest.fixture(scope="module")
def on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceAddress]:
    home = tmp_path_factory.mktemp("h")
    for line in serve(["--http", "127.0.0.1:0", "--home", str(home / "home")]):
        yield ServiceAddress(name="python", transport="http", address=line["url"])


def scripted() -> MemoryServices:
    validated: JsonObject = {"artifacts_checked": 1, "checks": []}

    def validate(request: Request) -> Response:
        text = json.dumps(request.params)
        return answers(validated, BROKEN)(request) if "def f(:" in text else answers(validated)(request)

    return MemoryServices({"python": {"handshake": answers(HANDSHAKE), "validate": validate}})


@pytest.fixture(params=["memory", "unix", "http"])
def plug(request: pytest.FixtureRequest, repository: Path) -> Plug:
    if request.param == "memory":
        address = ServiceAddress(name="python", transport="unix", address="/nowhere")
        return Plug(scripted(), address, repository)
    name = {"unix": "on_socket", "http": "on_tcp"}[request.param]
    return Plug(ExtensionClient(), request.getfixturevalue(name), repository)


def test_a_service_says_who_it_is(plug: Plug) -> None:
    request = ask("handshake", plug.repository, {"supported_api_versions": ["1.0"]})

    response = plug.port.call(plug.address, request, timeout_s=20)

    assert response.request_id == request.request_id
    assert "validate" in response.result_as(HandshakeResult).capabilities


@pytest.mark.parametrize(
    ("content", "status", "categories"),
    [
        pytest.param("X = 2\n", Status.SUCCESS, set(), id="nothing blocks"),
        pytest.param("def f(:\n", Status.FAILURE, {"syntax_error"}, id="a failure is an answer, not an error"),
    ],
)
def test_findings_come_back_as_answers(plug: Plug, content: str, status: Status, categories: set[str]) -> None:
    artifact: JsonObject = {"path": "a.py", "content": content, "deleted": False}
    request = ask("validate", plug.repository, {"artifacts": [artifact]})

    response = plug.port.call(plug.address, request, timeout_s=60)

    assert response.status is status
    assert response.result_as(ValidateResult).artifacts_checked == 1
    assert {d.category for d in response.diagnostics if d.severity is Severity.BLOCKING} >= categories


def test_a_method_that_nobody_offers_is_final_and_named(plug: Plug) -> None:
    with pytest.raises(ServiceError, match="python guess") as caught:
        plug.port.call(plug.address, ask("guess", plug.repository), timeout_s=20)

    assert caught.value.error_code == "unsupported_method"


def test_a_service_that_is_not_there_may_come_back(plug: Plug) -> None:
    gone = ServiceAddress(name="gone", transport="unix", address="/nowhere/at/all.sock")

    with pytest.raises(ServiceTransient, match=r"/nowhere/at/all\.sock") as caught:
        plug.port.call(gone, ask("handshake", plug.repository), timeout_s=5)

    assert caught.value.error_code == "transport_error"
