"""Files and folders at a commit, and changes to single files."""

import base64
import tempfile
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from cogworks.twins.github.bare import Entry, Signature
from cogworks.twins.github.branches import move, tip
from cogworks.twins.github.call import Call
from cogworks.twins.github.commit_view import git_commit_json
from cogworks.twins.github.commits import asked_commit
from cogworks.twins.github.people import email_of
from cogworks.twins.github.store import stamp
from cogworks.twins.github.wire import Answer, JsonObject, Refusal, invalid, not_found, required_text, text_of

_INLINE_BYTES_MAX = 1_000_000
_KINDS = {"blob": "file", "tree": "dir", "commit": "submodule"}


def _path(call: Call) -> str:
    parts = PurePosixPath(call.params["path"]).parts
    if any(part in {".", "..", "/"} or part.startswith(":") for part in parts):
        raise not_found()
    return "/".join(parts)


def _find(call: Call, commit_sha: str, path: str) -> Entry | None:
    found = call.git.entries(call.git.commit(commit_sha).tree, path)
    return found[0] if found else None


def get_contents(call: Call) -> Answer:
    """GET R/contents/{path}"""
    path, commit_sha = _path(call), asked_commit(call)
    ref = call.query.get("ref") or call.repo["default_branch"]
    if path == "":
        return _folder(call, call.git.commit(commit_sha).tree, path, ref)
    entry = _find(call, commit_sha, path)
    if entry is None:
        raise not_found()
    if entry.kind == "tree":
        return _folder(call, entry.sha, path, ref)
    if ".raw" in call.accept:
        return Answer(raw=call.git.blob(entry.sha))
    return Answer(body=_file_json(call, entry, path, ref))


def _folder(call: Call, tree_sha: str, path: str, ref: str) -> Answer:
    entries = call.git.entries(tree_sha)
    return Answer(body=[_entry_json(call, entry, f"{path}/{entry.path}".lstrip("/"), ref) for entry in entries])


def _entry_json(call: Call, entry: Entry, path: str, ref: str) -> JsonObject:
    kind = _KINDS[entry.kind]
    api = f"{call.repo_url}/contents/{quote(path)}?ref={quote(ref, safe='')}"
    git_api = f"{call.repo_url}/git/{'trees' if kind == 'dir' else 'blobs'}/{entry.sha}"
    page = f"{call.page_url}/{'tree' if kind == 'dir' else 'blob'}/{quote(ref)}/{quote(path)}"
    download = f"{call.page_url}/raw/{quote(ref)}/{quote(path)}" if kind == "file" else None
    return {
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": api,
        "html_url": page,
        "git_url": git_api,
        "download_url": download,
        "type": kind,
        "_links": {"self": api, "git": git_api, "html": page},
    }


def _file_json(call: Call, entry: Entry, path: str, ref: str) -> JsonObject:
    shown = _entry_json(call, entry, path, ref)
    # GitHub leaves large files out of the JSON; they are read by the raw media type.
    if (entry.size or 0) > _INLINE_BYTES_MAX:
        return {**shown, "content": "", "encoding": "none"}
    return {**shown, "content": base64.encodebytes(call.git.blob(entry.sha)).decode(), "encoding": "base64"}


def get_blob(call: Call) -> Answer:
    """GET R/git/blobs/{file_sha}"""
    sha = call.git.resolve_object(call.params["file_sha"], "blob")
    if sha is None:
        raise not_found()
    content = call.git.blob(sha)
    body = {
        "sha": sha,
        "node_id": f"B_{sha}",
        "size": len(content),
        "url": f"{call.repo_url}/git/blobs/{sha}",
        "content": base64.encodebytes(content).decode(),
        "encoding": "base64",
    }
    return Answer(body=body)


def put_contents(call: Call) -> Answer:
    """PUT R/contents/{path}"""
    message = required_text(call.body, "message", resource="Commit")
    encoded = text_of(call.body, "content", resource="Commit") or ""
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
    except ValueError as error:
        raise Refusal(422, "content is not valid Base64") from error
    path, branch, head = _path(call), _branch(call), _head(call)
    old = _find(call, head, path)
    _check_sha(call, old, path)
    blob = call.git.write_blob(content)
    commit_sha = _commit_change(call, head, path, blob=blob, message=message)
    move(call, branch, commit_sha, old_sha=head)
    entry = _find(call, commit_sha, path)
    if entry is None:
        raise not_found()
    body = {
        "content": _entry_json(call, entry, path, branch),
        "commit": git_commit_json(call, call.git.commit(commit_sha)),
    }
    return Answer(status=201 if old is None else 200, body=body)


def delete_contents(call: Call) -> Answer:
    """DELETE R/contents/{path}"""
    message = required_text(call.body, "message", resource="Commit")
    path, branch, head = _path(call), _branch(call), _head(call)
    old = _find(call, head, path)
    if old is None:
        raise not_found()
    _check_sha(call, old, path)
    commit_sha = _commit_change(call, head, path, blob=None, message=message)
    move(call, branch, commit_sha, old_sha=head)
    return Answer(body={"content": None, "commit": git_commit_json(call, call.git.commit(commit_sha))})


def _branch(call: Call) -> str:
    return text_of(call.body, "branch", resource="Commit") or str(call.repo["default_branch"])


def _head(call: Call) -> str:
    found = tip(call, _branch(call))
    if found is None:
        raise Refusal(404, f"Branch {_branch(call)} not found")
    return found


def _check_sha(call: Call, old: Entry | None, path: str) -> None:
    given = text_of(call.body, "sha", resource="Commit")
    if old is None:
        return
    if old.kind != "blob":
        raise invalid("Commit", "path")
    if given is None:
        raise Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if given != old.sha:
        raise Refusal(409, f"{path} does not match {given}")


def _commit_change(call: Call, head: str, path: str, *, blob: str | None, message: str) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        call.git.git("read-tree", head, env=env)
        line = f"100644 {blob}\t{path}" if blob else f"0 {'0' * 40}\t{path}"
        call.git.git("update-index", "-z", "--index-info", env=env, feed=f"{line}\0".encode())
        tree = call.git.git("write-tree", env=env).decode().strip()
    author = Signature(name=call.user["login"], email=email_of(call.user), at=stamp())
    return call.git.write_commit(tree, parents=[head], message=message, author=author)
