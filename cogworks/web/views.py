"""`/api/v1`: what the command line shows as ``data``, for programs (70 section 12). Nothing is changed."""

from collections.abc import Mapping

from cogworks.engine.looking import Sight, live_attempts, look, node_statuses, sight_as_value, unreconciled
from cogworks.engine.patience import patiently
from cogworks.engine.run_graph import graph_of_run
from cogworks.engine.signs import signs_about
from cogworks.graph.draw import draw
from cogworks.model.ids import Item, parse_item
from cogworks.model.json_value import JsonObject, JsonValue
from cogworks.model.state import RunState, state_from_json
from cogworks.pages.cost_report import cost_report, report_as_value
from cogworks.pages.run_page import standing
from cogworks.web.office import Office

# A browser waits; the next request tries again.
_TRIES = 2


def pipelines(office: Office) -> JsonObject:
    """Return every open run that Redis knows, in a few words each."""
    projection = office.reading.projection
    assert projection is not None, "serve needs Redis"
    found = ((item, projection.load(item)) for item in projection.known())
    return {"pipelines": [_short(item, state_from_json(run.state)) for item, run in found if run is not None]}


def one_pipeline(office: Office, item: Item) -> JsonValue:
    """Return a run as `cogworks status --json` does."""
    sight = _sight(office, item)
    signs = signs_about(office.reading.lookout, item)
    return {**sight_as_value(sight, live=live_attempts(office.reading.leases, item)), **signs.value()}


def drawn(office: Office, item: Item) -> JsonValue:
    """Return the graph of a run with the status of each node; None before it started."""
    state = _sight(office, item).state
    if state is None:
        return None
    graph = graph_of_run(office.reading.github, state, shipped=office.shipped)
    return {"pipeline": graph.name, "format": "mermaid", "graph": draw(graph, statuses=node_statuses(state))}


def cost(office: Office, item: Item) -> JsonValue:
    """Return what a run cost as `cogworks cost-report --json` does; None before it started."""
    state = _sight(office, item).state
    if state is None:
        return None
    graph = graph_of_run(office.reading.github, state, shipped=office.shipped)
    return report_as_value(cost_report(state, graph, unreconciled=unreconciled(office.reading.ledger, state)))


def item_in(parts: Mapping[str, object]) -> Item:
    """Return the item that the parts of an address name; raise ConfigError when they name none."""
    return parse_item(f"{parts['owner']}/{parts['repo']}#{parts['number']}", file="address")


def _sight(office: Office, item: Item) -> Sight:
    seen = office.reading
    return patiently(lambda: look(seen.github, item), clock=seen.clock, ids=seen.ids, tries=_TRIES)


def _short(item: Item, state: RunState) -> JsonObject:
    wait = state.wait
    return {
        "issue": str(item),
        "run_id": state.run_id,
        "status": state.status.value,
        "standing": standing(state),
        "pipeline": state.pipeline,
        "waiting_since": None if wait is None else wait.since.isoformat(),
        "cost_microusd": state.cost.microusd,
        "limit_microusd": state.cost.limit_microusd,
        "tokens": state.cost.tokens,
        "written_at": None if state.written_at is None else state.written_at.isoformat(),
    }
