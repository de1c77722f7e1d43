"""The tree of commands: each parses its own words and returns the call that they mean; the caller makes it.

So nothing but parsing happens inside typer, which has ways of its own with a Ctrl-C.
"""

import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from cogworks.cli.answer import Answer
from cogworks.cli.options import Globals

app = typer.Typer(
    name="cogworks",
    help="Takes a labelled GitHub issue to reviewed pull requests. "
    "Global options, anywhere on the line: --json, --quiet, --log-level L, --no-color, --timeout S.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
config = typer.Typer(help="Look at the files of a repository.")
dlq = typer.Typer(help="Dead letters: work that nobody tries again until a person says so.")
pipeline = typer.Typer(help="Look at the graph of a repository.")
twin = typer.Typer(help="Stand-ins for outside systems.")
service = typer.Typer(help="Domain services.")
queue = typer.Typer(help="Queues of the cluster.")
ledger = typer.Typer(help="What a run has spent, call by call.")
app.add_typer(config, name="config")
app.add_typer(dlq, name="dlq")
app.add_typer(pipeline, name="pipeline")
app.add_typer(twin, name="twin")
app.add_typer(service, name="service")
app.add_typer(queue, name="queue")
app.add_typer(ledger, name="ledger")

Issue = Annotated[str, typer.Argument(help="owner/name#42 or the URL of an issue", show_default=False)]
Repo = Annotated[str, typer.Argument(help="owner/name", show_default=False)]
UntilBlocked = Annotated[bool, typer.Option("--until-blocked", help="go on until only a person or time can")]
Enqueue = Annotated[bool, typer.Option("--enqueue", help="let a worker of the cluster do it")]
RebuildState = Annotated[
    bool, typer.Option("--rebuild-state", help="first rebuild the state from what else GitHub holds of the run")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would happen; write nothing")]
Dir = Annotated[Path, typer.Option("--dir", help="folder of a checkout")]
Ref = Annotated[str | None, typer.Option("--ref", help="commit, branch or tag; default: the default branch")]

Key = Annotated[str, typer.Argument(help="key of a dead letter, as `dlq list` shows it", show_default=False)]

Call = Callable[[], Answer]

_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def _options(context: typer.Context) -> Globals:
    return cast(Globals, context.obj)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"cogworks {version('cogworks')}\n")
        raise typer.Exit


@app.callback()
def _root(
    shown: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Every command has its own --help."""


@app.command()
def process(
    context: typer.Context,
    issue: Issue,
    until_blocked: UntilBlocked = False,
    enqueue: Enqueue = False,
    dry_run: DryRun = False,
    rebuild_state: RebuildState = False,
    restart: Annotated[bool, typer.Option("--restart", help="begin a new run in the place of the one there")] = False,
    accept_graph: Annotated[
        bool, typer.Option("--accept-graph", help="let a stopped run go on with a changed pipeline file")
    ] = False,
) -> Call:
    """Take one step of a work item and run its nodes, here or in the cluster."""
    from cogworks.cli import processing

    how = processing.How(
        until_blocked=until_blocked,
        enqueue=enqueue,
        dry_run=dry_run,
        rebuild_state=rebuild_state,
        restart=restart,
        accept_graph=accept_graph,
    )
    return partial(processing.process, _options(context), issue, how)


@app.command("process-all")
def process_all(
    context: typer.Context,
    repo: Repo,
    milestone: Annotated[str | None, typer.Option(help="only items of this milestone")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="at most so many items")] = None,
    until_blocked: UntilBlocked = False,
    enqueue: Enqueue = False,
    dry_run: DryRun = False,
) -> Call:
    """Process every item that carries the trigger label, one by one."""
    from cogworks.cli import processing

    how = processing.How(until_blocked=until_blocked, enqueue=enqueue, dry_run=dry_run)
    return partial(processing.process_all, _options(context), repo, how, milestone=milestone, limit=limit)


@app.command()
def run(
    context: typer.Context,
    issue: Annotated[int, typer.Option("--issue", min=1, help="number of the issue", show_default=False)],
    repo: Annotated[str, typer.Option("--repo", help="owner/name", show_default=False)],
    until_blocked: UntilBlocked = False,
    enqueue: Enqueue = False,
    dry_run: DryRun = False,
    rebuild_state: RebuildState = False,
) -> Call:
    """Put the trigger label on an issue, then process it."""
    from cogworks.cli import processing

    how = processing.How(until_blocked=until_blocked, enqueue=enqueue, dry_run=dry_run, rebuild_state=rebuild_state)
    return partial(processing.run, _options(context), repo, issue, how)


@app.command()
def poll(
    context: typer.Context,
    repos: Annotated[list[str], typer.Argument(help="owner/name, one or more", show_default=False)],
    interval: Annotated[float | None, typer.Option(min=1, help="seconds; default: COGWORKS_POLL_INTERVAL")] = None,
    once: Annotated[bool, typer.Option("--once", help="look once, then end")] = False,
) -> Call:
    """Look for work again and again; a cluster's workers do it, without one this process does."""
    from cogworks.cli import polling

    return partial(polling.poll_repositories, _options(context), repos, interval_s=interval, once=once)


@app.command()
def status(
    context: typer.Context,
    issue: Issue,
    graph: Annotated[bool, typer.Option("--graph", help="draw the graph as Mermaid")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="show every change until the run is over")] = False,
) -> Call:
    """Show where a run stands; writes nothing."""
    from cogworks.cli import reading

    return partial(reading.status, _options(context), issue, graph=graph, watch=watch)


@app.command("cost-report")
def cost_report(context: typer.Context, issue: Issue) -> Call:
    """Show what a run cost, by node and sub-work-item; writes nothing."""
    from cogworks.cli import reading

    return partial(reading.cost, _options(context), issue)


@ledger.command("show")
def ledger_show(context: typer.Context, issue: Issue) -> Call:
    """Show the cost ledger of a run: committed, reserved, unreconciled, and by node."""
    from cogworks.cli import spending

    return partial(spending.show, _options(context), issue)


@ledger.command("rebuild")
def ledger_rebuild(context: typer.Context, issue: Issue) -> Call:
    """Recount a run's spending from GitHub; where the ledger differs, show both and set it right."""
    from cogworks.cli import spending

    return partial(spending.rebuild, _options(context), issue)


@app.command()
def health(
    context: typer.Context,
    service_name: Annotated[str | None, typer.Argument(metavar="[SERVICE]", help="only this service")] = None,
    everything: Annotated[bool, typer.Option("--all", help="also GitHub, model key, Redis, workers")] = False,
) -> Call:
    """Ask domain services, and with --all everything else, whether they are fit for work."""
    from cogworks.cli import health as checks

    return partial(checks.health, _options(context), service_name, everything=everything)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port")] = 8080,
    no_console: Annotated[bool, typer.Option("--no-console", help="no pages for people")] = False,
    no_webhooks: Annotated[bool, typer.Option("--no-webhooks", help="take no deliveries from GitHub")] = False,
) -> Call:
    """Serve webhooks, health, metrics and the API until SIGTERM."""
    from cogworks.cli import serving

    return partial(
        serving.serve, _options(context), host=host, port=port, console=not no_console, webhooks=not no_webhooks
    )


@app.command()
def init(
    context: typer.Context,
    directory: Annotated[Path, typer.Option("--dir", help="folder of a checkout")] = Path(),
) -> Call:
    """Write starter files into .cogworks; what is there stays as it is."""
    from cogworks.cli import starting

    return partial(starting.init, _options(context), directory)


@queue.command("status")
def queue_status(context: typer.Context) -> Call:
    """Show what waits in each queue, for how long, and who consumes it; writes nothing."""
    from cogworks.cli import handling

    return partial(handling.queue_status, _options(context))


@app.command()
def unlock(
    context: typer.Context,
    issue: Issue,
    force: Annotated[bool, typer.Option("--force", help="also a lock that a living worker holds")] = False,
) -> Call:
    """Remove a stale lock from a run."""
    from cogworks.cli import handling

    return partial(handling.unlock, _options(context), issue, force=force)


@app.command()
def cancel(context: typer.Context, issue: Issue) -> Call:
    """Cancel a run: what works is told to stop, what was made stays."""
    from cogworks.cli import handling

    return partial(handling.cancel, _options(context), issue)


@config.command("check")
def config_check(
    context: typer.Context,
    repo: Annotated[str | None, typer.Argument(help="owner/name; default: the checkout in --dir")] = None,
    directory: Dir = Path(),
    ref: Ref = None,
) -> Call:
    """Check every .cogworks file and name all problems at once."""
    from cogworks.cli import configuring

    return partial(configuring.check, _options(context), configuring.Source(repo=repo, directory=directory, ref=ref))


@config.command("show")
def config_show(
    context: typer.Context,
    repo: Annotated[str | None, typer.Argument(help="owner/name; default: the checkout in --dir")] = None,
    directory: Dir = Path(),
    ref: Ref = None,
) -> Call:
    """Show the settings in force, defaults included."""
    from cogworks.cli import configuring

    return partial(configuring.show, _options(context), configuring.Source(repo=repo, directory=directory, ref=ref))


@pipeline.command("check")
def pipeline_check(
    context: typer.Context,
    repo: Annotated[str | None, typer.Argument(help="owner/name; default: the checkout in --dir")] = None,
    directory: Dir = Path(),
    ref: Ref = None,
) -> Call:
    """Check the pipelines of a repository; without a file of its own, the shipped one."""
    from cogworks.cli import configuring

    return partial(
        configuring.check_pipeline, _options(context), configuring.Source(repo=repo, directory=directory, ref=ref)
    )


@pipeline.command("graph")
def pipeline_graph(
    context: typer.Context,
    repo: Annotated[str | None, typer.Argument(help="owner/name; default: the checkout in --dir")] = None,
    directory: Dir = Path(),
    ref: Ref = None,
    form: Annotated[Literal["mermaid", "dot", "json"], typer.Option("--format", help="how to draw")] = "mermaid",
    name: Annotated[str | None, typer.Option("--pipeline", help="which one; default: the file's default")] = None,
) -> Call:
    """Draw a pipeline."""
    from cogworks.cli import configuring

    source = configuring.Source(repo=repo, directory=directory, ref=ref)
    return partial(configuring.graph, _options(context), source, form=form, name=name)


@dlq.command("list")
def dlq_list(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="also those that were answered")] = False,
) -> Call:
    """List the dead letters that wait for an answer."""
    from cogworks.cli import dead_letters

    return partial(dead_letters.list_letters, _options(context), everything=everything)


@dlq.command("show")
def dlq_show(context: typer.Context, key: Key) -> Call:
    """Show a dead letter, every field."""
    from cogworks.cli import dead_letters

    return partial(dead_letters.show_letter, _options(context), key)


@dlq.command("replay")
def dlq_replay(context: typer.Context, key: Key) -> Call:
    """Let the run of a dead letter go on with a new attempt; asking twice does it once."""
    from cogworks.cli import dead_letters

    return partial(dead_letters.replay_letter, _options(context), key)


@dlq.command("drop")
def dlq_drop(
    context: typer.Context,
    key: Key,
    reason: Annotated[str, typer.Option("--reason", help="why it needs no answer", show_default=False)],
) -> Call:
    """Say that a dead letter needs no answer; the run stays as it is."""
    from cogworks.cli import dead_letters

    return partial(dead_letters.drop_letter, _options(context), key, reason=reason)


@dlq.command("rebuild")
def dlq_rebuild(
    context: typer.Context,
    repos: Annotated[list[str] | None, typer.Argument(help="owner/name; default: COGWORKS_REPOS")] = None,
) -> Call:
    """Read dead letters back from the failure comments on GitHub after Redis lost them."""
    from cogworks.cli import dead_letters

    return partial(dead_letters.rebuild_index, _options(context), repos or [])


@twin.command("list")
def twin_list() -> Call:
    """Name the twins that come with CogWorks."""
    from cogworks.cli import programs

    return programs.list_twins


@twin.command("start", context_settings=_PASSED_ON)
def twin_start(context: typer.Context) -> Call:
    """Run a twin in the foreground: `twin start github|anthropic [its own options]`."""
    from cogworks.cli import programs

    return partial(programs.launch, "twin start", context.args)


@service.command("run", context_settings=_PASSED_ON)
def service_run(context: typer.Context) -> Call:
    """Run a reference service in the foreground: `service run python [its own options]`."""
    from cogworks.cli import programs

    return partial(programs.launch, "service run", context.args)


@app.command(context_settings=_PASSED_ON)
def demo(context: typer.Context) -> Call:
    """Run the whole system on this machine, without accounts: `demo [its own options]`."""
    from cogworks.cli import programs

    return partial(programs.launch, "demo", context.args)
