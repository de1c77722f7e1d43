"""The web's application in this process, on a GitHub twin, a Redis of our own and a queue that remembers."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient

from cogworks.adapters.memory_queue import RecordingQueue, SentStep

SECRET = "It's a Secret to Everybody"
OLD_SECRET = "the one before"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A running application, and what it sent to the queue."""

    client: TestClient
    queue: RecordingQueue

    @property
    def steps(self) -> list[str]:
        """The items that a step was asked for."""
        return [str(sent.item) for sent in self.queue.sent if isinstance(sent, SentStep)]

    def deliver(
        self,
        payload: object,
        *,
        event: str = "issues",
        delivery: str = "11111111-2222",
        secret: str = SECRET,
        headers: Mapping[str, str | None] | None = None,
    ) -> Any:
        """Deliver a webhook as GitHub does; ``headers`` replace or, by None, remove."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        sent: dict[str, str | None] = {
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": delivery,
            "x-hub-signature-256": signature(body, secret),
            **(headers or {}),
        }
        kept = {name: value for name, value in sent.items() if value is not None}
        return self.client.post("/webhooks/github", content=body, headers=kept)


MakeSite = Callable[..., Site]


def signature(body: bytes, secret: str) -> str:
    """Return what GitHub puts into ``X-Hub-Signature-256``."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def issue_event(action: str = "labeled", *, number: int = 1, repo: str = "acme/tally", sender: str = "maria") -> Any:
    """Return the payload of an issue event, reduced to what counts."""
    return {
        "action": action,
        "issue": {"number": number},
        "repository": {"full_name": repo},
        "sender": {"login": sender},
    }


def pull_event(action: str, *, head: str) -> Any:
    """Return the payload of a pull request event, reduced to what counts."""
    return {
        "action": action,
        "pull_request": {"number": 9, "head": {"ref": head}},
        "repository": {"full_name": "acme/tally"},
        "sender": {"login": "maria"},
    }
