"""How answers travel: ETags, pages, limits, addresses, the log, faults (TWG-04, TWG-06, 80 section 3)."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from conformance import check_recording
from github_twin_process import REPO, Twin

PAGED = [
    "/issues?state=all", "/issues/events", "/labels", "/issues/comments", "/commits", "/git/matching-refs/heads",
]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/issues/1",
        "/issues?state=all",
        "/contents/tally.py",
        "/pulls/3",
        "/git/ref/heads/main",
        "/labels?per_page=1",
    ],
)
def test_what_has_not_changed_is_not_sent_again(twin: Twin, path: str) -> None:
    cogworks = twin.as_("cogworks")
    first, _ = cogworks.answer("GET", path, status=200)
    again, _ = cogworks.answer("GET", path, headers={"if-none-match": first.headers["etag"]}, status=304)
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]


def test_what_has_changed_is_sent_again(twin: Twin) -> None:
    cogworks, number = twin.as_("cogworks"), twin.issue()["number"]
    first, _ = cogworks.answer("GET", f"/issues/{number}", status=200)
    cogworks("POST", f"/issues/{number}/labels", {"labels": ["bug"]})
    etag = {"if-none-match": first.headers["etag"]}
    assert cogworks.answer("GET", f"/issues/{number}", headers=etag, status=200)[1]["labels"]


def test_pages_are_linked_and_hold_everything_once(fresh_twin: Callable[..., Twin]) -> None:
    twin = fresh_twin()
    cogworks = twin.as_("cogworks")
    for n in range(5):
        cogworks("POST", "/issues/1/comments", {"body": f"comment {n}"})
        twin.branch()
        twin.write(f"{n}.txt", "x")
        cogworks("POST", f"/issues/{twin.issue()['number']}/labels", [f"label {n}"])
    for path in PAGED:
        sign = "&" if "?" in path else "?"
        everything = cogworks("GET", f"{path}{sign}per_page=100")
        items: list[Any] = []
        url = f"{twin.url}{REPO}{path}{sign}per_page=2"
        while url:
            answer = cogworks.client.get(url)
            items += answer.json()
            assert len(answer.json()) <= 2
            url = answer.links.get("next", {}).get("url", "")
            assert url.startswith(twin.url) or not url
        assert items == everything
        assert len(items) > 4, path


def test_last_first_and_previous_pages_are_linked_too(twin: Twin) -> None:
    answer, _ = twin.as_("cogworks").answer("GET", "/issues?state=all&per_page=1&page=2")
    assert {"first", "prev", "next", "last"} == answer.links.keys()


@pytest.mark.parametrize("base", ["", "/api/v3"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_addresses_are_built_from_the_base_that_was_called(twin: Twin, base: str, host: str) -> None:
    url = twin.url.replace("127.0.0.1", host)
    headers = {"authorization": f"token {twin.tokens['cogworks']}"}
    answer = httpx.get(f"{url}{base}{REPO}/issues?state=all&per_page=1", headers=headers)
    assert answer.json()[0]["url"].startswith(f"{url}{base}/repos/acme/tally/issues/")
    assert answer.links["next"]["url"].startswith(f"{url}{base}/repos/")
    assert answer.json()[0]["html_url"].startswith(f"{url}/acme/tally/")


def test_head_says_whether_a_file_is_there(twin: Twin) -> None:
    client = twin.as_("cogworks").client
    assert client.head(f"{REPO}/contents/tally.py").status_code == 200
    assert client.head(f"{REPO}/contents/none.py").status_code == 404


def test_raw_contents(twin: Twin) -> None:
    raw = {"accept": "application/vnd.github.raw+json"}
    assert twin.as_("cogworks").client.get(f"{REPO}/contents/README.md", headers=raw).text == "# Tally\n"


def test_the_log_tells_every_request(fresh_twin: Callable[..., Twin]) -> None:
    twin = fresh_twin()
    cogworks = twin.as_("cogworks")
    first, _ = cogworks.answer("GET", "/issues/1")
    cogworks.answer("GET", "/issues/1", headers={"if-none-match": first.headers["etag"]})
    cogworks("POST", "/labels", {"name": "new"}, status=201)
    cogworks("POST", "/issues/1/comments", {"body": "b"}, status=201)
    cogworks("POST", "/issues/1/comments", {"body": ""}, status=422)
    httpx.get(f"{twin.url}/acme/tally.git/info/refs?service=git-upload-pack")
    log = twin.control("GET", "log")["log"]
    keys = ["seq", "at", "login", "method", "path", "status", "route", "content_write", "conditional"]
    assert all(list(entry) == keys for entry in log)
    told = [(e["login"], e["method"], e["path"], e["status"], e["content_write"], e["conditional"]) for e in log]
    assert told == [
        ("cogworks", "GET", f"{REPO}/issues/1", 200, False, False),
        ("cogworks", "GET", f"{REPO}/issues/1", 304, False, True),
        ("cogworks", "POST", f"{REPO}/labels", 201, False, False),
        ("cogworks", "POST", f"{REPO}/issues/1/comments", 201, True, False),
        ("cogworks", "POST", f"{REPO}/issues/1/comments", 422, False, False),
        (None, "GET", "/acme/tally.git/info/refs", 401, False, False),
    ]
    assert log[0]["route"] == "/repos/{owner}/{repo}/issues/{issue_number}"
    counts = {"content_writes": 1, "rest": 3, "label_creations": 1, "git": 1, "not_modified": 1}
    assert twin.control("GET", "counts") == counts
    assert twin.control("GET", f"log?after={log[-2]['seq']}")["log"] == log[-1:]
    twin.control("POST", "reset")
    assert twin.control("GET", "counts") == dict.fromkeys(counts, 0)


def test_creating_content_is_marked_as_such(fresh_twin: Callable[..., Twin]) -> None:
    twin = fresh_twin()
    pull, parent, child = twin.pull(), twin.issue(), twin.issue()
    cogworks = twin.as_("cogworks")
    cogworks("POST", f"/issues/{parent['number']}/sub_issues", {"sub_issue_id": child["id"]})
    cogworks("POST", f"/issues/{parent['number']}/dependencies/blocked_by", {"issue_id": child["id"]})
    cogworks("POST", f"/pulls/{pull['number']}/reviews", {"event": "COMMENT", "body": "b"})
    comment = cogworks("POST", "/issues/1/comments", {"body": "b"})
    cogworks("POST", f"/issues/comments/{comment['id']}/reactions", {"content": "+1"}, status=201)
    cogworks("PATCH", f"/issues/comments/{comment['id']}", {"body": "c"})
    cogworks("POST", "/issues/1/labels", {"labels": ["bug"]})
    assert twin.control("GET", "counts")["content_writes"] == 7


def test_primary_limit(fresh_twin: Callable[..., Twin]) -> None:
    twin = fresh_twin("--rate-limits")
    cogworks = twin.as_("cogworks")
    twin.control("POST", "limits", {"remaining": 2, "reset_in": 600})
    first, _ = cogworks.answer("GET", "/issues/1", status=200)
    assert (first.headers["x-ratelimit-limit"], first.headers["x-ratelimit-remaining"]) == ("5000", "1")
    etag = {"if-none-match": first.headers["etag"]}
    assert cogworks.answer("GET", "/issues/1", headers=etag, status=304)[0].headers["x-ratelimit-remaining"] == "1"
    cogworks("GET", "/issues/2", status=200)
    refused, body = cogworks.answer("GET", "/issues/1", status=403)
    assert "API rate limit exceeded" in body["message"]
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert cogworks("GET", "//rate_limit", status=200)["resources"]["core"]["remaining"] == 0
    twin.as_("maria")("GET", "/issues/1", status=200)
    twin.control("POST", "limits", {"enabled": False})
    cogworks("GET", "/issues/1", status=200)


def test_secondary_limit(fresh_twin: Callable[..., Twin]) -> None:
    twin = fresh_twin("--rate-limits")
    cogworks = twin.as_("cogworks")
    statuses = [cogworks.answer("POST", "/issues/1/comments", {"body": str(n)})[0].status_code for n in range(81)]
    assert statuses == [201] * 80 + [403]
    refused, body = cogworks.answer("GET", "/issues/1", status=403)
    assert "secondary rate limit" in body["message"]
    assert 0 < int(refused.headers["retry-after"]) <= 60


def test_without_the_option_nothing_is_limited(twin: Twin) -> None:
    answer, _ = twin.as_("cogworks").answer("GET", "/issues/1")
    assert answer.headers["x-ratelimit-remaining"] == answer.headers["x-ratelimit-limit"] == "5000"


def test_wrong_limits_are_told(twin: Twin) -> None:
    answer = httpx.post(f"{twin.url}/_twin/limits", json={"primary_limit": 0, "colour": 1})
    assert answer.status_code == 400
    assert len(answer.json()["problems"]) == 2


@pytest.mark.parametrize(
    ("fault", "status", "headers", "acted"),
    [
        ({"kind": "status", "code": 502, "body": {"message": "Bad gateway"}}, 502, {}, False),
        ({"kind": "rate_limit", "reset_in": 60}, 403, {"x-ratelimit-remaining": "0"}, False),
        ({"kind": "rate_limit", "reset_in": 30, "secondary": True}, 403, {"retry-after": "30"}, False),
        ({"kind": "drop_before"}, 0, {}, False),
        ({"kind": "drop_after"}, 0, {}, True),
    ],
)
def test_a_fault_strikes_and_is_logged(
    fresh_twin: Callable[..., Twin], fault: dict[str, Any], status: int, headers: dict[str, str], acted: bool
) -> None:
    twin = fresh_twin()
    match = {"method": "POST", "path": "/issues/1/comments$", "login": "cogworks"}
    twin.control("POST", "faults", [{**fault, "match": match, "nth": 1}])
    client = twin.as_("cogworks").client
    try:
        answer = client.post(f"{REPO}/issues/1/comments", json={"body": "b"})
    except httpx.RemoteProtocolError:
        assert status == 0
    else:
        assert answer.status_code == status
        assert headers.items() <= dict(answer.headers).items()
    assert len(twin.as_("maria")("GET", "/issues/1/comments")) == int(acted)
    struck = next(entry for entry in twin.control("GET", "log")["log"] if entry["method"] == "POST")
    assert (struck["login"], struck["content_write"]) == ("cogworks", acted)
    assert twin.as_("cogworks")("POST", "/issues/1/comments", {"body": "b"}, status=201)


def test_a_held_write_waits_for_its_release(fresh_twin: Callable[..., Twin], tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"kind": "hold_before", "match": {"path": "/issues$", "method": "POST"}, "nth": 1}]))
    twin = fresh_twin("--faults", str(faults))
    opened: list[Any] = []
    writer = threading.Thread(target=lambda: opened.append(twin.issue("held")))
    writer.start()
    assert len(twin.control("GET", "holds?wait=10")["holds"]) == 1
    assert len(twin.as_("maria")("GET", "/issues?state=all")) == 3
    twin.control("POST", "release")
    writer.join(timeout=10)
    assert opened[0]["number"] == 4


def test_every_exchange_is_recorded_for_the_conformance_check(fresh_twin: Callable[..., Twin], tmp_path: Path) -> None:
    record = tmp_path / "exchanges.jsonl"
    twin = fresh_twin("--record", str(record))
    twin.as_("cogworks")("GET", "/issues/1")
    twin.as_("cogworks")("GET", "/issues/99")
    exchanges = [json.loads(line) for line in record.read_text().splitlines()]
    assert [(e["method"], e["path"], e["status"]) for e in exchanges] == [
        ("GET", f"{REPO}/issues/1", 200),
        ("GET", f"{REPO}/issues/99", 404),
    ]
    assert check_recording(record) == []
    record.write_text(json.dumps({**exchanges[0], "body": {"id": "1"}}) + "\n")
    assert any("issues/1 200: id:" in problem for problem in check_recording(record))


def test_a_renamed_repository_sends_readers_on_and_stops_writers(fresh_twin: Callable[..., Twin]) -> None:
    """GH-44."""
    twin = fresh_twin()
    twin.as_("boss")("PATCH", "", {"name": "ledger"}, status=200)
    cogworks = twin.as_("cogworks")
    moved, _ = cogworks.answer("GET", "/issues/1?x=1", status=301)
    followed = cogworks.client.get(moved.headers["location"])
    assert followed.json()["url"] == f"{twin.url}/repos/acme/ledger/issues/1"
    write, body = cogworks.answer("POST", "/issues/1/comments", {"body": "b"}, status=307)
    assert body["url"] == write.headers["location"]
    assert cogworks("GET", "//repos/acme/ledger/issues/1/comments") == []
    twin.as_("stranger")("GET", "/issues/1", status=404)


def test_the_record_can_be_asked_for_by_the_environment(
    fresh_twin: Callable[..., Twin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COGWORKS_TWIN_RECORD", str(tmp_path))
    fresh_twin().as_("cogworks")("GET", "/issues/1")
    (record,) = tmp_path.glob("github-*.jsonl")
    assert check_recording(record) == []
