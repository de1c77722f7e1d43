"""`make chaos`: the kill matrix and the disturbed runs, in shards, going on where the last call ended (HAR-02, HAR-03).

`SHARD=2/4` runs every fourth cell, beginning with the second; `RESUME=0` forgets earlier results; `ONLY=regex` runs
the cells whose names it is found in. Results go to `chaos.json`, logs of cells that failed to `.chaos/`.
"""

import argparse
import random
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from chaos_broken import broken_builds
from chaos_cells import Cell, killed_at, outlived_by, run_cell
from chaos_disorder import disordered
from chaos_gate import When
from chaos_reference import Reference, undisturbed
from chaos_results import Results, fault_lines, product_digest, table
from chaos_room import Room, room_for
from work_items import MATRIX

_MOMENTS: tuple[When, When] = ("before", "after")
_SEED, _LATEST = 20, 4
# In pairs: the first of each is killed before it acts, the second after.
_KINDS = (
    *("github POST /git-receive-pack", "github POST /git-receive-pack"),
    *("github POST /issues/1/comments (node|cost|summary)", "github POST /issues/1/comments (node|cost|summary)"),
    *("github PATCH /issues/comments state", "github PATCH /issues/comments state"),
    *("github POST /pulls", "github POST /pulls"),
    *("github POST /issues/1/sub_issues", "github POST /issues( #2)?$"),
    "anthropic",
    *("service /api/v1/(validate|simulate)", "service /api/v1/(validate|simulate)"),
)


def main(arguments: Sequence[str]) -> int:
    """Run the cells that are left; exit 1 when one of this shard failed."""
    options = _options(arguments)
    results = Results(path=options.results, product=product_digest())
    with tempfile.TemporaryDirectory() as home, _room(options, Path(home)) as room:
        reference = undisturbed(room)
        cells = chosen(sample(reference) if options.sample else every_cell(reference), options)
        results.begin(anew=[cell.name for cell in cells] if options.anew else ())
        done = results.finished()
        left = [cell for cell in cells if cell.name not in done]
        _say(f"{len(cells)} cells, {len(left)} of them to do; the undisturbed run took {reference.took_s:.0f} s")
        for number, cell in enumerate(left, start=1):
            row = run_cell(cell, room, reference)
            results.add(row)
            _say(f"{number:4d} {'FAILED' if row.failed else 'ok':6} {row.seconds:6.1f} s  {row.family}: {row.name}")
            for line in fault_lines(row.as_json()) if row.failed else ():
                _say(line)
    rows = results.rows([cell.name for cell in cells])
    _say(table(rows))
    return 1 if any(row["failed"] for row in rows) else 0


def every_cell(reference: Reference) -> list[Cell]:
    """Return all cells, those of one boundary together."""
    kills = [killed_at(target, when) for target in reference.targets for when in _MOMENTS]
    late = [outlived_by(target) for target in reference.targets if target.shown == "POST /git-receive-pack"]
    return [*kills, *late, *disordered(reference), *broken_builds(reference)]


def sample(reference: Reference) -> list[Cell]:
    """Return few cells, the same each time, that touch every kind of request; and the broken builds."""
    chance = random.Random(_SEED)
    cells = []
    for number, kind in enumerate(_KINDS):
        # Late in the run, where not much is left to do after the kill.
        fitting = [one for one in reference.targets if re.search(kind, one.name)][-_LATEST:]
        cells.append(killed_at(chance.choice(fitting), _MOMENTS[number % 2]))
    return [*cells, *broken_builds(reference)]


def chosen(cells: Sequence[Cell], options: argparse.Namespace) -> list[Cell]:
    """Return the cells that this call is about."""
    wanted = [cell for cell in cells if re.search(options.only, f"{cell.family}: {cell.name}")]
    first, of = options.shard
    return wanted[first - 1 :: of]


def _room(options: argparse.Namespace, home: Path) -> AbstractContextManager[Room]:
    return room_for(MATRIX, service_home=home, evidence=options.evidence)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--shard", type=_shard, default=(1, 1), help="k/n: every n-th cell from the k-th on")
    parser.add_argument("--only", default="", help="a regular expression that names cells")
    parser.add_argument("--sample", action="store_true", help="few cells, the same each time")
    parser.add_argument("--anew", action="store_true", help="forget earlier results")
    parser.add_argument("--results", type=Path, default=Path("chaos.json"))
    parser.add_argument("--evidence", type=Path, default=Path(".chaos"))
    return parser.parse_args(arguments)


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not k/n with 1 <= k <= n")
    return int(found[1]), int(found[2])


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
