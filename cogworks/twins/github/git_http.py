"""Git over HTTP: clone, fetch and push through `git http-backend`."""

import gzip
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cogworks.twins.github.bare import git_environment, git_program
from cogworks.twins.github.branches import take_in
from cogworks.twins.github.hooks import NO_WORKFLOWS
from cogworks.twins.github.people import at_least, permission_of, user_by_login
from cogworks.twins.github.rest import Reply, Request
from cogworks.twins.github.store import Row
from cogworks.twins.github.world import World

GIT_PATH = re.compile(
    r"/(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/(?P<service>info/refs|HEAD|git-upload-pack|git-receive-pack)"
)
_NO_SHA = b"0" * 40
_COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) refs/")
_BOT_SETTINGS = {"receive.denyDeletes": "true"}
_CHALLENGE = {"www-authenticate": 'Basic realm="GitHub"', "content-type": "text/plain"}


class _Denied(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class GitReply:
    """What goes back to git, and what the pusher should never have tried."""

    reply: Reply
    violation: str | None = None


def serve_git(world: World, request: Request) -> GitReply:
    """Answer one request of a git client; a push is taken in before its answer leaves."""
    found = GIT_PATH.fullmatch(request.path)
    name, service = (found["name"], found["service"]) if found else ("", "")
    pushes = "git-receive-pack" in (service + request.query)
    body = _plain_body(request)
    try:
        user, repo = _allowed(world, request, name, pushes=pushes)
    except _Denied as denied:
        headers = _CHALLENGE if denied.status == 401 else {"content-type": "text/plain"}
        return GitReply(reply=Reply(status=denied.status, headers=dict(headers), body=str(denied).encode()))
    reply = _run(world, request, path_info=f"/{repo['id']}.git/{service}", user=user, body=body)
    if service != "git-receive-pack":
        return GitReply(reply=reply)
    _take_in(world, request, user, repo)
    return GitReply(reply=reply, violation=_violation(body, reply) if user["kind"] == "Bot" else None)


def _plain_body(request: Request) -> bytes:
    return gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body


def _allowed(world: World, request: Request, name: str, *, pushes: bool) -> tuple[Row, Row]:
    if request.login is None:
        raise _Denied(401, "Invalid username or token.\n" if request.has_token else "Log in first.\n")
    with world.store.transaction():
        user, repo = user_by_login(world.store, request.login), world.find_repo(name) or world.find_renamed(name)
        permission = "none" if user is None or repo is None else permission_of(world.store, user, repo)
    if user is None or repo is None or permission == "none":
        raise _Denied(404, "Repository not found.\n")
    if pushes and not at_least(permission, "write"):
        raise _Denied(403, f"Permission to {name}.git denied to {request.login}.\n")
    return user, repo


def _violation(body: bytes, reply: Reply) -> str | None:
    """Say what a push of CogWorks' own identity tried that only people may do."""
    for old, new in _COMMAND.findall(body.partition(b"PACK")[0]):
        if new == _NO_SHA and old != new:
            return "delete a branch"
    return "force-push" if b"non-fast-forward" in reply.body else None


def _run(world: World, request: Request, *, path_info: str, user: Row, body: bytes) -> Reply:
    env = {
        "GIT_PROJECT_ROOT": str(world.repositories_path),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path_info,
        "QUERY_STRING": request.query,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_USER": user["login"],
        "REMOTE_ADDR": "127.0.0.1",
    }
    if "git-protocol" in request.headers:
        env["GIT_PROTOCOL"] = request.headers["git-protocol"]
    settings: dict[str, str] = {}
    if user["kind"] == "Bot":
        env[NO_WORKFLOWS] = "1"
        settings = _BOT_SETTINGS
    done = subprocess.run(  # noqa: S603 - a fixed program, no shell
        [git_program(), "http-backend"],
        cwd=Path(world.repositories_path),
        env=git_environment(env, settings=settings),
        input=body,
        capture_output=True,
        check=False,
    )
    return _cgi_reply(done.stdout)


def _cgi_reply(output: bytes) -> Reply:
    head, _, body = output.partition(b"\r\n\r\n")
    lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n") if ":" in line]
    headers = {name.lower(): value.strip() for name, _, value in lines}
    status = headers.pop("status", "200" if head else "500").split(" ")[0]
    return Reply(status=int(status), headers=headers, body=body)


def _take_in(world: World, request: Request, user: Row, repo: Row) -> None:
    with world.acting():
        fresh = world.store.need("SELECT * FROM repositories WHERE id = ?", repo["id"])
        take_in(world.call(user, place=world.place(fresh), urls=request.urls))
