"""Run one command to its end, its deadline or its cancellation, with bounded output and nothing left behind."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cogworks.service.python.deadlines import Deadline

MAX_OUTPUT_BYTES = 32 * 1024 * 1024
_POLL_SECONDS = 0.05
_CHUNK_BYTES = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended; `killed` means that its time was up or the call was cancelled."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    killed: bool

    @property
    def error_text(self) -> str:
        """The end of what the command complained about."""
        return self.stderr.decode("utf-8", "replace").strip()[-2000:]


class _Drain(threading.Thread):
    """Reads a pipe to its end and keeps its beginning."""

    def __init__(self, pipe: IO[bytes], *, limit_bytes: int) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe
        self._limit_bytes = limit_bytes
        self._kept = bytearray()
        self.start()

    def run(self) -> None:
        while chunk := self._pipe.read(_CHUNK_BYTES):
            self._kept += chunk[: self._limit_bytes - len(self._kept)]

    def text(self) -> bytes:
        # A stray process that left the group may hold the pipe open; what was read by then is what counts.
        self.join(timeout=1.0)
        return bytes(self._kept)


def run_process(
    command: Sequence[str],
    *,
    deadline: Deadline,
    environment: Mapping[str, str],
    directory: Path | None = None,
    stdin: bytes = b"",
    output_limit_bytes: int = MAX_OUTPUT_BYTES,
) -> Finished:
    """The command's end; its whole process group is killed when the deadline is over, and in any case at the end."""
    process = subprocess.Popen(  # noqa: S603 - argument lists only, made by this package
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=dict(environment),
        cwd=directory,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    feeder = threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True)
    feeder.start()
    stdout = _Drain(process.stdout, limit_bytes=output_limit_bytes)
    stderr = _Drain(process.stderr, limit_bytes=output_limit_bytes)
    killed = _wait(process, deadline)
    _kill_group(process.pid)
    process.wait()
    finished = Finished(exit_code=process.returncode, stdout=stdout.text(), stderr=stderr.text(), killed=killed)
    feeder.join(timeout=1.0)
    for pipe in (process.stdout, process.stderr):
        pipe.close()
    return finished


def _wait(process: subprocess.Popen[bytes], deadline: Deadline) -> bool:
    while True:
        try:
            process.wait(timeout=min(_POLL_SECONDS, max(deadline.remaining_seconds, 0.001)))
        except subprocess.TimeoutExpired:
            if deadline.over:
                return True
        else:
            return False


def _feed(pipe: IO[bytes], content: bytes) -> None:
    try:
        with pipe:
            view = memoryview(content)
            while view:
                view = view[pipe.write(view) or 0 :]
    except BrokenPipeError:
        return  # the command did not want all of it


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return  # everybody in it has ended
