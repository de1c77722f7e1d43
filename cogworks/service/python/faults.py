"""Why a call cannot be answered, in the words of the Extension API."""

from cogworks.extension_api.diagnostics import ErrorBody, ErrorCode
from cogworks.extension_api.wire import JsonObject


class ServiceFault(Exception):
    """The checks could not run; the reply has status `error` with this code and message."""

    def __init__(self, code: ErrorCode, message: str, *, details: JsonObject | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.details = details

    def __str__(self) -> str:
        """The message for people."""
        return self.message

    def to_error(self) -> ErrorBody:
        """The fault as the reply carries it."""
        return ErrorBody(
            code=self.code, message=self.message, recoverable=self.code.retryable, details=self.details or {}
        )


def invalid_request(message: str) -> ServiceFault:
    """The request does not say something that can be done."""
    return ServiceFault(ErrorCode.INVALID_REQUEST, message)


def tool_not_found(tool: str) -> ServiceFault:
    """A tool that the method needs is not installed."""
    return ServiceFault(
        ErrorCode.TOOL_NOT_FOUND, f"{tool} is not installed where the service runs", details={"tool": tool}
    )


def tool_failed(tool: str, problem: str) -> ServiceFault:
    """A tool crashed or said what nobody can read."""
    return ServiceFault(ErrorCode.TOOL_FAILED, f"{tool} failed: {problem}", details={"tool": tool})


def environment_fault(problem: str) -> ServiceFault:
    """The tests could not be run at all, which says nothing about the code."""
    return ServiceFault(ErrorCode.TOOL_FAILED, problem, details={"environment_error": problem})
