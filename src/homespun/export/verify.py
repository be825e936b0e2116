"""Whether an export is the version that it was made from: the same tokens, the same prompts, the same answers, the same loss.

Every export passes this in a scratch folder before it takes its place. docs/export.md says where the limits come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from homespun.bases.template import Template
from homespun.errors import CheckFailed
from homespun.export.readback import Dialogue, Reader
from homespun.types import Example, Turn

REPLY = 16
"""Tokens of a greedy answer, at most."""
LOSS_TOKENS = 200
"""Of held-out replies, that the loss is measured on."""
LONGEST = 192
"""Tokens of a prompt with its reply: reading prompts is what takes the time."""
TIE = 0.03
"""Nats between two tokens that rounding may swap. Float16 moves a log-probability of this model by up to 0.02 (docs/export.md)."""
TEXTS = (
    "Hello, world!  Two  spaces, a\ttab\nand a new line.\n\n",
    "In 2024 it was 3.14159, and 1,000,000 people (50 %) paid $5.",
    "don't I'll we've they're IT'S O'Brien",
    "Grüße aus Köln: ÄÖÜ äöü ß, naïve café, ½ of it",
    "日本語とかな、漢字。中文字符 한국어 ภาษาไทย",
    "مرحبا بالعالم שלום עולם Привет, мир",
    "😀 👍🏽 👨‍👩‍👧 🏳️‍🌈 and a zero\u200bwidth space",
    "x = {'a': [1, 2]}  # code\r\n\tif a != b: return a**2 / b",
    "   in front and behind   ",
)
TALK = (
    Turn("system", "You answer briefly."),
    Turn("user", "Where were you yesterday?\nI called twice 😀"),
    Turn("assistant", "At home. Why, what happened?"),
    Turn("user", "Nothing. Grüße from Köln, and see you on the 24th!"),
    Turn("assistant", "See you then, and bring the book."),
    Turn("user", "What is the book about, by the way?"),
    Turn(
        "assistant", "It is about two friends who walk along the coast in winter and talk about what they would have done with more money."
    ),
)
TALKS = (TALK[:3], TALK[:5], TALK, TALK[1:3])
"""What the loss is measured on where there are no held-out replies."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an export may differ by, either way."""

    loss: float
    """Nats per token of replies."""
    gap: float
    """Mean nats by which its greedy tokens are less likely to the source than the source's own."""
    exact: bool = False
    """Whether every greedy token has to be the source's, or tie with it."""


LIMITS = {
    "F32": Limits(0.0005, 0.0005, exact=True),
    "F16": Limits(0.005, 0.003, exact=True),
    "Q8_0": Limits(0.03, 0.03),
    "Q5_K_M": Limits(0.20, 0.30),
    "Q4_K_M": Limits(0.15, 0.30),
}


@dataclass(frozen=True, slots=True)
class Source:
    """What the export has to be like."""

    template: Template
    log_probabilities: Callable[[Sequence[int], Sequence[int]], Any]
    """Of a prompt and a reply: (tokens of the reply, vocabulary) of nats."""
    held_out: Sequence[Example] = ()
    """What the version never learned from."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was found."""

    texts: int
    """Whose tokens are the same."""
    prompts: int
    """Whose rendering is the same."""
    replies: int
    reply_tokens: int
    agreement: float
    """Share of the greedy tokens that are the source's too, or tie with them."""
    gap: float
    """Mean nats between the source's likeliest token and the one the export chose; ..."""
    worst_gap: float
    """... and at most."""
    drift: float
    """Mean nats between the log-probabilities that the two give a token."""
    loss_tokens: int
    loss: float
    """Nats per token of the source."""
    loss_change: float
    held_out: bool
    """Whether the loss is of held-out replies; else of a few lines that come with homespun."""
    limits: Limits


def verify(source: Source, reader: Reader, kind: str) -> Figures:
    """Compare an export with its source.

    Args:
        kind: how its weights are stored, as in LIMITS.

    Raises:
        CheckFailed: it is another model than its source; says in what.
    """
    texts = _same_tokens(source, reader)
    prompts = _same_prompts(source, reader)
    held_out = _dialogues(source, [example.turns for example in source.held_out])
    dialogues = held_out or _dialogues(source, [(*talk[:-1], replace(talk[-1], target=True)) for talk in TALKS])
    answers = reader.answers(dialogues, REPLY)
    gaps = [gap for (prompt, _), answer in zip(dialogues, answers, strict=True) for gap in _gaps(source, prompt, answer.said)]
    own = [score for prompt, reply in dialogues for score in _scores(source, prompt, reply)]
    theirs = [score for answer in answers for score in answer.scores]
    count = len(own)
    found = Figures(
        texts=texts,
        prompts=prompts,
        replies=len(answers),
        reply_tokens=len(gaps),
        agreement=sum(gap <= TIE for gap in gaps) / len(gaps),
        gap=sum(gaps) / len(gaps),
        worst_gap=max(gaps),
        drift=sum(abs(one - other) for one, other in zip(own, theirs, strict=True)) / count,
        loss_tokens=count,
        loss=-sum(own) / count,
        loss_change=(sum(own) - sum(theirs)) / count,
        held_out=bool(held_out),
        limits=LIMITS[kind],
    )
    _judge(found, kind)
    return found


def _judge(found: Figures, kind: str) -> None:
    # Written so that a loss that is not a number fails too.
    if not abs(found.loss_change) <= found.limits.loss:
        raise CheckFailed(
            f"the export's loss is {found.loss_change:+.4f} nats per token off the version's, and {kind} may be {found.limits.loss:g} off: "
            f"it would answer as another model; nothing was kept{_advice(kind)}"
        )
    if not (found.gap <= found.limits.gap and (found.agreement == 1 or not found.limits.exact)):
        raise CheckFailed(
            f"{found.agreement:.1%} of the export's greedy tokens are the version's, which finds them {found.gap:.3f} nats less likely "
            f"in the mean, more than {kind} may differ: it would answer as another model; nothing was kept{_advice(kind)}"
        )


def _advice(kind: str) -> str:
    return "; try --quant Q8_0 or F16" if kind in ("Q4_K_M", "Q5_K_M") else "; try --quant F16" if kind == "Q8_0" else ""


def _same_tokens(source: Source, reader: Reader) -> int:
    """How many texts were compared."""
    texts = [*TEXTS, *(turn.text for example in source.held_out[:30] for turn in example.turns)]
    for place, text in enumerate(texts):
        if reader.tokens(text) != source.template.ids(text):
            what = f"{text!r}" if place < len(TEXTS) else "a held-out text"
            raise CheckFailed(f"the export's tokenizer cuts {what} another way than the version's; nothing was kept")
    return len(texts)


def _same_prompts(source: Source, reader: Reader) -> int:
    plain = [example.turns for example in source.held_out[:10] if not any("<" in turn.text for turn in example.turns)]
    talks = [TALK[:2], TALK[:4], TALK[1:2], *(turns[: _last_user(turns)] for turns in plain)]
    talks = [talk for talk in talks if talk]
    for talk in talks:
        if reader.prompt(talk) != source.template.text(talk, reply=True):
            raise CheckFailed("the export's chat template renders a conversation another way than the version's: nothing was kept")
    return len(talks)


def _last_user(turns: Sequence[Turn]) -> int:
    """The end of the conversation that a reply would follow."""
    return max((place + 1 for place, turn in enumerate(turns) if turn.role == "user"), default=0)


def _dialogues(source: Source, talks: Sequence[Sequence[Turn]]) -> list[Dialogue]:
    """Prompt and first reply, with its stop token, of so many talks as give enough tokens."""
    found: list[Dialogue] = []
    for turns in talks:
        rendered = source.template.render(turns)
        start = rendered.target.index(1)
        end = next((place for place in range(start, len(rendered)) if rendered.target[place] != 1), len(rendered))
        if end <= LONGEST and sum(len(reply) for _, reply in found) < LOSS_TOKENS:
            found.append((rendered.ids[:start], rendered.ids[start:end]))
    return found


def _gaps(source: Source, prompt: Sequence[int], said: Sequence[int]) -> list[float]:
    """Of every token that the export chose: how much likelier the source's choice is to the source."""
    return [float(row.max() - row[token]) for row, token in zip(source.log_probabilities(prompt, said), said, strict=True)]


def _scores(source: Source, prompt: Sequence[int], reply: Sequence[int]) -> list[float]:
    return [float(row[token]) for row, token in zip(source.log_probabilities(prompt, reply), reply, strict=True)]


def as_dict(found: Figures) -> dict[str, Any]:
    """For a report: rounded."""
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in asdict(found).items()}
