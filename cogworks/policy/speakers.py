"""Who may command what: rights in the repository, and the list of those who may start work (GH-10)."""

from collections.abc import Collection

from cogworks.model.commands import Said
from cogworks.model.github import WRITERS, Permission

_ONLY_ASKS = frozenset({"status", "help"})


def denied(said: Said, login: str, permission: Permission, allowed_users: Collection[str]) -> str:
    """Return why ``login`` is not heard with this, or nothing when it is."""
    only_asks = getattr(said, "word", "") in _ONLY_ASKS
    if permission == "none" or (not only_asks and permission not in WRITERS):
        needed = "read" if only_asks else "write"
        return f"it needs {needed} access to this repository"
    if allowed_users and login.casefold() not in {user.casefold() for user in allowed_users}:
        return "`triggers.allowed_users` does not name you"
    return ""
