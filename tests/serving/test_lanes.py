"""The line in front of the engines: bounded, fair, and left at any time; and how often one may ask."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from homespun.serving.lanes import Full, Lanes, Place
from homespun.serving.limits import Limits


class Line(RuleBasedStateMachine):
    """Clients come, work and go in any order."""

    @initialize(slots=st.integers(1, 3), waiting=st.integers(1, 6))
    def open(self, slots: int, waiting: int) -> None:
        self.lanes = Lanes(slots, waiting)
        self.places: list[tuple[Place, ExitStack]] = []

    @rule(client=st.sampled_from("abc"))
    def come(self, client: str) -> None:
        stack = ExitStack()
        before = self.lanes.waiting
        try:
            place = stack.enter_context(self.lanes.join(client))
        except Full as error:
            own = sum(place.client == client and not place.started for place, _ in self.places)
            assert before >= self.lanes.limit or own >= self.lanes.limit // 2
            assert error.retry_after >= 1
            return
        self.places.append((place, stack))

    @precondition(lambda self: self.places)
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        """At its end, or out of the line: the same to everybody else."""
        waiting = self.waiting()
        place, stack = self.places.pop(data.draw(st.integers(0, len(self.places) - 1)))
        stack.close()
        for other in [one for one, _ in self.places if one in waiting and one.started]:
            assert waiting.index(other) == 0 or place in waiting, "the first in the line is the next"

    def waiting(self) -> list[Place]:
        return sorted((place for place, _ in self.places if not place.started), key=lambda place: place.position)

    @invariant()
    def nobody_waits_beside_a_free_lane(self) -> None:
        if not hasattr(self, "lanes"):
            return
        running = sum(place.started is not None for place, _ in self.places)
        assert self.lanes.running == running <= self.lanes.slots
        assert self.lanes.waiting == len(self.places) - running <= self.lanes.limit
        assert running == self.lanes.slots or not self.lanes.waiting

    @invariant()
    def everybody_has_a_position_and_clients_take_turns(self) -> None:
        waiting = self.waiting() if hasattr(self, "lanes") else []
        assert [place.position for place in waiting] == list(range(1, len(waiting) + 1))
        most = Counter(place.client for place in waiting).most_common(1)
        assert not most or most[0][1] <= max(1, self.lanes.limit // 2)
        seen: Counter[str] = Counter()
        for place in waiting:
            behind = {one.client: sum(other.client == one.client for other in waiting) for one in waiting}
            # Nobody has a second turn before all who wait had a first one.
            assert all(seen[other] >= min(seen[place.client], behind[other]) for other in behind)
            seen[place.client] += 1


def test_the_line_is_fair_and_bounded_whatever_happens() -> None:
    run_state_machine_as_test(Line)


def test_positions_are_told_until_it_is_ones_turn() -> None:
    async def main() -> list[int]:
        lanes, heard = Lanes(1, 4), list[int]()
        first, second = ExitStack(), ExitStack()
        first.enter_context(lanes.join("a"))
        second.enter_context(lanes.join("a"))

        async def third() -> None:
            with lanes.join("a") as place:
                async for position in place.waits():
                    heard.append(position)

        waiting = asyncio.create_task(third())
        await asyncio.sleep(0)
        for one in (first, second):
            one.close()
            await asyncio.sleep(0)
        await waiting
        assert (lanes.running, lanes.waiting) == (0, 0)
        return heard

    assert asyncio.run(main()) == [2, 1]


def test_who_is_cancelled_leaves_the_line() -> None:
    async def main() -> None:
        lanes = Lanes(1, 2)

        async def work() -> None:
            with lanes.join("a") as place:
                await place.turn()
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(work()) for _ in range(2)]
        await asyncio.sleep(0)
        assert (lanes.running, lanes.waiting) == (1, 1)
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (lanes.running, lanes.waiting) == (0, 0)

    asyncio.run(main())


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 3)), max_size=60), st.floats(0.1, 5), st.integers(1, 5))
def test_nobody_asks_more_often_than_that(asks: list[tuple[str, float]], rate: float, burst: int) -> None:
    now = 0.0
    limits = Limits(rate, burst, lambda: now)
    let_in: dict[str, list[float]] = {"a": [], "b": []}
    for client, later in asks:
        now += later
        try:
            limits.take(client)
            let_in[client].append(now)
        except Full as error:
            assert let_in[client], "the first is always let in"
            assert error.retry_after >= 1
    for times in let_in.values():
        for start in range(len(times)):
            for end in range(start, len(times)):
                assert end - start + 1 <= burst + rate * (times[end] - times[start]) + 1e-6


def test_who_was_sent_away_may_come_again_when_told() -> None:
    now = 0.0
    limits = Limits(0.5, 1, lambda: now)
    limits.take("a")
    with pytest.raises(Full) as sent_away:
        limits.take("a")
    now += sent_away.value.retry_after
    limits.take("a")
