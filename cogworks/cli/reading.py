"""`status`, `cost-report` and `--dry-run`: what GitHub holds, and nothing is written anywhere (CLI-05)."""

import sys
import time

from cogworks.bootstrap import Reading, shipped
from cogworks.cli.answer import Answer, Exit
from cogworks.cli.failing import wrong_of
from cogworks.cli.options import Globals
from cogworks.cli.surroundings import onlooker, operator
from cogworks.engine.checking import Checked, check_repository
from cogworks.engine.configuring import CONFIG_FILE
from cogworks.engine.looking import Sight, live_attempts, look, node_statuses, sight_as_value, unreconciled
from cogworks.engine.patience import patiently
from cogworks.engine.run_graph import graph_of_run
from cogworks.engine.signs import signs_about
from cogworks.graph.draw import draw
from cogworks.model.config import Labels
from cogworks.model.ids import Item, RepoName, parse_item
from cogworks.model.state import RunState
from cogworks.pages.cost_report import cost_report, render_text, report_as_value
from cogworks.pages.run_page import pulls_of, run_text, standing
from cogworks.policy.config_file import labels_left
from cogworks.policy.labels import runnable
from cogworks.settings import Need

_LOOK_EVERY_S = 2.0


def status(options: Globals, issue: str, *, graph: bool, watch: bool) -> Answer:
    """Return where a run stands; with ``watch`` show every change until the run is over."""
    seen = onlooker(options)
    item = parse_item(issue)
    sight = _sight(seen, item)
    while watch and (sight.state is None or sight.state.status.open):
        if not options.as_json:
            sys.stdout.write(_status_text(sight))
            sys.stdout.flush()
        sight = _next(seen, sight)
    return _status(options, seen, sight, graph=graph)


def _next(seen: Reading, sight: Sight) -> Sight:
    """Return the next thing to show; an unchanged answer costs GitHub nothing."""
    while True:
        time.sleep(_LOOK_EVERY_S)
        new = _sight(seen, sight.item)
        if new.state != sight.state:
            return new


def _sight(seen: Reading, item: Item) -> Sight:
    return patiently(lambda: look(seen.github, item), clock=seen.clock, ids=seen.ids)


def _status(options: Globals, seen: Reading, sight: Sight, *, graph: bool) -> Answer:
    live = live_attempts(seen.leases, sight.item)
    signs = signs_about(seen.lookout, sight.item)
    data = {**sight_as_value(sight, live=live), **signs.value()}
    text = _status_text(sight) + "".join(f"{line}\n" for line in signs.lines())
    if graph and sight.state is not None:
        drawn = _drawn(options, seen, sight.state)
        data, text = {**data, "graph": drawn}, f"{text}\n{drawn}"
    return Answer(data=data, text=text)


def _status_text(sight: Sight) -> str:
    if sight.state is None:
        labels = ", ".join(sight.issue.labels) or "none"
        return f"{sight.item}  {sight.issue.title}\nno run was started yet; labels: {labels}\n"
    return run_text(sight.state, title=sight.issue.title)


def _drawn(options: Globals, seen: Reading, state: RunState) -> str:
    graph = graph_of_run(seen.github, state, shipped=shipped(operator(options)))
    return draw(graph, statuses=node_statuses(state))


def cost(options: Globals, issue: str) -> Answer:
    """Return what a run cost, from its state; what was sent and never answered comes from the ledger."""
    seen = onlooker(options)
    sight = _sight(seen, parse_item(issue))
    if sight.state is None:
        return Answer(data=None, text=f"{sight.item}: no run was started yet, nothing was spent\n")
    state = sight.state
    kept = shipped(operator(options))
    graph = patiently(lambda: graph_of_run(seen.github, state, shipped=kept), clock=seen.clock, ids=seen.ids)
    report = cost_report(state, graph, unreconciled=unreconciled(seen.ledger, state))
    return Answer(data=report_as_value(report), text=render_text(report))


def label_names(options: Globals, repo: RepoName) -> Labels:
    """Return the workflow labels of a repository; those that a broken file leaves are the usual ones."""
    seen = onlooker(options)

    def read() -> bytes | None:
        branch = seen.github.contents.repo(repo).default_branch
        return seen.github.contents.file(repo, CONFIG_FILE, ref=branch)

    text = patiently(read, clock=seen.clock, ids=seen.ids)
    return labels_left(text)


def preview(options: Globals, item: Item) -> Answer:
    """Return what `process` would do now."""
    seen = onlooker(options)
    operator(options, Need.GITHUB, Need.LLM)
    kept = shipped(operator(options))
    sight = _sight(seen, item)
    checked = patiently(
        lambda: check_repository(seen.github, item.repo, ref=None, shipped=kept), clock=seen.clock, ids=seen.ids
    )
    if checked.problems:
        wrongs = tuple(wrong_of(problem) for problem in checked.problems)
        return Answer(data={"issue": str(item)}, exit_code=Exit.WRONG_USAGE, errors=wrongs)
    would = _would(sight, checked)
    return Answer(data={"issue": str(item), "would": would}, text=f"{item}: would {would}\n")


def _would(sight: Sight, checked: Checked) -> str:
    names = checked.config.labels if checked.config else Labels()
    state = sight.state
    if state is None:
        if not sight.issue.open or not runnable(frozenset(sight.issue.labels), names):
            return f"do nothing: the issue is closed, stopped by a label, or lacks {names.trigger}"
        pipeline = checked.pipeline.pipelines[checked.pipeline.default]
        return f"start a run of pipeline {pipeline.name} at node {pipeline.start}"
    if not state.status.open:
        return f"do nothing more than look: the run is {state.status}"
    return f"go on with the run: {standing(state)}, {len(pulls_of(state))} pull requests so far"
