"""What the prompt cache reads, writes and refuses (TWA-04)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from cogworks.twins.anthropic.cache import LIFETIMES, block_ends, cache_use, check_marks
from cogworks.twins.anthropic.request import MessagesRequest, read_request
from cogworks.twins.anthropic.store import Store
from cogworks.twins.anthropic.wire import ApiError

START = datetime(2026, 11, 21, tzinfo=UTC)
MINIMUM = 512


def text(letters: str, *, kilobytes: int = 4, mark: str | None = None) -> dict[str, JsonValue]:
    block: dict[str, JsonValue] = {"type": "text", "text": letters * (kilobytes * 1000 // len(letters))}
    if mark is not None:
        block["cache_control"] = {"type": "ephemeral", "ttl": mark}
    return block


def request(system: list[dict[str, JsonValue]], *, said: str = "hello") -> MessagesRequest:
    return read_request(
        {
            "model": "claude-haiku-5-5",
            "max_tokens": 10,
            "system": list(system),
            "messages": [{"role": "user", "content": said}],
        }
    )


class Cache:
    """The cache over a store with a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "s.sqlite3")
        self.now = START

    def use(self, asked: MessagesRequest) -> tuple[int, int, int]:
        """Return what was read, written for five minutes and written for an hour."""
        used = cache_use(asked, minimum=MINIMUM, known=lambda sha: self.store.remembers_prefix(sha, now=self.now))
        assert used.uncached + used.read + used.written_5m + used.written_1h == used.total
        for sha, ttl in used.remember:
            self.store.remember_prefix(sha, until=self.now + LIFETIMES[ttl])
        return used.read, used.written_5m, used.written_1h


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


# One marked block of 4000 letters: ceil((4000 + 29 for the block + 48 for the mark) / 4) tokens.
MARKED_TOKENS = 1019


def test_a_miss_is_written_and_a_hit_is_read(cache: Cache) -> None:
    first, second = request([text("ab", mark="5m")]), request([text("ab", mark="5m")], said="another question")
    read, written, written_long = cache.use(first)
    assert (read, written_long) == (0, 0)
    assert abs(written - MARKED_TOKENS) <= 1
    assert cache.use(second) == (written, 0, 0)


@pytest.mark.parametrize(
    ("mark", "idle", "hit"),
    [
        pytest.param("5m", timedelta(minutes=4, seconds=59), True, id="just alive"),
        pytest.param("5m", timedelta(minutes=5), False, id="gone after five minutes"),
        pytest.param("1h", timedelta(minutes=59), True, id="an hour lives longer"),
        pytest.param("1h", timedelta(hours=1), False, id="gone after an hour"),
    ],
)
def test_lifetimes(cache: Cache, mark: str, idle: timedelta, hit: bool) -> None:
    asked = request([text("ab", mark=mark)])
    cache.use(asked)
    cache.now += idle
    assert (cache.use(asked)[0] > 0) is hit


def test_a_hit_lengthens_the_life(cache: Cache) -> None:
    asked = request([text("ab", mark="5m")])
    cache.use(asked)
    for _ in range(3):
        cache.now += timedelta(minutes=4)
        assert cache.use(asked)[0] > 0


@pytest.mark.parametrize(
    ("first", "second", "reads"),
    [
        pytest.param([text("ab", mark="5m")], [text("cd", mark="5m")], False, id="other text"),
        pytest.param([text("ab", kilobytes=1, mark="5m")], [text("ab", kilobytes=1, mark="5m")], False, id="too short"),
        pytest.param([text("ab")], [text("ab")], False, id="no mark"),
        pytest.param([text("ab", mark="5m")], [text("ab"), text("cd", mark="5m")], True, id="the mark has moved on"),
        pytest.param(
            [text("ab"), text("cd", mark="5m")], [text("ab", mark="5m")], False, id="a part of a prefix is none"
        ),
        pytest.param(
            [text("xy", mark="5m"), text("ab", mark="5m")],
            [text("ab", mark="5m")],
            False,
            id="what stands before counts",
        ),
    ],
)
def test_what_is_a_hit(
    cache: Cache, first: list[dict[str, JsonValue]], second: list[dict[str, JsonValue]], reads: bool
) -> None:
    cache.use(request(first))
    assert (cache.use(request(second))[0] > 0) is reads


def test_only_what_follows_the_hit_is_written(cache: Cache) -> None:
    stable = text("ab", mark="1h")
    _, _, written_long = cache.use(request([stable]))
    read, written, nothing_long = cache.use(request([stable, text("cd", mark="5m")]))
    assert (read, nothing_long) == (written_long, 0)
    assert abs(written - MARKED_TOKENS) <= 1


def test_each_mark_is_written_for_its_own_time(cache: Cache) -> None:
    _, short, long = cache.use(request([text("ab", mark="1h"), text("cd", kilobytes=8, mark="5m")]))
    assert 1010 < long < 1030
    assert 2010 < short < 2030


def test_the_cache_outlives_the_twin(tmp_path: Path) -> None:
    asked = request([text("ab", mark="5m")])
    before = Cache(tmp_path)
    before.use(asked)
    before.store.close()
    assert Cache(tmp_path).use(asked)[0] > 0


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        pytest.param(["5m"] * 5, "A maximum of 4 blocks with cache_control may be provided. Found 5.", id="five"),
        pytest.param(["5m", "1h"], "must not come after", id="long behind short"),
    ],
)
def test_refused_marks(marks: list[str], said: str) -> None:
    with pytest.raises(ApiError, match=said) as refused:
        check_marks(block_ends(request([text("ab", mark=mark) for mark in marks])))
    assert refused.value.status == 400


@pytest.mark.parametrize("marks", [["1h", "1h", "5m", "5m"], []], ids=["four", "none"])
def test_accepted_marks(marks: list[str]) -> None:
    check_marks(block_ends(request([text("ab", mark=mark) for mark in marks] or [text("ab")])))
