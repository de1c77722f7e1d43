"""Which material a model sees: fenced items by priority, cut deterministically (40 sections 2 and 4)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from cogworks.model.errors import FailureCategory, PolicyViolation
from cogworks.model.json_value import sha256_text
from cogworks.policy.secrets import redact

SUBJECT, PREDECESSOR, CONSTRAINTS, PACKS, STANDARDS, SURROUNDINGS = range(1, 7)
BYTES_PER_TOKEN = 3

_CLOSING_LOOKALIKE = re.compile(r"</\s*cw-item", re.IGNORECASE)


class Level(StrEnum):
    """How much of a source is shown: its public interface, or the source itself."""

    INTERFACE = "3"
    SOURCE = "4"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextItem:
    """One piece of material from outside; everything but packs and standards is untrusted (``P3``)."""

    id: str
    kind: str
    priority: int
    text: str
    source: str
    ref: str = ""
    distance: int = 0
    level: Level = Level.SOURCE
    trust: Literal["P2", "P3"] = "P3"

    @property
    def tokens(self) -> int:
        """Estimated tokens of the text."""
        return -(-len(self.text.encode()) // BYTES_PER_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """An item left out, and why."""

    id: str
    priority: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What is sent: fenced texts in order, and what was left out."""

    texts: tuple[str, ...]
    kept: tuple[ContextItem, ...]
    dropped: tuple[Dropped, ...]

    @property
    def manifest_sha256(self) -> str:
        """Hash over everything sent and dropped: equal input gives equal hash."""
        lines = [f"{item.id} {sha256_text(item.text)}" for item in self.kept]
        return sha256_text("\n".join([*lines, *(f"-{gone.id} {gone.reason}" for gone in self.dropped)]))


def assemble(items: Sequence[ContextItem], *, budget_tokens: int) -> Package:
    """Return the fenced package within ``budget_tokens``; same input, same bytes (CTX-01, CTX-03).

    Tiers 6 to 2 lose items farthest first, then largest, then by source. Raises PolicyViolation
    ``CONTEXT_TOO_LARGE`` when the first tier alone does not fit.
    """
    kept = sorted(items, key=lambda item: (item.priority, item.distance, item.source, item.id))
    dropped: list[Dropped] = []
    total = sum(item.tokens for item in kept)
    for item in sorted(kept, key=lambda item: (-item.priority, -item.distance, -item.tokens, item.source)):
        if total <= budget_tokens:
            break
        if item.priority == SUBJECT:
            raise PolicyViolation(
                f"the subject alone needs about {total} tokens, {budget_tokens} are left for it",
                category=FailureCategory.CONTEXT_TOO_LARGE,
                event="CONTEXT_TOO_LARGE",
            )
        kept.remove(item)
        total -= item.tokens
        dropped.append(Dropped(id=item.id, priority=item.priority, reason="over the token budget"))
    return Package(texts=tuple(fence(item) for item in kept), kept=tuple(kept), dropped=tuple(dropped))


def fence(item: ContextItem) -> str:
    """Return ``item`` inside a fence named by its content's hash, so that content cannot close it (PRM-02)."""
    text = redact(item.text) if item.trust == "P3" else item.text
    text = _CLOSING_LOOKALIKE.sub("<\\/cw-item", text)
    name = f"cw-item-{sha256_text(text)[:12]}"
    marks = f"kind={item.kind} source={_plain(item.source)} ref={_plain(item.ref) or '-'} trust={item.trust}"
    return f"<{name} {marks} level={item.level.value}>\n{text}\n</{name}>"


def _plain(value: str) -> str:
    return re.sub(r"[\s<>\"']", "_", value)
