"""What is gone or refuses on GitHub while a run is under way: it is said, and nothing goes round in circles."""

from dataclasses import replace
from typing import Any

from answers import body, good_answers
from world import NUMBER, World, nobody

from cogworks.engine.turn import StepResult
from cogworks.model.errors import GitHubTransient, NotFound
from cogworks.model.state import RunStatus
from cogworks.ports.bundle import Ports


class Without:
    """A part of GitHub of which one verb never answers."""

    def __init__(self, real: Any, verb: str) -> None:
        self._real, self._verb = real, verb
        self.tries: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name == self._verb:
            return self._refuse
        found = getattr(self._real, name)
        if name == "guarded_by":
            return lambda guard: _Wrapped(found(guard), self)
        return found

    def _refuse(self, *_: Any, **__: Any) -> None:
        self.tries.append(self._verb)
        raise GitHubTransient(f"{self._verb} answers 500")


class _Wrapped:
    def __init__(self, real: Any, without: Without) -> None:
        self._real, self._without = real, without

    def __getattr__(self, name: str) -> Any:
        if name == "issues":
            self._without._real = self._real.issues
            return self._without
        if name == "guarded_by":
            return lambda guard: _Wrapped(self._real.guarded_by(guard), self._without)
        return getattr(self._real, name)


def test_a_repository_that_is_gone_is_said_and_raises_nothing() -> None:
    """X-04."""
    world = World(people=nobody).run()
    world.forge.repos.clear()
    report = world.step()

    assert report.result is StepResult.REFUSED
    assert isinstance(report.error, NotFound)
    assert any("was refused" in text for _, text in world.log)


def test_sub_issues_that_cannot_be_attached_fail_the_plan_and_nothing_stands_in_for_them() -> None:
    """X-88."""
    without = Without(None, "add_sub_issue")

    def plug(ports: Ports) -> Ports:
        return replace(ports, github=_Wrapped(ports.github, without))  # type: ignore[arg-type]  # stands in for the port

    world = World(rules=good_answers(2), text=body(2), plug=plug).run()

    assert world.state.status is RunStatus.FAILED
    assert "issues.add_sub_issue" in world.note("failure")
    assert len(without.tries) == 5
    assert world.repo.children[NUMBER] == []
    assert not {one.name for one in world.repo.labels.values() if "depends" in one.name}


def test_an_item_without_milestone_has_parts_without_one() -> None:
    """X-89."""
    world = World().run()

    assert [issue.milestone for issue in world.swis()] == [None]
    assert not [text for _, text in world.log if "milestone" in text]
