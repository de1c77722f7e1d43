"""A fresh copy of the repository at one commit, with the caller's overlays, gone when the call is over."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cogworks.extension_api.diagnostics import ErrorCode
from cogworks.extension_api.envelope import Repository
from cogworks.extension_api.methods import Artifact
from cogworks.extension_api.wire import path_problem
from cogworks.service.python.deadlines import Deadline
from cogworks.service.python.faults import ServiceFault, invalid_request, tool_not_found
from cogworks.service.python.processes import Finished, run_process

_REF = re.compile(r"^[0-9A-Za-z][0-9A-Za-z._/-]{0,254}$")
_CLONE_URL = re.compile(r"^(https?|ssh|git)://")
_NETWORK_SIGNS = ("Could not resolve host", "Failed to connect", "Connection refused", "timed out", "unable to access")
_SKIPPED_DIRECTORIES = frozenset({".git", "__pycache__", "node_modules", ".venv", "venv", ".tox"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The files of one call."""

    root: Path
    artifacts: tuple[Artifact, ...]

    def file(self, path: str) -> Path:
        """The real place of a repository path; `invalid_request` when it leads out of the checkout."""
        problem = path_problem(path)
        if problem is not None:
            raise invalid_request(f"artifact path {path!r} {problem}")
        place = self.root / path
        if not place.resolve().is_relative_to(self.root.resolve()):
            raise invalid_request(f"artifact path {path!r} leads out of the repository through a link")
        return place

    def text(self, path: str) -> str:
        """What a file says, undecodable bytes replaced."""
        return self.file(path).read_text(encoding="utf-8", errors="replace")

    def python_artifacts(self) -> list[str]:
        """The Python files among the artifacts that are still there."""
        return [
            artifact.path
            for artifact in self.artifacts
            if artifact.path.endswith((".py", ".pyi")) and not artifact.deleted
        ]

    def declaration_artifacts(self) -> list[str]:
        """The `pyproject.toml` files among the artifacts that are still there."""
        present = [artifact.path for artifact in self.artifacts if not artifact.deleted]
        return [path for path in present if path.rpartition("/")[2] == "pyproject.toml"]

    def python_files(self) -> list[str]:
        """Every Python file of the repository, without following links."""
        found: list[str] = []
        for directory, names, files in os.walk(self.root):
            names[:] = sorted(name for name in names if name not in _SKIPPED_DIRECTORIES)
            for name in sorted(files):
                place = Path(directory, name)
                if name.endswith((".py", ".pyi")) and not place.is_symlink():
                    found.append(place.relative_to(self.root).as_posix())
        return found

    def exists(self, path: str) -> bool:
        """Whether the repository has that file or directory."""
        return self.file(path).exists()


@contextmanager
def fresh_checkout(
    repository: Repository, artifacts: Sequence[Artifact], *, scratch: Path, deadline: Deadline
) -> Iterator[Checkout]:
    """The checkout of `repository.ref` with the overlays applied; removed at the end, whatever happened."""
    own = Path(tempfile.mkdtemp(prefix="call-", dir=scratch))
    try:
        root = own / "tree"
        root.mkdir(mode=0o755)
        _check_out(repository, root=root, scratch=own, deadline=deadline)
        checkout = Checkout(root=root, artifacts=tuple(artifacts))
        for artifact in artifacts:
            _overlay(checkout, artifact)
        yield checkout
    finally:
        shutil.rmtree(own)


def _check_out(repository: Repository, *, root: Path, scratch: Path, deadline: Deadline) -> None:
    if not _REF.match(repository.ref) or ".." in repository.ref:
        raise invalid_request(f"repository.ref {repository.ref!r} is not the name of a commit")
    git_directory = _git_directory(repository, scratch=scratch, deadline=deadline)
    git = ["--git-dir", str(git_directory), "--work-tree", str(root)]
    # An index of its own in the scratch directory: nothing is ever written into the caller's repository.
    index = {"GIT_INDEX_FILE": str(scratch / "index")}
    read = _git([*git, "read-tree", f"{repository.ref}^{{tree}}"], deadline=deadline, variables=index)
    if read.exit_code:
        raise invalid_request(f"repository.ref {repository.ref} is not a commit of {repository.path}")
    written = _git([*git, "checkout-index", "--all", "--quiet"], deadline=deadline, variables=index)
    if written.exit_code:
        raise ServiceFault(ErrorCode.TOOL_FAILED, f"git failed: {written.error_text}", details={"kind": "disk"})


def _git_directory(repository: Repository, *, scratch: Path, deadline: Deadline) -> Path:
    if _CLONE_URL.match(repository.path):
        return _fetched(repository, scratch / "mirror.git", deadline)
    path = Path(repository.path)
    if not path.is_absolute():
        raise invalid_request("repository.path is neither an absolute path nor a clone URL")
    for candidate in (path / ".git", path):
        if candidate.is_file() or (candidate / "HEAD").is_file():
            return _linked(candidate)
    raise invalid_request(f"repository.path {path} holds no git repository")


def _linked(candidate: Path) -> Path:
    """A worktree's `.git` is a file that names the real directory."""
    if candidate.is_dir():
        return candidate
    named = candidate.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    return (candidate.parent / named).resolve()


def _fetched(repository: Repository, mirror: Path, deadline: Deadline) -> Path:
    for arguments in (
        ["init", "--quiet", "--bare", str(mirror)],
        ["--git-dir", str(mirror), "fetch", "--quiet", "--depth", "1", repository.path, repository.ref],
        ["--git-dir", str(mirror), "update-ref", "--no-deref", "HEAD", "FETCH_HEAD"],
    ):
        done = _git(arguments, deadline=deadline)
        if done.exit_code:
            raise ServiceFault(
                ErrorCode.TOOL_FAILED,
                f"the repository could not be fetched: {done.error_text}",
                details={"kind": _fault_kind(done.error_text)},
            )
    return mirror


def _fault_kind(complaint: str) -> str:
    if "Authentication failed" in complaint or "could not read Username" in complaint:
        return "auth"
    return "network" if any(sign in complaint for sign in _NETWORK_SIGNS) else "disk"


def _git(arguments: Sequence[str], *, deadline: Deadline, variables: dict[str, str] | None = None) -> Finished:
    program = shutil.which("git")
    if program is None:
        raise tool_not_found("git")
    deadline.check()
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git",
        "GIT_OPTIONAL_LOCKS": "0",
        **(variables or {}),
    }
    # The caller's repository may belong to another user; only its objects are read.
    command = [program, "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]
    finished = run_process([*command, *arguments], deadline=deadline, environment=environment)
    if finished.killed:
        deadline.check()
    return finished


def _overlay(checkout: Checkout, artifact: Artifact) -> None:
    place = checkout.file(artifact.path)
    if artifact.deleted:
        place.unlink(missing_ok=True)
        return
    if artifact.content is None:
        if not place.is_file():
            raise ServiceFault(ErrorCode.ARTIFACT_NOT_FOUND, f"{artifact.path} is not in the repository at this commit")
        return
    if place.is_symlink() or place.is_dir():
        raise invalid_request(f"artifact path {artifact.path!r} is a link or a directory")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise invalid_request(f"artifact path {artifact.path!r} goes through a file") from None
    place.write_bytes(artifact.content.encode("utf-8", "surrogatepass"))
