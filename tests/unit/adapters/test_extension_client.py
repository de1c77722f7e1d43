"""What a domain service can do wrong on the wire, and what becomes of it (60 sections 2, 3 and 5)."""

import json
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from cogworks.adapters.extension_client import ExtensionClient
from cogworks.adapters.memory_services import MemoryServices, answers, refuses
from cogworks.extension_api.envelope import Caller, Request, Response
from cogworks.model.errors import CogWorksError, ServiceError, ServiceTransient
from cogworks.ports.services import ServiceAddress

ID = UUID("6f0c2c1e-7d0b-4d0e-9a55-0d8f6c1f2a10")
GOOD: dict[str, object] = {
    "request_id": str(ID),
    "api_version": "1.0",
    "status": "success",
    "result": {"changed": False, "artifacts": []},
    "diagnostics": [],
    "error": None,
    "metadata": {"duration_ms": 1},
}
REQUEST = Request(
    request_id=ID, method="normalise", caller=Caller(system_version="1"), params={"artifacts": []}, deadline_ms=1000
)


def http(body: object, *, status: str = "200 OK", headers: str = "") -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(text)}\r\n\r\n".encode() + text


def error(code: str, **more: object) -> dict[str, object]:
    return {**GOOD, "status": "error", "result": None, "error": {"code": code, "message": "why", **more}}


def heard(connection: socket.socket) -> bytes:
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65536)
    return head


@contextmanager
def server(answer: Callable[[socket.socket], None], path: Path | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one connection with ``answer``; yields its address and the heads of the requests that it heard."""
    heads: list[bytes] = []
    family = socket.AF_INET if path is None else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0) if path is None else str(path))
        listener.listen(1)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                heads.append(heard(connection))
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield (f"http://127.0.0.1:{listener.getsockname()[1]}" if path is None else str(path)), heads
        thread.join(timeout=10)
        assert not thread.is_alive()


def replying(body: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(body)


def call(address: str, *, timeout_s: float = 5, token: str | None = None) -> Response:
    where = ServiceAddress(name="py", transport="http", address=address, token=token)
    return ExtensionClient().call(where, REQUEST, timeout_s=timeout_s)


WRONG = [
    pytest.param(http(error("tool_failed")), ServiceTransient, "tool_failed", id="a crash may pass"),
    pytest.param(http(error("tool_failed", recoverable=False)), ServiceError, "tool_failed", id="made final"),
    pytest.param(http(error("invalid_request", recoverable=True)), ServiceError, "invalid_request",
                 id="recoverable cannot make a final code retryable"),
    pytest.param(http(error("thermal_runaway")), ServiceTransient, "thermal_runaway", id="as internal_error"),
    pytest.param(http(error("timeout"), status="500 Oops"), ServiceTransient, "timeout",
                 id="an envelope counts whatever the HTTP code"),
    pytest.param(http({**GOOD, "status": "failure"}), ServiceTransient, "invalid_response", id="contradicts itself"),
    pytest.param(http({**GOOD, "request_id": str(UUID(int=1))}), ServiceTransient, "invalid_response",
                 id="the answer to another question"),
    pytest.param(http([]), ServiceTransient, "invalid_response", id="no object"),
    pytest.param(http(b"\x1f\x8b", headers="Content-Encoding: gzip\r\n"), ServiceTransient, "invalid_response",
                 id="packed, though nobody asked"),
    pytest.param(http(b"busy", status="503 Busy"), ServiceTransient, "transport_error", id="503"),
    pytest.param(http(b"gone", status="404 Not Found"), ServiceError, "transport_error", id="404 stays"),
    pytest.param(http(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n"), ServiceError,
                 "transport_error", id="redirects are not followed"),
    pytest.param(http(GOOD)[:-20], ServiceTransient, "transport_error", id="the reply breaks off"),
    pytest.param(b"", ServiceTransient, "transport_error", id="no reply at all"),
    pytest.param(b"SSH-2.0\r\n\r\n", ServiceTransient, "transport_error", id="not HTTP"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "kind", "code"), WRONG)
def test_what_goes_wrong_is_a_leaf_with_a_code(reply: bytes, kind: type[CogWorksError], code: str) -> None:
    with server(replying(reply)) as (address, _), pytest.raises(kind, match="py normalise: ") as caught:
        call(address)

    assert isinstance(caught.value, ServiceTransient | ServiceError)
    assert (type(caught.value), caught.value.error_code) == (kind, code)


def test_a_contradiction_is_named_by_its_path() -> None:
    blocking = {"severity": "blocking", "category": "syntax_error", "message": "m"}
    wrong = http({**GOOD, "diagnostics": [blocking]})

    with server(replying(wrong)) as (address, _), pytest.raises(ServiceTransient, match="contradicts status") as caught:
        call(address)

    assert "diagnostics[0].severity" in str(caught.value)


def test_unknown_fields_are_ignored() -> None:
    with server(replying(http({**GOOD, "foo": 1}))) as (address, _):
        assert call(address).status == "success"


@pytest.mark.parametrize("sent", [pytest.param(b"", id="silent"), pytest.param(http(GOOD)[:-20], id="stuck halfway")])
def test_a_late_answer_is_cut_off(sent: bytes) -> None:
    done = threading.Event()

    def stall(connection: socket.socket) -> None:
        connection.sendall(sent)
        done.wait(10)

    with server(stall) as (address, _):
        with pytest.raises(ServiceTransient, match=r"within 0\.2 s") as caught:
            call(address, timeout_s=0.2)
        done.set()

    assert caught.value.error_code == "timeout"


def test_an_answer_in_drops_is_cut_off_too() -> None:
    done = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not done.wait(0.02):
            connection.sendall(b" ")

    with server(drip) as (address, _):
        with pytest.raises(ServiceTransient) as caught:
            call(address, timeout_s=0.3)
        done.set()

    assert caught.value.error_code == "timeout"


def test_the_token_travels_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with server(replying(http(GOOD))) as (address, heads):
        call(address, token="secret")

    assert heads[0].startswith(b"POST /api/v1/normalise HTTP/1.1\r\n")
    assert b"authorization: bearer secret" in heads[0].lower()
    assert b"content-type: application/json" in heads[0].lower()


def test_a_socket_that_anybody_could_write_to_is_not_connected(tmp_path: Path) -> None:
    path = tmp_path / "s"
    where = ServiceAddress(name="py", transport="unix", address=str(path))
    with server(replying(http(GOOD)), path) as (_, heads):
        path.chmod(path.stat().st_mode | stat.S_IWOTH)
        with pytest.raises(ServiceError, match="written by everybody"):
            ExtensionClient().call(where, REQUEST, timeout_s=5)
        assert heads == []
        path.chmod(0o600)
        assert ExtensionClient().call(where, REQUEST, timeout_s=5).status == "success"


def test_a_file_is_not_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("")

    with pytest.raises(ServiceError, match="is not a socket"):
        ExtensionClient().call(ServiceAddress(name="py", transport="unix", address=str(path)), REQUEST, timeout_s=5)


def test_scripted_services_are_checked_like_real_ones() -> None:
    where = ServiceAddress(name="py", transport="unix", address="/s")
    services = MemoryServices({"py": {"normalise": answers({"changed": "maybe"}), "validate": refuses("tool_failed")}})

    with pytest.raises(ServiceTransient, match="result"):
        services.call(where, REQUEST, timeout_s=1)
    with pytest.raises(ServiceTransient, match="tool_failed"):
        services.call(where, REQUEST.model_copy(update={"method": "validate"}), timeout_s=1)

    assert [called.request.method for called in services.calls] == ["normalise", "validate"]
