"""`dlq`: look at dead letters and answer them (70 section 1). All need the Redis of the cluster, which indexes them."""

from collections.abc import Sequence

from cogworks.bootstrap import celery_queue, reading
from cogworks.cli.answer import Answer, Exit, Wrong
from cogworks.cli.options import Globals
from cogworks.cli.surroundings import operator
from cogworks.engine.patience import patiently
from cogworks.engine.replaying import Desk, Reply, Result, drop, find_letter, rebuild, replay
from cogworks.model.dead_letter import DeadLetter, letter_as_value
from cogworks.model.errors import ConfigError, Problem
from cogworks.model.ids import RepoName, parse_repo
from cogworks.model.json_value import JsonObject, JsonValue
from cogworks.ports.runtime import Ids
from cogworks.settings import Need, Settings

_TOLD = {Result.REPLAYED: "replayed: its run goes on with a new attempt", Result.DROPPED: "dropped"}


def list_letters(options: Globals, *, everything: bool) -> Answer:
    """Return the letters that wait for an answer; with ``everything`` the answered ones too."""
    desk, _ = _desk(options)
    letters = desk.letters.all() if everything else desk.letters.open()
    text = "".join(map(_row, letters)) or "no dead letters\n"
    return Answer(data={"letters": [letter_as_value(one) for one in letters]}, text=text)


def show_letter(options: Globals, key: str) -> Answer:
    """Return one letter, every field."""
    desk, ids = _desk(options)
    letter, posted = patiently(lambda: find_letter(desk, key), clock=desk.clock, ids=ids)
    value = letter_as_value(letter)
    lines = [f"{name}: {_shown(one)}\n" for name, one in value.items()]
    if posted is not None:
        lines.append(f"comment: {posted.comment.id} on {letter.work_item}\n")
    return Answer(data=value, text="".join(lines))


def replay_letter(options: Globals, key: str) -> Answer:
    """Let the run of a letter go on; asking twice does it once."""
    desk, ids = _desk(options)
    return _answer(patiently(lambda: replay(desk, key), clock=desk.clock, ids=ids))


def drop_letter(options: Globals, key: str, *, reason: str) -> Answer:
    """Say that a letter needs no answer."""
    if not reason.strip():
        raise _usage("--reason", "a reason must say something", "why nobody needs to look at it any more")
    desk, ids = _desk(options)
    return _answer(patiently(lambda: drop(desk, key, reason=reason), clock=desk.clock, ids=ids))


def rebuild_index(options: Globals, repos: Sequence[str]) -> Answer:
    """Read the letters back from the failure comments on GitHub."""
    settings = _operator(options)
    names: tuple[RepoName, ...] = tuple(parse_repo(repo) for repo in repos) or settings.repos
    if not names:
        raise _usage("repo", "no repository is named", "owner/name, one or more, or COGWORKS_REPOS")
    desk, ids = _desk(options)
    rebuilt = patiently(lambda: rebuild(desk, names), clock=desk.clock, ids=ids)
    data: JsonObject = {"repos": list(names), "found": rebuilt.found, "added": rebuilt.added}
    return Answer(data=data, text=f"{rebuilt.found} dead letters on GitHub, {rebuilt.added} were missing here\n")


def _operator(options: Globals) -> Settings:
    return operator(options, Need.GITHUB, Need.REDIS)


def _desk(options: Globals) -> tuple[Desk, Ids]:
    settings = _operator(options)
    seen = reading(settings)
    assert seen.dead_letters is not None, "Need.REDIS was read"
    desk = Desk(github=seen.github, letters=seen.dead_letters, queue=celery_queue(settings), clock=seen.clock)
    return desk, seen.ids


def _answer(reply: Reply) -> Answer:
    data = {"key": reply.key, "result": reply.result.value, "reason": reply.reason}
    if reply.result is Result.REFUSED:
        wrong = Wrong(code="refused", field="key", message=reply.reason)
        return Answer(data=data, exit_code=Exit.FAILED, errors=(wrong,))
    told = _TOLD.get(reply.result, f"{reply.result}: nothing was done, {reply.reason}")
    return Answer(data=data, text=f"{reply.key}: {told}\n")


def _row(letter: DeadLetter) -> str:
    seen = f"{letter.first_seen:%Y-%m-%d %H:%M}Z"
    what = f"{letter.reason} at {letter.stage}"
    return f"{letter.key}  {letter.status}  {seen}  {what}: {' '.join(letter.error.message.split())[:120]}\n"


def _shown(value: JsonValue) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return "-" if value in (None, "") else str(value)


def _usage(field: str, message: str, allowed: str) -> ConfigError:
    problem = Problem(code="usage", file="command line", field=field, message=message, allowed=allowed)
    return ConfigError(problems=(problem,))
