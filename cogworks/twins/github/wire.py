"""What crosses the HTTP border: JSON, answers, and refusals in GitHub's own words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]

BODY_LIMIT_CHARACTERS = 65_536
DOCUMENTATION_URL = "https://docs.github.com/rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One REST answer; `raw` replaces the JSON body where a raw media type was asked for."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """GitHub says no: a status, a message and, for 422, the fields that are wrong."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[JsonObject | str] | None = None,
        headers: Mapping[str, str] | None = None,
        violation: str | None = None,
    ) -> None:
        """`violation` names an operation that the caller must never even try."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})
        self.violation = violation

    def answer(self) -> Answer:
        """Return the refusal as GitHub words it."""
        body: JsonObject = {"message": self.message}
        if self.errors is not None:
            body["errors"] = list(self.errors)
        if "location" in self.headers:
            body["url"] = self.headers["location"]
        body["documentation_url"] = DOCUMENTATION_URL
        body["status"] = str(self.status)
        return Answer(status=self.status, body=body, headers=self.headers)


def not_found() -> Refusal:
    """Return the refusal of a thing that is absent or hidden from the caller."""
    return Refusal(404, "Not Found")


def invalid(resource: str, field_name: str, code: str = "invalid", message: str | None = None) -> Refusal:
    """Return the refusal of one wrong field."""
    error = {"resource": resource, "field": field_name, "code": code}
    if message is not None:
        error["message"] = message
    return Refusal(422, "Validation Failed", errors=[error])


def text_of(body: JsonObject, name: str, *, resource: str, required: bool = False) -> str | None:
    """Return a text field of a request body, or None when it is absent or null."""
    value = body.get(name)
    if value is None or (required and value == ""):
        if required:
            raise invalid(resource, name, "missing_field")
        return None
    if not isinstance(value, str):
        raise invalid(resource, name, "invalid", f"{name} is not a string")
    return value


def required_text(body: JsonObject, name: str, *, resource: str) -> str:
    """Return a text field that must be there and not be empty."""
    return text_of(body, name, resource=resource, required=True) or ""


def long_text(body: JsonObject, name: str, *, resource: str, required: bool = False) -> str | None:
    """Return a Markdown field, held to GitHub's 65,536 characters."""
    value = text_of(body, name, resource=resource, required=required)
    if value is not None and len(value) > BODY_LIMIT_CHARACTERS:
        message = f"{name} is too long (maximum is {BODY_LIMIT_CHARACTERS} characters)"
        raise invalid(resource, name, "custom", message)
    return value


def integer_of(body: JsonObject, name: str, *, resource: str) -> int:
    """Return an integer field that must be there."""
    value = body.get(name)
    if value is None:
        raise invalid(resource, name, "missing_field")
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(resource, name, "invalid", f"{name} is not an integer")
    return value


def object_of(body: object) -> JsonObject:
    """Return a request body that must be a JSON object."""
    if not isinstance(body, dict):
        raise Refusal(400, "Body should be a JSON object")
    return body


def number_of(text: str) -> int:
    """Return a number from a path; anything else is a thing that does not exist."""
    # no thing has a number beyond what SQLite can hold
    if not re.fullmatch(r"\d{1,18}", text):
        raise not_found()
    return int(text)
