"""Turns a seed into a world: accounts, repositories, issues, and the pull request that brought the source."""

import shutil
import tempfile
from pathlib import Path

from cogworks.twins.github.bare import EMPTY_TREE, BareRepository, Signature, run_git
from cogworks.twins.github.branches import mark_merged
from cogworks.twins.github.call import Call
from cogworks.twins.github.hooks import install
from cogworks.twins.github.issues import add_issue_row, open_issue
from cogworks.twins.github.labels import add_label
from cogworks.twins.github.milestones import add_milestone
from cogworks.twins.github.people import add_user, email_of, user_by_login
from cogworks.twins.github.pull_view import pull_by_issue
from cogworks.twins.github.reviews import add_review
from cogworks.twins.github.seed import FIRST_AUTHOR, FIRST_REVIEWER, Seed, SeedRepository, is_git
from cogworks.twins.github.store import Row, stamp
from cogworks.twins.github.urls import Urls
from cogworks.twins.github.world import World

_IMPORT_BRANCH = "import"
# Only webhooks would show these addresses.
_URLS = Urls(api="http://127.0.0.1", web="http://127.0.0.1")


def plant(world: World, seed: Seed) -> None:
    """Fill a world, wholly or not at all; one that was planted before stays as it is."""
    store = world.store
    try:
        with store.transaction():
            if seed == Seed() or store.one("SELECT 1 FROM counters WHERE name = 'planted'") is not None:
                return
            for user in seed.users:
                add_user(store, user.login, permission=user.permission)
            for login in (FIRST_AUTHOR, FIRST_REVIEWER):
                if user_by_login(store, login) is None:
                    add_user(store, login, permission="write")
            for repository in seed.repositories:
                _plant_repository(world, repository)
            store.run("INSERT INTO counters VALUES ('planted', 1)")
        # Nobody hears of the planting.
        world.webhooks.discard()
    except BaseException:
        for left in world.repositories_path.iterdir():
            shutil.rmtree(left)
        raise


def _user(world: World, login: str) -> Row:
    return world.store.need("SELECT * FROM users WHERE login = ?", login)


def _plant_repository(world: World, wanted: SeedRepository) -> None:
    store = world.store
    owner_login = wanted.full_name.split("/")[0]
    owner = user_by_login(store, owner_login) or add_user(store, owner_login, permission="none", kind="Organization")
    repo_id, now = store.new_id(), stamp()
    store.run(
        "INSERT INTO repositories (id, owner_id, full_name, default_branch, created_at, updated_at, pushed_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        repo_id, owner["id"], wanted.full_name, wanted.default_branch, now, now, now,
    )  # fmt: skip
    place = world.place(store.need("SELECT * FROM repositories WHERE id = ?", repo_id))
    _make_git(place.git, wanted, author=_user(world, FIRST_AUTHOR))
    for name, sha in place.git.heads().items():
        store.run("INSERT INTO branches VALUES (?, ?, ?)", repo_id, name, sha)
    call = world.call(_user(world, FIRST_AUTHOR), place=place, urls=_URLS)
    for label in wanted.labels:
        add_label(call, label.name, color=label.color, description=label.description)
    milestones = {
        milestone.title: add_milestone(call, milestone.title, description=milestone.description)
        for milestone in wanted.milestones
    }
    for issue in wanted.issues:
        by_author = world.call(_user(world, issue.author), place=place, urls=_URLS)
        milestone = milestones[issue.milestone] if issue.milestone is not None else None
        open_issue(by_author, issue.title, issue.body, labels=issue.labels, milestone=milestone)
    if wanted.source is not None:
        _plant_import(world, call, place.git.heads()[wanted.default_branch])


def _make_git(git: BareRepository, wanted: SeedRepository, *, author: Row) -> None:
    git.path.parent.mkdir(parents=True, exist_ok=True)
    branch = wanted.default_branch
    if wanted.source is not None and is_git(Path(wanted.source)):
        run_git(git.path.parent, ["clone", "--quiet", "--bare", "--no-local", wanted.source, str(git.path)])
        git.git("remote", "remove", "origin")
        git.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    else:
        run_git(git.path.parent, ["init", "--quiet", "--bare", f"--initial-branch={branch}", str(git.path)])
        git.move(branch, _first_commit(git, wanted.source, author=author), old_sha=None)
    install(git.path)
    for key, value in (("http.receivepack", "true"), ("receive.denyNonFastForwards", "true"), ("gc.auto", "0")):
        git.git("config", key, value)


def _first_commit(git: BareRepository, source: str | None, *, author: Row) -> str:
    signature = Signature(name=author["login"], email=email_of(author), at=stamp())
    if source is None:
        git.git("hash-object", "-t", "tree", "-w", "--stdin", feed=b"")
        return git.write_commit(EMPTY_TREE, parents=[], message="Begin\n", author=signature)
    # What Python leaves behind when somebody ran the folder's tests is not part of the source.
    (git.path / "info").mkdir(exist_ok=True)
    (git.path / "info" / "exclude").write_text("__pycache__/\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        git.git(f"--git-dir={git.path}", f"--work-tree={source}", "add", "--all", source, env=env)
        tree = git.git("write-tree", env=env).decode().strip()
    return git.write_commit(tree, parents=[], message="Import the source\n", author=signature)


def _plant_import(world: World, call: Call, head_sha: str) -> None:
    """The source counts as one pull request that a person approved and merged."""
    issue = add_issue_row(call, "Import the source", "Everything that this repository began with.", is_pull=True)
    world.store.run(
        "INSERT INTO pulls (issue_id, id, repo_id, head_ref, head_sha, base_ref, base_sha, brought_history) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
        issue["id"], world.store.new_id(), call.repo["id"], _IMPORT_BRANCH, head_sha, call.repo["default_branch"],
        head_sha,
    )  # fmt: skip
    by_reviewer = world.call(_user(world, FIRST_REVIEWER), place=call.place, urls=_URLS)
    add_review(by_reviewer, pull_by_issue(call, issue["id"]), state="APPROVED", body="")
    mark_merged(by_reviewer, issue["id"], head_sha)
