"""The LLM port over the Anthropic SDK: the only module that calls it."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import anthropic
import httpx2
from pydantic import SecretStr

from cogworks.adapters.anthropic_errors import error_of, incomplete
from cogworks.adapters.anthropic_translate import CALL_HEADER, to_answer, to_body, to_call_header, to_limits
from cogworks.model.errors import LlmTransient
from cogworks.model.json_value import JsonObject
from cogworks.model.llm import LlmAnswer, LlmRequest

STREAM_ABOVE_TOKENS = 21_000
"""The SDK refuses to wait for longer answers in one piece."""

_COUNTED = ("model", "messages", "system", "tools", "tool_choice", "output_config")
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class AnthropicLlm:
    """Sends one request of ours to the Messages API and translates what comes back; never retries."""

    def __init__(self, *, api_key: SecretStr, base_url: str, strict: bool = False) -> None:
        """Call ``base_url`` with ``api_key``; ``strict`` also checks each answer against the SDK's own models."""
        self._client = anthropic.Anthropic(
            api_key=api_key.get_secret_value(),
            base_url=base_url,
            max_retries=0,
            _strict_response_validation=strict,
        )
        self._strict = strict

    def call(self, request: LlmRequest) -> LlmAnswer:
        """Return the answer to ``request``; raise an LLM leaf of the error tree otherwise."""
        body: dict[str, Any] = to_body(request)
        with _our_errors():
            send = self._streamed if request.max_output_tokens > STREAM_ABOVE_TOKENS else self._whole
            message, headers = send(body, request)
        return to_answer(message, headers=headers, request=request)

    def count(self, request: LlmRequest) -> int:
        """Return the input tokens of ``request`` as the provider counts them; costs nothing."""
        body: dict[str, Any] = to_body(request)
        counted = {key: body[key] for key in _COUNTED if key in body}
        with _our_errors():
            answer = self._client.messages.count_tokens(
                **counted, extra_headers=_headers(request), timeout=request.timeout_s
            )
        return answer.input_tokens

    def _whole(self, body: dict[str, Any], request: LlmRequest) -> tuple[JsonObject, Mapping[str, str]]:
        raw = self._client.messages.with_raw_response.create(
            **body, extra_headers=_headers(request), timeout=request.timeout_s
        )
        headers = dict(raw.headers)
        try:
            message = json.loads(raw.read())
        except ValueError as error:
            raise incomplete(headers.get("request-id", "")) from error
        if self._strict:
            raw.parse()
        return (message if isinstance(message, dict) else {}), headers

    def _streamed(self, body: dict[str, Any], request: LlmRequest) -> tuple[JsonObject, Mapping[str, str]]:
        headers: dict[str, str] = {}
        try:
            with self._client.messages.stream(
                **body, extra_headers=_headers(request), timeout=request.timeout_s
            ) as stream:
                headers = dict(stream.response.headers)
                return _collected(stream, timeout_s=request.timeout_s), headers
        except ValueError as error:
            raise incomplete(headers.get("request-id", "")) from error


def _collected(stream: anthropic.MessageStream, *, timeout_s: float) -> JsonObject:
    # The SDK's timeout is per read, and the provider's pings would keep a stream alive for ever.
    deadline = time.monotonic() + timeout_s
    started = False
    for event in stream:
        started = started or event.type == "message_start"
        if time.monotonic() > deadline:
            raise LlmTransient(f"no whole answer within {timeout_s:g} s", kind="timeout")
    message: dict[str, Any] = stream.get_final_message().to_dict(mode="json") if started else {}
    return message


def _headers(request: LlmRequest) -> dict[str, str]:
    return {CALL_HEADER: to_call_header(request.identity)}


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except anthropic.APITimeoutError as error:
        kind = "network" if isinstance(error.__cause__, _NEVER_SENT) else "timeout"
        raise LlmTransient("the model provider did not answer in time", kind=kind) from error
    except anthropic.APIConnectionError as error:
        raise _lost(error.__cause__) from error
    except anthropic.APIStatusError as error:
        headers = dict(error.response.headers)
        raise error_of(
            error.status_code,
            error.body if isinstance(error.body, dict) else str(error.body or ""),
            headers=headers,
            limits=to_limits(headers),
            request_id=error.request_id or "",
        ) from error
    except anthropic.APIResponseValidationError as error:
        raise incomplete(error.response.headers.get("request-id", "")) from error
    except httpx2.HTTPError as error:
        # The SDK lets these through while it reads a stream.
        raise _lost(error) from error


def _lost(cause: BaseException | None) -> LlmTransient:
    if isinstance(cause, _NEVER_SENT):
        return LlmTransient(f"the model provider cannot be reached: {cause}", kind="network")
    return LlmTransient(f"the connection broke after the request went out: {cause}", kind="timeout")
