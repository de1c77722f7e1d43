"""The port ``Git`` on a forge in memory: commits are shared with it, branches are as of the last fetch or push."""

from collections.abc import Callable, Mapping, Sequence

from cogworks.adapters.memory_commits import changes_between, diff_between
from cogworks.adapters.memory_forge import MemoryForge, MemoryRepo
from cogworks.model.change import Change
from cogworks.model.errors import BranchDiverged, NotFound, ToolRefused
from cogworks.model.ids import RepoName, Sha
from cogworks.policy.paths import check_path, same_but_for_case

Guard = Callable[[], None]


class MemoryWorkTree:
    """The port's ``WorkTree``: a map from paths to bytes, under the same rules of text."""

    def __init__(self, repo: MemoryRepo, *, name: str, head: Sha, files: Mapping[str, bytes]) -> None:
        """Stand at ``head`` with ``files``."""
        self._repo, self._name, self._head = repo, name, head
        self.files = dict(files)

    @property
    def root(self) -> str:
        """A path that exists nowhere."""
        return f"/memory/{self._repo.name}/{self._name}"

    def read(self, path: str, *, max_bytes: int, may_follow: Callable[[str], None] | None = None) -> str:
        """Return a text file; there are no links here, so ``may_follow`` is never asked."""
        del may_follow
        check_path(path)
        if path not in self.files:
            raise ToolRefused("no such file", error="NOT_FOUND", parameter="path")
        if len(self.files[path]) > max_bytes:
            raise ToolRefused(
                f"file is larger than {max_bytes} bytes",
                error="TOO_LARGE",
                parameter="path",
                constraint="max_file_size_bytes",
            )
        return _text(self.files[path])

    def list(self) -> tuple[str, ...]:
        """Return every file, sorted."""
        return tuple(sorted(self.files))

    def write(self, path: str, content: str, *, create: bool) -> None:
        """Replace or create a text file."""
        check_path(path)
        if create:
            self._refuse_present(path)
        elif path not in self.files:
            raise ToolRefused("no such file", error="NOT_FOUND", parameter="path")
        self.files[path] = content.encode()

    def delete(self, path: str) -> None:
        """Delete one file."""
        check_path(path)
        if path not in self.files:
            raise ToolRefused("no such file", error="NOT_FOUND", parameter="path")
        del self.files[path]

    def changes(self, *, base: Sha) -> tuple[Change, ...]:
        """Return what the tree changes against ``base``."""
        return changes_between(self._files_at(base), self.files)

    def diff(self, *, base: Sha) -> str:
        """Return the unified diff against ``base``."""
        return diff_between(self._files_at(base), self.files)

    def log(self, *, path: str | None, limit: int) -> str:
        """Return the newest commits as lines of short sha and subject, of ``path`` alone when given."""
        lines: list[str] = []
        at = self._repo.commits.get(self._head)
        while at is not None and len(lines) < limit:
            before = self._repo.commits.get(at.parents[0]) if at.parents else None
            if path is None or at.files.get(path) != (before.files.get(path) if before else None):
                lines.append(f"{at.sha[:7]} {at.message.splitlines()[0]}")
            at = before
        return "\n".join(lines)

    def commit(self, message: str, *, paths: Sequence[str] | None = None) -> Sha | None:
        """Commit ``paths`` (default: everything changed) and return the new head; None when nothing changed."""
        before = self._files_at(self._head)
        wanted = {change.path for change in changes_between(before, self.files)}
        if paths is not None:
            wanted &= set(paths)
        if not wanted:
            return None
        after = {path: content for path, content in before.items() if path not in wanted}
        after |= {path: self.files[path] for path in wanted if path in self.files}
        self._head = self._repo.commits.add(parents=(self._head,), files=after, message=message)
        return self._head

    def head(self) -> Sha:
        """Return the commit that the tree stands on."""
        return self._head

    def remove(self) -> None:
        """Forget every file."""
        self.files.clear()

    def is_clean_at(self, ref: Sha) -> bool:
        """Tell whether the tree stands on ``ref`` with nothing uncommitted."""
        return self._head == ref and self.files == self._files_at(ref)

    def _files_at(self, sha: Sha) -> Mapping[str, bytes]:
        commit = self._repo.commits.get(sha)
        if commit is None:
            raise NotFound("no such commit", operation="git.changes", target=f"{self._repo.name} {sha}")
        return commit.files

    def _refuse_present(self, path: str) -> None:
        folders = {"/".join(file.split("/")[:depth]) for file in self.files for depth in range(1, file.count("/") + 1)}
        entries = tuple(folders | set(self.files))
        parts = path.split("/")
        prefixes = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        if path in entries or any(same_but_for_case(prefix, entries) for prefix in prefixes):
            raise ToolRefused("path exists", error="ALREADY_EXISTS", parameter="path")
        if any(prefix in self.files for prefix in prefixes):
            raise ToolRefused("no such file", error="NOT_FOUND", parameter="path")


class MemoryGit:
    """The port's ``Git`` on a forge in memory."""

    def __init__(self, forge: MemoryForge, *, guard: Guard | None = None) -> None:
        """Work on the repositories of ``forge``."""
        self._forge, self._guard = forge, guard
        self._branches: dict[RepoName, dict[str, Sha]] = {}
        self._trees: dict[tuple[RepoName, str], MemoryWorkTree] = {}

    def guarded_by(self, guard: Guard) -> "MemoryGit":
        """Return the same Git whose every push first calls ``guard``."""
        git = MemoryGit(self._forge, guard=guard)
        git._branches, git._trees = self._branches, self._trees
        return git

    def fetch(self, repo: RepoName) -> None:
        """Copy the branches of the forge."""
        self._branches[repo] = dict(self._forge.repo(repo, operation="git.fetch").branches)

    def branch_head(self, repo: RepoName, branch: str) -> Sha | None:
        """Return the head of ``branch`` as of the last fetch or push."""
        return self._mirror(repo).get(branch)

    def read(self, repo: RepoName, path: str, *, ref: str) -> bytes | None:
        """Return a file's bytes at ``ref``."""
        return self._files(repo, ref).get(path)

    def list(self, repo: RepoName, *, ref: str) -> tuple[str, ...]:
        """Return the paths of every file at ``ref``, sorted."""
        return tuple(sorted(self._files(repo, ref)))

    def changes(self, repo: RepoName, *, base: str, head: str) -> tuple[Change, ...]:
        """Return what differs between two commits."""
        return changes_between(self._files(repo, base), self._files(repo, head))

    def diff(self, repo: RepoName, *, base: str, head: str) -> str:
        """Return the unified diff between two commits."""
        return diff_between(self._files(repo, base), self._files(repo, head))

    def merge(self, repo: RepoName, heads: Sequence[Sha], *, message: str) -> Sha:
        """Return a commit that holds all ``heads`` (the first itself when alone); BranchDiverged when they clash."""
        commits = self._forge.repo(repo).commits
        rest = [head for head in dict.fromkeys(heads) if not self._is_held(repo, head, heads)]
        joined = rest[0]
        for head in rest[1:]:
            merged = commits.merge(joined, head, message=message)
            if isinstance(merged, tuple):
                raise BranchDiverged(f"{repo}: {joined[:12]} and {head[:12]} clash in {', '.join(merged)}")
            joined = merged
        return joined

    def commit_files(self, repo: RepoName, *, parent: Sha | None, files: Mapping[str, bytes], message: str) -> Sha:
        """Return a new commit on ``parent`` that holds ``files`` besides what was there."""
        before = {} if parent is None else self._files(repo, parent)
        parents = () if parent is None else (parent,)
        return self._forge.repo(repo).commits.add(parents=parents, files={**before, **files}, message=message)

    def push(self, repo: RepoName, *, branch: str, sha: Sha, expected: Sha | None) -> None:
        """Move ``branch`` from ``expected`` to ``sha``, never forced; a branch at ``sha`` already is success."""
        place = self._forge.repo(repo, operation="git.push")
        if expected is not None and not place.commits.is_ancestor(expected, sha):
            raise BranchDiverged(f"{repo} {branch}: {sha[:12]} does not follow {expected[:12]}")
        if self._guard is not None:
            self._guard()
        if place.branches.get(branch) not in (expected, sha):
            raise BranchDiverged(f"git.push {repo} {branch}: the branch is not at {expected}")
        place.branches[branch] = sha
        self._mirror(repo)[branch] = sha

    def checkout(self, repo: RepoName, *, ref: Sha, name: str) -> MemoryWorkTree:
        """Return a clean work tree called ``name`` at ``ref``."""
        tree = self._trees.get((repo, name))
        if tree is None or not tree.is_clean_at(ref):
            files = self._files(repo, ref)
            tree = MemoryWorkTree(self._forge.repo(repo), name=name, head=ref, files=files)
            self._trees[repo, name] = tree
        return tree

    def remove_checkouts(self, repo: RepoName, *, prefix: str) -> None:
        """Delete the work trees whose name starts with ``prefix``."""
        for key in [key for key in self._trees if key[0] == repo and key[1].startswith(prefix)]:
            # In place: a guarded git and the one it stands for have their trees in common.
            del self._trees[key]

    def _is_held(self, repo: RepoName, head: Sha, heads: Sequence[Sha]) -> bool:
        commits = self._forge.repo(repo).commits
        return any(other != head and commits.is_ancestor(head, other) for other in heads)

    def _mirror(self, repo: RepoName) -> dict[str, Sha]:
        if repo not in self._branches:
            self.fetch(repo)
        return self._branches[repo]

    def _files(self, repo: RepoName, ref: str) -> Mapping[str, bytes]:
        commit = self._forge.repo(repo).commits.get(self._mirror(repo).get(ref, Sha(ref)))
        if commit is None:
            raise NotFound("no such revision", operation="git", target=f"{repo} {ref}")
        return commit.files


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ToolRefused("file is not text", error="NOT_TEXT", parameter="path", constraint="UTF-8 without NUL")
    return text
