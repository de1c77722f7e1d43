"""Run one attempt: claim, find what exists, work, journal, complete (20 section 3).

Whatever happens in between, the outcome is the same when it is repeated: the claim is exclusive, records on GitHub
short-circuit the work, and answers of the provider come from the memo.
"""

import json
from dataclasses import replace
from datetime import timedelta

from cogworks.engine.accounting import start_ledger
from cogworks.engine.assigning import job_for, workshop_for
from cogworks.engine.comments import CommentBook
from cogworks.engine.configuring import read_config
from cogworks.engine.house import House
from cogworks.engine.journal import Journal
from cogworks.engine.loading import (
    RIDING,
    Found,
    dispatched_at,
    dispatched_before_loss,
    load_state,
    time_limit,
    unjournalled,
)
from cogworks.engine.patience import patiently
from cogworks.engine.run_config import RunConfig
from cogworks.graph.definition import Graph
from cogworks.model.audit import event_as_value, new_event, trace_of
from cogworks.model.dead_letter import traceback_digest
from cogworks.model.errors import (
    Cancelled,
    CogWorksError,
    DependencyUnavailable,
    GitHubError,
    PolicyViolation,
    Transient,
    ValidationFailed,
)
from cogworks.model.findings import Diagnostic, Severity
from cogworks.model.ids import AttemptKey, Item, NodeRef
from cogworks.model.json_value import JsonObject, compact
from cogworks.model.outcome import Outcome, Result, outcome_to_json, with_texts
from cogworks.model.spending import Sums
from cogworks.model.state import Artifact, NodeStatus, RunState
from cogworks.nodes.job import Tally
from cogworks.nodes.spending import Spending
from cogworks.nodes.table import craft_of
from cogworks.pages.node_comment import attempt_path
from cogworks.pages.pull_page import audit_branch
from cogworks.pages.state_comment import StateUnreadable
from cogworks.policy.failures import Decision, decide_on
from cogworks.policy.secrets import redact_value
from cogworks.policy.wedges import LONGEST_TIMEOUT_S
from cogworks.ports.runtime import Claim, Keeper, Refusal

_SETTLING_RETRY_S = 10.0
"""After Redis was lost its living owner comes first; asking at once again would go in circles until it had time to."""


_LAST_CALL_S = 660.0
"""The longest call of a model that may be under way when a node's time is up, and a minute to write down its end."""


def run_attempt(house: House, item: Item, ref: NodeRef, attempt: int) -> str:
    """Run the attempt and return how it ended, in one word; raise nothing that belongs to the work itself."""
    try:
        return _run(house, item, ref, attempt)
    except (Transient, DependencyUnavailable) as error:
        house.log("task", f"{ref} attempt {attempt} could not begin: {error.code}: {error.message}")
        return "unavailable"
    except GitHubError as error:
        house.log("task", f"{ref} attempt {attempt} of {item} was refused: {error.code}: {error.message}")
        return error.code
    except StateUnreadable as error:
        house.log("task", f"{ref} attempt {attempt} of {item} was not begun: {error.message}")
        return error.code


def _run(house: House, item: Item, ref: NodeRef, attempt: int) -> str:
    found = load_state(house.ports.projection, house.ports.github, item)
    state = found.state
    if state is None or state.node(ref).status is not NodeStatus.ACTIVE or state.node(ref).attempts != attempt:
        return "not_active"
    with house.within(run_id=state.run_id, trace_id=trace_of(state.run_id)):
        return _claimed(house, found, state, AttemptKey(item, state.run_id, ref, attempt))


def _claimed(house: House, found: Found, state: RunState, key: AttemptKey) -> str:
    """Take the attempt and work on it, unless it is somebody else's or done."""
    seen_before = not found.projected or dispatched_before_loss(key) in found.facts
    claim = house.ports.leases.claim(key, owner=house.owner, fence_floor=state.fence, seen_before=seen_before)
    if isinstance(claim, Refusal):
        _note_refusal(house, key, claim)
        return claim.value
    try:
        with house.ports.leases.keep(claim, limit_s=_limit_s(found, key)) as keeper:
            outcome = _worked(house, found, state, key, claim, keeper)
    except KeyboardInterrupt:
        # A person ended this process: whoever comes next need not wait for the lease to run out.
        house.ports.leases.abandon(claim)
        raise
    return outcome.result.value


def _limit_s(found: Found, key: AttemptKey) -> float:
    """Return how long the attempt may keep its lease: its node ends by itself at its timeout, after its last call."""
    return float(found.facts.get(time_limit(key)) or LONGEST_TIMEOUT_S) + _LAST_CALL_S


def _note_refusal(house: House, key: AttemptKey, refusal: Refusal) -> None:
    """Leave word that an attempt refused after a loss of Redis is to be tried again soon."""
    if refusal is Refusal.SETTLING:
        retry_s = min(_SETTLING_RETRY_S, house.patience_s / 4)
        due = house.ports.clock.now() - timedelta(seconds=house.patience_s - retry_s)
        house.ports.projection.note(key.item, {dispatched_at(key): due.isoformat()})


def _worked(house: House, found: Found, state: RunState, key: AttemptKey, claim: Claim, keeper: Keeper) -> Outcome:
    """Return the outcome, journalled and completed; an attempt that has to wait is given back instead."""
    ports = house.ports
    spending = Spending(
        ledger=ports.ledger,
        item=key.item,
        holder=f"{key}@{claim.fence}",
        refill=lambda: _log_refill(house, start_ledger(ports, key.item)),
    )
    try:
        outcome = patiently(
            lambda: _journalled(house, found, state, key, claim, keeper, spending), clock=ports.clock, ids=ports.ids
        )
        keeper.guard()
        spending.settle()
    except DependencyUnavailable as error:
        outcome = _waiting(house, key, error, spending)
        ports.leases.abandon(claim)
        return outcome
    except CogWorksError as error:
        if decide_on(error) is not Decision.STOP_QUIETLY:
            raise
        house.log("node_end", f"{key.ref}: {type(error).__name__} {error.message}")
        return _stopped(house, state, claim, keeper, spending, error)
    ports.leases.complete(claim, outcome_to_json(outcome))
    house.log("node_end", f"{key.ref} attempt {key.attempt}: {outcome.result} {outcome.message[:200]}")
    return outcome


def _log_refill(house: House, sums: Sums | None) -> None:
    if sums is not None:
        house.log("ledger", f"started from the journal: {sums.committed.microusd} micro-dollars committed")


def _stopped(
    house: House, state: RunState, claim: Claim, keeper: Keeper, spending: Spending, error: CogWorksError
) -> Outcome:
    """Return how a stopped attempt ended; what a cancelled one has paid is journalled first, so that it is charged.

    One that lost its lease leaves no word: its new owner has the same calls.
    """
    outcome = _spent(Outcome(result=Result.CANCELLED, message=error.message), spending)
    if not isinstance(error, Cancelled) or not spending.calls:
        return outcome

    def still_owner() -> None:
        try:
            keeper.guard()
        except Cancelled:
            return

    key, git = claim.key, house.ports.git.guarded_by(still_owner)
    try:
        git.fetch(key.item.repo)
        config = read_config(git, key.item.repo, ref=state.config_sha, shipped=house.shipped)
        graph = config.graph(state.pipeline)
        journal = Journal(git=git, projection=house.ports.projection, state=state, graph=graph)
        known = journal.find(key)
        if known is None:
            journal.push(key, outcome, (), {}, calls=tuple(spending.calls.values()))
        spending.settle()
    except CogWorksError as late:
        house.log("node_end", f"{key.ref}: its cost could not be journalled: {late.code}: {late.message}")
        return outcome
    house.ports.leases.complete(claim, outcome_to_json(known or outcome))
    return outcome


def _spent(outcome: Outcome, spending: Spending) -> Outcome:
    return replace(outcome, cost=spending.cost, remembered=spending.remembered, unreconciled=spending.unreconciled)


def _waiting(house: House, key: AttemptKey, error: DependencyUnavailable, spending: Spending) -> Outcome:
    """Note that the attempt waits; it is not journalled and comes again under the same key (LLM-09)."""
    until = house.ports.clock.now() + timedelta(seconds=error.retry_after_s)
    outcome = Outcome(
        result=Result.UNAVAILABLE,
        category=error.category,
        message=error.message,
        wait_reason=error.reason,
        wait_until=until,
    )
    outcome = _spent(outcome, spending)
    house.ports.projection.note(key.item, {unjournalled(key): outcome_to_json(outcome)})
    return outcome


def _journalled(
    house: House, found: Found, state: RunState, key: AttemptKey, claim: Claim, keeper: Keeper, spending: Spending
) -> Outcome:
    """Do the work unless its record exists, then write the journal: branches first, comment second (RUN-08)."""
    git, github = house.ports.git.guarded_by(keeper.guard), house.ports.github.guarded_by(keeper.guard)
    git.fetch(key.item.repo)
    config = read_config(git, key.item.repo, ref=state.config_sha, shipped=house.shipped)
    graph = config.graph(state.pipeline)
    journal = Journal(git=git, projection=house.ports.projection, state=state, graph=graph)
    book = CommentBook(
        github=github, projection=house.ports.projection, item=key.item, facts=found.facts, projected=found.projected
    )
    outcome = journal.find(key)
    if outcome is None:
        outcome, tally = _done(house, state, key, claim, keeper, config, graph, journal, spending)
        outcome = _with_places(outcome, key)
        riding = {name: text for name, text in found.facts.items() if name.startswith(RIDING) and text}
        records = [*map(event_as_value, tally.events), *(json.loads(text) for text in riding.values())]
        calls = tuple(spending.calls.values())
        output = journal.push(key, outcome, records, _slot_files(outcome), calls=calls)
        house.ports.projection.note(key.item, dict.fromkeys(riding, ""))
    else:
        head = git.branch_head(key.item.repo, audit_branch(state))
        output = f"{attempt_path(key)}@{head}"
    keeper.guard()
    journal.write_entry(book, key, outcome, output=output)
    return outcome


def _done(
    house: House,
    state: RunState,
    key: AttemptKey,
    claim: Claim,
    keeper: Keeper,
    config: RunConfig,
    graph: Graph,
    journal: Journal,
    spending: Spending,
) -> tuple[Outcome, Tally]:
    """Return the outcome of the node's craft; every error of ours becomes an outcome or goes up to be waited for."""
    ports, tally = house.ports, Tally()
    _tell(house, key, tally, "attempt.started", {"fence": claim.fence, "starts": claim.starts})
    started = ports.clock.now()
    try:
        outcome = _crafted(house, state, key, keeper, config, graph, journal, tally, spending)
    except Transient:
        raise
    except CogWorksError as error:
        outcome = replace(_outcome_of(error), error=type(error).__name__, traceback_digest=traceback_digest(error))
    ended = replace(
        _spent(with_texts(outcome, redact_value), spending),
        llm_calls=tally.llm_calls,
        model=tally.model,
        tool_calls=tally.tools,
        started_at=started,
        ended_at=ports.clock.now(),
    )
    _tell(house, key, tally, f"attempt.{ended.result}", {"message": ended.message[:500]})
    return ended, tally


def _tell(house: House, key: AttemptKey, tally: Tally, kind: str, payload: JsonObject) -> None:
    """Keep an event about the attempt as a whole."""
    tally.events.append(
        new_event(
            kind,
            {"attempt": str(key), **payload},
            at=house.ports.clock.now(),
            unique=house.ports.ids.uuid(),
            repo=key.item.repo,
            run_id=key.run_id,
            actor=house.actor,
            cause=tally.events[0].id if tally.events else None,
        )
    )


def _crafted(
    house: House,
    state: RunState,
    key: AttemptKey,
    keeper: Keeper,
    config: RunConfig,
    graph: Graph,
    journal: Journal,
    tally: Tally,
    spending: Spending,
) -> Outcome:
    """Lay out job and workshop, and let the node's craft do the work."""
    job = job_for(house, state, key, config, graph, journal)
    return craft_of(job.node)(job, workshop_for(house, job, config, keeper, tally, spending))


def _outcome_of(error: CogWorksError) -> Outcome:
    match decide_on(error):
        case Decision.WAIT | Decision.STOP_QUIETLY | Decision.RETRY_CALL:
            raise error
        case Decision.NODE_RETRY:
            problems = error.problems if isinstance(error, ValidationFailed) else ()
            told = tuple(Diagnostic(severity=Severity.BLOCKING, category="schema", message=p) for p in problems)
            return Outcome(result=Result.INVALID, diagnostics=told, message=error.message)
        case Decision.HOLD:
            digest = error.digest if isinstance(error, PolicyViolation) else ""
            return Outcome(result=Result.HELD, category=error.category, message=error.message, output_hash=digest)
        case Decision.CLARIFY:
            return Outcome(result=Result.CLARIFICATION, category=error.category, message=error.message)
        case Decision.NODE_FAILS:
            return Outcome(result=Result.FAILED, category=error.category, message=error.message)


def _with_places(outcome: Outcome, key: AttemptKey) -> Outcome:
    """Return ``outcome`` whose file artifacts say where their JSON lies on the audit branch (ENG-23)."""
    placed = {
        slot: Artifact(kind="file", ref=_slot_path(slot, key)) if one.kind == "file" else one
        for slot, one in outcome.artifacts.items()
    }
    return replace(outcome, artifacts=placed)


def _slot_path(slot: str, key: AttemptKey) -> str:
    swi = "" if key.ref.swi is None else f"-swi{key.ref.swi}"
    return f"artifacts/{slot}{swi}-{key.attempt}.json"


def _slot_files(outcome: Outcome) -> dict[str, bytes]:
    content = compact(outcome.output or {}).encode()
    return {one.ref: content for one in outcome.artifacts.values() if one.kind == "file"}
