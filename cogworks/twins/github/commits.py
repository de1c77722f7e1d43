"""Commits, comparisons and the pull requests behind a commit."""

from cogworks.twins.github.bare import EMPTY_TREE, GitError
from cogworks.twins.github.branches import tip
from cogworks.twins.github.call import Call, paged
from cogworks.twins.github.commit_view import commit_json, file_json, git_commit_json
from cogworks.twins.github.diffs import changed_files
from cogworks.twins.github.pull_view import PULLS_BY_NUMBER, commits_of, pull_json
from cogworks.twins.github.store import Row
from cogworks.twins.github.wire import Answer, Refusal, not_found

_COMPARED_COMMITS_MAX = 250
_FILES_MAX = 300


def commit_named(call: Call, name: str) -> str:
    """Return the commit that a branch, tag or object id means; 404 when there is none."""
    branch = name.removeprefix("refs/").removeprefix("heads/")
    found = tip(call, branch) or call.git.resolve(name)
    if found is None:
        raise not_found()
    return found


def asked_commit(call: Call, key: str = "ref") -> str:
    """Return the commit that the query names, else the head of the default branch."""
    return commit_named(call, call.query.get(key) or call.repo["default_branch"])


def list_commits(call: Call) -> Answer:
    """GET R/commits"""
    start = asked_commit(call, "sha")
    options = [f"--{bound}={call.query[bound]}" for bound in ("since", "until") if bound in call.query]
    path = call.query.get("path")
    shas = call.git.line("rev-list", *options, start, *(["--", path] if path else [])).split()
    return paged(call, shas, lambda sha: commit_json(call, call.git.commit(sha)))


def get_commit(call: Call) -> Answer:
    """GET R/commits/{ref}"""
    try:
        commit = call.git.commit(commit_named(call, call.params["ref"]))
    except Refusal as refusal:
        raise Refusal(422, f"No commit found for SHA: {call.params['ref']}") from refusal
    files = changed_files(call.git, commit.parents[0] if commit.parents else EMPTY_TREE, commit.sha)
    additions, deletions = sum(file.additions for file in files), sum(file.deletions for file in files)
    stats = {"additions": additions, "deletions": deletions, "total": additions + deletions}
    shown = [file_json(call, file, commit.sha) for file in files[:_FILES_MAX]]
    return Answer(body={**commit_json(call, commit), "stats": stats, "files": shown})


def get_git_commit(call: Call) -> Answer:
    """GET R/git/commits/{commit_sha}"""
    return Answer(body=git_commit_json(call, call.git.commit(commit_named(call, call.params["commit_sha"]))))


def list_commit_pulls(call: Call) -> Answer:
    """GET R/commits/{commit_sha}/pulls: the merged ones that brought a commit in, else those that would."""
    sha = commit_named(call, call.params["commit_sha"])
    pulls = [row for row in call.store.all(PULLS_BY_NUMBER, call.repo["id"]) if _holds(call, row, sha)]
    default_tip = tip(call, call.repo["default_branch"])
    arrived = default_tip is not None and call.git.contains(default_tip, sha)
    wanted = [pull for pull in pulls if pull["merged"] or not arrived]
    return paged(call, wanted, lambda pull: pull_json(call, pull))


def _holds(call: Call, pull: Row, sha: str) -> bool:
    if pull["brought_history"]:
        return call.git.contains(pull["head_sha"], sha)
    return sha == pull["merge_commit_sha"] or sha in commits_of(call, pull)


def compare(call: Call) -> Answer:
    """GET R/compare/{basehead}"""
    owner = call.repo["full_name"].split("/")[0]
    base_name, dots, head_name = call.params["basehead"].partition("...")
    if not dots:
        raise not_found()
    base, head = (commit_named(call, name.removeprefix(f"{owner}:")) for name in (base_name, head_name))
    start = call.git.merge_base(base, head)
    if start is None:
        raise Refusal(404, f"No common ancestor between {base_name} and {head_name}.")
    ahead, behind = call.git.distance(base, head)
    shas = call.git.commits_between(base, head)
    page = f"{call.page_url}/compare/{base_name}...{head_name}"
    states = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind", (False, False): "identical"}
    body = {
        "url": f"{call.repo_url}/compare/{base_name}...{head_name}",
        "html_url": page,
        "permalink_url": f"{call.page_url}/compare/{base}...{head}",
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": commit_json(call, call.git.commit(base)),
        "merge_base_commit": commit_json(call, call.git.commit(start)),
        "status": states[bool(ahead), bool(behind)],
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": len(shas),
        "commits": [commit_json(call, call.git.commit(sha)) for sha in shas[:_COMPARED_COMMITS_MAX]],
        "files": [file_json(call, file, head) for file in changed_files(call.git, start, head)[:_FILES_MAX]],
    }
    return Answer(body=body)


def get_tree(call: Call) -> Answer:
    """GET R/git/trees/{tree_sha}"""
    name = call.params["tree_sha"]
    try:
        tree_sha = call.git.line("rev-parse", "--verify", "--end-of-options", f"{tip(call, name) or name}^{{tree}}")
    except GitError as error:
        raise not_found() from error
    api = f"{call.repo_url}/git"
    entries = call.git.entries(tree_sha, recursive=call.query.get("recursive") is not None)
    kinds = {"blob": "blobs", "tree": "trees", "commit": "commits"}
    listed = [
        {
            "path": entry.path,
            "mode": entry.mode,
            "type": entry.kind,
            "sha": entry.sha,
            **({} if entry.size is None else {"size": entry.size}),
            "url": f"{api}/{kinds[entry.kind]}/{entry.sha}",
        }
        for entry in entries
    ]
    return Answer(body={"sha": tree_sha, "url": f"{api}/trees/{tree_sha}", "tree": listed, "truncated": False})
