"""What GitHub still takes from our token, in Redis: fed by every answer, asked before every request."""

from datetime import datetime

from redis import Redis

from cogworks.adapters.redis_connection import PREFIX, RedisScripts, redis_errors
from cogworks.model.config import GitHubRules
from cogworks.model.errors import RateLimited
from cogworks.model.github import Limits
from cogworks.model.ids import RepoName
from cogworks.ports.limits import RequestKind
from cogworks.ports.runtime import Clock

_BURST = 40
# A step reads a dozen times before it writes anything: a pause that sent it back to its start would never let it end.
_LONGEST_READ_PAUSE_MS = 60_000
# What a step has written is found again when it starts anew, so a longer pause is not slept with its lease in hand.
_LONGEST_WRITE_PAUSE_MS = 5_000
_REPO_FLOOR = "floor:"
_WORDS = {
    "primary": "the hourly request limit",
    "secondary": "the secondary limit",
    "reads": "the last requests of the hour are spaced",
    "writes": "the pace of writes",
}


class RedisQuota:
    """Implements Quota for one token, and paces the wire that it is plugged into."""

    def __init__(
        self, client: Redis, *, token_id: str, clock: Clock, writes_per_minute: int = 80, writes_per_hour: int = 500
    ) -> None:
        """Zero writes a minute or an hour means unpaced; ``clock`` sleeps the pauses and dates GitHub's resets."""
        self._client, self._scripts = client, RedisScripts(client)
        key = f"{PREFIX}rate:github:{{{token_id}}}"
        self._keys = [key, f"{key}:writes"]
        self._clock = clock
        self._default_floor = GitHubRules().rate_limit_floor
        self._pace = (writes_per_minute, writes_per_hour, _BURST)

    def rests_s(self) -> float:
        """Return how long no run can go on; 0 when GitHub takes requests and our pace lets writes through."""
        return int(self._look()[0]) / 1000

    def admits(self) -> str:
        """Return why nothing new may begin, or an empty text."""
        rest_ms, remaining, limit, floor, ends_ms = self._look()
        if int(rest_ms):
            return f"GitHub's rate limit: nothing gets through for {int(rest_ms) / 1000:.0f} s"
        if remaining and int(remaining) < int(floor):
            ends_s = int(ends_ms) / 1000
            left = f"{remaining} of {limit} requests are left for {ends_s:.0f} s, {floor} are spared"
            return f"GitHub's rate limit: {left}"
        return ""

    def keep_floor(self, repo: RepoName, floor: int) -> None:
        """Note from how many requests on ``repo`` wants them spared."""
        with redis_errors():
            self._client.hset(self._keys[0], f"{_REPO_FLOOR}{repo}", str(floor))

    def pace(self, kind: RequestKind) -> None:
        """Let a request pass, after a pause where the pace wants one; raise RateLimited when nothing may be sent."""
        minute, hour, burst = self._pace
        args: list[str | int] = [kind, minute, hour, burst, self._default_floor]
        args += [_LONGEST_READ_PAUSE_MS, _LONGEST_WRITE_PAUSE_MS]
        verdict, wait_ms, by = self._scripts.run("github_pace", self._keys, args)
        wait_s = int(wait_ms) / 1000
        if verdict != "go":
            text = f"not sent to GitHub: {_WORDS[by]} lets nothing through for {wait_s:.0f} s"
            raise RateLimited(text, kind=by, retry_after_s=wait_s)
        if wait_s:
            self._clock.sleep(wait_s)

    def seen(self, limits: Limits) -> None:
        """Note what an answer told of the primary limit."""
        left_ms = self._left_ms(limits.reset_at)
        name = round(limits.reset_at.timestamp() * 1000)
        self._scripts.run("github_seen", self._keys[:1], [limits.limit, limits.remaining, left_ms, name])

    def refused(self, error: RateLimited) -> RateLimited:
        """Note a refusal, so that no process sends anything until it lifts; return it with the time that takes."""
        asked: str | int = ""
        if error.retry_after_s is not None:
            asked = round(error.retry_after_s * 1000)
        elif error.reset_at is not None:
            asked = self._left_ms(error.reset_at)
        wait_ms = self._scripts.run("github_limited", self._keys[:1], [error.kind, asked])[0]
        return RateLimited(error.message, kind=error.kind, reset_at=error.reset_at, retry_after_s=int(wait_ms) / 1000)

    def _look(self) -> list[str]:
        return self._scripts.run("github_look", self._keys[:1], [self._default_floor])

    def _left_ms(self, moment: datetime) -> int:
        return max(0, round((moment - self._clock.now()).total_seconds() * 1000))
