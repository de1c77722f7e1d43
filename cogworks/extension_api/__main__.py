"""`python -m cogworks.extension_api` writes the published JSON Schemas anew from the wire models."""

import sys
from pathlib import Path

from cogworks.extension_api.published import published_schemas, schema_text


def main() -> int:
    """Write one file per schema into the package and remove those that nothing makes any more."""
    directory = Path(__file__).parent / "schemas"
    directory.mkdir(exist_ok=True)
    wanted = {f"{name}.json": schema_text(schema) for name, schema in published_schemas().items()}
    for stale in sorted({path.name for path in directory.glob("*.json")} - set(wanted)):
        (directory / stale).unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(wanted)} schemas written to {directory}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
