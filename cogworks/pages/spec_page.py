"""``spec.md`` and ``interfaces.md``: rendered for people, read back after approval (ENG-51, ENG-52).

Each ends in one fenced block ``toml cogworks`` that a machine reads; what people change in it counts.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cogworks.model.errors import ValidationFailed
from cogworks.model.json_value import JsonValue
from cogworks.model.outputs import ArchitectureOutput, CapabilityNeed, FileChange, InterfaceOutput

_BLOCK = re.compile(r"^```toml cogworks\n(?P<toml>.*?)^```\s*\Z", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedDocument:
    """What the block of an approved document says."""

    requirements: tuple[tuple[str, str], ...]
    files: tuple[FileChange, ...]
    capabilities: tuple[str, ...]
    interfaces: tuple[str, ...]


def render_spec(spec: ArchitectureOutput, *, work_item: int) -> str:
    """Return ``spec.md`` for ``spec``."""
    return "\n".join(
        [
            f"# {spec.title}",
            f"\nSpecification of work item #{work_item}.\n",
            spec.summary,
            *_section("Requirements", (f"**{r.id}** {r.text}" for r in spec.requirements)),
            *_section(
                "Affected modules",
                (f"`{m.path}`{' (new)' if m.new else ''}: {m.reason}" for m in spec.affected_modules),
            ),
            *_section("Decisions", (f"**{d.title}**: {d.decision} *Why:* {d.rationale}" for d in spec.decisions)),
            *_section("Files", (f"{f.action} `{f.path}`" for f in spec.files)),
            *_section("Capabilities", (f"`{c.capability}`: {c.reason}" for c in spec.capabilities)),
            *_section(
                "Dependencies", (f"{d.action} `{d.name}` {d.constraint}: {d.reason}" for d in spec.dependency_changes)
            ),
            *_section("Risks", (f"{r.risk} *Mitigation:* {r.mitigation}" for r in spec.risks)),
            *_section("Decision records", spec.adrs),
            *_section("Not part of this work", spec.exclusions),
            _block(
                files=spec.files, capabilities=spec.capabilities, requirements={r.id: r.text for r in spec.requirements}
            ),
        ]
    )


def render_interfaces(design: InterfaceOutput, *, work_item: int) -> str:
    """Return ``interfaces.md`` for ``design``."""
    return "\n".join(
        [
            f"# Interfaces of work item #{work_item}",
            f"\n{design.notes}" if design.notes else "",
            *_section(
                "Interfaces", (f"**{i.id}** `{i.path}`: `{i.signature}`. {i.description}" for i in design.interfaces)
            ),
            *_section("Authorised files", (f"{f.action} `{f.path}`" for f in design.authorised_files)),
            *_section("Capabilities", (f"`{c.capability}`: {c.reason}" for c in design.capabilities)),
            _block(
                files=design.authorised_files,
                capabilities=design.capabilities,
                interfaces=[i.id for i in design.interfaces],
            ),
        ]
    )


def read_document(text: str, *, name: str) -> ApprovedDocument:
    """Return what the block in ``text`` says; raise ValidationFailed when there is none or it cannot be read."""
    found = _BLOCK.search(text)
    if not found:
        raise ValidationFailed(f"{name}: the closing block `toml cogworks` is missing")
    try:
        data = tomllib.loads(found["toml"])
        return ApprovedDocument(
            requirements=tuple((str(k), str(v)) for k, v in data.get("requirements", {}).items()),
            files=tuple(FileChange.model_validate(one) for one in data.get("files", [])),
            capabilities=tuple(map(str, data.get("capabilities", []))),
            interfaces=tuple(map(str, data.get("interfaces", []))),
        )
    except (ValueError, AttributeError, TypeError) as error:
        raise ValidationFailed(f"{name}: the block `toml cogworks` cannot be read: {error}") from error


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"- {one}" for one in lines]
    return [f"\n## {title}\n", *found] if found else []


def _block(
    *,
    files: Sequence[FileChange],
    capabilities: Sequence[CapabilityNeed],
    requirements: Mapping[str, str] | None = None,
    interfaces: Sequence[str] | None = None,
) -> str:
    lines = [f"capabilities = {_toml([c.capability for c in capabilities])}"]
    if interfaces is not None:
        lines.append(f"interfaces = {_toml(list(interfaces))}")
    lines.append("files = [")
    lines += [f"  {{path = {_toml(f.path)}, action = {_toml(f.action)}}}," for f in files]
    lines.append("]")
    if requirements is not None:
        lines.append("[requirements]")
        lines += [f"{_toml(name)} = {_toml(text)}" for name, text in requirements.items()]
    return "\n```toml cogworks\n" + "\n".join(lines) + "\n```\n"


def _toml(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
