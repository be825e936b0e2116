"""Two versions beside each other."""

from __future__ import annotations

from homespun.config import Recipe, StageSection
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.result import Report
from homespun.registry import comparison
from homespun.registry.comparison import Change


def report(**metrics: Interval | float) -> Report:
    return Report("Anna", "gate", False, metrics=dict(metrics))


def test_what_either_has_stands_beside_the_other_in_the_order_of_reports() -> None:
    found = comparison.pairs(report(stops=1.0, gain=0.2, exotic=3.0), report(gain=0.3, closeness=0.5))
    assert [(pair.line.name, pair.first, pair.second) for pair in found] == [
        ("gain", 0.2, 0.3),
        ("closeness", None, 0.5),
        ("stops", 1.0, None),
    ]


def test_only_intervals_that_do_not_touch_are_surely_apart() -> None:
    def apart(first: Interval | float, second: Interval | float) -> bool:
        return comparison.pairs(report(gain=first), report(gain=second))[0].apart

    low, middle, high = Interval(0.1, 0.0, 0.2, 9, 3), Interval(0.2, 0.1, 0.3, 9, 3), Interval(0.4, 0.31, 0.5, 9, 3)
    assert apart(low, high)
    assert apart(high, low)
    assert not apart(low, middle)
    assert not apart(0.1, 0.9)


def test_only_what_changed_in_the_recipe_is_named_with_its_place() -> None:
    before = Recipe()
    after = before.with_training(learning_rate=0.5).model_copy(
        update={"relations": {"Ben": "brother"}, "stages": (StageSection(share=1, epochs=1, learning_rate=0.1),)}
    )
    assert comparison.changes(before, before) == []
    assert comparison.changes(before, after)[:1] == [Change("training.learning_rate", "0.002", "0.5")]
    assert {change.key for change in comparison.changes(before, after)} == {"training.learning_rate", "relations.Ben", "stages"}
    assert Change("relations.Ben", "brother", None) in comparison.changes(after, before)
