"""What an attempt leaves for the audit branch: events in their envelope, in the order in which they happened."""

from cogworks.model.audit import new_event
from cogworks.model.json_value import JsonObject
from cogworks.nodes.job import Job, Workshop


def record(job: Job, shop: Workshop, kind: str, payload: JsonObject) -> None:
    """Keep an event of type ``kind``; all that an attempt does is caused by its beginning."""
    events = shop.tally.events
    events.append(
        new_event(
            kind,
            {"attempt": str(job.key), **payload},
            at=shop.clock.now(),
            unique=shop.ids.uuid(),
            repo=job.key.item.repo,
            run_id=job.key.run_id,
            actor=shop.actor,
            cause=events[0].id if events else None,
        )
    )
