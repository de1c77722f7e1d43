"""What people see in the end, told so that two runs can be compared in which things happened in another order."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from world import World

from cogworks.engine.accounting import recounted
from cogworks.pages.markers import read_mark
from cogworks.pages.state_comment import read_state_mark


def seen_by_people(world: World) -> Mapping[str, Any]:
    """Return the picture of ``world`` with pull requests named by their branch, for numbers follow the order of events.

    The costs of what was recorded belong to it: a call whose answer was lost with its process is paid again, and shows
    in the ledger alone.
    """
    heads = {pull.number: f"<{pull.head}>" for pull in world.pulls()}
    state = world.state

    def named(number: int) -> int | str:
        return heads.get(number, number)  # type: ignore[call-overload, no-any-return]  # an issue's number is one too

    def renamed(text: str) -> str:
        return re.sub(r"#(\d+)", lambda found: f"#{named(int(found[1]))}", text)

    picture: dict[str, Any] = world.picture()
    issues, pulls, swis = picture["issues"], picture["pulls"], picture["swis"]
    return picture | {
        "issues": sorted((str(named(number)), *rest) for number, *rest in issues),
        "pulls": sorted((str(named(number)), *rest) for number, *rest in pulls),
        "swis": [(status, named(pull), nodes) for status, pull, nodes in swis],
        "branches": {name: _settled(files) for name, files in picture["branches"].items()},
        "traceability": renamed(repr(state.traceability)),
        "cost": (state.cost.microusd, state.cost.tokens, dict(state.cost.by_node)),
        "ledger": _ledger_microusd(world),
    }


def _ledger_microusd(world: World) -> int:
    """Return what the ledger holds; one that was lost when nothing was left to do starts anew when somebody asks."""
    told = recounted(world.house.ports, world.state.item, again=False)
    assert told is not None, "there is a run"
    return told.after.committed.microusd


def _settled(files: Any) -> Any:
    """Return the files of a branch; records of steps are numbered by step, and how many it takes depends on time."""
    return sorted({re.sub(r"^steps/\d+", "steps/N", path) for path in files}) if isinstance(files, list) else files


def twice_there(world: World) -> tuple[str, ...]:
    """Return what exists twice although it has a name of its own: comments by key, pull requests and sub-issues."""
    names = [_key(comment.body) for comment in world.repo.comments.values() if comment.author == "cogworks"]
    names += [f"pull request of {pull.head}" for pull in world.pulls()]
    names += [f"sub-issue {issue.title}" for issue in world.repo.issues.values() if not issue.is_pull]
    return tuple(sorted(name for name, number in Counter(names).items() if name and number > 1))


def _key(text: str) -> str:
    audit, state = read_mark(text, "audit"), read_state_mark(text)
    return f"comment {audit.fields.get('key')}" if audit else "state comment" if state else ""
