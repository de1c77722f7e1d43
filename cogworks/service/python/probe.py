"""Whether the sandbox holds: it is tried before it is trusted."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from cogworks.service.python.deadlines import Deadline
from cogworks.service.python.sandbox import Job, Sandbox, find_bubblewrap

_CANARY = "COGWORKS_SANDBOX_CANARY"
_ATTEMPTS = """
import os, pathlib, socket, sys
def refused(attempt):
    try:
        attempt()
    except OSError:
        return True
    return False
problems = []
if not refused(lambda: pathlib.Path(sys.argv[1], "written").write_text("x")):
    problems.append("it can write outside the scratch directory")
if not refused(lambda: socket.create_connection(("192.0.2.1", 80), timeout=1).close()):
    problems.append("it can open a network connection")
if sys.argv[2] in os.environ:
    problems.append("it inherits environment variables")
pathlib.Path("here").write_text("x")
print("; ".join(problems) or "holds")
"""


def try_sandbox(sandbox: Sandbox, *, bubblewrap: str, scratch: Path) -> tuple[Sandbox | None, str | None]:
    """The sandbox with namespaces, or None and the reason why there is none."""
    program = find_bubblewrap(bubblewrap)
    if program is None:
        return None, f"{bubblewrap} is not installed, so repository code cannot be isolated"
    closed = replace(sandbox, bubblewrap=program)
    with tempfile.TemporaryDirectory(prefix="probe-", dir=scratch) as directory:
        outside = Path(directory)
        outside.chmod(0o777)
        os.environ[_CANARY] = "visible"
        try:
            answer = _attempt(closed, outside)
        finally:
            del os.environ[_CANARY]
        if answer == "holds" and not (outside / "written").exists():
            return closed, None
        return None, f"the sandbox failed its self-test: {answer}"


def _attempt(sandbox: Sandbox, outside: Path) -> str:
    checkout = outside / "checkout"
    checkout.mkdir()
    command = [str(sandbox.interpreter.executable), "-I", "-c", _ATTEMPTS, str(outside), _CANARY]
    job = Job(command=command, checkout=checkout, runs_repository_code=True)
    finished = sandbox.run(job, deadline=Deadline.after_ms(20_000))
    if finished.killed:
        return "it did not end in time"
    return finished.stdout.decode("utf-8", "replace").strip() or finished.error_text or f"exit {finished.exit_code}"
