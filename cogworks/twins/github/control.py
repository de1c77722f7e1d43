"""What a harness asks of the twin itself, under `/_twin/`."""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from cogworks.twins.github import log
from cogworks.twins.github.limits import LimitSettings
from cogworks.twins.github.people import user_by_login
from cogworks.twins.github.projects import Project, items_json, save_project
from cogworks.twins.github.rest import Reply
from cogworks.twins.github.store import Store
from cogworks.twins.github.world import World


class _Rights(BaseModel):
    """The body of `POST /_twin/permissions`: a role, or what a token is granted (null = all its owner may do)."""

    model_config = ConfigDict(extra="forbid")

    login: str
    permission: Literal["admin", "write", "triage", "read", "none"] | None = None
    grants: (
        dict[Literal["metadata", "issues", "pull_requests", "contents"], Literal["none", "read", "write"]] | None
    ) = None


def control(world: World, method: str, path: str, query: dict[str, str], body: bytes) -> Reply:
    """Answer one request under `/_twin/`."""
    name = f"{method} {path.removeprefix('/_twin/')}"
    with world.store.transaction():
        match name:
            case "GET log":
                after = query.get("after", "0")
                return _reply({"log": log.entries(world.store, after=int(after) if after.isdecimal() else 0)})
            case "GET counts":
                return _reply(log.counts(world.store))
            case "GET violations":
                return _reply({"violations": log.violations(world.store)})
            case "POST reset":
                log.clear(world.store)
                world.limits.change(world.limits.settings)
                return _reply({"reset": True})
            case "GET limits":
                return _limits(world)
            case "GET projects":
                return _reply({"items": items_json(world.store)})
            case "POST limits" | "POST permissions" | "POST projects":
                return _change(world, name, body)
            case _:
                return _reply({"problems": [f"{method} {path}: no such route"]}, status=404)


def _limits(world: World) -> Reply:
    logins = [row["login"] for row in world.store.all("SELECT login FROM users WHERE token IS NOT NULL")]
    state = {login: world.limits.report(login) for login in logins}
    return _reply({"settings": world.limits.settings.model_dump(), "state": state})


def _change(world: World, name: str, body: bytes) -> Reply:
    try:
        wanted = json.loads(body or b"{}")
        if name == "POST limits":
            world.limits.change(LimitSettings.model_validate({**world.limits.settings.model_dump(), **wanted}))
            return _limits(world)
        if name == "POST projects":
            save_project(world.store, Project.model_validate(wanted))
            return _reply({"items": items_json(world.store)})
        rights = _Rights.model_validate(wanted)
    except (TypeError, ValueError) as error:
        return _reply({"problems": _problems(error)}, status=400)
    return _set_rights(world.store, rights)


def _problems(error: Exception) -> list[str]:
    if isinstance(error, ValidationError):
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
    return [f"body: must be a JSON object ({error})"]


def _set_rights(store: Store, rights: _Rights) -> Reply:
    user = user_by_login(store, rights.login)
    if user is None:
        return _reply({"problems": [f"login: no account {rights.login}"]}, status=400)
    if rights.permission is not None:
        store.run("DELETE FROM collaborators WHERE user_id = ?", user["id"])
        store.run("UPDATE users SET permission = ? WHERE id = ?", rights.permission, user["id"])
    if "grants" in rights.model_fields_set:
        store.run("DELETE FROM token_grants WHERE user_id = ?", user["id"])
        for resource, level in (rights.grants or {}).items():
            store.run("INSERT INTO token_grants VALUES (?, ?, ?)", user["id"], resource, level)
    return _reply(rights.model_dump())


def _reply(body: Any, *, status: int = 200) -> Reply:
    return Reply(status=status, headers={"content-type": "application/json"}, body=json.dumps(body).encode())
