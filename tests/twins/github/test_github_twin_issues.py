"""Issues, labels, comments, families and their events."""

from typing import Any

import pytest
from github_twin_process import Twin


def kinds(twin: Twin, number: int) -> list[tuple[str, str]]:
    events = twin.as_("maria")("GET", f"/issues/{number}/events?per_page=100")
    return [(event["event"], event["actor"]["login"]) for event in events]


def test_events_tell_who_did_what(twin: Twin) -> None:
    cogworks, maria = twin.as_("cogworks"), twin.as_("maria")
    number = twin.issue(labels=["bug"], milestone=1)["number"]
    place = f"/issues/{number}"
    maria("POST", f"{place}/labels", ["cogworks:hold"], status=200)
    maria("DELETE", f"{place}/labels/cogworks%3Ahold", status=200)
    maria("PATCH", place, {"title": "Renamed", "milestone": None, "state": "closed", "state_reason": "not_planned"})
    cogworks("PATCH", place, {"state": "open"})
    assert kinds(twin, number) == [
        ("labeled", "cogworks"),
        ("milestoned", "cogworks"),
        ("labeled", "maria"),
        ("unlabeled", "maria"),
        ("renamed", "maria"),
        ("demilestoned", "maria"),
        ("closed", "maria"),
        ("reopened", "cogworks"),
    ]
    newest = maria("GET", "/issues/events?per_page=8")
    assert [event["event"] for event in newest][::-1] == [kind for kind, _ in kinds(twin, number)]
    assert {event["issue"]["number"] for event in newest} == {number}
    label = next(event for event in newest if event["event"] == "unlabeled")
    assert (label["label"]["name"], label["actor"]["type"]) == ("cogworks:hold", "User")


@pytest.mark.parametrize("shape", ["array", "object"])
def test_labels_are_taken_in_both_shapes_and_only_the_difference_counts(twin: Twin, shape: str) -> None:
    number = twin.issue(labels=["bug"])["number"]
    names = ["BUG", "brand-new"]
    shown = twin.as_("cogworks")("POST", f"/issues/{number}/labels", names if shape == "array" else {"labels": names})
    assert [label["name"] for label in shown] == ["bug", "brand-new"]
    assert [kind for kind, _ in kinds(twin, number)] == ["labeled", "labeled"]


def test_a_reader_sets_no_labels_when_opening(twin: Twin) -> None:
    opened = twin.as_("guest")("POST", "/issues", {"title": "t", "labels": ["bug"], "milestone": 1}, status=201)
    assert (opened["labels"], opened["milestone"]) == ([], None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("labels=cogworks:run", True),
        ("labels=cogworks:run,bug", False),
        ("labels=COGWORKS:RUN&state=open", True),
        ("state=closed", False),
        ("milestone=1", True),
        ("milestone=none", False),
        ("milestone=*", True),
        ("creator=maria", True),
        ("creator=boss", False),
        ("since=2020-01-01T00:00:00Z", True),
        ("since=2999-01-01T00:00:00Z", False),
    ],
)
def test_issues_are_found_by(twin: Twin, query: str, found: bool) -> None:
    numbers = [issue["number"] for issue in twin.as_("cogworks")("GET", f"/issues?per_page=100&{query}")]
    assert (1 in numbers) is found


def test_pull_requests_are_listed_among_issues(twin: Twin) -> None:
    number = twin.pull()["number"]
    listed = twin.as_("cogworks")("GET", "/issues?per_page=100")
    assert [("pull_request" in issue) for issue in listed if issue["number"] == number] == [True]


def test_comments_are_edited_by_their_author_and_deleted_by_people(twin: Twin) -> None:
    cogworks, number = twin.as_("cogworks"), twin.issue()["number"]
    comment = cogworks("POST", f"/issues/{number}/comments", {"body": "one"}, status=201)
    place = f"/issues/comments/{comment['id']}"
    twin.as_("guest")("PATCH", place, {"body": "theirs"}, status=403)
    assert cogworks("PATCH", place, {"body": "two"}, status=200)["body"] == "two"
    assert cogworks("POST", f"{place}/reactions", {"content": "+1"}, status=201)["content"] == "+1"
    cogworks("POST", f"{place}/reactions", {"content": "+1"}, status=200)
    cogworks("POST", f"{place}/reactions", {"content": "shrug"}, status=422)
    assert cogworks("GET", place)["reactions"]["+1"] == 1
    assert len(cogworks("GET", f"{place}/reactions")) == 1
    twin.as_("maria")("DELETE", place, status=204)
    cogworks("GET", place, status=404)


def test_repository_comments_come_newest_first_when_asked(twin: Twin) -> None:
    cogworks, number = twin.as_("cogworks"), twin.issue()["number"]
    ids = [cogworks("POST", f"/issues/{number}/comments", {"body": str(n)})["id"] for n in range(3)]
    newest = cogworks("GET", "/issues/comments?sort=created&direction=desc&per_page=3")
    assert [comment["id"] for comment in newest] == ids[::-1]
    assert cogworks("GET", "/issues/comments?since=2999-01-01T00:00:00Z") == []


def test_dependencies_go_both_ways_and_may_even_form_a_ring(twin: Twin) -> None:
    """GH-33: CogWorks names the ring; GitHub lets people make one."""
    cogworks, one, two = twin.as_("cogworks"), twin.issue("one"), twin.issue("two")

    def block(blocked: dict[str, Any], blocking: dict[str, Any], status: int) -> Any:
        place = f"/issues/{blocked['number']}/dependencies/blocked_by"
        return cogworks("POST", place, {"issue_id": blocking["id"]}, status=status)

    assert block(two, one, 201)["number"] == two["number"]
    block(two, one, 422)
    block(one, one, 422)
    (blocker,) = cogworks("GET", f"/issues/{two['number']}/dependencies/blocked_by")
    (blocked,) = cogworks("GET", f"/issues/{one['number']}/dependencies/blocking")
    assert (blocker["number"], blocked["number"]) == (one["number"], two["number"])
    block(one, two, 201)
    cogworks("DELETE", f"/issues/{one['number']}/dependencies/blocked_by/{two['id']}", status=200)
    assert cogworks("GET", f"/issues/{one['number']}/dependencies/blocked_by") == []


def test_a_sub_issue_can_be_taken_off_and_put_elsewhere(twin: Twin) -> None:
    cogworks, one, two, child = twin.as_("cogworks"), twin.issue("one"), twin.issue("two"), twin.issue("child")
    add = {"sub_issue_id": child["id"]}
    assert cogworks("POST", f"/issues/{one['number']}/sub_issues", add, status=201)["number"] == one["number"]
    moved = {**add, "replace_parent": True}
    cogworks("POST", f"/issues/{two['number']}/sub_issues", moved, status=201)
    assert cogworks("GET", f"/issues/{one['number']}/sub_issues") == []
    cogworks("DELETE", f"/issues/{two['number']}/sub_issue", add, status=200)
    cogworks("GET", f"/issues/{child['number']}/parent", status=404)


def test_labels_of_the_repository_live_and_end(twin: Twin) -> None:
    maria = twin.as_("maria")
    maria("POST", "/labels", {"name": "short lived", "color": "123abc", "description": "d"}, status=201)
    renamed = maria("PATCH", "/labels/short%20lived", {"new_name": "renamed", "color": "000000"}, status=200)
    assert (renamed["name"], renamed["color"], renamed["description"]) == ("renamed", "000000", "d")
    maria("DELETE", "/labels/renamed", status=204)
    maria("GET", "/labels/renamed", status=404)


def test_milestones_are_listed_by_state(twin: Twin) -> None:
    maria = twin.as_("maria")
    assert [one["title"] for one in maria("GET", "/milestones")] == ["v2.0"]
    made = maria("POST", "/milestones", {"title": "v3.0"}, status=201)
    maria("PATCH", f"/milestones/{made['number']}", {"state": "closed"}, status=200)
    assert [one["title"] for one in maria("GET", "/milestones?state=closed")] == ["v3.0"]


def test_files_folders_and_trees(twin: Twin) -> None:
    cogworks = twin.as_("cogworks")
    assert {entry["path"]: entry["type"] for entry in cogworks("GET", "/contents/tests")} == {
        "tests/test_tally.py": "file"
    }
    names = {entry["name"] for entry in cogworks("GET", "/contents/")}
    assert {"README.md", "tally.py", "tests"} <= names
    sha = cogworks("GET", "/git/ref/heads/main")["object"]["sha"]
    tree = cogworks("GET", f"/git/trees/{sha}?recursive=1")
    assert {"tests", "tests/test_tally.py"} <= {entry["path"] for entry in tree["tree"]}
    assert tree["truncated"] is False
    assert [commit["sha"] for commit in cogworks("GET", "/commits?path=tally.py&sha=main")][-1:]
