"""What every plug of the port GitHub does (30 section 12)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from forge_plugs import FILES, REPO, Forge

from cogworks.model.errors import AlreadyExists, GitHubError, InvalidRequest, NotFound, PermissionDenied
from cogworks.model.github import Issue, Label, LineComment, Pull
from cogworks.model.ids import IssueNumber, PullNumber, Sha

_SERIAL = count(1)
NO_ISSUE = IssueNumber(99_999)


def fresh_name(kind: str) -> str:
    """Return a name that no other test uses."""
    return f"{kind}-{next(_SERIAL)}"


def opened(forge: Forge, *labels: str) -> Issue:
    return forge.github.issues.create(forge.repo, title="One", body="Text", labels=labels, milestone=None)


def pulled(forge: Forge, *, body: str = "b") -> tuple[Pull, str]:
    branch = f"cogworks/1/{fresh_name('slug')}"
    main = forge.github.contents.branch(forge.repo, "main")
    forge.git.fetch(forge.repo)
    sha = forge.git.commit_files(forge.repo, parent=main, files={f"{branch}.txt": b"one\ntwo\n"}, message="New")
    forge.git.push(forge.repo, branch=branch, sha=sha, expected=None)
    return forge.github.pulls.create(forge.repo, title="Text", body=body, head=branch, base="main"), branch


def test_an_issue_is_as_it_was_opened(forge: Forge) -> None:
    label = fresh_name("kind")
    made = forge.github.issues.create(forge.repo, title="Ä title", body="Text", labels=[label], milestone=1)
    seen = forge.github.issues.get(forge.repo, made.number)
    assert (seen.id, seen.title, seen.body, seen.open, seen.labels) == (made.id, "Ä title", "Text", True, (label,))
    assert (seen.milestone, seen.milestone_number, seen.author, seen.author_is_bot) == ("v2.0", 1, "cogworks", True)


def test_the_seeded_issue_is_by_a_human(forge: Forge) -> None:
    seen = forge.github.issues.get(forge.repo, IssueNumber(1))
    assert (seen.author, seen.author_is_bot, seen.labels, seen.milestone) == ("maria", False, ("cogworks:run",), "v2.0")


def test_find_wants_all_labels_and_drops_pulls_and_closed_ones(forge: Forge) -> None:
    one, two = fresh_name("l"), fresh_name("l")
    both, closed = opened(forge, one, two), opened(forge, one, two)
    opened(forge, one)
    pull, _ = pulled(forge)
    forge.github.labels.add(forge.repo, IssueNumber(pull.number), [one, two])
    forge.maria.close(closed.number)
    assert [issue.number for issue in forge.github.issues.find(forge.repo, labels=[one, two])] == [both.number]
    assert forge.github.issues.find(forge.repo, labels=[one], milestone=1) == ()
    assert forge.github.issues.get(forge.repo, IssueNumber(pull.number)).is_pull


def test_labels_are_added_together_and_removed_one_by_one(forge: Forge) -> None:
    issue = opened(forge)
    forge.github.labels.add(forge.repo, issue.number, ["a b", "c/d"])
    forge.github.labels.add(forge.repo, issue.number, ["a b"])
    assert set(forge.github.issues.get(forge.repo, issue.number).labels) == {"a b", "c/d"}
    forge.github.labels.remove(forge.repo, issue.number, "c/d")
    forge.github.labels.remove(forge.repo, issue.number, "c/d")
    assert forge.github.issues.get(forge.repo, issue.number).labels == ("a b",)


def test_a_label_is_created_once_whatever_its_case(forge: Forge) -> None:
    name = fresh_name("cogworks:x")
    forge.github.labels.create(forge.repo, Label(name=name, color="ededed", description="What it means"))
    with pytest.raises(AlreadyExists, match=r"labels\.create"):
        forge.github.labels.create(forge.repo, Label(name=name.upper(), color="ededed"))
    found = [label for label in forge.github.labels.list(forge.repo) if label.name == name]
    assert found == [Label(name=name, color="ededed", description="What it means")]


def test_comments_are_posted_edited_and_listed_in_order(forge: Forge) -> None:
    issue = opened(forge)
    first = forge.github.comments.create(forge.repo, issue.number, "First <!-- marker -->")
    forge.maria.comment(issue.number, "Second")
    forge.github.comments.update(forge.repo, first.id, "First, edited")
    listed = forge.github.comments.list(forge.repo, issue.number)
    assert [(one.author, one.author_is_bot, one.body) for one in listed] == [
        ("cogworks", True, "First, edited"),
        ("maria", False, "Second"),
    ]
    assert forge.github.comments.get(forge.repo, first.id).issue == issue.number


def test_recent_comments_span_issues_oldest_first_and_begin_at_the_cursor(forge: Forge) -> None:
    mine = [forge.github.comments.create(forge.repo, opened(forge).number, text) for text in ("one", "two")]
    since = mine[0].created_at
    recent = forge.github.comments.recent(forge.repo, since=since)
    assert [one.id for one in recent if one.id in {made.id for made in mine}] == [made.id for made in mine]
    assert {one.issue for one in recent} >= {made.issue for made in mine}
    assert forge.github.comments.recent(forge.repo, since=since + timedelta(days=9)) == ()
    assert forge.github.comments.recent(forge.repo, since=None)[-1].id == mine[-1].id


def test_a_reaction_may_be_repeated(forge: Forge) -> None:
    comment = forge.github.comments.create(forge.repo, opened(forge).number, "text")
    for kind in ("+1", "+1", "-1"):
        forge.github.comments.react(forge.repo, comment.id, kind)  # type: ignore[arg-type]  # literals in a loop
    assert forge.github.comments.get(forge.repo, comment.id).body == "text"


def test_sub_issues_keep_their_order_and_attach_once(forge: Forge) -> None:
    parent, one, two = opened(forge), opened(forge), opened(forge)
    for child in (one, two):
        forge.github.issues.add_sub_issue(forge.repo, parent.number, child_id=child.id)
    with pytest.raises(AlreadyExists, match=r"issues\.add_sub_issue"):
        forge.github.issues.add_sub_issue(forge.repo, parent.number, child_id=one.id)
    assert [child.number for child in forge.github.issues.sub_issues(forge.repo, parent.number)] == [
        one.number,
        two.number,
    ]


def test_a_dependency_is_read_back_and_made_once(forge: Forge) -> None:
    blocker, blocked = opened(forge), opened(forge)
    forge.github.issues.add_blocked_by(forge.repo, blocked.number, blocker_id=blocker.id)
    with pytest.raises(AlreadyExists, match=r"issues\.add_blocked_by"):
        forge.github.issues.add_blocked_by(forge.repo, blocked.number, blocker_id=blocker.id)
    assert [one.id for one in forge.github.issues.blocked_by(forge.repo, blocked.number)] == [blocker.id]
    waits = {one.number: one.open_blockers for one in forge.github.issues.find(forge.repo, labels=[])}
    assert (waits[blocked.number], waits[blocker.number]) == (1, 0), "the list alone tells who waits"


def test_events_tell_who_labelled_newest_first(forge: Forge) -> None:
    issue = opened(forge)
    forge.maria.label(issue.number, "urgent")
    forge.github.labels.remove(forge.repo, issue.number, "urgent")
    forge.maria.close(issue.number)
    seen = [one for one in forge.github.issues.events(forge.repo) if one.issue == issue.number]
    assert [(one.kind, one.label, one.actor, one.actor_is_bot) for one in seen] == [
        ("closed", None, "maria", False),
        ("unlabeled", "urgent", "cogworks", True),
        ("labeled", "urgent", "maria", False),
    ]
    assert [one.id for one in seen] == sorted((one.id for one in seen), reverse=True)


def test_what_people_do_to_parts_of_a_plan_is_seen_as_theirs(forge: Forge) -> None:
    """Events of this kind lead the poll to the run that a part belongs to (GH-46)."""
    one, other, child = opened(forge), opened(forge), opened(forge)
    forge.maria.block(one.number, by=other.number)
    forge.maria.attach(one.number, child=child.number)
    forge.maria.set_milestone(one.number, "v2.0")

    assert [b.number for b in forge.github.issues.blocked_by(forge.repo, one.number)] == [other.number]
    assert [s.number for s in forge.github.issues.sub_issues(forge.repo, one.number)] == [child.number]
    assert forge.github.issues.get(forge.repo, one.number).milestone == "v2.0"
    told = [(e.kind, e.actor) for e in forge.github.issues.events(forge.repo) if e.issue == one.number]
    assert ("blocked_by_added", "maria") in told


def test_a_locked_conversation_takes_no_comment_of_a_program(forge: Forge) -> None:
    issue = opened(forge)
    before = forge.github.comments.create(forge.repo, issue.number, "before")
    forge.maria.lock(issue.number)
    with pytest.raises(PermissionDenied, match=r"comments\.create"):
        forge.github.comments.create(forge.repo, issue.number, "while it is locked")
    with pytest.raises(PermissionDenied, match=r"comments\.update"):
        forge.github.comments.update(forge.repo, before.id, "while it is locked")
    forge.maria.unlock(issue.number)

    forge.github.comments.create(forge.repo, issue.number, "after")
    assert [c.body for c in forge.github.comments.list(forge.repo, issue.number)] == ["before", "after"]


def test_a_merge_and_a_closing_are_events_of_the_pull(forge: Forge) -> None:
    merged, closed = pulled(forge)[0], pulled(forge)[0]
    forge.maria.merge(merged.number)
    forge.maria.close(IssueNumber(closed.number))

    told = {(int(e.issue), e.kind, e.actor) for e in forge.github.issues.events(forge.repo)}
    assert {(int(merged.number), "merged", "maria"), (int(merged.number), "closed", "maria")} <= told
    assert (int(closed.number), "closed", "maria") in told


def test_milestones_are_the_open_ones(forge: Forge) -> None:
    assert [(one.number, one.title) for one in forge.github.issues.milestones(forge.repo)] == [(1, "v2.0")]


def test_a_pull_is_found_by_its_head_and_only_its_text_changes(forge: Forge) -> None:
    pull, branch = pulled(forge)
    forge.github.pulls.update_body(forge.repo, pull.number, "Other text")
    found = forge.github.pulls.find(forge.repo, head=branch)
    assert [(one.number, one.body, one.title, one.open, one.merged) for one in found] == [
        (pull.number, "Other text", "Text", True, False)
    ]
    assert (found[0].head, found[0].base, found[0].author) == (branch, "main", "cogworks")
    assert found[0].head_sha == forge.github.contents.branch(forge.repo, branch)
    assert forge.github.pulls.find(forge.repo, head="cogworks/1/nothing") == ()


def test_one_head_has_one_open_pull(forge: Forge) -> None:
    _, branch = pulled(forge)
    with pytest.raises(AlreadyExists, match=r"pulls\.create"):
        forge.github.pulls.create(forge.repo, title="t", body="b", head=branch, base="main")


def test_a_pull_moves_with_its_branch(forge: Forge) -> None:
    pull, branch = pulled(forge)
    new = forge.maria.push(branch, {"more.txt": b"more\n"})
    assert forge.github.pulls.get(forge.repo, pull.number).head_sha == new


def test_a_merge_by_a_human_is_seen_with_their_name(forge: Forge) -> None:
    issue = opened(forge)
    pull, branch = pulled(forge, body=f"Closes #{issue.number}")
    forge.maria.merge(pull.number)
    seen = forge.github.pulls.get(forge.repo, pull.number)
    assert (seen.open, seen.merged, seen.merged_by, seen.merged_by_is_bot) == (False, True, "maria", False)
    assert [one.merged for one in forge.github.pulls.find(forge.repo, head=branch)] == [True]
    assert not forge.github.issues.get(forge.repo, issue.number).open
    assert pull.number in [one.number for one in forge.github.pulls.of_commit(forge.repo, pull.head_sha)]


def test_a_pull_closed_unmerged_stays_findable(forge: Forge) -> None:
    pull, branch = pulled(forge)
    forge.maria.close(IssueNumber(pull.number))
    assert [(one.open, one.merged) for one in forge.github.pulls.find(forge.repo, head=branch)] == [(False, False)]


def test_reviews_come_oldest_first_with_their_state(forge: Forge) -> None:
    pull, branch = pulled(forge)
    forge.maria.request_changes(pull.number)
    forge.maria.approve(pull.number)
    lines = [LineComment(path=f"{branch}.txt", line=2, body="Hm. <!-- cogworks:finding v1 id=a -->")]
    forge.github.pulls.comment_review(forge.repo, pull.number, sha=pull.head_sha, body="Notes", comments=lines)
    seen = forge.github.pulls.reviews(forge.repo, pull.number)
    assert [(one.author, one.author_is_bot, one.state) for one in seen] == [
        ("maria", False, "CHANGES_REQUESTED"),
        ("maria", False, "APPROVED"),
        ("cogworks", True, "COMMENTED"),
    ]


def test_the_repository_and_its_people(forge: Forge) -> None:
    seen = forge.github.contents.repo(forge.repo)
    assert (seen.name, seen.default_branch, seen.can_push, seen.can_admin) == (forge.repo, "main", True, False)
    assert forge.github.contents.login() == "cogworks"
    assert [forge.github.contents.permission(forge.repo, who) for who in ("maria", "nobody")] == ["write", "none"]
    limits = forge.github.contents.limits()
    assert limits.limit >= limits.remaining > 0
    assert limits.reset_at > datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("src/deep/er/leaf.txt", FILES["src/deep/er/leaf.txt"]),
        ("logo.bin", FILES["logo.bin"]),
        ("src", None),
        ("src/nothing.py", None),
    ],
)
def test_a_file_is_read_at_a_ref(forge: Forge, path: str, content: bytes | None) -> None:
    assert forge.github.contents.file(forge.repo, path, ref="main") == content


def test_the_seed_counts_as_reviewed_work(forge: Forge) -> None:
    sha = forge.github.contents.last_commit(forge.repo, "README.md", ref="main")
    assert sha is not None
    (pull,) = forge.github.pulls.of_commit(forge.repo, sha)
    seen = forge.github.pulls.get(forge.repo, pull.number)
    assert (seen.merged, seen.merged_by_is_bot) == (True, False)
    assert [one.state for one in forge.github.pulls.reviews(forge.repo, pull.number)] == ["APPROVED"]
    assert forge.github.contents.last_commit(forge.repo, "never/was", ref="main") is None


REFUSALS: list[tuple[str, Callable[[Forge], object], type[GitHubError], str, str]] = [
    ("no such issue", lambda f: f.github.issues.get(f.repo, NO_ISSUE), NotFound, "issues.get", "99999"),
    ("no such comment", lambda f: f.github.comments.get(f.repo, 1), NotFound, "comments.get", "1"),
    ("no such pull", lambda f: f.github.pulls.get(f.repo, PullNumber(99_999)), NotFound, "pulls.get", "99999"),
    (
        "labels of no issue",
        lambda f: f.github.labels.remove(f.repo, NO_ISSUE, "x"),
        NotFound,
        "labels.remove",
        "99999",
    ),
    (
        "comment on no issue",
        lambda f: f.github.comments.create(f.repo, NO_ISSUE, "x"),
        NotFound,
        "comments.create",
        "99999",
    ),
    (
        "a body over 65,536 characters",
        lambda f: f.github.comments.create(f.repo, IssueNumber(1), "x" * 65_537),
        InvalidRequest,
        "comments.create",
        "1",
    ),
    (
        "a pull without its branch",
        lambda f: f.github.pulls.create(f.repo, title="t", body="b", head="cogworks/1/gone", base="main"),
        InvalidRequest,
        "pulls.create",
        "acme/tally",
    ),
    (
        "an unknown milestone",
        lambda f: f.github.issues.create(f.repo, title="t", body="b", labels=[], milestone=77),
        InvalidRequest,
        "issues.create",
        "acme/tally",
    ),
]


@pytest.mark.parametrize(("reason", "act", "error", "operation", "target"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_a_refusal_names_operation_and_target(
    forge: Forge,
    reason: str,
    act: Callable[[Forge], object],
    error: type[GitHubError],
    operation: str,
    target: str,
) -> None:
    with pytest.raises(error) as refused:
        act(forge)
    assert refused.value.operation == operation, reason
    assert target in refused.value.target, reason
    assert operation in str(refused.value)


def test_a_comment_outside_the_diff_is_refused_whole(forge: Forge) -> None:
    pull, branch = pulled(forge)
    lines = [LineComment(path=f"{branch}.txt", line=line, body="b") for line in (1, 50)]
    with pytest.raises(InvalidRequest, match=r"pulls\.comment_review"):
        forge.github.pulls.comment_review(forge.repo, pull.number, sha=pull.head_sha, body="b", comments=lines)
    assert forge.github.pulls.reviews(forge.repo, pull.number) == ()


class Lost(Exception):
    """The lease is lost."""


def _lost() -> None:
    raise Lost


@dataclass(frozen=True)
class Scene:
    """Something to write to, through a guard that forbids it."""

    forge: Forge
    pull: Pull
    comment_id: int


WRITES: list[tuple[str, Callable[[Scene], object]]] = [
    ("open", lambda s: s.forge.github.issues.create(REPO, title="t", body="b", labels=[], milestone=None)),
    ("attach", lambda s: s.forge.github.issues.add_sub_issue(REPO, IssueNumber(1), child_id=1)),
    ("block", lambda s: s.forge.github.issues.add_blocked_by(REPO, IssueNumber(1), blocker_id=1)),
    ("new label", lambda s: s.forge.github.labels.create(REPO, Label(name="guarded"))),
    ("label", lambda s: s.forge.github.labels.add(REPO, IssueNumber(1), ["guarded"])),
    ("unlabel", lambda s: s.forge.github.labels.remove(REPO, IssueNumber(1), "cogworks:run")),
    ("comment", lambda s: s.forge.github.comments.create(REPO, IssueNumber(1), "guarded")),
    ("edit", lambda s: s.forge.github.comments.update(REPO, s.comment_id, "guarded")),
    ("react", lambda s: s.forge.github.comments.react(REPO, s.comment_id, "+1")),
    ("pull", lambda s: s.forge.github.pulls.create(REPO, title="guarded", body="b", head="main", base="main")),
    ("text", lambda s: s.forge.github.pulls.update_body(REPO, s.pull.number, "guarded")),
    (
        "review",
        lambda s: s.forge.github.pulls.comment_review(
            REPO, s.pull.number, sha=Sha("0" * 40), body="guarded", comments=[]
        ),
    ),
    ("push", lambda s: s.forge.git.push(REPO, branch="cogworks/1/guarded", sha=s.pull.head_sha, expected=None)),
]


def test_a_guard_stands_before_every_write(forge: Forge) -> None:
    pull, _ = pulled(forge)
    comment = forge.github.comments.create(forge.repo, opened(forge).number, "text")
    guarded = Forge(github=forge.github.guarded_by(_lost), git=forge.git.guarded_by(_lost), maria=forge.maria)
    before = (forge.github.issues.find(forge.repo, labels=[]), forge.github.comments.recent(forge.repo, since=None))
    scene = Scene(guarded, pull, comment.id)
    for _name, write in WRITES:
        with pytest.raises(Lost):
            write(scene)
    assert before == (
        forge.github.issues.find(forge.repo, labels=[]),
        forge.github.comments.recent(forge.repo, since=None),
    )
    assert forge.github.contents.branch(forge.repo, "cogworks/1/guarded") is None
    assert guarded.github.issues.get(forge.repo, IssueNumber(1)).number == 1
