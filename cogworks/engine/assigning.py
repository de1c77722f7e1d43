"""Lay out what a node is asked to do, and the workshop that it is given for it."""

from collections.abc import Mapping
from datetime import timedelta

from cogworks.engine.configuring import default_branch, own_templates, read_constitution
from cogworks.engine.feedback import feedback_for
from cogworks.engine.house import House
from cogworks.engine.journal import Journal
from cogworks.engine.run_config import RunConfig, node_of
from cogworks.graph.definition import Graph
from cogworks.graph.walk import ancestors
from cogworks.model.audit import trace_of
from cogworks.model.ids import END_TO_END, AttemptKey, NodeRef, Sha
from cogworks.model.outcome import Outcome
from cogworks.model.state import RunState
from cogworks.nodes.job import Job, Tally, Workshop
from cogworks.nodes.spending import Spending
from cogworks.nodes.template import Template
from cogworks.ports.runtime import Keeper


def job_for(house: House, state: RunState, key: AttemptKey, config: RunConfig, graph: Graph, journal: Journal) -> Job:
    """Return what the attempt ``key`` is asked to do, with everything that it may know."""
    github, git, repo = house.ports.github, house.ports.git, key.item.repo
    swi = state.swi(key.ref.swi) if key.ref.swi is not None else None
    base_branch = config.config.github.base_branch or default_branch(github, house.ports.projection, repo)
    base_head = git.branch_head(repo, base_branch)
    history = _history(state, graph, key, journal)
    return Job(
        key=key,
        node=node_of(graph, key.ref),
        graph=graph,
        state=state,
        issue=github.issues.get(repo, key.item.number),
        swi=swi,
        swi_issue=github.issues.get(repo, swi.issue) if swi else None,
        feedback=feedback_for(state, graph, key, journal),
        config=config.config,
        pipeline=config.pipeline,
        services=config.services,
        constitution=read_constitution(
            git, github, house.ports.projection, repo, config=config.config, shipped=house.shipped
        ),
        base_branch=base_branch,
        base_head=Sha(base_head or ""),
        trace_id=trace_of(key.run_id),
        history=history,
    )


def _history(state: RunState, graph: Graph, key: AttemptKey, journal: Journal) -> Mapping[str, Outcome]:
    """Return earlier outcomes that the node may read: its own attempts, and the newest of each node before it.

    Of nodes beside it nothing is shown: an attempt that is repeated after a crash has to ask what it asked before, or
    its recorded answers are not found (RUN-11), and a sibling may have ended meanwhile.
    """
    own = {f"{key.ref}@{n}": one for n, one in journal.history(key.ref, through=key.attempt - 1)}
    others: dict[str, Outcome] = {}
    before = graph.nodes if key.ref.node == END_TO_END else ancestors(graph, key.ref.node)
    for node in graph.nodes.values():
        ref = NodeRef(node.id, key.ref.swi if node.per_swi else None)
        if node.id not in before or (node.per_swi and key.ref.swi is None):
            continue
        ended = journal.history(ref, through=state.node(ref).attempts)
        if ended:
            others[str(ref)] = ended[-1][1]
    return {**others, **own}


def _templates(house: House, config: RunConfig, key: AttemptKey) -> Mapping[str, Template]:
    """Return the shipped templates with the repository's own beside or over them (TPL-01)."""
    return {**house.templates, **own_templates(house.ports.git, key.item.repo, ref=config.config_sha)}


def workshop_for(
    house: House, job: Job, config: RunConfig, keeper: Keeper, tally: Tally, spending: Spending
) -> Workshop:
    """Return the workshop of ``job``: its writes are fenced by ``keeper``, its time ends with the node's timeout."""
    ports = house.ports
    return Workshop(
        github=ports.github.guarded_by(keeper.guard),
        git=ports.git.guarded_by(keeper.guard),
        llm=ports.llm,
        permits=ports.permits,
        services=ports.services,
        service_tokens=house.shipped.service_tokens,
        spending=spending,
        ledger=ports.ledger,
        memo=ports.memo,
        clock=ports.clock,
        ids=ports.ids,
        templates=_templates(house, config, job.key),
        actor=house.actor,
        guard=keeper.guard,
        tally=tally,
        deadline=ports.clock.now() + timedelta(seconds=job.node.timeout_s),
    )
