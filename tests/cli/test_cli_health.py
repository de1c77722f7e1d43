"""`health` of domain services: by handshake, exit 3 when one is away, unfit or of another version (RB-01, RB-02)."""

import sys
from pathlib import Path
from uuid import UUID

import pytest
from cli_stand import CommandLine, running

from cogworks.engine.fitness import service_fitness
from cogworks.extension_api.envelope import Metadata, Request, Response, Status
from cogworks.extension_api.methods import HandshakeResult, ServiceStatus
from cogworks.model.errors import ServiceTransient
from cogworks.policy.services_file import parse_services
from cogworks.ports.services import ServiceAddress

_FILE = '[[services]]\nname = "python"\ntransport = "unix"\npath = "{path}"\n'


class Answering:
    """A domain service that says one thing of itself, or nothing at all."""

    def __init__(
        self, *, api: str = "1.0", status: str = "ready", reason: str | None = None, away: bool = False
    ) -> None:
        self._away = away
        self._hello = HandshakeResult(
            name="python",
            service_version="0.1.0",
            api_version=api,
            domain="python",
            capabilities=("validate",),
            artifact_types=("py",),
            status=ServiceStatus(status),
            reason=reason,
        )

    def call(
        self, service: ServiceAddress, request: Request, *, timeout_s: float, tests_expected: bool = False
    ) -> Response:
        if self._away:
            raise ServiceTransient("no socket", service=service.name, method="handshake", error_code="TRANSPORT_ERROR")
        return Response(
            request_id=UUID(int=0),
            api_version="1.0",
            status=Status.SUCCESS,
            result=self._hello.model_dump(mode="json"),
            metadata=Metadata(duration_ms=1),
        )


@pytest.mark.parametrize(
    ("service", "code", "told", "why"),
    [
        (Answering(), "", "ready, api 1.0, python: validate", "fit"),
        (Answering(api="1.7"), "", "api 1.7", "a newer minor understands us"),
        (Answering(status="degraded", reason="no sandbox"), "", "degraded", "still of use"),
        (Answering(api="2.0"), "incompatible", "api 2.0, need 1.x (>= 1.0)", "another major does not"),
        (Answering(status="unavailable", reason="no disk"), "unhealthy", "unavailable: no disk", "it says so itself"),
        (Answering(away=True), "unreachable", "unix /run/python.sock: no socket", "nobody is there"),
    ],
)
def test_what_a_service_says_of_itself(service: Answering, code: str, told: str, why: str) -> None:
    [registered] = parse_services(_FILE.format(path="/run/python.sock").encode(), file="services.toml").services
    found = service_fitness(service, registered, token=None)
    assert (found.code, bool(found.trouble)) == (code, bool(code)), why
    assert told in found.line(), why


def test_the_reference_service_is_fit(bare: CommandLine, tmp_path: Path) -> None:
    socket = tmp_path / "python.sock"
    (tmp_path / "services.toml").write_text(_FILE.format(path=socket))
    bare.set(domain_services_config="services.toml")
    assert bare("health").code == 3, "before it is started"
    words = [sys.executable, "-m", "cogworks.cli.main", "service", "run", "python", "--socket", str(socket)]
    with running(*words, "--allow-unsandboxed"):
        said = bare("health", "python", "--json")
    assert (said.code, said.document["data"]["checks"][0]["ok"]) == (0, True)


def test_no_service_is_no_trouble(bare: CommandLine) -> None:
    said = bare("health")
    assert (said.code, said.out) == (0, "no domain service is registered\n")
