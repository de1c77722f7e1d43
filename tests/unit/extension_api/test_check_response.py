"""EXT-10 to EXT-12, EXT-40, EXT-41: which responses may be used."""

import json
import pickle
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from cogworks.extension_api.checking import InvalidResponse, check_response
from cogworks.extension_api.diagnostics import ErrorBody, Severity
from cogworks.extension_api.envelope import Request, Status, version_problem
from cogworks.extension_api.methods import Method, ValidateResult
from cogworks.extension_api.published import published_schemas

REQUEST_ID = "6f0c2c1e-7d0b-4d0e-9a55-0d8f6c1f2a10"
BLOCKING = {
    "artifact": "src/auth/token.py",
    "location": {"line": 1, "column": 7},
    "severity": "blocking",
    "category": "syntax_error",
    "code": "SyntaxError",
    "message": "invalid syntax",
}


def a_request(method: str = "validate", **changes: Any) -> Request:
    document: dict[str, Any] = {
        "request_id": REQUEST_ID,
        "api_version": "1.0",
        "method": method,
        "caller": {"system": "cogworks", "system_version": "1.0.0"},
        "repository": {"path": "/srv/cogworks/42", "ref": "9f1c0a7"},
        "deadline_ms": 300_000,
        "params": {"artifacts": [{"path": "src/auth/token.py", "content": "def f(:\n", "deleted": False}]},
    }
    return Request.model_validate_json(json.dumps(document | changes))


def a_response(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "request_id": REQUEST_ID,
        "api_version": "1.0",
        "status": "success",
        "result": {"artifacts_checked": 1, "checks": [{"name": "syntax", "passed": True, "duration_ms": 3}]},
        "diagnostics": [],
        "error": None,
        "metadata": {"duration_ms": 41, "tool_versions": {"python": "3.12"}, "artifacts_checked": 1, "truncated": 0},
    }
    return document | changes


A_SIMULATION = {"total": 0, "passed": 0, "failed": 0, "skipped": 0, "cases": []}
A_FAULT = {"code": "timeout", "message": "too slow", "recoverable": True, "details": {}}

ACCEPTED = [
    (a_response(), "the plain case"),
    (a_response(foo=1), "an unknown field"),
    (a_response(metadata={"duration_ms": 1}), "counts left out of the metadata"),
    (a_response(status="failure", diagnostics=[BLOCKING]), "a failure with its finding"),
    (a_response(diagnostics=[BLOCKING | {"severity": "warning"}]), "a warning on success"),
    (
        a_response(status="failure", diagnostics=[BLOCKING | {"category": "thermal_runaway"}]),
        "a failure whose only blocking finding has an unknown category (EXT-40)",
    ),
    (a_response(status="error", result=None, error=A_FAULT), "an error"),
]

REJECTED = [
    (a_response(diagnostics=[BLOCKING]), "diagnostics[0].severity contradicts status"),
    (a_response(status="failure"), "status is failure without a blocking finding"),
    (a_response(request_id="6f0c2c1e-7d0b-4d0e-9a55-0d8f6c1f2a11"), "request_id is 6f0c2c1e"),
    (a_response(status="error", result=None), "error is missing although status is error"),
    (a_response(status="error", error=A_FAULT), "result is not null although status is error"),
    (a_response(error=A_FAULT), "error contradicts status success"),
    (a_response(result=None), "result is null although status is success"),
    (a_response(result={"artifacts_checked": 0, "checks": []}), "result.artifacts_checked is 0"),
    (a_response(metadata={"duration_ms": 1, "artifacts_checked": 0}), "metadata.artifacts_checked is 0"),
    (a_response(status="done"), "status is wrong"),
    (a_response(metadata={"duration_ms": "41"}), "metadata.duration_ms is wrong"),
    (a_response(result={"artifacts_checked": 1, "checks": [{"name": "x"}]}), "result.checks[0].passed is wrong"),
    (a_response(result={"artifacts_checked": "1", "checks": []}), "result.artifacts_checked is wrong"),
    (
        a_response(status="failure", diagnostics=[BLOCKING | {"artifact": "../../etc/passwd"}]),
        "diagnostics[0].artifact is wrong",
    ),
    (
        a_response(status="failure", diagnostics=[BLOCKING | {"artifact": "/etc/passwd"}]),
        "diagnostics[0].artifact is wrong",
    ),
]


@pytest.mark.parametrize(("document", "reason"), ACCEPTED, ids=[reason for _, reason in ACCEPTED])
def test_a_good_response_is_accepted(document: dict[str, Any], reason: str) -> None:
    response = check_response(a_request(), json.dumps(document))
    assert response.status == document["status"]


@pytest.mark.parametrize(("document", "says"), REJECTED, ids=[says for _, says in REJECTED])
def test_a_bad_response_is_rejected_with_the_path_of_the_violation(document: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidResponse) as caught:
        check_response(a_request(), json.dumps(document))
    assert str(caught.value).startswith(says)
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own error, to show that it survives
    assert (copy.path, copy.problem) == (caught.value.path, caught.value.problem)


@pytest.mark.parametrize(("text", "reason"), [("", "empty"), ("[]", "a list"), ('"x"', "text"), ("{", "cut off")])
def test_what_is_not_an_object_is_rejected(text: str, reason: str) -> None:
    with pytest.raises(InvalidResponse, match=r"^\$ is wrong"):
        check_response(a_request(), text)


@pytest.mark.parametrize(("document", "reason"), ACCEPTED, ids=[reason for _, reason in ACCEPTED])
def test_the_published_schema_accepts_what_the_check_accepts(document: dict[str, Any], reason: str) -> None:
    jsonschema.validate(document, published_schemas()["response"])


def test_contracts_in_need_constraint_results_out() -> None:
    contract = {"id": "A", "type": "signal", "version": "1.0.0", "owner": "software"}
    request = a_request(interface_contracts=[contract])
    with pytest.raises(InvalidResponse, match=r"^constraint_results is missing"):
        check_response(request, json.dumps(a_response()))
    assert check_response(request, json.dumps(a_response(constraint_results=[]))).constraint_results == ()


@pytest.mark.parametrize("method", ["validate_deps", "simulate"])
def test_other_methods_answer_in_their_own_form(method: str) -> None:
    with pytest.raises(InvalidResponse, match=r"^result\."):
        check_response(a_request(method, params={}), json.dumps(a_response()))


def test_no_test_ran_although_tests_were_expected() -> None:
    text = json.dumps(a_response(result=A_SIMULATION))
    assert check_response(a_request("simulate", params={}), text).status is Status.SUCCESS
    judged = check_response(a_request("simulate", params={}), text, tests_expected=True)
    assert judged.status is Status.FAILURE
    assert [(finding.category, finding.severity) for finding in judged.diagnostics] == [
        ("completeness", Severity.BLOCKING)
    ]


def test_at_most_a_thousand_findings_are_kept_blocking_first() -> None:
    warnings = [BLOCKING | {"severity": "warning", "message": str(number)} for number in range(1499)]
    response = check_response(a_request(), json.dumps(a_response(status="failure", diagnostics=[*warnings, BLOCKING])))
    assert len(response.diagnostics) == 1000
    assert response.metadata.truncated == 500
    assert response.diagnostics[0].severity is Severity.BLOCKING
    assert response.diagnostics[1].message == "0"


def test_a_long_message_is_cut() -> None:
    document = a_response(status="failure", diagnostics=[BLOCKING | {"message": "x" * 5000}])
    assert len(check_response(a_request(), json.dumps(document)).diagnostics[0].message) == 4000


def test_an_unknown_category_only_informs() -> None:
    document = a_response(status="failure", diagnostics=[BLOCKING | {"category": "thermal_runaway"}])
    finding = check_response(a_request(), json.dumps(document)).diagnostics[0]
    assert (finding.severity, finding.effective_severity) == (Severity.BLOCKING, Severity.INFORMATIONAL)


def test_the_result_is_read_as_its_model() -> None:
    result = check_response(a_request(), json.dumps(a_response())).result_as(ValidateResult)
    assert [check.name for check in result.checks] == ["syntax"]


@pytest.mark.parametrize(
    ("code", "recoverable", "retryable", "reason"),
    [
        ("timeout", True, True, "a retryable code"),
        ("timeout", False, False, "the service made it final"),
        ("invalid_request", True, False, "the service cannot make it retryable"),
        ("something_new", True, True, "unknown acts as internal_error"),
    ],
)
def test_who_decides_about_a_retry(code: str, recoverable: bool, retryable: bool, reason: str) -> None:
    assert ErrorBody(code=code, message="", recoverable=recoverable).retryable is retryable


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("1.0", None),
        ("1.7", None),
        ("2.0", "api 2.0, need 1.x (>= 1.0)"),
        ("0.9", "api 0.9, need 1.x (>= 1.0)"),
        ("one", "api one, need 1.x (>= 1.0)"),
    ],
)
def test_versions_agree_on_the_major_and_a_sufficient_minor(version: str, problem: str | None) -> None:
    assert version_problem(version) == problem


def test_a_request_survives_the_wire() -> None:
    request = a_request(Method.VALIDATE)
    assert Request.model_validate_json(json.dumps(request.to_json_object()), strict=True) == request
    assert request.request_id == UUID(REQUEST_ID)
