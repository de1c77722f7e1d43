"""One check and its result, which is one JSON line on standard output."""

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was checked, whether it holds, and what was found."""

    name: str
    ok: bool
    detail: str

    def line(self) -> str:
        """Return it as a JSON line."""
        return json.dumps({"name": self.name, "ok": self.ok, "detail": self.detail}, ensure_ascii=False)


def check(name: str, wrong: Sequence[str], *, good: str) -> Check:
    """Return a check that holds when nothing is ``wrong``; ``good`` is what was found then."""
    return Check(name=name, ok=not wrong, detail="; ".join(wrong) if wrong else good)
