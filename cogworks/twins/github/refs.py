"""References and branches over REST."""

from cogworks.twins.github.branches import move, tip
from cogworks.twins.github.call import Call, paged
from cogworks.twins.github.commit_view import commit_json
from cogworks.twins.github.store import Row
from cogworks.twins.github.wire import Answer, JsonObject, Refusal, invalid, not_found, required_text


def _ref_json(call: Call, branch: str, sha: str) -> JsonObject:
    return {
        "ref": f"refs/heads/{branch}",
        "node_id": f"REF_{call.repo['id']}_{branch}",
        "url": f"{call.repo_url}/git/refs/heads/{branch}",
        "object": {"type": "commit", "sha": sha, "url": f"{call.repo_url}/git/commits/{sha}"},
    }


def _branch_of(ref: str) -> str:
    branch = ref.removeprefix("refs/").removeprefix("heads/")
    if not ref.removeprefix("refs/").startswith("heads/"):
        raise not_found()
    return branch


def get_ref(call: Call) -> Answer:
    """GET R/git/ref/{ref}"""
    branch = _branch_of(call.params["ref"])
    sha = tip(call, branch)
    if sha is None:
        raise not_found()
    return Answer(body=_ref_json(call, branch, sha))


def list_matching_refs(call: Call) -> Answer:
    """GET R/git/matching-refs/{ref}"""
    prefix = call.params["ref"].removeprefix("heads").removeprefix("/")
    rows = [row for row in _branches(call) if row["name"].startswith(prefix)]
    return paged(call, rows, lambda row: _ref_json(call, row["name"], row["sha"]))


def _branches(call: Call) -> list[Row]:
    return call.store.all("SELECT * FROM branches WHERE repo_id = ? ORDER BY name", call.repo["id"])


def create_ref(call: Call) -> Answer:
    """POST R/git/refs"""
    ref, sha = (
        required_text(call.body, "ref", resource="Reference"),
        required_text(call.body, "sha", resource="Reference"),
    )
    if not ref.startswith("refs/heads/"):
        raise invalid("Reference", "ref")
    branch = ref.removeprefix("refs/heads/")
    if tip(call, branch) is not None:
        raise Refusal(422, "Reference already exists")
    if call.git.resolve(sha) != sha:
        raise Refusal(422, "Object does not exist")
    move(call, branch, sha, old_sha=None)
    return Answer(status=201, body=_ref_json(call, branch, sha))


def update_ref(call: Call) -> Answer:
    """PATCH R/git/refs/{ref}"""
    branch, sha = _branch_of(call.params["ref"]), required_text(call.body, "sha", resource="Reference")
    old_sha = tip(call, branch)
    if old_sha is None or call.git.resolve(sha) != sha:
        raise Refusal(422, "Reference does not exist" if old_sha is None else "Object does not exist")
    forced = call.body.get("force") is True
    if forced:
        call.people_only("force-push")
    if not forced and not call.git.contains(sha, old_sha):
        raise Refusal(422, "Update is not a fast forward")
    move(call, branch, sha, old_sha=old_sha)
    return Answer(body=_ref_json(call, branch, sha))


def delete_ref(call: Call) -> Answer:
    """DELETE R/git/refs/{ref}"""
    call.people_only("delete a branch")
    branch = _branch_of(call.params["ref"])
    old_sha = tip(call, branch)
    if old_sha is None:
        raise Refusal(422, "Reference does not exist")
    if branch == call.repo["default_branch"]:
        raise Refusal(422, "Cannot delete the default branch")
    move(call, branch, None, old_sha=old_sha)
    return Answer(status=204)


def list_branches(call: Call) -> Answer:
    """GET R/branches"""
    return paged(call, _branches(call), lambda row: _short_json(call, row))


def _short_json(call: Call, branch: Row) -> JsonObject:
    commit = {"sha": branch["sha"], "url": f"{call.repo_url}/commits/{branch['sha']}"}
    return {"name": branch["name"], "commit": commit, "protected": False}


def get_branch(call: Call) -> Answer:
    """GET R/branches/{branch}"""
    name = call.params["branch"]
    sha = tip(call, name)
    if sha is None:
        raise Refusal(404, "Branch not found")
    api = f"{call.repo_url}/branches/{name}"
    checks = {"enforcement_level": "off", "contexts": [], "checks": []}
    body = {
        "name": name,
        "commit": commit_json(call, call.git.commit(sha)),
        "_links": {"self": api, "html": f"{call.page_url}/tree/{name}"},
        "protected": False,
        "protection": {"enabled": False, "required_status_checks": checks},
        "protection_url": f"{api}/protection",
    }
    return Answer(body=body)
