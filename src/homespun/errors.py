"""Every failure a user can meet. The text is one line that says what is wrong and what to do.

HomespunError
├── UsageError            the command was given something impossible         (exit code 2)
│   ├── UnknownName       a person, model or version that is not there; lists near matches
│   └── BadRecipe         a recipe that does not parse or validate
├── SourceError           an import that cannot be read                      (exit code 1)
├── EmptyCorpus           too little to learn from
├── BaseError             a base model that cannot be had or used
├── EngineError           a model that could not answer
│   └── TooLong           its prompt leaves no room for a reply
├── TrainingError         a run that cannot go on
│   └── BudgetTooShort    not even one step fits
├── Busy                  another command holds this home
├── DiskFull              nothing half-written was kept
└── CheckFailed           a check or gate said no                            (exit code 3)
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable


class HomespunError(Exception):
    """Base of all; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(HomespunError):
    exit_code = 2


class UnknownName(UsageError):
    """`kind` ("person", "model" …) called `name` does not exist among `known`."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        known = sorted(set(known))
        folded = {candidate.casefold(): candidate for candidate in known}
        near = [folded[match] for match in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
        near += [k for k in known if name.casefold() in k.casefold() and k not in near][:3]
        if near:
            advice = "did you mean " + " or ".join(repr(n) for n in near[:3]) + "?"
        elif known:
            advice = f"there is {', '.join(repr(k) for k in known[:8])}{' …' if len(known) > 8 else ''}"
        else:
            advice = hint or f"there is no {kind} yet"
        super().__init__(f"no {kind} called {name!r}: {advice}")


class BadRecipe(UsageError): ...


class SourceError(HomespunError): ...


class EmptyCorpus(HomespunError): ...


class BaseError(HomespunError): ...


class EngineError(HomespunError): ...


class TooLong(EngineError):
    """`tokens` of prompt, where `limit` are what the model can read and write together."""

    def __init__(self, tokens: int, limit: int) -> None:
        self.tokens, self.limit = tokens, limit
        super().__init__(f"this conversation has {tokens} tokens and the model reads at most {limit}: shorten it, or start a new one")


class TrainingError(HomespunError): ...


class BudgetTooShort(TrainingError):
    """`needed`: seconds that one step takes with all that comes before and after it."""

    def __init__(self, needed: float) -> None:
        self.needed = needed
        seconds = math.ceil(needed)
        super().__init__(
            f"the budget is too short for a single step: it takes about {seconds} s here; give --budget {seconds + 5}s or more"
        )


class Busy(HomespunError): ...


class DiskFull(HomespunError): ...


class CheckFailed(HomespunError):
    exit_code = 3
