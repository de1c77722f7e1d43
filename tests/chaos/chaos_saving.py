"""Keeps a moment of the whole installation: what the outside knows, what Redis holds, what lies in the work folder."""

import pickle
import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

_SQLITE = b"SQLite format 3"
_KEPT = ("github", "anthropic", "work")
_REDIS = "redis.pickle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A saved moment: ``number`` counts node boundaries from 0, where nothing has begun."""

    number: int
    folder: Path

    def save(self, room: Path, redis: Redis) -> None:
        """Keep what is in ``room`` now; nobody may write meanwhile."""
        for name in _KEPT:
            (room / name).mkdir(exist_ok=True)
            _copy_tree(room / name, self.folder / name)
        (self.folder / _REDIS).write_bytes(pickle.dumps(_dumped(redis)))

    def restore(self, room: Path, redis: Redis) -> None:
        """Put ``room`` back to this moment, as somebody finds it who comes later: what had to expire has expired."""
        for name in _KEPT:
            shutil.rmtree(room / name, ignore_errors=True)
            _copy_tree(self.folder / name, room / name)
        redis.flushall()
        now_ms = time.time() * 1000
        for key, (value, expires_at_ms) in pickle.loads((self.folder / _REDIS).read_bytes()).items():  # noqa: S301
            if not 0 < expires_at_ms <= now_ms:
                # A beat that goes on may have sent something meanwhile.
                redis.restore(key, max(0, expires_at_ms), value, absttl=expires_at_ms > 0, replace=True)


def _dumped(redis: Redis) -> dict[bytes, tuple[bytes, int]]:
    kept = {}
    for key in redis.scan_iter(count=1000):
        value, expires_at_ms = redis.dump(key), int(redis.pexpiretime(key))
        if value is not None:
            kept[key] = (value, expires_at_ms)
    return kept


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=_copy, ignore=_left_out, dirs_exist_ok=True)


def _left_out(_folder: str, names: list[str]) -> list[str]:
    # Parts of an open database, which its own copy takes in.
    return [name for name in names if name.endswith(("-wal", "-shm"))]


def _copy(source: str, target: str) -> None:
    with Path(source).open("rb") as file:
        is_database = file.read(len(_SQLITE)) == _SQLITE
    if not is_database:
        shutil.copy2(source, target)
        return
    read, written = sqlite3.connect(source), sqlite3.connect(target)
    try:
        read.backup(written)
    finally:
        read.close()
        written.close()
