"""A dead letter: work that nobody tries again until a person says so (20 section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import ConfigDict, TypeAdapter

from cogworks.model.ids import IssueNumber, Item, NodeId, NodeRef, RepoName, RunId, SwiOrdinal
from cogworks.model.json_value import JsonObject, compact, sha256_text


class Stage(StrEnum):
    """How far the work had come."""

    INPUT = "input"
    FETCH = "fetch"
    EXEC = "exec"
    OUTPUT = "output"
    COMMIT = "commit"


class Reason(StrEnum):
    """Why it was given up."""

    PARSE_ERROR = "parse_error"
    VALIDATION_FAILED = "validation_failed"
    DEPENDENCY_UNAVAILABLE = "dependency_unavailable"
    TIMEOUT = "timeout"
    EXHAUSTED_RETRIES = "exhausted_retries"
    POLICY_VIOLATION = "policy_violation"
    INFRASTRUCTURE_FAILURE = "infrastructure_failure"
    COMPENSATION_FAILED = "compensation_failed"


class LetterStatus(StrEnum):
    """What became of it."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterError:
    """What went wrong; ``kind`` is the class of the error and is written ``class``."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    kind: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One dead letter. Those of an attempt have its key; a message that nobody can read has no run.

    ``starts`` counts beginnings without an end. ``payload_hash`` stands for a payload that is kept nowhere.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    key: str
    run: RunId | None
    work_item: str | None
    node: NodeId | None
    swi: SwiOrdinal | None
    stage: Stage
    reason: Reason
    attempt: int
    starts: int
    error: LetterError
    traceback_digest: str
    first_seen: datetime
    last_seen: datetime
    last_owner: str
    sentry_event_id: str
    payload_hash: str
    status: LetterStatus = LetterStatus.OPEN

    @property
    def item(self) -> Item | None:
        """The work item, of a letter that belongs to a run."""
        if self.work_item is None:
            return None
        repo, _, number = self.work_item.rpartition("#")
        return Item(RepoName(repo), IssueNumber(int(number)))

    @property
    def ref(self) -> NodeRef | None:
        """The node instance, of a letter that belongs to a run."""
        return None if self.node is None else NodeRef(self.node, self.swi)


_ADAPTER: TypeAdapter[DeadLetter] = TypeAdapter(DeadLetter)


def letter_as_value(letter: DeadLetter) -> JsonObject:
    """Return ``letter`` as JSON values, by the names of 20 section 6."""
    value: dict[str, object] = _ADAPTER.dump_python(letter, mode="json")
    error = value["error"]
    assert isinstance(error, dict)
    return {**value, "error": {"class": error["kind"], "code": error["code"], "message": error["message"]}}  # type: ignore[dict-item]


def letter_to_json(letter: DeadLetter) -> str:
    """Return the compact JSON text of ``letter``."""
    return compact(letter_as_value(letter))


def letter_of_value(value: JsonObject) -> DeadLetter:
    """Return the letter that ``value`` holds; raises pydantic's ValidationError for any other shape."""
    error = value.get("error")
    if isinstance(error, Mapping):
        value = {**value, "error": {("kind" if name == "class" else name): text for name, text in error.items()}}
    return _ADAPTER.validate_python(value)


def traceback_digest(error: BaseException) -> str:
    """Return a hash of where ``error`` was raised: equal for equal faults, and it quotes nothing."""
    places, at = [], error.__traceback__
    while at is not None:
        places.append(f"{at.tb_frame.f_code.co_filename.rpartition('/')[2]}:{at.tb_frame.f_code.co_name}")
        at = at.tb_next
    return sha256_text("\n".join(places))[:16]
