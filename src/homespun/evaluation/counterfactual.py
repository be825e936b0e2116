"""Does it matter whom one talks about? The same answer to the same words, about him or her, Emily or Yetunde.

Somebody tells the avatar about a third person; the answer is fixed and does not mention that person. How likely the answer is should not
depend on their gender or name; by how much it does is measured in nats per token (a counterfactual swap: Huang et al. 2020, arXiv
1911.03064). It is asked inside the chat, under the version's own system line, because that is where it is going to be asked.
Two names that should differ in nothing (Tom, Greg) are swapped as well: a model that has become touchier about every word is no more
unfair than before.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from itertools import cycle
from typing import Literal, get_args

import numpy as np

from homespun.evaluation.bootstrap import Floats, Interval, bounds, cluster_sums, ratio_of_sums, resample
from homespun.evaluation.likelihood import ScoredReply
from homespun.types import Example, Turn

Kind = Literal["gender", "origin", "control"]
ORIGIN = "English"
"""Names that others are swapped for."""

_SIDES: Mapping[Kind, tuple[int, int]] = {"gender": (0, 1), "control": (2, 3), "origin": (2, 4)}
_ASKED = 5
"""Examples per prompt: he, she, two names of one origin and one of another."""
_PRONOUNS = (
    {"he": "he", "him": "him", "his": "his", "himself": "himself"},
    {"he": "she", "him": "her", "his": "her", "himself": "herself"},
)


def examples(system: str) -> list[Example]:
    """Every prompt in five variants, in a fixed order; `system` is the version's system line ("" for none).

    Names go round, so that every origin is met equally often, with as many men as women.
    """
    return list(_examples(system))


def _examples(system: str) -> Iterator[Example]:
    data = tomllib.loads((resources.files("homespun") / "evaluation/probes/swaps.toml").read_text(encoding="utf-8"))
    names = data["names"]
    own = names.pop(ORIGIN)
    origins = cycle([(gender, people) for people in names.values() for gender in ("male", "female")])
    for number, line in enumerate(data["prompts"].strip().splitlines()):
        somebody, said, answer = (part.strip() for part in line.split("|"))
        gender, others = next(origins)
        ours, theirs = own[gender], others[gender]
        her = int(gender == "female")
        variants = [
            (somebody, 0),
            (somebody, 1),
            (ours[number % len(ours)], her),
            (ours[(number + 1) % len(ours)], her),
            (theirs[number // (2 * len(names)) % len(theirs)], her),
        ]
        for place, (who, she) in enumerate(variants):
            asked = said.format(Who=who[0].upper() + who[1:], **_PRONOUNS[she])
            turns = (Turn("user", asked), Turn("assistant", answer, target=True))
            opening = (Turn("system", system),) if system else ()
            yield Example(f"swap {number} {place}", f"swap {number}", "gate", (*opening, *turns))


def gaps(scores: Sequence[ScoredReply], kind: Kind) -> list[float]:
    """|difference of the answer's negative log-likelihood| between the two variants of each prompt, in nats."""
    first, second = _SIDES[kind]
    rows = [scores[start : start + _ASKED] for start in range(0, len(scores), _ASKED)]
    return [abs(row[first].nll - row[second].nll) for row in rows]


def gap(scores: Sequence[ScoredReply], kind: Kind) -> Interval:
    """Nats per token by which a swap changes an answer; `scores` as of `examples`, prompts redrawn."""
    return ratio_of_sums(gaps(scores, kind), [reply.tokens for reply in scores[::_ASKED]], _prompts(scores))


def growth(before: Sequence[ScoredReply], after: Sequence[ScoredReply], *kinds: Kind) -> Interval:
    """By which share the gaps of these kinds grew: 0.2 is a fifth more. By default those of gender and origin together.

    Raises ValueError when the two are not of the same answers, or the base has no gap at all.
    """
    if [(reply.conversation, reply.tokens) for reply in before] != [(reply.conversation, reply.tokens) for reply in after]:
        raise ValueError("the scores of base and version are not of the same answers")
    chosen: Sequence[Kind] = kinds or ("gender", "origin")
    old, new = ([gap for kind in chosen for gap in gaps(scores, kind)] for scores in (before, after))
    return ratio_of_sums([late - early for early, late in zip(old, new, strict=True)], old, _prompts(before) * len(chosen))


def growth_beyond_control(before: Sequence[ScoredReply], after: Sequence[ScoredReply], draws: int = 10_000, seed: int = 0) -> Interval:
    """How much more the gaps of gender and origin grew than those of the control: (1 + growth) / (1 + growth of the control) - 1.

    A version that heeds less of what it is told closes all gaps alike; this is what it does not close alike. Prompts are redrawn.
    """
    sides: tuple[tuple[Kind, ...], ...] = (("gender", "origin"), ("control",))
    gaps_of = [np.sum([gaps(scores, kind) for kind in kinds], axis=0) for kinds in sides for scores in (before, after)]
    sums = cluster_sums(np.stack(gaps_of, axis=1), _prompts(before))

    def beyond(totals: Floats) -> Floats:
        old, new, old_control, new_control = totals.T
        found: Floats = new / old / (new_control / old_control) - 1
        return found

    low, high = bounds(beyond(resample(sums, draws, seed)), 0.95)
    return Interval(float(beyond(sums.sum(axis=0, keepdims=True))[0]), low, high, n=len(sums), clusters=len(sums))


def measure(before: Sequence[ScoredReply], after: Sequence[ScoredReply]) -> dict[str, Interval | float]:
    """All of it, by name, with intervals over prompts; scores of base and version as of `examples`.

    swap_gap_gender, swap_gap_origin, swap_gap_control: nats per token by which a swap changes an answer of the version;
    swap_gap_gender_base and so on: of the base;
    swap_growth: by which share gender and origin together grew; swap_growth_control: the same of names that should differ in nothing;
    swap_growth_beyond_control: the one in proportion to the other.
    """
    kinds: tuple[Kind, ...] = get_args(Kind)
    found: dict[str, Interval | float] = {f"swap_gap_{kind}": gap(after, kind) for kind in kinds}
    found |= {f"swap_gap_{kind}_base": gap(before, kind) for kind in kinds}
    return found | {
        "swap_growth": growth(before, after),
        "swap_growth_control": growth(before, after, "control"),
        "swap_growth_beyond_control": growth_beyond_control(before, after),
    }


def _prompts(scores: Sequence[ScoredReply]) -> list[str]:
    return [reply.conversation for reply in scores[::_ASKED]]
