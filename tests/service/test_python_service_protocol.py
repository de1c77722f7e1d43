"""Sections 2 to 5: envelopes, errors and limits, the same on both transports."""

import json
import threading
import uuid
from typing import Any

import pytest
from service_harness import MakeRepository, Service, artifact, found

from cogworks.extension_api.envelope import Status
from cogworks.extension_api.methods import ExtractInterfacesResult, HandshakeResult

CLEAN = {
    "pyproject.toml": '[project]\nname = "app"\nversion = "1"\n[dependency-groups]\ndev = ["pytest"]\n',
    "src/app/__init__.py": "",
    "src/app/core.py": '"""Core."""\n\n\ndef double(number: int) -> int:\n    return number * 2\n',
    "tests/test_core.py": ("from app.core import double\n\n\ndef test_double() -> None:\n    assert double(2) == 4\n"),
}
CORE = {"artifacts": [artifact("src/app/core.py")]}


def test_the_ready_line_names_the_address_and_the_status(any_service: Service) -> None:
    assert any_service.ready["service"] == "python"
    assert any_service.ready["status"] == "ready"
    assert any_service.ready["reason"] is None
    if any_service.ready["transport"] == "http":
        assert any_service.ready["url"].startswith("http://127.0.0.1:")


def test_the_handshake_says_who_answers(any_service: Service) -> None:
    response = any_service.call("handshake", None, {"supported_api_versions": ["1.0"]})
    assert response.result_as(HandshakeResult).to_json_object() == {
        "name": "python",
        "service_version": response.result_as(HandshakeResult).service_version,
        "api_version": "1.0",
        "domain": "software",
        "capabilities": [
            "normalise",
            "validate",
            "review_rules",
            "simulate",
            "validate_deps",
            "extract_interfaces",
            "dependency_graph",
        ],
        "artifact_types": ["py", "pyi", "pyproject.toml"],
        "interface_types": ["signal", "bus_protocol"],
        "interface_versions": {},
        "status": "ready",
        "reason": None,
        "extensions": [],
        "max_concurrency": 4,
    }


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("normalise", CORE),
    ("validate", CORE),
    ("review_rules", CORE | {"rule_config": {"select": ["S"], "blocking": []}}),
    ("simulate", {}),
    ("validate_deps", {"declarations": [{"path": "pyproject.toml"}]}),
    ("extract_interfaces", CORE),
    ("dependency_graph", {"artifacts": []}),
]


@pytest.mark.parametrize(("method", "params"), GOOD, ids=[method for method, _ in GOOD])
def test_a_clean_repository_passes_every_method_twice_the_same(
    any_service: Service, repository: MakeRepository, method: str, params: dict[str, Any]
) -> None:
    root = repository(CLEAN, bare=True)
    first, second = (any_service.call(method, root, params) for _ in range(2))
    assert (first.status, found(first)) == (Status.SUCCESS, [])
    assert _without_times(first.result) == _without_times(second.result)


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(inner) for key, inner in value.items() if key != "duration_ms"}
    return [_without_times(inner) for inner in value] if isinstance(value, list) else value


BAD_ENVELOPES = [
    (b"{", "cut off"),
    (b"[]", "a list"),
    (b'"text"', "text"),
    (b"{}", "empty"),
    (b'{"request_id": 7}', "wrong types"),
    (b"\xff\xfe", "no text at all"),
]


@pytest.mark.parametrize(("body", "reason"), BAD_ENVELOPES, ids=[reason for _, reason in BAD_ENVELOPES])
def test_a_body_that_is_no_envelope_is_an_invalid_request(any_service: Service, body: bytes, reason: str) -> None:
    reply = any_service.post("validate", body)
    assert reply.status_code == 200
    document = reply.json()
    assert (document["status"], document["error"]["code"]) == ("error", "invalid_request")
    assert document["result"] is None


def test_a_body_above_64_mib_is_an_invalid_request(any_service: Service) -> None:
    mebibytes = (b" " * 1024 * 1024 for _ in range(65))
    reply = any_service.client.post("/api/v1/validate", content=mebibytes)
    assert reply.json()["error"]["code"] == "invalid_request"


BAD_CALLS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("validate", {}, {}, "invalid_request"),
    ("validate", {"artifacts": "x"}, {}, "invalid_request"),
    ("validate", {"artifacts": [artifact("../x.py", "")]}, {}, "invalid_request"),
    ("validate", {"artifacts": [artifact("/etc/x.py", "")]}, {}, "invalid_request"),
    ("validate", {"artifacts": [artifact("a\0.py", "")]}, {}, "invalid_request"),
    ("validate", {"artifacts": [artifact(".git/hooks/x.py", "")]}, {}, "invalid_request"),
    ("validate", {"artifacts": [artifact("outside/x.py", "")]}, {}, "invalid_request"),
    ("validate", {"artifacts": [artifact("missing.py")]}, {}, "artifact_not_found"),
    ("validate", CORE, {"repository": None}, "invalid_request"),
    ("validate", CORE, {"repository": {"path": "/nowhere", "ref": "HEAD"}}, "invalid_request"),
    ("validate", CORE, {"repository": {"path": "relative", "ref": "HEAD"}}, "invalid_request"),
    ("validate", CORE, {"api_version": "2.0"}, "api_version_mismatch"),
    ("validate", CORE, {"api_version": "1.1"}, "api_version_mismatch"),
    ("compile", CORE, {}, "unsupported_method"),
    ("simulate", {"filter": {"paths": ["../x"]}}, {}, "invalid_request"),
    ("simulate", {"filter": {"ids": ["-p x"]}}, {}, "invalid_request"),
    ("simulate", {"filter": {"paths": ["tests/none.py"]}}, {}, "artifact_not_found"),
    ("simulate", {"environment": {"twins": {"x": "http://example.org:80"}}}, {}, "invalid_request"),
    ("simulate", {"scenario": {"steps": []}}, {}, "invalid_request"),
    ("review_rules", CORE | {"rule_config": {"select": ["--fix"]}}, {}, "invalid_request"),
]


@pytest.mark.parametrize(("method", "params", "changes", "code"), BAD_CALLS)
def test_what_cannot_be_done_is_refused_with_its_code(
    any_service: Service,
    repository: MakeRepository,
    method: str,
    params: dict[str, Any],
    changes: dict[str, Any],
    code: str,
) -> None:
    root = repository(CLEAN, links={"outside": "/etc"})
    # Built by hand, because our own models would not let some of these out.
    document = any_service.request("handshake", root, {}).to_json_object() | {"method": method, "params": params}
    reply = any_service.post(method, json.dumps(document | changes).encode()).json()
    assert (reply["status"], reply["error"]["code"]) == ("error", code), reply["error"]["message"]
    assert reply["request_id"] == document["request_id"]


@pytest.mark.parametrize("ref", ["nothing", "--upload-pack=x", "a..b", "HEAD:x"])
def test_a_ref_that_is_no_commit_is_refused(service: Service, repository: MakeRepository, ref: str) -> None:
    root = repository(CLEAN)
    request = service.request("validate", root, CORE).to_json_object() | {"repository": {"path": str(root), "ref": ref}}
    reply = service.post("validate", json.dumps(request).encode()).json()
    assert reply["error"]["code"] == "invalid_request"


def test_interleaved_calls_get_their_own_answers(any_service: Service, repository: MakeRepository) -> None:
    root = repository(CLEAN)
    answers: dict[int, list[str]] = {}

    def ask(number: int) -> None:
        content = f"NUMBER_{number} = {number}\n"
        response = any_service.call("extract_interfaces", root, {"artifacts": [artifact("n.py", content)]})
        answers[number] = [item.name for item in response.result_as(ExtractInterfacesResult).interfaces]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert answers == {number: [f"NUMBER_{number}"] for number in range(12)}


def test_the_request_id_of_an_unreadable_request_is_echoed_if_it_can_be_found(service: Service) -> None:
    identifier = str(uuid.uuid4())
    reply = service.post("validate", json.dumps({"request_id": identifier}).encode()).json()
    assert (reply["request_id"], reply["error"]["code"]) == (identifier, "invalid_request")


def test_the_caller_s_repository_is_never_written_to(service: Service, repository: MakeRepository) -> None:
    root = repository(CLEAN)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    for method, params in GOOD:
        service.call(method, root, params)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_nothing_of_a_call_is_left(service: Service, repository: MakeRepository) -> None:
    service.call("simulate", repository(CLEAN), {})
    assert [path.name for path in service.home.glob("process-*/*")] == []
