"""Prompt caching: prefixes that end at a mark are remembered by hash until their time is over."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from cogworks.twins.anthropic.request import MessagesRequest
from cogworks.twins.anthropic.tokens import bytes_of, input_tokens, tokens_of_bytes
from cogworks.twins.anthropic.wire import JsonObject, canonical, invalid

Ttl = Literal["5m", "1h"]
LIFETIMES: Mapping[Ttl, timedelta] = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
MAX_MARKS = 4
# A hit is looked for at so many block ends before each mark: a tool loop moves its last mark on with every turn.
LOOK_BACK_BLOCKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEnd:
    """Where a block ends: hash and tokens of all that stands before it, and the mark that it carries, if any."""

    prefix_sha256: str
    tokens: int
    mark: Ttl | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """What a request reads from the cache and writes to it; `remember` holds prefixes with their time to live."""

    total: int
    read: int
    written_5m: int
    written_1h: int
    remember: tuple[tuple[str, Ttl], ...]

    @property
    def uncached(self) -> int:
        """The input tokens that the cache has no part in."""
        return self.total - self.read - self.written_5m - self.written_1h


def block_ends(request: MessagesRequest) -> list[BlockEnd]:
    """Return the end of every block in the order tools, system, messages."""
    ends: list[BlockEnd] = []
    digest = hashlib.sha256(request.model.encode())
    counted_bytes = 0
    for kind, block in _blocks(request):
        bare = {key: value for key, value in block.items() if key != "cache_control"}
        digest.update(f"\n{kind} {canonical(bare)}".encode())
        counted_bytes += bytes_of(block)
        ends.append(
            BlockEnd(prefix_sha256=digest.hexdigest(), tokens=tokens_of_bytes(counted_bytes), mark=_mark(block))
        )
    whole = request.body.get("cache_control")
    if isinstance(whole, dict) and ends and ends[-1].mark is None:
        last = ends[-1]
        ends[-1] = BlockEnd(prefix_sha256=last.prefix_sha256, tokens=last.tokens, mark=_mark({"cache_control": whole}))
    return ends


def check_marks(ends: Sequence[BlockEnd]) -> None:
    """Refuse more marks than the provider takes, and a long-lived mark behind a short-lived one."""
    marks = [end.mark for end in ends if end.mark is not None]
    if len(marks) > MAX_MARKS:
        raise invalid(f"A maximum of {MAX_MARKS} blocks with cache_control may be provided. Found {len(marks)}.")
    if "5m" in marks and "1h" in marks[marks.index("5m") :]:
        raise invalid("A ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")


def cache_use(request: MessagesRequest, *, minimum: int, known: Callable[[str], bool]) -> CacheUse:
    """Say what the cache does for a request; prefixes below `minimum` tokens are not cached."""
    ends = block_ends(request)
    total = max(input_tokens(request.body), ends[-1].tokens if ends else 0)
    marked = [index for index, end in enumerate(ends) if end.mark is not None and end.tokens >= minimum]
    read = _longest_hit(ends, marked, known)
    written: dict[Ttl, int] = {"5m": 0, "1h": 0}
    reached = read
    for index in marked:
        end = ends[index]
        if end.mark is not None and end.tokens > reached:
            written[end.mark] += end.tokens - reached
            reached = end.tokens
    return CacheUse(
        total=total,
        read=read,
        written_5m=written["5m"],
        written_1h=written["1h"],
        remember=tuple((ends[index].prefix_sha256, ends[index].mark or "5m") for index in marked),
    )


def _longest_hit(ends: Sequence[BlockEnd], marked: Sequence[int], known: Callable[[str], bool]) -> int:
    candidates = {index for mark in marked for index in range(max(0, mark - LOOK_BACK_BLOCKS + 1), mark + 1)}
    for index in sorted(candidates, reverse=True):
        if known(ends[index].prefix_sha256):
            return ends[index].tokens
    return 0


def _blocks(request: MessagesRequest) -> list[tuple[str, JsonObject]]:
    return [
        *(("tool", tool) for tool in request.tools),
        *(("system", block) for block in request.system),
        *((f"{index} {turn.role}", block) for index, turn in enumerate(request.turns) for block in turn.blocks),
    ]


def _mark(block: JsonObject) -> Ttl | None:
    control = block.get("cache_control")
    if not isinstance(control, dict):
        return None
    return "1h" if control.get("ttl") == "1h" else "5m"
