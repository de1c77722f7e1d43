"""`/api/v1/dlq`: what it shows, and a replay that acts once (70 section 12)."""

from collections.abc import Mapping
from urllib.parse import quote

import pytest
from cli_stand import REPO, Program
from hand_made import post_dead_letter
from web_stand import MakeSite, Site

from cogworks.model.dead_letter import DeadLetter, letter_as_value
from cogworks.web.office import Office

NUMBER = 3


@pytest.fixture
def letter(web_github: Program, office: Office) -> DeadLetter:
    """A letter on GitHub and in the index; what earlier tests left on the issue is gone."""
    for comment in web_github.call("GET", f"/repos/{REPO}/issues/{NUMBER}/comments"):
        web_github.call("PATCH", f"/repos/{REPO}/issues/comments/{comment['id']}", {"body": "obsolete"})
    made = post_dead_letter(web_github, NUMBER)
    assert office.reading.dead_letters is not None
    office.reading.dead_letters.put(made)
    return made


def replayed(site: Site, key: str, **headers: str) -> tuple[int, Mapping[str, object]]:
    answer = site.client.post(f"/api/v1/dlq/{quote(key, safe='')}/replay", headers=headers)
    return answer.status_code, answer.json()


def test_letters_are_shown_as_the_command_line_shows_them(site: MakeSite, letter: DeadLetter) -> None:
    client = site().client
    assert client.get("/api/v1/dlq").json() == {"letters": [letter_as_value(letter)]}
    assert 'cogworks_dlq_size{node="planning"} 1.0' in client.get("/metrics").text


def test_a_replay_is_done_once_and_the_second_is_a_duplicate(site: MakeSite, letter: DeadLetter) -> None:
    made = site()
    status, body = replayed(made, letter.key)
    assert (status, body["result"]) == (200, "replayed")
    assert made.steps == [f"{REPO}#{NUMBER}"]
    status, body = replayed(made, letter.key)
    assert (status, body["result"]) == (200, "duplicate")

    assert made.client.get("/api/v1/dlq").json() == {"letters": []}
    assert len(made.client.get("/api/v1/dlq?all").json()["letters"]) == 1
    figures = made.client.get("/metrics").text
    assert 'cogworks_dlq_size{node="planning"} 0.0' in figures
    assert 'cogworks_dlq_replayed_total{result="duplicate"} 1.0' in figures


def test_a_replay_that_is_refused_says_why(site: MakeSite, letter: DeadLetter, web_github: Program) -> None:
    made = site()
    web_github.call("POST", f"/repos/{REPO}/issues/{NUMBER}/labels", ["cogworks:hold"], login="maria")
    status, body = replayed(made, letter.key)
    web_github.call("DELETE", f"/repos/{REPO}/issues/{NUMBER}/labels/cogworks:hold", login="maria")
    assert (status, body["result"], body["reason"]) == (409, "refused", "the run is held: human review is required")
    assert made.steps == []


def test_a_letter_that_is_none_is_404(site: MakeSite) -> None:
    assert replayed(site(), f"{REPO}#{NUMBER}/run/intake/-/1")[0] == 404


@pytest.mark.parametrize(
    ("changed", "headers", "status", "why"),
    [
        ({}, {"origin": "http://127.0.0.1"}, 404, "our own page"),
        ({}, {"origin": "http://evil.example"}, 401, "a page of another site"),
        ({}, {"origin": "null"}, 401, "a page that hides its site"),
        ({"on_loopback": False, "console_token": "right"}, {}, 401, "nobody without a token"),
        ({"on_loopback": False, "console_token": "right"}, {"authorization": "Bearer wrong"}, 401, "a wrong token"),
        ({"on_loopback": False, "console_token": "right"}, {"authorization": "Bearer right"}, 404, "the token"),
    ],
)
def test_only_who_may_can_replay(
    site: MakeSite, changed: Mapping[str, object], headers: Mapping[str, str], status: int, why: str
) -> None:
    assert replayed(site(**changed), "message/none", **headers)[0] == status, why
