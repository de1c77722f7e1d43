"""Signed webhook deliveries, sent behind the answer and never repeated."""

import hashlib
import hmac
import json
import logging
import queue
import threading
import uuid
from dataclasses import dataclass

import httpx

from cogworks.twins.github.wire import JsonObject

_LOG = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to the receiver."""

    event: str
    payload: JsonObject


def signature(secret: str, body: bytes) -> str:
    """Return the value of `X-Hub-Signature-256` for a raw body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Webhooks:
    """The outbox: filled inside a transaction, released when that has been committed."""

    def __init__(self, *, url: str | None = None, secret: str = "") -> None:
        """Send to `url`; without one nothing is sent."""
        self._url = url
        self._secret = secret
        self._waiting: list[Delivery] = []
        self._ready: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._sender: threading.Thread | None = None

    @property
    def wanted(self) -> bool:
        """Whether anybody receives deliveries."""
        return self._url is not None

    def add(self, event: str, payload: JsonObject) -> None:
        """Put an event into the outbox."""
        self._waiting.append(Delivery(event=event, payload=payload))

    def release(self) -> None:
        """Send what the committed transaction put in."""
        for delivery in self._waiting:
            self._ready.put(delivery)
        if self._waiting and self._sender is None:
            self._sender = threading.Thread(target=self._send_all, name="webhooks", daemon=True)
            self._sender.start()
        self._waiting.clear()

    def discard(self) -> None:
        """Forget what a failed transaction put in."""
        self._waiting.clear()

    def close(self) -> None:
        """Stop after what is being sent."""
        self._ready.put(None)

    def _send_all(self) -> None:
        with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            while (delivery := self._ready.get()) is not None:
                self._send(client, delivery)

    def _send(self, client: httpx.Client, delivery: Delivery) -> None:
        body = json.dumps(delivery.payload).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/twin",
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": signature(self._secret, body),
        }
        try:
            client.post(self._url or "", content=body, headers=headers)
        except httpx.HTTPError as error:
            # As on GitHub a lost delivery is the receiver's loss; it polls.
            _LOG.warning("webhook %s was not delivered: %s", delivery.event, error)
