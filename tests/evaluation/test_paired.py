from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.evaluation.paired import paired

items = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=20)
@given(items)
def test_what_did_not_change_has_changed_by_exactly_nothing(both: list[tuple[bool, bool]]) -> None:
    before = [old for old, _ in both]
    same = paired(before, before, [str(index % 7) for index in range(len(before))])
    assert same.change.value == 0 and same.p == 1
    assert same.before == same.after


@settings(max_examples=20)
@given(items)
def test_forgetting_is_learning_backwards(both: list[tuple[bool, bool]]) -> None:
    old, new = ([pair[side] for pair in both] for side in (0, 1))
    clusters = [str(index % 7) for index in range(len(both))]
    there, back = paired(old, new, clusters), paired(new, old, clusters)
    assert there.change.value == pytest.approx(-back.change.value)
    assert there.p == pytest.approx(back.p)
    assert there.change.value == pytest.approx(100 * (there.after.value - there.before.value))


def test_mcnemar_is_exact() -> None:
    """Ten items that all changed in one direction: twice the chance of ten heads."""
    before, after = [True] * 30, [False] * 10 + [True] * 20
    assert paired(before, after, [str(index) for index in range(30)]).p == pytest.approx(2 * 0.5**10)
