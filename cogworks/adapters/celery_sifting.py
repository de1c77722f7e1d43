"""Messages that no worker can read: put aside once, known by a hash alone; they end no worker and do not come again."""

import functools
import hashlib
import logging
from collections.abc import Callable
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker.consumer import Consumer
from kombu.exceptions import ContentDisallowed
from redis import Redis

from cogworks.model.errors import CogWorksError

_LOG = logging.getLogger(__name__)
OPTION = "put_aside"
"""The broker's transport option under which the operator's place for such messages is handed on."""

PutAside = Callable[[str, str, str], None]
"""Takes the hash of a message's content, the class of what went wrong, and a sentence about it."""

_Unreadable = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""What kombu and Celery raise over content that is not what they expect; none means that the broker is away."""


class SiftingRedis(Redis):
    """Hands on only what can be a message; anything else that lies in a queue would end kombu's loop."""

    def __init__(self, *args: Any, unfold: Callable[[Any], object], put_aside: PutAside, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unfold = unfold
        self._put_aside = put_aside

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        """Return the server's answer; None, as when no message came, in place of an unreadable one."""
        answer = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]
        if command_name != "BRPOP" or not answer:
            return answer
        try:
            self._unfold(answer[1])
        except _Unreadable as error:
            told = "what lies in the queue is no message"
            _put_aside(self._put_aside, answer[1], error, told)
            return None
        return answer


def sifting_client(*, unfold: Callable[[Any], object], put_aside: PutAside) -> Callable[..., SiftingRedis]:
    """Return what makes clients for a channel; ``unfold`` raises over what the channel could not deliver."""
    return functools.partial(SiftingRedis, unfold=unfold, put_aside=put_aside)


class SiftingConsumer(Consumer):  # type: ignore[misc]  # celery ships no types
    """Celery's consumer, except that what it cannot read is put aside: Celery logs such a message's content."""

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Put aside what its content type does not decode."""
        self._aside(message, exc, f"it cannot be read as {str(message.content_type)[:60]}")

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ARG002 - celery's signature
        """Put aside what asks for no task."""
        self._aside(message, InvalidTaskError(), "it names no task")

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - celery's signature
        """Put aside what asks for a task that is not there."""
        name = (message.headers or {}).get("task")
        self._aside(message, exc, f"there is no task {str(name)[:60]!r}")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - celery's signature
        """Put aside what asks for a task in a form that is none."""
        refused = isinstance(exc, ContentDisallowed)
        self._aside(message, exc, "its content type is refused" if refused else "its form is wrong")

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        """Return Celery's handler of messages, which no content can break."""
        handle = super().create_task_handler(*args, **options)

        def on_task_received(message: Any) -> None:
            try:
                handle(message)
            except _Unreadable as error:
                self._aside(message, error, "its form is wrong")

        return on_task_received

    def _aside(self, message: Any, error: Exception, why: str) -> None:
        put_aside = self.app.conf.broker_transport_options.get(OPTION, only_logged)
        if _put_aside(put_aside, message.body, error, why):
            message.reject_log_error(_LOG, self.connection_errors)


def only_logged(_payload_hash: str, _kind: str, _why: str) -> None:
    """Put a message nowhere: for programs that only send."""


def _put_aside(put_aside: PutAside, content: Any, error: Exception, why: str) -> bool:
    """Put a message aside; False when that could not be done, so that one which can come again should."""
    data = content if isinstance(content, bytes) else str(content).encode("utf-8", "replace")
    payload_hash = hashlib.sha256(data).hexdigest()
    _LOG.warning("a message was put aside: %s (%s, sha256 %s)", why, type(error).__name__, payload_hash)
    try:
        put_aside(payload_hash, type(error).__name__, why)
    except CogWorksError as trouble:
        _LOG.warning("the message could not be noted: %s", trouble.message)
        return False
    return True
