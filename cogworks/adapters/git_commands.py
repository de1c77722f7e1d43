"""Runs the git command line under our settings alone: no user or system configuration, no hooks, no prompts.

The token reaches only commands that talk to the remote, and only through their environment: it is in no argument,
no address and no file.
"""

import base64
import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cogworks.model.errors import (
    BranchDiverged,
    CapabilityMissing,
    CogWorksError,
    GitHubTransient,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    Transient,
)

_LOCAL_TIMEOUT_S = 60
_PR_SET_PDEATHSIG = 1
_REMOTE_TIMEOUT_S = 300
_STALL_S = "30"
_EMAIL = "cogworks@users.noreply.github.com"
_KEPT = re.compile(r"PATH|TMPDIR|SSL_CERT_FILE|SSL_CERT_DIR|GIT_SSL_CAINFO|GIT_EXEC_PATH|(?i:(?:https?|all|no)_proxy)")
_SETTINGS = (
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    # The mirror is a cache; what a power cut takes is fetched again.
    ("core.fsync", "none"),
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("core.quotePath", "false"),
    ("core.logAllRefUpdates", "false"),
    # A repository that tested code left inside the tree must not get its own settings run.
    ("diff.ignoreSubmodules", "all"),
    ("submodule.recurse", "false"),
    ("safe.directory", "*"),
    ("credential.helper", ""),
)
_TABLE: tuple[tuple[re.Pattern[str], str], ...] = (
    # Left by a git that was killed: first, for such an error speaks of refs too.
    (re.compile(r"\.lock': File exists"), "lost"),
    (re.compile(r"\[rejected\]|non-fast-forward|stale info|cannot lock ref|failed to update ref"), "diverged"),
    (re.compile(r"error: 40[13]|Authentication failed|could not read Username|Permission denied|denied to"), "denied"),
    (re.compile(r"remote rejected|protected branch|refusing to allow"), "denied"),
    (re.compile(r"error: 404|[Rr]epository .*not found|does not appear to be a git repository"), "absent"),
    (re.compile(r"unrelated histories"), "diverged"),
    (
        re.compile(r"not a git repository|bad object|src refspec|Not a valid|invalid object|corrupt"),
        "lost",
    ),
    (
        re.compile(
            r"error: (?:5\d\d|429|408)|RPC failed|early EOF|hung up|disconnect|timed out|Could not resolve|"
            r"Failed to connect|Connection (?:refused|reset)|Empty reply|Recv failure|Send failure|Operation too slow"
        ),
        "transient",
    ),
)


@dataclass(frozen=True, slots=True)
class GitResult:
    """How one command ended; ``err`` is what git said."""

    code: int
    out: bytes
    err: str

    @property
    def ok(self) -> bool:
        """Whether git exited with 0."""
        return self.code == 0

    @property
    def text(self) -> str:
        """The output as text, without the newline at its end."""
        return self.out.decode("utf-8", "replace").rstrip("\n")


class GitCommands:
    """Git with our identity and settings, and the remote under the name ``origin``."""

    def __init__(self, *, remote_url: str, token: str | None) -> None:
        """Repositories are at ``remote_url/owner/name.git``; ``token`` opens them."""
        self._remote_url = remote_url.rstrip("/")
        self._token = token
        self._environment = _environment()

    def local(
        self, git_dir: Path, *arguments: str, feed: bytes = b"", extra: Mapping[str, str] | None = None
    ) -> GitResult:
        """Run a command that needs no network, in the repository at ``git_dir``."""
        environment = {**self._environment, **_config(_SETTINGS), "GIT_DIR": str(git_dir), **(extra or {})}
        return _run(arguments, environment, feed, timeout_s=_LOCAL_TIMEOUT_S)

    def remote(self, git_dir: Path, repo: str, *arguments: str) -> GitResult:
        """Run a command that may talk to ``origin``, the remote of ``repo``."""
        settings = [*_SETTINGS, *self._remote_settings(repo)]
        environment = {**self._environment, **_config(tuple(settings)), "GIT_DIR": str(git_dir)}
        return _run(arguments, environment, b"", timeout_s=_REMOTE_TIMEOUT_S, ends_with_us=True)

    def _remote_settings(self, repo: str) -> list[tuple[str, str]]:
        # As configuration of this one process, origin makes fetch and push keep our copy of its branches by themselves.
        settings = [
            ("remote.origin.url", f"{self._remote_url}/{repo}.git"),
            ("remote.origin.fetch", "+refs/heads/*:refs/heads/*"),
        ]
        if self._token is not None and self._remote_url.startswith("http"):
            secret = base64.b64encode(f"x-access-token:{self._token}".encode()).decode()
            settings.append((f"http.{self._remote_url}/.extraHeader", f"Authorization: Basic {secret}"))
        return settings


def error_of(result: GitResult, *, operation: str, target: str) -> CogWorksError:
    """Return the error of our tree that a failed command means; pure."""
    # With --porcelain a push says why on its output and only that it failed on its errors.
    refused = [line for line in result.text.splitlines() if line.startswith("!")]
    said = " ".join([*refused, result.err.strip()]).strip() or f"git exited with {result.code}"
    kind = next((kind for pattern, kind in _TABLE if pattern.search(said)), "other")
    if kind == "diverged":
        return BranchDiverged(f"{operation} {target}: {said}")
    if kind == "transient":
        return GitHubTransient(f"{operation} {target}: {said}")
    if kind == "lost":
        # Part of the cache went away under our hands: whoever tries again begins from the remote.
        return Transient(f"{operation} {target}: {said}")
    leaf = {"denied": PermissionDenied, "absent": NotFound}.get(kind, InvalidRequest)
    return leaf(said, operation=operation, target=target)


@cache
def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise CapabilityMissing("no git on PATH", operation="git", target="start")
    return found


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_HTTP_LOW_SPEED_LIMIT": "1",
        "GIT_HTTP_LOW_SPEED_TIME": _STALL_S,
        "GIT_AUTHOR_NAME": "CogWorks",
        "GIT_AUTHOR_EMAIL": _EMAIL,
        "GIT_COMMITTER_NAME": "CogWorks",
        "GIT_COMMITTER_EMAIL": _EMAIL,
    }


def _config(settings: tuple[tuple[str, str], ...]) -> dict[str, str]:
    named = {"GIT_CONFIG_COUNT": str(len(settings))}
    for place, (key, value) in enumerate(settings):
        named[f"GIT_CONFIG_KEY_{place}"], named[f"GIT_CONFIG_VALUE_{place}"] = key, value
    return named


def _run(
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    feed: bytes,
    *,
    timeout_s: int,
    ends_with_us: bool = False,
) -> GitResult:
    # A session of its own, so that the helpers that git starts end with it.
    with subprocess.Popen(  # noqa: S603 - a fixed program, no shell
        [_git(), *arguments],
        env=environment,
        cwd=os.path.sep,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A push must not arrive long after its worker was killed. Local commands are many and short: they stay cheap.
        preexec_fn=_end_with_parent() if ends_with_us else None,
    ) as process:
        try:
            out, err = process.communicate(feed, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            _end(process)
            process.communicate()
            return GitResult(-1, b"", f"git {arguments[0]} timed out after {timeout_s} s")
        except BaseException:
            _end(process)
            raise
    return GitResult(process.returncode, out, err.decode("utf-8", "replace"))


@cache
def _end_with_parent() -> Callable[[], object] | None:
    if sys.platform != "linux":
        return None
    # Looked up here: between fork and exec nothing may be loaded.
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
