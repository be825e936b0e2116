"""What every measurement needs at hand, and whose adapters are measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from homespun.bases.template import Template
from homespun.config import Recipe
from homespun.engines.torch import TorchEngine
from homespun.evaluation.general import Scores
from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.privacy import Value
from homespun.evaluation.public_probes import PublicProbes
from homespun.evaluation.scoring import Weights
from homespun.training.step import Step
from homespun.types import Example


@dataclass(frozen=True, slots=True)
class Bench:
    """What measures.

    The scorer is let go before the engine is made, for both at once need twice the memory.
    """

    make_scorer: Callable[[], Step]
    make_engine: Callable[[], TorchEngine]
    template: Template
    recipe: Recipe
    remember: Callable[[Sequence[str], Callable[[], Scores]], Scores] = lambda _, compute: compute()
    """The base's scores of texts: those computed before, or what `compute` gives."""
    in_corpus: Callable[[frozenset[Value]], frozenset[Value]] = lambda found: found
    """Those of some personal details that people of the corpus wrote, before anything was redacted."""
    probes: PublicProbes = field(default_factory=PublicProbes)
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Adapters:
    """What is measured: the avatar's, and those it is compared with."""

    avatar: Weights
    live: Callable[[Sequence[Example]], list[ScoredReply]] | None = None
    """Scores with the version that answers now, which may have another rank or base."""
    impostors: Mapping[str, Weights] = field(default_factory=dict)
    """Of other speakers of the same corpus, trained alike (full report only)."""
