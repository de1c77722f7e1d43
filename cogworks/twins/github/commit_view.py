"""How commits and changed files are shown."""

from cogworks.twins.github.bare import Commit, Signature
from cogworks.twins.github.call import Call
from cogworks.twins.github.diffs import FileChange
from cogworks.twins.github.people import user_by_login, user_json
from cogworks.twins.github.wire import JsonObject

_UNSIGNED: JsonObject = {
    "verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None,
}  # fmt: skip


def signature_json(signature: Signature) -> JsonObject:
    """Return who wrote a commit."""
    return {"name": signature.name, "email": signature.email, "date": signature.at}


def account_of(call: Call, signature: Signature) -> JsonObject:
    """Return the account that a commit's author seems to be, or an empty object."""
    local = signature.email.partition("@")[0]
    for login in (local.partition("+")[2] or local, signature.name):
        user = user_by_login(call.store, login)
        if user is not None:
            return user_json(call.urls, user)
    return {}


def commit_json(call: Call, commit: Commit) -> JsonObject:
    """Return a commit without its files."""
    api = f"{call.repo_url}/commits/{commit.sha}"
    git_api = f"{call.repo_url}/git"
    return {
        "sha": commit.sha,
        "node_id": f"C_{commit.sha}",
        "commit": {
            "author": signature_json(commit.author),
            "committer": signature_json(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{git_api}/trees/{commit.tree}"},
            "url": f"{git_api}/commits/{commit.sha}",
            "comment_count": 0,
            "verification": _UNSIGNED,
        },
        "url": api,
        "html_url": f"{call.page_url}/commit/{commit.sha}",
        "comments_url": f"{api}/comments",
        "author": account_of(call, commit.author),
        "committer": account_of(call, commit.committer),
        "parents": [_parent_json(call, sha, f"{call.repo_url}/commits/{sha}") for sha in commit.parents],
    }


def _parent_json(call: Call, sha: str, url: str) -> JsonObject:
    return {"sha": sha, "url": url, "html_url": f"{call.page_url}/commit/{sha}"}


def git_commit_json(call: Call, commit: Commit) -> JsonObject:
    """Return a commit as the git database shows it."""
    api = f"{call.repo_url}/git/commits"
    return {
        "sha": commit.sha,
        "node_id": f"C_{commit.sha}",
        "url": f"{api}/{commit.sha}",
        "html_url": f"{call.page_url}/commit/{commit.sha}",
        "author": signature_json(commit.author),
        "committer": signature_json(commit.committer),
        "message": commit.message,
        "tree": {"sha": commit.tree, "url": f"{call.repo_url}/git/trees/{commit.tree}"},
        "parents": [_parent_json(call, sha, f"{api}/{sha}") for sha in commit.parents],
        "verification": _UNSIGNED,
    }


def file_json(call: Call, file: FileChange, head_sha: str) -> JsonObject:
    """Return one changed file."""
    shown: JsonObject = {
        "sha": file.sha,
        "filename": file.path,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{call.page_url}/blob/{head_sha}/{file.path}",
        "raw_url": f"{call.page_url}/raw/{head_sha}/{file.path}",
        "contents_url": f"{call.repo_url}/contents/{file.path}?ref={head_sha}",
    }
    if file.patch is not None:
        shown["patch"] = file.patch
    if file.previous_path is not None:
        shown["previous_filename"] = file.previous_path
    return shown
