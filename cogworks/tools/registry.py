"""The one registry: every tool by name, and the default profiles (TOOL-01, 50 section 3)."""

from collections.abc import Mapping

from cogworks.graph.definition import ToolProfile
from cogworks.tools import domain, fs, git
from cogworks.tools.definition import Tool

TOOLS: Mapping[str, Tool] = {tool.name: tool for tool in (*fs.TOOLS, *git.TOOLS, *domain.TOOLS)}

_READ = {"allowed_read_paths": ["**"]}
_SERVICES = {"allowed_services": ["{{domain_services}}"], "allowed_methods": list(domain.METHODS)}
_READER = dict.fromkeys(("fs.read", "fs.list", "search.code"), _READ)
_WRITE = {"allowed_write_paths": ["{{authorised_files}}"]}

DEFAULT_PROFILES: Mapping[str, ToolProfile] = {
    profile.name: profile
    for profile in (
        ToolProfile(name="reader", tools=tuple(_READER), scope=_READER),
        ToolProfile(name="reader_docs", extends="reader", tools=("fs.search",), scope={"fs.search": _READ}),
        ToolProfile(
            name="generator",
            extends="reader",
            tools=(
                "fs.write",
                "fs.create",
                "fs.delete",
                "git.commit",
                "git.branch",
                "git.status",
                "git.diff",
                "git.log",
                "domain.*",
            ),
            scope={
                "fs.write": _WRITE,
                "fs.create": _WRITE,
                "fs.delete": _WRITE,
                "git.status": _READ,
                "git.diff": _READ,
                "git.log": _READ,
                "git.branch": {"branch_pattern": "{{swi_branch}}"},
                "git.commit": {"branch_pattern": "{{swi_branch}}", "allowed_commit_paths": ["{{authorised_files}}"]},
                **{f"domain.{method}": _SERVICES for method in domain.METHODS},
            },
        ),
        ToolProfile(name="reviewer", extends="reader"),
    )
}

PROFILE_OF_NODE: Mapping[str, str] = {
    "intake": "reader",
    "architecture": "reader_docs",
    "interface_design": "reader",
    "planning": "reader",
    "code_generation": "generator",
    "review": "reviewer",
}

READ_DENIALS = (
    ".cogworks/scenarios/**",
    ".git/**",
    "**/.env*",
    ".env*",
    "**/*.pem",
    "*.pem",
    "**/*.key",
    "*.key",
    "**/id_*",
    "**/.netrc",
    "**/.pypirc",
    "**/.npmrc",
    "**/secrets/**",
    "secrets/**",
)
"""Always denied to every reading tool (PROF-02)."""
