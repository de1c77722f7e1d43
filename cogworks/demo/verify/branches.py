"""Does the code work: the repository's own tests on a fresh clone of each branch, without a network."""

import base64
import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cogworks.demo.verify.asking import Forge
from cogworks.demo.verify.checks import Check, check
from cogworks.demo.verify.delivered import Delivery

_CLONE_S, _TESTS_S = 60, 240
_NO_TESTS = 5
_TAIL_LINES = 6
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
# Looked up here: between fork and exec nothing may be loaded.
_UNSHARE = getattr(ctypes.CDLL(None), "unshare", None)


def branch_checks(forge: Forge, found: Delivery) -> list[Check]:
    """Return, for each pull request with code, whether the tests of its branch pass; none at all is a failure too."""
    if not found.code:
        return [check(f"{found.item} tests", ["there is no branch with code to test"], good="")]
    return [
        _branch_check(forge, found, slug, str(pull["head"]["ref"]), str(pull["head"]["sha"]))
        for slug, pull in sorted(found.code.items())
    ]


def _branch_check(forge: Forge, found: Delivery, slug: str, branch: str, sha: str) -> Check:
    name = f"{found.item} {slug} tests"
    with tempfile.TemporaryDirectory(prefix="cogworks-verify-") as folder:
        clone = Path(folder) / "clone"
        cloned = _run(["git", "clone", "--quiet", "--branch", branch, f"{forge.url}/{found.item.repo}.git", str(clone)],
                      cwd=Path(folder), env=_git_environment(forge.token), timeout_s=_CLONE_S)  # fmt: skip
        if cloned.returncode:
            return check(name, [f"{branch} cannot be cloned: {_tail(cloned)}"], good="")
        head = _run(["git", "rev-parse", "HEAD"], cwd=clone, env=_git_environment(""), timeout_s=_CLONE_S)
        if head.stdout.strip() != sha:
            return check(name, [f"the clone is at {head.stdout.strip()}, the pull request at {sha}"], good="")
        return check(name, _test(clone), good=f"pass in a fresh clone at {sha[:12]}")


def _test(clone: Path) -> list[str]:
    places = [str(clone / "src"), str(clone)]
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(clone.parent),
        "PYTHONPATH": os.pathsep.join(places),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    try:
        done = _run(command, cwd=clone, env=env, timeout_s=_TESTS_S, alone=True)
    except subprocess.TimeoutExpired:
        return [f"the tests did not end within {_TESTS_S} s"]
    if done.returncode == _NO_TESTS:
        return ["the branch has no tests"]
    return [f"the tests fail: {_tail(done)}"] if done.returncode else []


def _run(
    command: Sequence[str], *, cwd: Path, env: dict[str, str], timeout_s: float, alone: bool = False
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - git and pytest, with arguments of ours
        command,
        cwd=cwd,
        env=env,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_without_network if alone else None,
    )


def _without_network() -> None:
    """Leave the network behind; where the system forbids even that, the tests run as they would for anybody."""
    if _UNSHARE is not None and _UNSHARE(_CLONE_NEWNET) != 0:
        _UNSHARE(_CLONE_NEWUSER | _CLONE_NEWNET)


def _git_environment(token: str) -> dict[str, str]:
    """Return an environment for git; the token is a header in it, so that no process list shows it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "COGWORKS_"))}
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    header = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader"} if token else {}
    value = {"GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}"} if token else {}
    return {**plain, **header, **value, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}


def _tail(done: "subprocess.CompletedProcess[str]") -> str:
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return " / ".join(lines[-_TAIL_LINES:])[:1500]
