"""Did the machine keep within what is its own, and did the demo show what it promises?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cogworks.demo.verify.asking import Forge, Provider
from cogworks.demo.verify.checks import Check, check
from cogworks.demo.verify.delivered import MACHINE, Delivery

_FORBIDDEN_EVENTS = ("closed", "merged")
_FORBIDDEN_ROUTES = ("/merge", "/dismissals", "/protection")


def conduct_check(forge: Forge, repos: Iterable[str]) -> Check:
    """Return whether the machine merged, approved or closed nothing, by the twin's log and GitHub's own history."""
    wrong = [f"{one['method']} {one['path']}: {one['violation']}" for one in forge.twin("violations")["violations"]]
    log = [one for one in forge.twin("log")["log"] if one["login"] == MACHINE and one["method"] != "GET"]
    wrong += [f"{one['method']} {one['path']}" for one in log if one["path"].endswith(_FORBIDDEN_ROUTES)]
    for repo in sorted(set(repos)):
        events = forge.all(f"/repos/{repo}/issues/events")
        wrong += [f"{one['event']} #{one['issue']['number']}" for one in events if _forbidden(one)]
        for pull in forge.all(f"/repos/{repo}/pulls?state=all"):
            reviews = forge.all(f"/repos/{repo}/pulls/{pull['number']}/reviews")
            wrong += [f"approved #{pull['number']}" for one in reviews if _approval(one)]
    return check(f"{MACHINE} merged, approved and closed nothing", wrong, good=f"{len(log)} changing requests seen")


def _forbidden(event: Mapping[str, Any]) -> bool:
    actor: str | None = (event["actor"] or {}).get("login")
    return event["event"] in _FORBIDDEN_EVENTS and actor == MACHINE


def _approval(review: Mapping[str, Any]) -> bool:
    return bool(review["state"] == "APPROVED" and review["user"]["login"] == MACHINE)


def parallel(_forge: Forge, provider: Provider, _found: Sequence[Delivery]) -> list[str]:
    """Two sub-work-items are generated at the same time: the calls of one begin between those of another."""
    spans: dict[int, list[int]] = {}
    for place, one in enumerate(provider.calls()):
        if one["call"].get("node") == "code_generation" and one["call"].get("sub_work_item") is not None:
            spans.setdefault(int(one["call"]["sub_work_item"]), []).append(place)
    ends = [(min(places), max(places)) for places in spans.values()]
    overlap = any(a[0] < b[0] < a[1] for a in ends for b in ends)
    return [] if overlap else ["no two sub-work-items were generated at the same time"]


def retry(_forge: Forge, provider: Provider, _found: Sequence[Delivery]) -> list[str]:
    """A test failure made an attempt begin again with the same input."""
    return _loop(provider, "retry")


def rework(_forge: Forge, provider: Provider, _found: Sequence[Delivery]) -> list[str]:
    """A blocking review finding sent the work back."""
    return _loop(provider, "rework")


def gates(forge: Forge, _provider: Provider, found: Sequence[Delivery]) -> list[str]:
    """Specification and interfaces were merged by a person."""
    wrong = []
    for delivery in found:
        for slug in ("spec", "interfaces"):
            pull = delivery.pulls.get(slug)
            detail = forge.one(f"/repos/{delivery.item.repo}/pulls/{pull['number']}") if pull else {}
            by = (detail.get("merged_by") or {}).get("login")
            if by in (None, MACHINE):
                wrong.append(f"{slug} of {delivery.item} was merged by {by or 'nobody'}")
    return wrong


def _loop(provider: Provider, name: str) -> list[str]:
    seen = any(one["call"].get("loop") == name for one in provider.calls())
    return [] if seen else [f"no call of the log is a {name}"]


Showing = Callable[[Forge, Provider, Sequence[Delivery]], list[str]]
SHOWINGS: Mapping[str, tuple[str, Showing]] = {
    "parallel": ("two sub-work-items at the same time", parallel),
    "retry": ("a retry after a failing test", retry),
    "rework": ("a rework after a blocking review finding", rework),
    "gates": ("two human gates", gates),
}


def showing_checks(names: Iterable[str], forge: Forge, provider: Provider, found: Sequence[Delivery]) -> list[Check]:
    """Return whether each thing that the demo promises was really seen by the twins."""
    chosen = [SHOWINGS[name] for name in names]
    return [check(f"seen: {title}", see(forge, provider, found), good="seen") for title, see in chosen]
