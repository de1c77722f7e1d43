"""One mirror, many users at once: workers of one machine share the cache of a repository."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from forge_plugs import REPO, RunningTwin

from cogworks.adapters.git_mirror import GitMirrors

WORKERS = 4
ROUNDS = 3


def test_workers_on_one_machine_do_not_disturb_each_other(twin: RunningTwin, tmp_path: Path) -> None:
    """Each has its own handle on the lock file, as processes have."""

    def work(worker: int) -> tuple[str, ...]:
        git = GitMirrors(tmp_path, remote_url=twin.url, token=twin.tokens["cogworks"])
        git.fetch(REPO)
        branch, expected = f"cogworks/7/shared-{worker}", None
        head = git.branch_head(REPO, "main")
        for turn in range(ROUNDS):
            assert head is not None
            tree = git.checkout(REPO, ref=head, name=f"worker-{worker}")
            tree.write(f"{worker}/{turn}.txt", "x", create=True)
            head = tree.commit("node: Add a file")
            assert head is not None
            git.push(REPO, branch=branch, sha=head, expected=expected)
            git.fetch(REPO)
            expected = git.branch_head(REPO, branch)
            assert expected == head
        return tuple(path for path in git.list(REPO, ref=branch) if path.endswith(".txt") and "/" in path)

    with ThreadPoolExecutor(WORKERS) as pool:
        made = list(pool.map(work, range(WORKERS)))
    for worker, paths in enumerate(made):
        assert {f"{worker}/{turn}.txt" for turn in range(ROUNDS)} <= set(paths)
