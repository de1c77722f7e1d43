"""The real client library, and a real receiver of webhooks."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import github
import pytest
from github_twin_process import Twin
from githubkit_schemas.v2026_03_10.webhooks import WebhookNamespace


@pytest.fixture(params=["", "/api/v3"])
def hub(twin: Twin, request: pytest.FixtureRequest) -> Iterator[github.Github]:
    client = github.Github(
        auth=github.Auth.Token(twin.tokens["cogworks"]),
        base_url=twin.url + request.param,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        lazy=True,
    )
    yield client
    client.close()


def test_pygithub_does_what_cogworks_needs(twin: Twin, hub: github.Github) -> None:
    repo = hub.get_repo("acme/tally")
    assert repo.default_branch == "main"
    assert repo.get_collaborator_permission("maria") == "write"
    parent = repo.create_issue("Parent", body="b", labels=["bug"])
    child = repo.create_issue("Child")
    parent.add_sub_issue(child.id)
    child.add_blocked_by(repo.get_issue(1))
    assert [one.number for one in parent.get_sub_issues()] == [child.number]
    assert [one.number for one in child.get_blocked_by()] == [1]
    parent.add_to_labels("cogworks:processing")
    parent.remove_from_labels("cogworks:processing")
    comment = parent.create_comment("hello")
    comment.edit("hello again")
    comment.create_reaction("+1")
    assert [one.body for one in parent.get_comments()] == ["hello again"]
    pull = repo.create_pull(title="P", body="b", head=twin.branch(), base="main")
    pull.create_review(body="found", event="COMMENT", comments=[{"path": "new.txt", "line": 1, "body": "here"}])
    assert [review.state for review in pull.get_reviews()] == ["COMMENTED"]
    assert repo.compare("main", pull.head.ref).ahead_by == 1
    assert repo.get_contents("tally.py", ref="main").decoded_content.startswith(b"def add")
    assert len(list(repo.get_git_tree("main", recursive=True).tree)) > 3
    assert [one.number for one in repo.get_commit(pull.head.sha).get_pulls()] == [pull.number]
    assert len(list(repo.get_issues(state="all").get_page(0))) > 3


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (lambda repo: repo.get_issue(9999).title, 404),
        (lambda repo: repo.create_issue("t", body="x" * 65_537), 422),
        (lambda repo: repo.get_issue(1).edit(state="gone"), 422),
        (lambda repo: repo.get_pull(3).merge(), 403),
    ],
)
def test_refusals_arrive_as_pygithub_exceptions(
    hub: github.Github, act: Callable[[github.Repository.Repository], object], status: int
) -> None:
    with pytest.raises(github.GithubException) as caught:
        act(hub.get_repo("acme/tally"))
    assert caught.value.status == status


class Receiver:
    """Takes deliveries and keeps them."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.news = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with outer.news:
                    outer.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    outer.news.notify_all()
                self.send_response(202)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/github"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def wait_for(self, event: str, action: str | None) -> tuple[dict[str, str], bytes]:
        def found() -> list[tuple[dict[str, str], bytes]]:
            return [
                (headers, body)
                for headers, body in self.got
                if headers["x-github-event"] == event and json.loads(body).get("action") == action
            ]

        with self.news:
            assert self.news.wait_for(found, timeout=10), (event, action)
            return found()[0]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.server.shutdown()
    one.server.server_close()
    one.thread.join(timeout=5)


def test_deliveries_are_signed_and_shaped_as_github_sends_them(
    fresh_twin: Callable[..., Twin], receiver: Receiver
) -> None:
    secret = "It's a Secret to Everybody"
    twin = fresh_twin("--webhook-url", receiver.url, "--webhook-secret", secret)
    maria = twin.as_("maria")
    maria("POST", "/issues/2/labels", ["cogworks:run"])
    maria("DELETE", "/issues/2/labels/cogworks:run")
    maria("PATCH", "/issues/2", {"title": "Other", "state": "closed"})
    maria("PATCH", "/issues/2", {"state": "open"})
    maria("POST", "/issues/1/comments", {"body": "/cogworks status"})
    pull = twin.pull()
    twin.write("more.txt", "more\n", branch=pull["head"]["ref"])
    review = maria("POST", f"/pulls/{pull['number']}/reviews", {"event": "APPROVE"})
    maria("PUT", f"/pulls/{pull['number']}/reviews/{review['id']}/dismissals", {"message": "m"})
    maria("PUT", f"/pulls/{pull['number']}/merge", {}, status=200)
    for event, action in (
        ("issues", "labeled"),
        ("issues", "unlabeled"),
        ("issues", "edited"),
        ("issues", "closed"),
        ("issues", "reopened"),
        ("issue_comment", "created"),
        ("push", None),
        ("pull_request", "opened"),
        ("pull_request", "synchronize"),
        ("pull_request_review", "submitted"),
        ("pull_request_review", "dismissed"),
        ("pull_request", "closed"),
    ):
        headers, body = receiver.wait_for(event, action)
        expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        assert headers["x-hub-signature-256"] == expected
        WebhookNamespace.parse_obj(event, json.loads(body))
    deliveries = [headers["x-github-delivery"] for headers, _ in receiver.got]
    assert len(set(deliveries)) == len(deliveries)


def test_a_refused_request_delivers_nothing(fresh_twin: Callable[..., Twin], receiver: Receiver) -> None:
    twin = fresh_twin("--webhook-url", receiver.url, "--webhook-secret", "s")
    # the issue is opened before the milestone is refused: all of it is undone
    twin.as_("maria")("POST", "/issues", {"title": "t", "labels": ["a" * 51]}, status=422)
    twin.as_("maria")("POST", "/issues/1/comments", {"body": "b"}, status=201)
    receiver.wait_for("issue_comment", "created")
    assert len(receiver.got) == 1
