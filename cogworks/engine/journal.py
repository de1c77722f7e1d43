"""The journal on GitHub: full records on the audit branch, entries in node comments (RUN-08, GH-21, GH-22)."""

from collections.abc import Sequence
from dataclasses import dataclass

from cogworks.engine.comments import CommentBook, notice
from cogworks.engine.entries import base_path, base_text
from cogworks.graph.definition import Graph
from cogworks.model.errors import BranchDiverged
from cogworks.model.ids import END_TO_END, AttemptKey, NodeRef, Sha
from cogworks.model.json_value import JsonObject, compact
from cogworks.model.outcome import Outcome, Result, outcome_from_json, outcome_to_json
from cogworks.model.spending import Call
from cogworks.model.state import RunState
from cogworks.pages.node_comment import attempt_path, comment_key, render_node
from cogworks.pages.pull_page import audit_branch
from cogworks.pages.summary import render_summary
from cogworks.policy.secrets import redact_value
from cogworks.ports.git import Git
from cogworks.ports.runtime import Projection

_PUSH_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Reads and writes outcomes of one run."""

    git: Git
    projection: Projection
    state: RunState
    graph: Graph

    def find(self, key: AttemptKey) -> Outcome | None:
        """Return the outcome recorded for ``key``: in the projection, else on the audit branch as last fetched."""
        noted = self.projection.outcome(key)
        if noted is not None:
            return outcome_from_json(noted)
        head = self.git.branch_head(key.item.repo, audit_branch(self.state))
        content = self.git.read(key.item.repo, attempt_path(key), ref=head) if head else None
        return outcome_from_json(content.split(b"\n", 1)[0]) if content else None

    def history(self, ref: NodeRef, *, through: int) -> tuple[tuple[int, Outcome], ...]:
        """Return the outcomes of the attempts 1 to ``through`` of a node that are recorded, oldest first."""
        keys = (AttemptKey(self.state.item, self.state.run_id, ref, n) for n in range(1, through + 1))
        found = ((key.attempt, self.find(key)) for key in keys)
        return tuple((attempt, outcome) for attempt, outcome in found if outcome is not None)

    def push(
        self,
        key: AttemptKey,
        outcome: Outcome,
        records: Sequence[JsonObject],
        files: dict[str, bytes],
        *,
        calls: Sequence[Call] = (),
    ) -> str:
        """Put outcome, records and slot files on the audit branch; return where the outcome is, ``path@commit``.

        Beside them goes what a lost state and a lost ledger are rebuilt from.
        """
        files = {**files, base_path(key.ref, key.attempt): base_text(self.state, calls).encode()}
        path = attempt_path(key)
        content = {**files, path: f"{outcome_to_json(outcome)}\n".encode() + _lines(records)}
        return f"{path}@{self._push(content, f'audit: {key.ref} attempt {key.attempt}')}"

    def push_last(self, records: Sequence[JsonObject]) -> None:
        """Put the records of a run's last step on the audit branch: no attempt comes that they could ride with.

        A step that is repeated after a crash finds those of the first and leaves them.
        """
        path = f"steps/{self.state.seq}.jsonl"
        self._push({path: _lines(records)}, f"audit: step {self.state.seq}", unless=path)

    def _push(self, content: dict[str, bytes], subject: str, *, unless: str | None = None) -> Sha:
        """Add ``content`` to the branch, ``unless`` that path is there; return the head that holds it.

        A push that lost a race against another is repeated on the new head.
        """
        branch, repo = audit_branch(self.state), self.state.repo
        message = f"{subject}\n\nCogWorks-Run: {self.state.run_id}\n"
        for tries in range(1, _PUSH_TRIES + 1):
            head = self.git.branch_head(repo, branch)
            if head and unless and self.git.read(repo, unless, ref=head) is not None:
                return head
            sha = self.git.commit_files(repo, parent=head, files=content, message=message)
            try:
                self.git.push(repo, branch=branch, sha=sha, expected=head)
            except BranchDiverged:
                if tries == _PUSH_TRIES:
                    raise
                self.git.fetch(repo)
            else:
                return sha
        raise AssertionError("unreachable: the loop returns or raises")

    def write_entry(self, book: CommentBook, key: AttemptKey, outcome: Outcome, *, output: str) -> None:
        """Edit the node comment to tell of ``outcome``: this is the journal entry of the attempt.

        The closing check has no node comment; its entry is the summary.
        """
        before = self.history(key.ref, through=key.attempt - 1)
        if key.ref.node == END_TO_END:
            if outcome.result is Result.SUCCEEDED:
                book.put(summary_key(self.state), self._summary(outcome))
            return
        body = render_node(self.state, self.graph, key.ref, [*before, (key.attempt, outcome)], output=output)
        book.put(comment_key(self.state, key.ref), body)

    def _summary(self, outcome: Outcome) -> str:
        text = render_summary(
            self.state, outcome="completed", matrix=outcome.matrix, check=outcome.alignment, ended=self.all_outcomes()
        )
        return notice(summary_key(self.state), "summary", text, run=self.state.run_id, node=END_TO_END)

    def all_outcomes(self) -> tuple[Outcome, ...]:
        """Return every recorded outcome of the run so far."""
        refs = [NodeRef(node) for node in self.state.nodes]
        refs += [NodeRef(node, swi.ordinal) for swi in self.state.sub_work_items for node in swi.nodes]
        return tuple(outcome for ref in refs for _, outcome in self.history(ref, through=self.state.node(ref).attempts))


def _lines(records: Sequence[JsonObject]) -> bytes:
    return "".join(f"{compact(redact_value(record))}\n" for record in records).encode()


def summary_key(state: RunState) -> str:
    """Return the key of the run's summary comment."""
    return f"{state.item}/{state.run_id}/summary"
