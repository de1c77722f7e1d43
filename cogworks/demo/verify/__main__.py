"""`python -m cogworks.demo.verify`: one JSON line per check; exit 1 when something is wrong, 2 for wrong usage."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from cogworks.demo.verify.asking import Forge, Provider
from cogworks.demo.verify.branches import branch_checks
from cogworks.demo.verify.checks import Check, check
from cogworks.demo.verify.conduct import SHOWINGS, conduct_check, showing_checks
from cogworks.demo.verify.delivered import delivery_checks, look_at
from cogworks.demo.verify.expected import items_of
from cogworks.demo.verify.money import NotTold, Told, ledger_checks, self_checks, told_of


def main(arguments: Sequence[str]) -> int:
    """Print every check as it is made."""
    given = _parser().parse_args(arguments)
    good = True
    try:
        for one in verified(given):
            sys.stdout.write(one.line() + "\n")
            sys.stdout.flush()
            good = good and (isinstance(one, Told) or one.ok)
    except httpx.HTTPError as error:
        sys.stdout.write(check("the twins answer", [f"{type(error).__name__}: {error}"], good="").line() + "\n")
        good = False
    return 0 if good else 1


def verified(given: argparse.Namespace) -> Iterator[Check | Told]:
    """Yield everything that is found out, cheap things first."""
    forge = Forge.at(given.github, token=given.token)
    items = items_of(given.seed, forge)
    yield check("the seed asks for work", [] if items else ["no issue carries the trigger"], good=_names(items))
    found = [look_at(forge, item) for item in items]
    for one in found:
        yield from delivery_checks(one)
    yield conduct_check(forge, (item.repo for item in items))
    told = list[Told]()
    for item in items:
        try:
            told.append(told_of(item))
        except NotTold as error:
            yield check(f"{item} ledger", [str(error)], good="")
    yield from told
    yield from (self_checks(one) for one in told)
    if given.anthropic:
        provider = Provider(url=given.anthropic)
        yield from ledger_checks(told, provider)
        yield from showing_checks(given.shows, forge, provider, found)
    for one in found:
        yield from branch_checks(forge, one)


def _names(items: Sequence[object]) -> str:
    return ", ".join(map(str, items))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cogworks.demo.verify",
        description="Verify from outside what a run left on the twins. The environment is the operator's: "
        "`cogworks cost-report` is run in it.",
    )
    parser.add_argument("--github", required=True, metavar="URL")
    parser.add_argument("--anthropic", default="", metavar="URL", help="left out with the real provider")
    parser.add_argument("--token", required=True, help="of a person, to read GitHub and clone with")
    parser.add_argument("--seed", required=True, type=Path, metavar="FILE")
    parser.add_argument(
        "--shows", nargs="*", choices=sorted(SHOWINGS), default=[], help="what the run has to have shown"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
