"""Which run takes the place of another: always the same, so that a restart that is repeated is one (ENG-44)."""

import hashlib
import uuid

from cogworks.model.ids import RunId
from cogworks.model.state import RunState


def next_run_id(state: RunState) -> RunId:
    """Return the id of the run that follows ``state``, in the form of a random UUID."""
    digest = hashlib.sha256(f"{state.item}/{state.run_id}/{state.restart_no + 1}".encode()).digest()
    return RunId(str(uuid.UUID(bytes=digest[:16], version=4)))
