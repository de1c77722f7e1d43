"""The one git hook of a repository: an app without that permission changes no workflow."""

from pathlib import Path

NO_WORKFLOWS = "TWIN_NO_WORKFLOWS"
_PRE_RECEIVE = f"""#!/bin/sh
[ -n "${NO_WORKFLOWS}" ] || exit 0
while read -r old new ref; do
    case "$new" in *[!0]*) ;; *) continue ;; esac
    changed=$(git log --format= --name-only "$new" --not --all -- .github/workflows | head -n 1)
    if [ -n "$changed" ]; then
        echo "refusing to allow a GitHub App to create or update workflow $changed without workflows permission"
        exit 1
    fi
done
"""


def install(repository: Path) -> None:
    """Put the hook into a bare repository."""
    hook = repository / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_PRE_RECEIVE, encoding="utf-8")
    hook.chmod(0o755)
