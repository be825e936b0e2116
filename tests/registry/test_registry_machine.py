"""Random sequences of everything that can happen to a model's versions, beside a plain list of what should be so."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from homespun.config import Recipe
from homespun.errors import CheckFailed, UsageError
from homespun.home import Home
from homespun.registry import decisions, removal, versions
from registry.conftest import add

VERDICTS: tuple[Literal["pass", "inconclusive", "fail"], ...] = ("pass", "inconclusive", "fail")


class Registry(RuleBasedStateMachine):
    """`lived`: every version that went live, in order. `trail`: those of them that were not rolled back from."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.home = Home.create(Path(self.folder.name) / "home")
        versions.put_model(self.home, "anna", "Anna", Recipe())
        self.verdicts: dict[int, str] = {}
        self.waiting: set[int] = set()
        self.live: int | None = None
        self.lived: list[int] = []
        self.trail: list[int] = []
        self.made = 0

    @rule(verdict=st.sampled_from(VERDICTS), review=st.booleans())
    def train(self, verdict: Literal["pass", "inconclusive", "fail"], review: bool) -> None:
        self.made += 1
        assert add(self.home, "anna", f"a{self.made}", verdict, review).number == self.made
        self.verdicts[self.made] = verdict
        if verdict == "pass" and review:
            self.waiting.add(self.made)
        elif verdict == "pass":
            self._goes_live(self.made)

    @precondition(lambda self: self.verdicts)
    @rule(data=st.data(), anyway=st.booleans())
    def promote(self, data: st.DataObject, anyway: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.verdicts)))
        if self.verdicts[number] != "pass" and not anyway:
            self._refuses(CheckFailed, lambda: versions.promote(self.home, f"anna@{number}"))
        else:
            versions.promote(self.home, f"anna@{number}", anyway=anyway)
            if number != self.live:
                self._goes_live(number)
            self.waiting.discard(number)

    @precondition(lambda self: self.verdicts)
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.verdicts)))
        if number in self.waiting:
            versions.refuse(self.home, f"anna@{number}", "no")
            self.waiting.remove(number)
        else:
            self._refuses(UsageError, lambda: versions.refuse(self.home, f"anna@{number}", "no"))

    @rule()
    def rollback(self) -> None:
        target = next((number for number in reversed(self.trail) if number in self.verdicts and number != self.live), None)
        if target is None:
            self._refuses(UsageError, lambda: versions.rollback(self.home, "anna"))
            return
        assert versions.rollback(self.home, "anna").number == target
        while self.trail[-1] != target:
            self.trail.pop()
        self.live = target
        self.lived.append(target)

    @rule()
    def prune(self) -> None:
        gone = {int(title.partition("@")[2]) for title in removal.prune(self.home, "anna").versions}
        last = list(dict.fromkeys(reversed(self.lived)))[: versions.KEPT]
        assert not gone & ({*last, *self.waiting, max(self.verdicts, default=0)})
        assert all(number in self.verdicts for number in gone)
        for number in gone:
            del self.verdicts[number]

    @invariant()
    def agrees(self) -> None:
        known = versions.list_versions(self.home, "anna")
        assert {version.number: version.verdict for version in known} == self.verdicts
        assert {version.number for version in known if version.waits} == self.waiting
        assert [version.number for version in known if version.is_live] == ([self.live] if self.live else [])
        assert {one.id for one in self.home.artefacts()} == {f"a{number}" for number in self.verdicts}
        book = decisions.history(self.home, "anna")
        assert sum(entry.action in ("promoted", "approved", "rolled back") for entry in book) == len(self.lived)
        assert sum(entry.action == "judged" for entry in book) == self.made

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def _goes_live(self, number: int) -> None:
        self.live = number
        self.lived.append(number)
        self.trail.append(number)

    def _refuses(self, error: type[Exception], act: Callable[[], object]) -> None:
        try:
            act()
        except error:
            return
        raise AssertionError("it should have been refused")


TestRegistry = Registry.TestCase
TestRegistry.settings = settings(
    max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
