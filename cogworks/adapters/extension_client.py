"""Domain services over HTTP: a unix socket or TCP, one exchange a call, never retried here."""

import os
import ssl
import stat
import time
from pathlib import Path

import httpx

from cogworks.extension_api.diagnostics import ErrorCode
from cogworks.extension_api.envelope import Request, Response
from cogworks.extension_api.wire import MAX_BODY_BYTES
from cogworks.policy.service_reply import final, transient, usable
from cogworks.ports.services import ServiceAddress

_SOCKET_URL = "http://localhost"
_ROOT = 0


class ExtensionClient:
    """Calls domain services by the Extension API; holds no connection between calls."""

    def call(
        self, service: ServiceAddress, request: Request, *, timeout_s: float, tests_expected: bool = False
    ) -> Response:
        """Return the checked response of ``service``, within ``timeout_s``."""
        body = request.model_dump_json(by_alias=True, exclude_none=False).encode()
        if len(body) > MAX_BODY_BYTES:
            problem = f"the request has {len(body)} bytes, at most {MAX_BODY_BYTES} are allowed"
            raise final(service.name, request.method, ErrorCode.INVALID_REQUEST, problem)
        if service.transport == "unix":
            _check_socket(service, request.method)
        status, answer = _exchange(service, request.method, body, timeout_s=timeout_s)
        return usable(service.name, request, status=status, body=answer, tests_expected=tests_expected)


def _check_socket(service: ServiceAddress, method: str) -> None:
    try:
        found = Path(service.address).stat()
    except OSError as error:
        problem = f"no socket at {service.address}: {error.strerror}"
        raise transient(service.name, method, ErrorCode.TRANSPORT_ERROR, problem) from error
    problem = ""
    if not stat.S_ISSOCK(found.st_mode):
        problem = "is not a socket"
    elif found.st_mode & stat.S_IWOTH:
        problem = "can be written by everybody"
    elif found.st_uid not in (_ROOT, os.geteuid()):
        problem = f"belongs to user {found.st_uid}, neither root nor the user of CogWorks"
    if problem:
        raise final(service.name, method, ErrorCode.TRANSPORT_ERROR, f"{service.address} {problem}; not connected")


def _exchange(service: ServiceAddress, method: str, body: bytes, *, timeout_s: float) -> tuple[int, bytes]:
    url = f"{_base_url(service)}/api/v1/{method}"
    deadline = time.monotonic() + timeout_s
    try:
        with (
            _client(service, timeout_s=timeout_s) as client,
            client.stream("POST", url, content=body, headers=_headers(service)) as answer,
        ):
            return answer.status_code, _read(answer, service.name, method, deadline=deadline)
    except httpx.ConnectTimeout as error:
        raise transient(service.name, method, ErrorCode.TRANSPORT_ERROR, "nobody takes the connection") from error
    except httpx.TimeoutException as error:
        raise _late(service.name, method, timeout_s) from error
    except httpx.HTTPError as error:
        problem = str(error) or type(error).__name__
        raise transient(service.name, method, ErrorCode.TRANSPORT_ERROR, problem) from error


def _read(answer: httpx.Response, service: str, method: str, *, deadline: float) -> bytes:
    read = bytearray()
    # Raw, so that nothing small on the wire becomes big in memory.
    for chunk in answer.iter_raw():
        read += chunk
        if len(read) > MAX_BODY_BYTES:
            problem = f"the reply has more than {MAX_BODY_BYTES} bytes"
            raise transient(service, method, ErrorCode.INVALID_RESPONSE, problem)
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the reply came too slowly")
    return bytes(read)


def _late(service: str, method: str, timeout_s: float) -> Exception:
    return transient(service, method, ErrorCode.TIMEOUT, f"no answer within {timeout_s:g} s")


def _base_url(service: ServiceAddress) -> str:
    return _SOCKET_URL if service.transport == "unix" else service.address.rstrip("/")


def _headers(service: ServiceAddress) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if service.transport == "http" and service.token:
        headers["Authorization"] = f"Bearer {service.token}"
    return headers


def _client(service: ServiceAddress, *, timeout_s: float) -> httpx.Client:
    # No environment: a proxy must never see what goes to a service.
    if service.transport == "unix":
        transport = httpx.HTTPTransport(uds=service.address, trust_env=False)
    elif service.address.startswith("https:"):
        transport = httpx.HTTPTransport(verify=ssl.create_default_context(), trust_env=False)
    else:
        transport = httpx.HTTPTransport(trust_env=False)
    return httpx.Client(transport=transport, timeout=timeout_s, trust_env=False, follow_redirects=False)
