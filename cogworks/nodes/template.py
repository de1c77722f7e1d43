"""Prompt templates: Markdown with front matter; only ``{{name}}`` is expanded, once (40 section 3)."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from cogworks.model.errors import ConfigError, Problem
from cogworks.model.json_value import sha256_text
from cogworks.model.outputs import SCHEMAS

_FRONT = re.compile(r"\A\+\+\+\n(?P<front>.*?)\n\+\+\+\n(?P<body>.*)\Z", re.DOTALL)


_NAME = re.compile(r"(?P<literal>\\\{\{)|\{\{(?P<name>[a-z][a-z0-9_]*)\}\}")
"""A name between braces; a literal ``{{`` is written with a backslash before it."""
_ANY_BRACES = re.compile(r"(?<!\\)\{\{([^}]*)\}?\}?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A parsed template. ``schema`` names the model that an answer must fit."""

    name: str
    version: int
    required: tuple[str, ...]
    optional: Mapping[str, str]
    schema: str
    body: str
    sha256: str

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with every name expanded once; raise ConfigError listing all missing names."""
        missing = [name for name in self.required if name not in values]
        if missing:
            raise ConfigError(problems=tuple(_problem(self.name, name, "has no value") for name in missing))
        known = {**self.optional, **values}
        return _NAME.sub(lambda found: "{{" if found["literal"] else known[found["name"]], self.body)


def parse_template(text: str, *, file: str) -> Template:
    """Return the template in ``text``; raise ConfigError with file and field for anything wrong in it."""
    found = _FRONT.match(text)
    if not found:
        raise ConfigError(problems=(_problem(file, "front matter", "is missing; it stands between +++ lines"),))
    try:
        front = tomllib.loads(found["front"])
        template = Template(
            name=str(front["name"]),
            version=int(front["version"]),
            required=tuple(front.get("required", [])),
            optional=dict(front.get("optional", {})),
            schema=str(front["output_schema"]),
            body=found["body"],
            sha256=sha256_text(text),
        )
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
        raise ConfigError(problems=(_problem(file, "front matter", str(error)),)) from error
    problems = _faults(template, file, first_line=text[: found.start("body")].count("\n") + 1)
    if problems:
        raise ConfigError(problems=tuple(problems))
    return template


def read_template(content: bytes, *, file: str) -> Template:
    """Return the template in the bytes of ``file``; raise ConfigError with file and field for anything wrong in it."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        message = f"byte {error.start + 1} is not UTF-8"
        problem = Problem(code="bad_encoding", file=file, message=message, allowed="UTF-8")
        raise ConfigError(problems=(problem,)) from error
    return parse_template(text, file=file)


def _faults(template: Template, file: str, *, first_line: int) -> list[Problem]:
    problems: list[Problem] = []
    declared = {*template.required, *template.optional}
    for number, line in enumerate(template.body.splitlines(), start=first_line):
        names = [found[1] for found in _ANY_BRACES.finditer(line)]
        problems += [_problem(f"{file}:{number}", name, "is not declared") for name in names if name not in declared]
    if template.schema not in SCHEMAS:
        problems.append(_problem(file, "output_schema", f"{template.schema!r} is not one of {', '.join(SCHEMAS)}"))
    return problems


def _problem(file: str, field: str, message: str) -> Problem:
    return Problem(code="bad_template", file=file, field=field, message=message)
