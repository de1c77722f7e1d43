"""Merging, which only people do: a real commit, and the issues it closes."""

import re

from cogworks.twins.github.bare import Signature
from cogworks.twins.github.branches import mark_merged, move
from cogworks.twins.github.call import Call
from cogworks.twins.github.issues import set_state
from cogworks.twins.github.people import email_of
from cogworks.twins.github.pull_view import base_tip, commits_of, mergeable, pull_by_number
from cogworks.twins.github.store import Row, stamp
from cogworks.twins.github.wire import Answer, Refusal, text_of

_CLOSES = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:(?P<repo>[\w.-]+/[\w.-]+))?#(?P<number>\d{1,18})\b",
    re.IGNORECASE,
)


def merge_pull(call: Call) -> Answer:
    """PUT R/pulls/{pull_number}/merge"""
    call.people_only("merge a pull request")
    pull = pull_by_number(call, call.number("pull_number"))
    method = text_of(call.body, "merge_method", resource="PullRequest") or "merge"
    if method not in {"merge", "squash"}:
        raise Refusal(405, f"{method.capitalize()} merges are not allowed on this repository.")
    if pull["state"] != "open" or pull["draft"] or not mergeable(call, pull):
        raise Refusal(405, "Pull Request is not mergeable")
    wanted_sha = text_of(call.body, "sha", resource="PullRequest")
    if wanted_sha is not None and wanted_sha != pull["head_sha"]:
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    sha = _merge(call, pull, squash=method == "squash")
    return Answer(body={"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _merge(call: Call, pull: Row, *, squash: bool) -> str:
    base_sha, head_sha = base_tip(call, pull), pull["head_sha"]
    messages = [call.git.commit(sha).message for sha in commits_of(call, pull)]
    tree = call.git.merged_tree(base_sha, head_sha)
    if tree is None:
        raise Refusal(405, "Pull Request is not mergeable")
    sha = call.git.write_commit(
        tree,
        parents=[base_sha] if squash else [base_sha, head_sha],
        message=_message(call, pull, squash=squash),
        author=Signature(name=call.user["login"], email=email_of(call.user), at=stamp()),
    )
    call.store.run("UPDATE pulls SET base_sha = ? WHERE issue_id = ?", base_sha, pull["id"])
    mark_merged(call, pull["id"], sha)
    move(call, pull["base_ref"], sha, old_sha=base_sha)
    if pull["base_ref"] == call.repo["default_branch"]:
        _close_named(call, [pull["body"] or "", *messages], sha)
    return sha


def _message(call: Call, pull: Row, *, squash: bool) -> str:
    owner = call.repo["full_name"].split("/")[0]
    automatic = (
        f"{pull['title']} (#{pull['number']})"
        if squash
        else f"Merge pull request #{pull['number']} from {owner}/{pull['head_ref']}"
    )
    title = text_of(call.body, "commit_title", resource="PullRequest") or automatic
    text = text_of(call.body, "commit_message", resource="PullRequest")
    return f"{title}\n\n{pull['title'] if text is None else text}".strip() + "\n"


def _close_named(call: Call, texts: list[str], sha: str) -> None:
    """Close the issues that the pull request says it closes."""
    for text in texts:
        for found in _CLOSES.finditer(text):
            if (found["repo"] or call.repo["full_name"]).lower() != call.repo["full_name"].lower():
                continue
            issue = call.store.one(
                "SELECT * FROM issues WHERE repo_id = ? AND number = ? AND NOT is_pull",
                call.repo["id"], int(found["number"]),
            )  # fmt: skip
            if issue is not None:
                set_state(call, issue, "closed", commit_id=sha)
