"""The model provider: one call is one turn."""

from typing import Protocol

from cogworks.model.llm import LlmAnswer, LlmRequest


class LLM(Protocol):
    """Sends one request and returns one answer; never retries, never spends twice.

    Raises the LLM leaves of the error tree: RateLimited, LlmTransient, LlmAuth, LlmBadRequest, LlmTooLarge, LlmRefused.
    """

    def call(self, request: LlmRequest) -> LlmAnswer: ...
    def count(self, request: LlmRequest) -> int:
        """Return the input tokens of ``request`` as the provider counts them."""
        ...
