"""Accounts and what each may do."""

import secrets
import string

from cogworks.twins.github.store import Row, Store, stamp
from cogworks.twins.github.urls import Urls
from cogworks.twins.github.wire import JsonObject

PERMISSIONS = ("none", "read", "triage", "write", "admin")
BOT_LOGIN = "cogworks"
_ALPHABET = string.ascii_letters + string.digits


def at_least(permission: str, needed: str) -> bool:
    """Say whether a permission includes another."""
    return PERMISSIONS.index(permission) >= PERMISSIONS.index(needed)


def user_by_login(store: Store, login: str) -> Row | None:
    """Return an account, or None."""
    return store.one("SELECT * FROM users WHERE login = ?", login)


def user_by_id(store: Store, user_id: int) -> Row:
    """Return the account with this id."""
    return store.need("SELECT * FROM users WHERE id = ?", user_id)


def add_user(store: Store, login: str, *, permission: str, kind: str = "User") -> Row:
    """Add an account, with a token of its own unless it is an organization."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(36))
    token = {"User": f"ghp_{body}", "Bot": f"ghs_{body}"}.get(kind)
    store.run(
        "INSERT INTO users (id, login, kind, permission, token, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        store.new_id(), login, kind, permission, token, stamp(),
    )  # fmt: skip
    return store.need("SELECT * FROM users WHERE login = ?", login)


def permission_of(store: Store, user: Row, repo: Row) -> str:
    """Return what an account may do in a repository: admin, write, triage, read or none."""
    if user["id"] == repo["owner_id"]:
        return "admin"
    own = store.one("SELECT permission FROM collaborators WHERE repo_id = ? AND user_id = ?", repo["id"], user["id"])
    return str(own["permission"] if own is not None else user["permission"])


def association_of(store: Store, user: Row, repo: Row) -> str:
    """Return how GitHub describes an author beside the repository."""
    if user["id"] == repo["owner_id"]:
        return "OWNER"
    return "NONE" if permission_of(store, user, repo) == "none" else "COLLABORATOR"


def tokens(store: Store) -> dict[str, str]:
    """Return the token of every account that has one."""
    return {row["login"]: row["token"] for row in store.all("SELECT * FROM users WHERE token IS NOT NULL ORDER BY id")}


def email_of(user: Row) -> str:
    """Return the address that commits of an account carry."""
    return f"{user['id']}+{user['login']}@users.noreply.github.com"


def user_json(urls: Urls, user: Row) -> JsonObject:
    """Return an account in its short form."""
    api = urls.user(user["login"])
    return {
        "login": user["login"],
        "id": user["id"],
        "node_id": f"U_{user['id']}",
        "avatar_url": f"{urls.web}/avatars/u/{user['id']}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{urls.web}/{user['login']}",
        "followers_url": f"{api}/followers",
        "following_url": api + "/following{/other_user}",
        "gists_url": api + "/gists{/gist_id}",
        "starred_url": api + "/starred{/owner}{/repo}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": api + "/events{/privacy}",
        "received_events_url": f"{api}/received_events",
        "type": user["kind"],
        "user_view_type": "public",
        "site_admin": False,
    }


def profile_json(urls: Urls, user: Row) -> JsonObject:
    """Return an account in its long form."""
    return {
        **user_json(urls, user),
        "name": user["login"],
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": user["created_at"],
        "updated_at": user["created_at"],
    }
