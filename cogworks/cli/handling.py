"""`unlock`, `cancel`, `queue status`: what an operator does about a run that stands still (70 section 1)."""

from cogworks.bootstrap import Reading, celery_queue, reading
from cogworks.cli.answer import Answer, Exit, Wrong
from cogworks.cli.options import Globals
from cogworks.cli.reading import label_names
from cogworks.cli.surroundings import onlooker, operator, workplace
from cogworks.engine.installation import queue_rows
from cogworks.engine.labelling import ensure_labels
from cogworks.engine.looking import look
from cogworks.engine.patience import patiently
from cogworks.engine.signs import holding_line, holding_value
from cogworks.engine.turn import patient_step
from cogworks.engine.unlocking import unlock as unlock_run
from cogworks.model.ids import Item, parse_item
from cogworks.model.json_value import JsonObject
from cogworks.pages.run_page import standing
from cogworks.settings import Need


def queue_status(options: Globals) -> Answer:
    """Return what waits in each queue, for how long, and who consumes it."""
    seen = reading(operator(options, Need.GITHUB, Need.REDIS))
    assert seen.lookout is not None, "Need.REDIS was read"
    vitals, now = seen.lookout.pulse.vitals(), seen.clock.now()
    rows = queue_rows(vitals, now=now)
    lines = [f"{'QUEUE':<10}{'WAITING':>8}{'OLDEST':>9}  CONSUMERS", *(_row(row) for row in rows)]
    text = "\n".join([*lines, f"{vitals.unacked} messages are at work"]) + "\n"
    return Answer(data={"queues": rows, "unacked": vitals.unacked}, text=text)


def _row(row: JsonObject) -> str:
    consumers = row["consumers"]
    names = ", ".join(str(one) for one in consumers) if isinstance(consumers, list) else ""
    return f"{row['queue']:<10}{row['depth']:>8}{row['oldest_seconds']:>7} s  {names or 'nobody'}"


def unlock(options: Globals, issue: str, *, force: bool) -> Answer:
    """Remove the stale lock of a run; one that a living worker holds only with ``force``."""
    item = parse_item(issue)
    settings = operator(options, Need.GITHUB, Need.REDIS)
    seen = reading(settings)
    assert seen.leases is not None, "Need.REDIS was read"
    assert seen.projection is not None, "Need.REDIS was read"
    ended = unlock_run(seen.leases, seen.projection, item, force=force)
    data: JsonObject = {"issue": str(item), "removed": [holding_value(one) for one in ended.removed]}
    if ended.kept:
        held = "; ".join(holding_line(one) for one in ended.kept)
        wrong = Wrong(code="lock_held", field="issue", message=f"{item} is held: {held}", hint="--force ends it")
        return Answer(data=data, exit_code=Exit.FAILED, errors=(wrong,))
    if not ended.removed:
        return Answer(data=data, text=f"{item}: nobody holds it\n")
    celery_queue(settings).step(item, hint="unlock")
    told = "".join(f"{item}: removed {holding_line(one)}\n" for one in ended.removed)
    return Answer(data=data, text=f"{told}{item}: a worker was asked for a step\n")


def cancel(options: Globals, issue: str) -> Answer:
    """Set the cancel label and let a step take it up; where nothing runs, say so."""
    item = parse_item(issue)
    seen = onlooker(options)
    sight = patiently(lambda: look(seen.github, item), clock=seen.clock, ids=seen.ids)
    state = sight.state
    data: JsonObject = {"issue": str(item), "cancelled": False}
    if state is not None and not state.status.open:
        return Answer(data=data, text=f"{item}: nothing runs, the run is {standing(state)}\n")
    names = label_names(options, item.repo)
    if state is None and names.trigger not in sight.issue.labels:
        return Answer(data=data, text=f"{item}: nothing runs, and nobody asked for a run\n")
    patiently(lambda: _label(seen, item, names.cancel, options), clock=seen.clock, ids=seen.ids)
    data = {**data, "cancelled": True}
    if state is None:
        return Answer(data=data, text=f"{item}: nothing runs yet; {names.cancel} keeps it from starting\n")
    return Answer(data=data, text=f"{item}: {names.cancel} is set; {_stepped(options, item)}\n")


def _label(seen: Reading, item: Item, name: str, options: Globals) -> None:
    ensure_labels(seen.github, label_names(options, item.repo), item.repo, frozenset({name}))
    seen.github.labels.add(item.repo, item.number, [name])


def _stepped(options: Globals, item: Item) -> str:
    """Let somebody take the step that ends the run, and say who."""
    settings = operator(options)
    if settings.redis_url is not None:
        celery_queue(settings).step(item, hint="cancel")
        return "a worker was asked for the step that ends the run"
    if settings.llm_api_key is None:
        return "the next `cogworks process` ends the run"
    with workplace(options, key=str(item)) as place:
        report = patient_step(place.house, item, hint="cancel")
    return f"the run is {standing(report.state)}" if report.state is not None else "the run has ended"
