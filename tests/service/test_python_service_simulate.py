"""`simulate`: tests in the sandbox, and everything that hostile or broken tests may do."""

import http.server
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from service_harness import MakeRepository, Service, artifact, found

from cogworks.extension_api.envelope import Response, Status
from cogworks.extension_api.methods import SimulateResult

PROJECT = '[project]\nname = "app"\nversion = "1"\n[dependency-groups]\ndev = ["pytest"]\n'
BASE = {"pyproject.toml": PROJECT, "src/app.py": "def double(number: int) -> int:\n    return number * 2\n"}
PASSES = "from app import double\n\n\ndef test_fine() -> None:\n    assert double(2) == 4\n"


def outcomes(response: Response) -> dict[str, str]:
    """Id of each case -> how it ended."""
    return {case.id: case.outcome.value for case in response.result_as(SimulateResult).cases}


def one_test(body: str) -> dict[str, str]:
    """A repository with one test of that body."""
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    return BASE | {"tests/test_a.py": f"def test_x(tmp_path):\n{indented}"}


def test_cases_are_reported_with_message_and_line(any_service: Service, repository: MakeRepository) -> None:
    tests = {
        "tests/test_a.py": PASSES + "\n\ndef test_wrong():\n    print('said')\n    assert double(2) == 5\n",
        "tests/test_b.py": "import pytest\n\n\n@pytest.mark.skip(reason='later')\ndef test_later(): ...\n",
    }
    response = any_service.call("simulate", repository(BASE | tests), {})
    result = response.result_as(SimulateResult)
    assert (response.status, result.total, result.passed, result.failed, result.skipped) == (Status.FAILURE, 3, 1, 1, 1)
    assert found(response) == [("blocking", "test_failure", "tests/test_a.py", 10)]
    assert "assert 4 == 5" in response.diagnostics[0].message
    wrong = next(case for case in result.cases if case.name == "test_wrong")
    assert (wrong.id, wrong.outcome) == ("tests/test_a.py::test_wrong", "failed")
    assert "said" in wrong.output


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["test_one", "test_two", "test_three"]),
    ({"paths": ["tests/test_a.py"]}, ["test_one", "test_two"]),
    ({"ids": ["tests/test_a.py::test_two", "tests/test_b.py::test_three"]}, ["test_two", "test_three"]),
    ({"keyword": "two or three"}, ["test_two", "test_three"]),
    ({"keyword": "nothing"}, []),
]


@pytest.mark.parametrize(("chosen", "names"), FILTERS)
def test_a_filter_chooses(
    service: Service, repository: MakeRepository, chosen: dict[str, Any], names: list[str]
) -> None:
    tests = {
        "tests/test_a.py": "def test_one(): ...\ndef test_two(): ...\n",
        "tests/test_b.py": "def test_three(): ...\n",
    }
    response = service.call("simulate", repository(BASE | tests), {"filter": chosen})
    assert [case.name for case in response.result_as(SimulateResult).cases] == names
    assert response.status is Status.SUCCESS


def test_overlays_are_tested(service: Service, repository: MakeRepository) -> None:
    overlay = artifact("src/app.py", "def double(number: int) -> int:\n    return number * 3\n")
    response = service.call("simulate", repository(BASE | {"test_a.py": PASSES}), {"artifacts": [overlay]})
    assert outcomes(response) == {"test_a.py::test_fine": "failed"}


def test_an_endless_loop_is_killed_and_the_others_are_reported(service: Service, repository: MakeRepository) -> None:
    loop = "\n\ndef test_loop():\n    while True:\n        pass\n\n\ndef test_after(): ...\n"
    root = repository(BASE | {"tests/test_a.py": PASSES + loop})
    started = time.monotonic()
    response = service.call("simulate", root, {}, deadline_ms=4_000)
    assert time.monotonic() - started < 4
    assert outcomes(response) == {
        "tests/test_a.py::test_fine": "passed",
        "tests/test_a.py::test_loop": "timeout",
        "tests/test_a.py::test_after": "skipped",
    }
    assert [(item.category, item.code) for item in response.diagnostics] == [("test_failure", "timeout")]


UNCOLLECTED = [
    ("tests/test_a.py", "def test_x(:\n", "syntax_error", 1),
    ("tests/test_a.py", "import nothing_like_it\n", "dependency_error", None),
    ("tests/test_a.py", "from app import gone\n", "dependency_error", None),
    ("tests/test_a.py", "raise ValueError('at import')\n", "test_failure", None),
    ("tests/conftest.py", "import nothing_like_it\n", "dependency_error", None),
    ("tests/conftest.py", "def f(:\n", "syntax_error", 1),
]


@pytest.mark.parametrize(("path", "content", "category", "line"), UNCOLLECTED)
def test_a_file_that_cannot_be_collected_is_a_failed_case(
    service: Service, repository: MakeRepository, path: str, content: str, category: str, line: int | None
) -> None:
    response = service.call("simulate", repository(BASE | {"tests/test_ok.py": PASSES, path: content}), {})
    assert outcomes(response)[path] == "failed"
    assert found(response) == [("blocking", category, path, line)]


def test_a_repository_without_tests_has_no_cases(service: Service, repository: MakeRepository) -> None:
    response = service.call("simulate", repository(BASE), {})
    assert (response.status, response.result_as(SimulateResult).total) == (Status.SUCCESS, 0)


def test_overlays_count_as_checked_although_no_test_ran(service: Service, repository: MakeRepository) -> None:
    response = service.call("simulate", repository(BASE), {"artifacts": [artifact("src/new.py", "x = 1\n")]})
    assert (response.result_as(SimulateResult).total, response.metadata.artifacts_checked) == (0, 1)


def test_a_pytest_that_cannot_start_is_a_fault_of_the_environment(service: Service, repository: MakeRepository) -> None:
    broken = BASE | {"pytest.ini": "[pytest]\naddopts = --no-such-option\n", "tests/test_a.py": PASSES}
    response = service.call("simulate", repository(broken), {})
    assert response.error is not None
    assert response.error.code == "tool_failed"
    assert "pytest could not start" in str((response.error.details or {})["environment_error"])


REFUSED = [
    ("import urllib.request\nurllib.request.urlopen('https://example.com', timeout=5)", "a network connection"),
    ("import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=5)", "a port of the host's loopback"),
    ("open('/usr/evil', 'w')", "a write outside"),
    ("open('/checkout/evil', 'w')", "a write to the checkout behind the copy"),
    (
        "import os\nos.listdir('/var')",
        "other directories",
    ),
    ("x = bytearray(3 * 1024 ** 3)", "memory beyond the limit"),
    ("open(tmp_path / 'big', 'wb').truncate(300 * 1024 ** 2)", "a file beyond the limit"),
    ("files = [open('/dev/null') for _ in range(2000)]", "open files beyond the limit"),
    ("import os\nos.setuid(0)\nassert os.getuid() != 0 or os.listdir('/root')", "becoming root again"),
]


@pytest.mark.parametrize(("body", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_the_sandbox_refuses(service: Service, repository: MakeRepository, twin: int, body: str, reason: str) -> None:
    response = service.call("simulate", repository(one_test(body.replace("{port}", str(twin)))), {})
    assert outcomes(response) == {"tests/test_a.py::test_x": "failed"}


ENVIRONMENT = """
import os
assert set(os.environ) - {"PYTEST_VERSION", "PYTEST_CURRENT_TEST"} == {"PATH", "LANG", "HOME", "PYTHONHASHSEED", "MINE"}
assert (os.environ["HOME"], os.environ["PYTHONHASHSEED"], os.environ["MINE"]) == (os.getcwd(), "0", "yes")
open("/tmp/here", "w").write("x")
open("here", "w").write("x")
import multiprocessing
multiprocessing.Lock()
"""


def test_the_environment_holds_exactly_what_was_agreed(
    service: Service, repository: MakeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {"environment": {"vars": {"MINE": "yes", "HOME": "/elsewhere"}}}
    response = service.call("simulate", repository(one_test(ENVIRONMENT)), params)
    assert response.status is Status.SUCCESS, [item.message for item in response.diagnostics]


BOMB = """
import os, time
children = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(600)
        children += 1
except BlockingIOError:
    assert children < 256
    raise
"""


def test_a_fork_bomb_ends_at_the_limit_and_the_service_still_answers(
    service: Service, repository: MakeRepository
) -> None:
    root = repository(one_test(BOMB))
    responses: list[Response] = []
    bomb = threading.Thread(target=lambda: responses.append(service.call("simulate", root, {}, deadline_ms=20_000)))
    bomb.start()
    started = time.monotonic()
    service.call("handshake", None, {})
    assert time.monotonic() - started < 5
    bomb.join(timeout=60)
    assert outcomes(responses[0]) == {"tests/test_a.py::test_x": "failed"}
    assert "Resource temporarily unavailable" in responses[0].diagnostics[0].message


def test_a_test_that_ends_the_process_is_named(service: Service, repository: MakeRepository) -> None:
    response = service.call("simulate", repository(one_test("import os\nos._exit(0)")), {})
    assert outcomes(response) == {"tests/test_a.py::test_x": "failed"}
    assert response.diagnostics[0].code == "crash"


NOISY = """
import pytest

@pytest.mark.parametrize("n", range(20))
def test_n(n):
    print("x" * 200_000)
    assert 0
"""


def test_output_is_cut_per_case_and_per_call(service: Service, repository: MakeRepository) -> None:
    response = service.call("simulate", repository(BASE | {"tests/test_a.py": NOISY}), {})
    sizes = [len(case.output) for case in response.result_as(SimulateResult).cases]
    assert max(sizes) < 65 * 1024
    assert sum(sizes) < 1_100_000
    assert response.result_as(SimulateResult).cases[0].output.endswith("[cut]\n")


class Twin(http.server.BaseHTTPRequestHandler):
    """Answers everything with its name."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"twin")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Says nothing."""


@pytest.fixture
def twin() -> Iterator[int]:
    """A server on the host's loopback, and its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Twin) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


ASKS = """
import os, socket, urllib.request
for _ in range(3):
    assert urllib.request.urlopen(os.environ["TWIN"], timeout=5).read() == b"twin"
try:
    socket.create_connection(("192.0.2.1", 80), timeout=2)
except OSError:
    pass
else:
    raise AssertionError("the network is open")
"""


def test_a_named_twin_can_be_reached_and_nothing_else(service: Service, repository: MakeRepository, twin: int) -> None:
    url = f"http://127.0.0.1:{twin}"
    params = {"environment": {"vars": {"TWIN": url}, "twins": {"github": url}}}
    response = service.call("simulate", repository(one_test(ASKS)), params)
    assert response.status is Status.SUCCESS, [item.message for item in response.diagnostics]
