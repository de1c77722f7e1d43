"""The model list, and message batches as far as a client without a script wants to see them."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from cogworks.twins.anthropic.catalogue import Model
from cogworks.twins.anthropic.wire import JsonObject

_BATCH_LIFETIME = timedelta(hours=24)
_PAGE = 20
# The provider itself uses the epoch for an unknown date of release.
_RELEASED = "1970-01-01T00:00:00Z"


def model_info(model: Model, *, now: datetime) -> JsonObject:
    """Return a model as the model list shows it."""
    retires = datetime.combine(model.ends, time.max, tzinfo=UTC) if model.ends is not None else None
    lifecycle = "active" if retires is None else "deprecated" if now <= retires else "retired"
    line = next((part for part in model.id.split("-") if part in ("haiku", "sonnet", "opus", "fable")), None)
    return {
        **placeholder_model(model.id),
        "lifecycle": lifecycle,
        "line": line,
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
        "deprecated_at": _RELEASED if retires is not None else None,
        "retires_at": retires.strftime("%Y-%m-%dT%H:%M:%SZ") if retires is not None else None,
    }


def placeholder_model(model_id: str) -> JsonObject:
    """Return a model of which nothing but the id is known."""
    name = model_id.replace("-", " ").title()
    return {
        "type": "model", "id": model_id, "display_name": name, "created_at": _RELEASED, "lifecycle": "active",
        "capabilities": None, "deprecated_at": None, "line": None, "max_input_tokens": None, "max_tokens": None,
        "retires_at": None,
    }  # fmt: skip


def page(entries: Sequence[JsonObject], *, limit: int | None, after: str | None, before: str | None) -> JsonObject:
    """Return one page of a list; an unknown cursor is the beginning or the end."""
    ids = [entry["id"] for entry in entries]
    start = ids.index(after) + 1 if after in ids else 0
    end = ids.index(before) if before in ids else len(ids)
    size = limit or _PAGE
    chosen = list(entries[start:end])
    shown = chosen[-size:] if before in ids else chosen[:size]
    return {
        "data": list(shown),
        "has_more": len(chosen) > len(shown),
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


def batch(batch_id: str, *, processing: int, now: datetime, canceling: bool = False) -> JsonObject:
    """Return a message batch that has just been created."""
    return {
        "type": "message_batch",
        "id": batch_id,
        "archived_at": None,
        "cancel_initiated_at": now.isoformat() if canceling else None,
        "created_at": now.isoformat(),
        "ended_at": None,
        "expires_at": (now + _BATCH_LIFETIME).isoformat(),
        "processing_status": "canceling" if canceling else "in_progress",
        "request_counts": {"canceled": 0, "errored": 0, "expired": 0, "processing": processing, "succeeded": 0},
        "results_url": None,
    }
