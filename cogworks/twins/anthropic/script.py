"""The script: JSON Lines, one rule a line, read with every mistake named at once."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from cogworks.twins.anthropic.calls import Call
from cogworks.twins.anthropic.script_rules import Reply, Rule, UsageOverride, When, load_output, problems_of


class ScriptError(Exception):
    """The script is wrong; the message names each problem with file, line, field and what is allowed, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedRule:
    """A rule with its place in the file; `key` stays the same when other lines change."""

    line: int
    key: str
    when: When
    times: int | None
    reply: Reply
    usage: UsageOverride | None

    def matches(self, call: Call, *, model: str, text: str) -> bool:
        """Say whether the rule is meant for this call with this request text."""
        for name in self.when.model_fields_set - {"contains"}:
            actual = model if name == "model" else getattr(call, name)
            if getattr(self.when, name) != actual:
                return False
        return self.when.contains is None or re.search(self.when.contains, text) is not None


def load_script(path: Path) -> Sequence[ScriptedRule]:
    """Read a script file; ScriptError holds every problem of every line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ScriptError(f"{path}: cannot be read: {error.strerror}") from error
    rules: list[ScriptedRule] = []
    problems: list[str] = []
    equals: Counter[str] = Counter()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        equals[line] += 1
        try:
            rules.append(_rule(line, number=number, occurrence=equals[line], folder=path.parent))
        except ScriptError as error:
            problems.extend(f"{path}:{number}: {problem}" for problem in str(error).splitlines())
    if problems:
        raise ScriptError("\n".join(problems))
    return rules


def _rule(line: str, *, number: int, occurrence: int, folder: Path) -> ScriptedRule:
    try:
        parsed = json.loads(line)
    except ValueError as error:
        raise ScriptError(f"must be one JSON object ({error})") from error
    try:
        rule = Rule.model_validate(parsed, strict=True)
    except ValidationError as error:
        raise ScriptError("\n".join(problems_of(error))) from error
    try:
        reply = load_output(rule.reply, folder)
    except (OSError, ValueError) as error:
        raise ScriptError(f"reply.output_file: must name a JSON object beside the script ({error})") from error
    digest = hashlib.sha256(line.encode()).hexdigest()[:16]
    key = f"{digest}:{occurrence}"
    return ScriptedRule(line=number, key=key, when=rule.when, times=rule.times, reply=reply, usage=rule.usage)
