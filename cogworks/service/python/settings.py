"""What the operator decided: read once from the command line, handed down."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What repository code may use; one table, enforced by the sandbox."""

    memory_bytes: int = 2048 * MEBIBYTE
    processes: int = 256
    open_files: int = 1024
    cpu_seconds: int = 300
    file_bytes: int = 256 * MEBIBYTE
    scratch_bytes: int = 1024 * MEBIBYTE
    case_output_bytes: int = 64 * 1024
    call_output_bytes: int = MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one service process."""

    socket: Path | None
    """the unix socket to listen on, or None for TCP"""
    host: str = "127.0.0.1"
    port: int = 0
    python: Path = Path(sys.executable)
    """the interpreter whose environment holds the target's dependencies and pytest"""
    home: Path
    """a directory of the service alone: scratch checkouts and the type checker's cache"""
    allow_unsandboxed: bool = False
    bubblewrap: str = "bwrap"
    """the program that makes the sandbox, by name or path"""
    max_concurrency: int = 4
    limits: Limits = field(default_factory=Limits)
