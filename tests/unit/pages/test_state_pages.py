"""A state that is too large for one comment: continued in others, in two sets, and whole whatever happens (GH-18)."""

from dataclasses import dataclass, replace
from random import Random

import pytest

from cogworks.adapters.memory_clock import VirtualClock
from cogworks.adapters.memory_forge import MemoryForge, PlantedIssue
from cogworks.adapters.memory_github import MemoryGitHub
from cogworks.adapters.memory_runtime import MemoryProjection, MemoryStore
from cogworks.bootstrap import default_pipeline
from cogworks.engine.comments import CommentBook, write_pages
from cogworks.engine.loading import state_on_github
from cogworks.graph.definition import Graph
from cogworks.model.ids import IssueNumber, Item, NodeId, RepoName, RunId, Sha, SwiOrdinal
from cogworks.model.state import NodeState, NodeStatus, RunCost, RunState, Swi
from cogworks.pages.state_comment import StateUnreadable, part_key, read_state, render_state

ITEM = Item(RepoName("acme/tally"), IssueNumber(1))


def graph() -> Graph:
    return default_pipeline().pipelines["default"]


def large(number: int, *, words: int = 60, seq: int = 9) -> RunState:
    """A state that no compression makes small."""
    noise = Random(number)
    done = {NodeId("code_generation"): NodeState(status=NodeStatus.COMPLETED, attempts=1)}
    swis = tuple(
        Swi(
            ordinal=SwiOrdinal(n),
            issue=IssueNumber(n + 1),
            key=f"k{n}",
            title=f"Part {n}",
            requirements=tuple(noise.randbytes(16).hex() for _ in range(words)),
            nodes=done,
        )
        for n in range(1, number + 1)
    )
    return RunState(
        schema_version="1", run_id=RunId("r1"), repo=ITEM.repo, work_item=ITEM.number, pipeline="default",
        graph_hash="h", config_sha=Sha("c"), cost=RunCost(limit_microusd=9, limit_tokens=9), seq=seq, fence=3,
        sub_work_items=swis,
    )  # fmt: skip


@pytest.mark.parametrize("number", [40, 70, 100])
def test_a_state_too_large_for_one_comment_is_continued_in_others(number: int) -> None:
    """GH-18."""
    state = large(number)
    pages = render_state(state, graph())

    assert 1 <= len(pages.parts) <= 10
    assert all(len(body) <= 60_000 for body in (pages.head, *pages.parts))
    assert read_state(pages.head, reversed(pages.parts)) == state
    keys = [part_key(body) for body in pages.parts]
    assert len(set(keys)) == len(keys)
    after = [part_key(body) for body in render_state(replace(state, seq=state.seq + 1), graph()).parts]
    assert not set(after) & set(keys), "the next write uses the other set"


def test_a_state_too_large_for_ten_continuations_is_refused() -> None:
    with pytest.raises(StateUnreadable, match="does not fit"):
        render_state(large(100, words=400), graph())


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        pytest.param(lambda parts: parts[:-1], "is missing", id="a part was deleted"),
        pytest.param(lambda parts: [parts[0].replace("A", "B"), *parts[1:]], "part 2/", id="a part was edited"),
        pytest.param(lambda parts: [p.replace("seq=9", "seq=8") for p in parts], "is missing", id="older parts"),
        pytest.param(lambda parts: [p.replace("run=", "run=x") for p in parts], "is missing", id="another run's parts"),
    ],
)
def test_a_state_without_all_its_parts_is_refused(harm, told: str) -> None:
    pages = render_state(large(70), graph())
    with pytest.raises(StateUnreadable, match=told):
        read_state(pages.head, harm(list(pages.parts)))


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Dying:
    """Comments whose writer dies after ``left`` writes."""

    real: object
    left: int

    def __getattr__(self, verb: str) -> object:
        found = getattr(self.real, verb)
        if verb not in ("create", "update"):
            return found

        def write(*args: object) -> object:
            if self.left == 0:
                raise Crash
            self.left -= 1
            return found(*args)

        return write


@dataclass
class DyingGitHub:
    comments: Dying
    contents: object


def test_a_crash_between_any_two_writes_leaves_the_old_state_whole() -> None:
    clock = VirtualClock()
    forge = MemoryForge(now=clock.now)
    forge.add_repo(ITEM.repo, files={}, issues=[PlantedIssue(title="t", body="b", labels=())])
    github = MemoryGitHub(forge)
    old, new = large(99, seq=9), large(100, seq=10)

    def write(state: RunState, *, left: int) -> None:
        dying = DyingGitHub(comments=Dying(github.comments, left), contents=github.contents)
        book = CommentBook(
            github=dying,  # type: ignore[arg-type]
            projection=MemoryProjection(MemoryStore(clock)),
            item=ITEM,
            facts={},
            projected=False,
        )
        write_pages(book, state, render_state(state, graph()))

    write(old, left=99)
    write(replace(old, seq=8), left=99)
    write(old, left=99)
    writes = 1 + len(render_state(new, graph()).parts)
    assert writes >= 3
    for left in range(writes):
        with pytest.raises(Crash):
            write(new, left=left)
        assert state_on_github(github, ITEM) == old, f"after {left} of {writes} writes"
    write(new, left=99)
    assert state_on_github(github, ITEM) == new
    assert len(github.comments.list(ITEM.repo, ITEM.number)) == 2 * writes - 1, "two sets and one head, no more"
