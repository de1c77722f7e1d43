"""What must be true of a Redis before CogWorks relies on it (RUN-14)."""

from typing import cast

from redis import Redis
from redis.exceptions import RedisError

from cogworks.adapters.redis_connection import PREFIX
from cogworks.model.errors import Problem

_OLDEST = (6, 2)


def check_redis(client: Redis) -> list[Problem]:
    """Return everything that is wrong with the server; empty when it can be used."""
    try:
        info = cast(dict[str, object], client.info())
        problems = _version(info) + _policy(info)
    except RedisError as error:
        return [_problem("redis_unreachable", f"Redis does not answer: {error}", "a reachable Redis")]
    try:
        client.set(f"{PREFIX}writable", "1", ex=60)
    except RedisError as error:
        problems.append(_problem("redis_read_only", f"Redis refuses to write: {error}", "a writable primary"))
    return problems


def _version(info: dict[str, object]) -> list[Problem]:
    text = str(info.get("redis_version", "0"))
    version = tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
    if version >= _OLDEST:
        return []
    return [_problem("redis_too_old", f"Redis is of version {text}", "6.2 or newer")]


def _policy(info: dict[str, object]) -> list[Problem]:
    policy = str(info.get("maxmemory_policy", "unknown"))
    if policy == "noeviction":
        return []
    return [_problem("redis_evicts", f"maxmemory-policy is {policy}: Redis may drop leases", "noeviction")]


def _problem(code: str, message: str, allowed: str) -> Problem:
    return Problem(code=code, message=message, file="environment", field="COGWORKS_REDIS_URL", allowed=allowed)
