"""Webhooks: signed, at most one step, no work (GH-47, GH-48)."""

import pytest
from web_stand import OLD_SECRET, SECRET, MakeSite, issue_event, pull_event, signature

from cogworks.model.errors import DependencyUnavailable, FailureCategory
from cogworks.model.ids import IssueNumber, Item, RepoName
from cogworks.web.office import Office
from cogworks.web.signature import signed

ITEM = Item(RepoName("acme/tally"), IssueNumber(1))
SWI = {"number": 9, "body": "<!-- cogworks:swi v1 run=r ordinal=1 key=k -->\r\nPart of #7.\r\n"}


def comment_event(body: str, *, issue: object = None) -> dict[str, object]:
    return {**issue_event("created"), "comment": {"id": 77, "body": body}, "issue": issue or {"number": 1}}


def test_a_command_is_noted_for_the_step(site: MakeSite, office: Office) -> None:
    site().deliver(comment_event("/cogworks cancel"), event="issue_comment")
    assert office.reading.projection is not None
    office.reading.projection.save(ITEM, state="{}", seq=1, fence=1, open_run=True)
    noted = office.reading.projection.load(ITEM)
    assert noted is not None
    assert noted.facts == {"spoke": "77"}


def test_the_published_signature_is_accepted() -> None:
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signed(b"Hello, World!", header, [SECRET.encode()])
    assert not signed(b"Hello, World!", header, [])


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (None, "no signature"),
        ("", "an empty one"),
        ("sha256=" + "0" * 64, "a wrong one"),
        ("sha1=" + "0" * 40, "of another kind"),
        (signature(b"{}", SECRET), "of another body"),
        (signature(b'{"a": 1}', "guess"), "of another secret"),
    ],
)
def test_a_wrong_signature_is_401_and_nothing_is_queued(site: MakeSite, header: str | None, why: str) -> None:
    here = site()
    answer = here.deliver(b'{"a": 1}', headers={"x-hub-signature-256": header})
    assert (answer.status_code, here.steps) == (401, []), why


def test_one_flipped_bit_is_401(site: MakeSite) -> None:
    here = site()
    body = b'{"action":"labeled","issue":{"number":1},"repository":{"full_name":"acme/tally"}}'
    flipped = bytes([body[0], body[1] ^ 1, *body[2:]])
    answer = here.deliver(flipped, headers={"x-hub-signature-256": signature(body, SECRET)})
    assert (answer.status_code, here.steps) == (401, [])


@pytest.mark.parametrize(
    ("event", "payload", "steps", "why"),
    [
        ("issues", issue_event("labeled"), ["acme/tally#1"], "a trigger may have come"),
        ("issues", issue_event("unlabeled"), ["acme/tally#1"], "the failed label may be gone"),
        ("issues", issue_event("closed"), ["acme/tally#1"], "the run is to end"),
        ("issues", issue_event("reopened"), ["acme/tally#1"], "or to go on"),
        ("issues", issue_event("edited"), ["acme/tally#1"], "the text is new"),
        ("issues", issue_event("assigned"), [], "who is assigned is nothing to us"),
        ("issue_comment", issue_event("created"), ["acme/tally#1"], "a command may be in it"),
        ("issue_comment", comment_event("/cogworks run"), ["acme/tally#1"], "a command"),
        ("issue_comment", comment_event("fine"), [], "chatter"),
        ("issue_comment", comment_event("/cogworks run", issue=SWI), ["acme/tally#7"], "on a sub-work-item"),
        ("issues", {**issue_event(), "issue": SWI}, ["acme/tally#7"], "a label on a sub-work-item"),
        ("issue_comment", issue_event("deleted"), [], "what is gone commands nothing"),
        ("pull_request", pull_event("closed", head="cogworks/7/spec"), ["acme/tally#7"], "a gate may be open"),
        ("pull_request", pull_event("synchronize", head="cogworks/7/swi-1"), ["acme/tally#7"], "a branch moved"),
        ("pull_request", pull_event("closed", head="feature/x"), [], "somebody's own branch"),
        ("pull_request_review", pull_event("submitted", head="cogworks/7/spec"), ["acme/tally#7"], "an answer"),
        ("push", issue_event("labeled"), [], "an event that tells nothing"),
        ("issues", issue_event(repo="other/place"), [], "a repository that is not ours"),
        ("issues", issue_event(sender="cogworks"), [], "our own doing"),
        ("issues", {"action": "labeled"}, [], "a payload of another shape"),
        ("issues", issue_event(number=-1), [], "a number that is none"),
        ("issues", [], [], "JSON, but no object"),
    ],
)
def test_what_leads_to_a_step(site: MakeSite, event: str, payload: object, steps: list[str], why: str) -> None:
    here = site()
    answer = here.deliver(payload, event=event)
    assert (answer.status_code, here.steps) == (202, steps), why


def test_the_same_delivery_twice_is_one_step(site: MakeSite) -> None:
    here = site()
    told = [here.deliver(issue_event(), delivery="same").json()["result"] for _ in range(2)]
    assert (told, here.steps) == (["queued", "duplicate"], ["acme/tally#1"])
    assert here.deliver(issue_event(), delivery="other").json()["result"] == "queued"


def test_the_old_secret_counts_while_it_is_rotated(site: MakeSite) -> None:
    assert site().deliver(issue_event(), secret=OLD_SECRET).status_code == 202
    assert site(secrets=(SECRET.encode(),)).deliver(issue_event(), secret=OLD_SECRET).status_code == 401


@pytest.mark.parametrize(
    ("body", "headers", "status", "why"),
    [
        (b"not json", {}, 400, "not JSON"),
        (b"\xff\xfe", {}, 400, "not even text"),
        (b"[" * 100_000, {}, 400, "too deep to be read"),
        (b"{}", {"x-github-event": None}, 400, "no event"),
        (b"{}", {"x-github-delivery": None}, 400, "no id"),
        (b"{}", {"x-github-event": "ping"}, 200, "the first that GitHub sends"),
        (b"x" * (25 * 1024 * 1024 + 1), {}, 413, "over 25 MB"),
    ],
)
def test_other_answers(site: MakeSite, body: bytes, headers: dict[str, str | None], status: int, why: str) -> None:
    here = site()
    assert here.deliver(body, headers=headers).status_code == status, why
    assert here.steps == [], why


def test_a_queue_that_is_away_is_503_and_the_delivery_may_come_again(site: MakeSite) -> None:
    here = site()

    class Away:
        def step(self, item: object, *, hint: str) -> None:
            raise DependencyUnavailable("away", category=FailureCategory.SERVICE_UNAVAILABLE)

    away = site(queue=Away())
    assert away.deliver(issue_event(), delivery="again").status_code == 503
    assert here.deliver(issue_event(), delivery="again").json()["result"] == "queued"


def test_deliveries_are_counted(site: MakeSite) -> None:
    here = site()
    here.deliver(issue_event())
    here.deliver(b"{}", headers={"x-github-event": "made up by a stranger"})
    text = here.client.get("/metrics").text
    assert 'cogworks_webhook_events_total{event="issues",result="queued"} 1.0' in text
    assert "stranger" not in text
