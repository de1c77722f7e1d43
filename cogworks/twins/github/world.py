"""Everything that one running twin holds together."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cogworks.twins.github.bare import BareRepository
from cogworks.twins.github.branches import take_in
from cogworks.twins.github.call import Call, Place
from cogworks.twins.github.limits import Limits, LimitSettings
from cogworks.twins.github.people import BOT_LOGIN, add_user, tokens, user_by_id, user_by_login
from cogworks.twins.github.store import Row, Store
from cogworks.twins.github.urls import Urls
from cogworks.twins.github.webhooks import Webhooks


class World:
    """Store, repositories, limits and webhooks of one state directory."""

    def __init__(self, state: Path, *, webhooks: Webhooks, settings: LimitSettings) -> None:
        """Open a state directory, or begin one."""
        self.repositories_path = state / "repositories"
        self.repositories_path.mkdir(parents=True, exist_ok=True)
        self.store = Store(state / "github.sqlite3")
        self.webhooks = webhooks
        self.limits = Limits(settings)
        self._logins: dict[str, str] = {}
        self._git: dict[int, BareRepository] = {}
        with self.store.transaction():
            if user_by_login(self.store, BOT_LOGIN) is None:
                add_user(self.store, BOT_LOGIN, permission="write", kind="Bot")

    def tokens(self) -> dict[str, str]:
        """Return the token of every account."""
        with self.store.transaction():
            return tokens(self.store)

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Act in one transaction; what it announced is sent when it is committed, or forgotten."""
        with self.store.alone():
            try:
                with self.store.transaction():
                    yield
            except BaseException:
                self.webhooks.discard()
                raise
            self.webhooks.release()

    def learn_tokens(self) -> None:
        """Remember which token is whose; they never change while a twin runs."""
        self._logins = {token: login for login, token in self.tokens().items()}

    def login_of(self, token: str) -> str | None:
        """Return whose token this is, or None."""
        return self._logins.get(token)

    def place(self, repo: Row) -> Place:
        """Return a repository with its git side."""
        repo_id = repo["id"]
        if repo_id not in self._git:
            self._git[repo_id] = BareRepository(self.repositories_path / f"{repo_id}.git")
        return Place(repo=repo, git=self._git[repo_id])

    def find_repo(self, full_name: str) -> Row | None:
        """Return a repository by name, whatever its case."""
        return self.store.one("SELECT * FROM repositories WHERE full_name = ?", full_name)

    def find_renamed(self, full_name: str) -> Row | None:
        """Return the repository that had this name before."""
        sql = "SELECT repositories.* FROM renames JOIN repositories ON repositories.id = repo_id WHERE old_name = ?"
        return self.store.one(sql, full_name)

    def call(self, user: Row, *, place: Place | None, urls: Urls) -> Call:
        """Return a call that no REST request stands behind."""
        return Call(store=self.store, webhooks=self.webhooks, limits=self.limits, urls=urls, user=user, place=place)

    def catch_up(self, urls: Urls) -> None:
        """Take in pushes that a killed twin had accepted but not yet noted."""
        with self.store.transaction():
            for repo in self.store.all("SELECT * FROM repositories"):
                take_in(self.call(user_by_id(self.store, repo["owner_id"]), place=self.place(repo), urls=urls))

    def close(self) -> None:
        """End what runs and close the file."""
        self.webhooks.close()
        self.store.close()
