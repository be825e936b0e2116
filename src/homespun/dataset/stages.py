"""Training in stages: which part of what is learned comes when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from homespun.config import Recipe
from homespun.dataset.build import Dataset
from homespun.types import Example


def staged(dataset: Dataset, recipe: Recipe) -> Iterator[tuple[Recipe, list[Example], float]]:
    """(the recipe of a stage, what it learns from, its share of all that is computed), in order; one stage where the recipe has none.

    A conversation belongs to one stage, and so do the examples that were made of it.
    """
    learned = dataset.of("train")
    if not recipe.stages:
        yield recipe, learned, 1.0
        return
    order = sorted({example.conversation for example in learned}, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    work = sum(stage.share * stage.epochs for stage in recipe.stages)
    begin, passed = 0, 0.0
    for stage in recipe.stages:
        passed += stage.share
        end = round(passed * len(order))
        chosen = set(order[begin:end])
        begin = end
        options = recipe.with_training(epochs=stage.epochs, learning_rate=stage.learning_rate)
        yield options, [example for example in learned if example.conversation in chosen], stage.share * stage.epochs / work
