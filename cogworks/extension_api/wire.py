"""The base of every wire model, and the small types the models share."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

API_VERSION = "1.0"
"""The version of the Extension API that this package describes."""

MAX_BODY_BYTES = 64 * 1024 * 1024
"""No request or reply body is longer than this."""

JsonObject = dict[str, JsonValue]
"""A JSON object whose inside belongs to somebody else: a domain, a contract, an error's details."""

_DRIVE = re.compile(r"^[A-Za-z]:")


class WireModel(BaseModel):
    """A frozen value that travels as JSON; fields it does not know are ignored, so that minors may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)

    def to_json_object(self) -> JsonObject:
        """The value as it is written on the wire."""
        written: JsonObject = self.model_dump(mode="json", by_alias=True)
        return written


def path_problem(path: str) -> str | None:
    """What keeps `path` from being a repository-relative artifact path, or None when it is one."""
    if not path:
        return "is empty"
    if any(ord(character) < 32 for character in path):
        return "holds a control character"
    if path.startswith("/") or "\\" in path or _DRIVE.match(path):
        return "is not relative to the repository, with / between the parts"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "has an empty, . or .. part"
    if ".git" in (part.lower() for part in path.split("/")):
        return "is inside git's own directory"
    return None


def _checked_path(path: str) -> str:
    problem = path_problem(path)
    if problem is not None:
        raise ValueError(f"artifact path {problem}")
    return path


ArtifactPath = Annotated[str, AfterValidator(_checked_path), Field(description="Relative to the repository, with /.")]
"""A path inside the repository: relative, with `/`, without `..` and NUL."""

Count = Annotated[int, Field(ge=0)]
"""A whole number of things."""
