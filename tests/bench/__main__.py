"""Take every figure, print them as one table, and write ``bench.json``: ``python -m tests.bench [FILE]``."""

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.cold_start import cold_start
from tests.bench.default_run import default_run
from tests.bench.figures import Figure, table
from tests.bench.growth import growth
from tests.bench.idle_poll import idle_poll
from tests.bench.ledger import ledger
from tests.bench.overhead import overhead
from tests.bench.pick_up import pick_up
from tests.bench.site import opened
from tests.bench.throughput import throughput

_LEDGER_DATABASE = 5
_PACKAGES = ("celery", "kombu", "redis", "PyGithub", "anthropic")


def main() -> None:
    """Run the bench; the journey comes last, when nothing else of ours is at work."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="cwb-") as name, opened(Path(name)) as site:
        figures = ledger(site.database(_LEDGER_DATABASE), rounds=40)
        figures += cold_start(site, rounds=5)
        figures += overhead(site, rounds=5)
        figures += idle_poll(site)
        figures += throughput(site)
    figures += growth(rounds=10)
    figures += pick_up()
    counted, routes = default_run()
    figures += counted
    took_s = time.perf_counter() - began
    sys.stdout.write(table(figures))
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    sys.stdout.write(f"\n{took_s:.0f} s on {os.cpu_count()} cores, load {load}; medians (middle half)\n")
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "bench.json")
    target.write_text(json.dumps(_document(figures, routes, took_s), indent=2) + "\n", encoding="utf-8")


def _document(figures: Sequence[Figure], routes: Mapping[str, int], took_s: float) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(took_s, 1),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "packages": {name: version(name) for name in _PACKAGES},
        "figures": [asdict(one) for one in figures],
        "default_run_routes": dict(sorted(routes.items())),
    }


if __name__ == "__main__":
    main()
