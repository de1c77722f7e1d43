"""The tools of a node that reads: its profile over the files of one commit."""

from cogworks.model.ids import Sha
from cogworks.nodes.job import Job, Workshop
from cogworks.tools.bench import Bench, CommitFiles
from cogworks.tools.profiles import Toolset, Variables, resolve


def reading_bench(job: Job, shop: Workshop, *, ref: Sha) -> Bench:
    """Return a bench on which nothing can be changed."""
    return Bench(files=CommitFiles(git=shop.git, repo=job.key.item.repo, ref=ref), base=ref)


def toolset(job: Job, variables: Variables | None = None) -> Toolset:
    """Return the node's resolved tools; ConfigError when its profile cannot be resolved."""
    return resolve(
        job.node,
        profiles=job.pipeline.tool_profiles,
        variables=variables or {},
        protected=job.config.constitutional.protected_paths_extra,
        denied=(f"{job.config.scenarios.directory.rstrip('/')}/**",),
    )
