"""Audit events: one envelope for everything that happened (20 section 9). A value; whoever keeps it redacts it first.

The form only grows: fields are added and never change their meaning, readers keep what they do not know, and whoever
acts on an event does so once per ``id``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

from cogworks.model.ids import RepoName, RunId
from cogworks.model.json_value import JsonObject, JsonValue

VERSION: Final = "1.0"
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS: Final = 80
_ULID_LENGTH: Final = 26

ActorKind = Literal["poller", "worker", "cli", "webhook", "human", "sweeper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it: the kind of process with its name, or a person with their login."""

    kind: ActorKind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """Something that happened. ``type`` is dotted, such as ``llm.call`` or ``gate.approved``.

    ``trace_id`` follows a run through messages, services and calls of models; ``cause`` is the id of the event that
    led to this one, where there is one.
    """

    id: str
    type: str
    timestamp: datetime
    trace_id: str
    correlation_id: RunId
    repo: RepoName
    actor: Actor
    payload: JsonObject
    cause: str | None = None


def new_event(
    kind: str,
    payload: JsonObject,
    *,
    at: datetime,
    unique: str,
    repo: RepoName,
    run_id: RunId,
    actor: Actor,
    cause: str | None = None,
) -> AuditEvent:
    """Return an event of a run that happens ``at`` this time; ``unique`` is a fresh random UUID."""
    return AuditEvent(
        id=ulid(at, unique),
        type=kind,
        timestamp=at,
        trace_id=trace_of(run_id),
        correlation_id=run_id,
        repo=repo,
        actor=actor,
        payload=payload,
        cause=cause,
    )


def trace_of(run_id: RunId) -> str:
    """Return the trace of a run, 32 hex digits: it is the same wherever the run goes on, also after a loss."""
    return run_id.replace("-", "")


def ulid(at: datetime, unique: str) -> str:
    """Return a ULID: milliseconds of ``at``, then 80 bits of the random UUID ``unique``; later ones sort later."""
    millis = int(at.timestamp() * 1000)
    number = (millis << _RANDOM_BITS) | (UUID(unique).int & ((1 << _RANDOM_BITS) - 1))
    digits = [(number >> (5 * place)) & 31 for place in reversed(range(_ULID_LENGTH))]
    return "".join(_CROCKFORD[digit] for digit in digits)


def event_as_value(event: AuditEvent) -> JsonObject:
    """Return ``event`` as it is written down and sent."""
    value: dict[str, JsonValue] = {
        "id": event.id,
        "version": VERSION,
        "type": event.type,
        "timestamp": event.timestamp.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "trace_id": event.trace_id,
        "correlation_id": event.correlation_id,
        "cause": event.cause,
        "repo": event.repo,
        "actor": {"kind": event.actor.kind, "name": event.actor.name},
        "payload": event.payload,
    }
    return value
