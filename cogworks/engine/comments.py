"""Comments that exist once: looked up by key before they are made, edited when their text changes (GH-45)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cogworks.engine.loading import WHOLE
from cogworks.model.errors import NotFound
from cogworks.model.ids import Item, NodeId, NodeRef
from cogworks.model.json_value import sha256_text
from cogworks.model.state import Failure, NodeStatus, RunState
from cogworks.pages.markers import mark, read_mark
from cogworks.pages.node_comment import KIND
from cogworks.pages.state_comment import StatePages, part_key, read_state_mark
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import Projection

STATE_KEY = "state"
_INTENDED = "intended"


@dataclass(slots=True, kw_only=True)
class CommentBook:
    """Our comments on one work item.

    Ids are remembered in the projection, and the intent to create one is noted before it is created. So a comment
    that the projection never heard of was never tried, and only an unfinished intent or a lost projection costs
    listing what is there.
    """

    github: GitHub
    projection: Projection
    item: Item
    facts: Mapping[str, str]
    projected: bool
    _listed: dict[str, int] | None = None
    _noted: dict[str, str] = field(default_factory=dict)
    _edited: set[str] = field(default_factory=set)

    def put(self, key: str, body: str) -> int:
        """Create the comment under ``key``, or edit it to ``body``; return its id."""
        known = self.find(key)
        if known is None:
            return self._create(key, body)
        try:
            self.github.comments.update(self.item.repo, known, body)
        except NotFound:
            # A person deleted it; what it says belongs on the issue all the same.
            return self._create(key, body)
        self._remember(key, str(known))
        return known

    def post_once(self, key: str, body: str) -> None:
        """Create the comment under ``key`` unless it is there."""
        if self.find(key) is None:
            self._create(key, body)

    def find(self, key: str) -> int | None:
        """Return the id of the comment under ``key``, or None."""
        noted = self._noted.get(key) or self.facts.get(_fact(key))
        if noted and noted != _INTENDED:
            return int(noted)
        return self._all().get(key) if noted or not self.projected else None

    def restore(self) -> tuple[str, ...]:
        """Tell a lost projection of every comment that is there, in one go with the word that these are all.

        Returns the keys of audit comments whose text somebody changed: the audit branch counts, not they (GH-21).
        """
        known = {key: str(comment_id) for key, comment_id in self._all().items()}
        self.projection.note(self.item, {**{_fact(key): number for key, number in known.items()}, WHOLE: "yes"})
        self._noted.update(known)
        return tuple(sorted(self._edited))

    def _create(self, key: str, body: str) -> int:
        self._remember(key, _INTENDED)
        made = self.github.comments.create(self.item.repo, self.item.number, body).id
        self._remember(key, str(made))
        return made

    def _all(self) -> dict[str, int]:
        if self._listed is None:
            own = self.github.contents.login()
            self._listed = {}
            for comment in self.github.comments.list(self.item.repo, self.item.number):
                key = _key_of(comment.body) if comment.author == own else None
                if key:
                    self._listed.setdefault(key, comment.id)
                    if _was_edited(comment.body):
                        self._edited.add(key)
        return self._listed

    def _remember(self, key: str, value: str) -> None:
        if self._noted.get(key) != value and self.facts.get(_fact(key)) != value:
            self.projection.note(self.item, {_fact(key): value})
        self._noted[key] = value


def _fact(key: str) -> str:
    return f"comment:{key}"


def _key_of(body: str) -> str | None:
    audit = read_mark(body, KIND)
    if audit is not None:
        return audit.fields.get("key")
    state = read_state_mark(body)
    return f"{STATE_KEY}/{state.fields.get('run')}" if state else part_key(body)


def _was_edited(body: str) -> bool:
    """Tell whether the text below an audit mark is not the one that was written under it."""
    found = read_mark(body, KIND)
    text = body.partition("\n")[2]
    return found is not None and found.fields.get("sha256") not in (sha256_text(text), sha256_text(f"{text}\n"))


def state_key(run_id: str) -> str:
    """Return the key of a run's state comment."""
    return f"{STATE_KEY}/{run_id}"


def write_pages(book: CommentBook, state: RunState, pages: StatePages) -> None:
    """Write the comments of ``state``: its parts beside those of the state before, then the head that names them."""
    for part in pages.parts:
        book.put(part_key(part) or STATE_KEY, part)
    book.put(state_key(state.run_id), pages.head)


def gate_key(state: RunState, ref: NodeRef) -> str:
    """Return the key of the comment that asks for an answer at the gate of ``ref``."""
    return f"{state.item}/{state.run_id}/gate/{ref}/{state.node(ref).attempts}"


def failure_key(state: RunState, failure: Failure) -> str:
    """Return the key of a failure report: of the failed node's attempt, so that a rebuilt run finds its own."""
    ref = NodeRef(NodeId(failure.node), failure.swi)
    attempts = state.node(ref).attempts
    name = f"{ref}/{attempts}" if attempts and state.node(ref).status is NodeStatus.FAILED else str(state.seq)
    return f"{state.item}/{state.run_id}/failure/{name}"


def notice(key: str, kind: str, text: str, *, run: str = "", node: str = "") -> str:
    """Return the body of a comment of ``kind`` that is found again by ``key``."""
    return f"{mark(KIND, key=key, kind=kind, run=run, node=node, sha256=sha256_text(text))}\n{text}"
