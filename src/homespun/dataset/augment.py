"""A few answers -> more examples: the same answers, word for word, to other questions and in other conversations. No answer is made up.

Every example says in `origin` what it is and of what it was made.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from homespun.dataset import augment_words as english
from homespun.dataset.scores import words
from homespun.types import Example, Turn

SHORTEST = 6
"""Words in a part of an answer."""
LONGEST_THEME = 3
"""Sentences of an answer that answer a question about what they speak of."""
SIMILAR, PIECE = 0.8, 5
"""Prompts of one answer with this Jaccard similarity, of pieces of so many letters, are one prompt."""
OTHERS = 8
"""Other answers that are tried as what was said before."""

Turns = tuple[Turn, ...]
Fits = Callable[[Turns], bool]

_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[」』]?|\n+")
_LAST_WORD = re.compile(r"[\w.]+\Z")
_ABBREVIATIONS = english.words_of("bzw ca dr e.g etc i.e inc jr mr mrs ms no nr prof sr st vs z.b")


@dataclass(frozen=True, slots=True)
class _Answer:
    """An example of one question and its answer."""

    example: Example
    before: Turns
    """The system line."""
    question: Turn
    reply: Turn
    category: str
    in_english: bool


Made = tuple[Turns, str]
"""What is said before, and the answer or a part of it."""


def augment(
    examples: Iterable[Example], copies: int = 4, seed: int = 0, categories: Mapping[str, str] | None = None, fits: Fits = lambda _: True
) -> list[Example]:
    """The new examples only. Examples that are not learned from, or that are no single answer to a question, are left alone.

    Args:
        copies: new examples of every answer, at most.
        categories: conversation id -> what its question is about, where the source says so.
        fits: whether an example of these turns is short enough.
    """
    answers = list(_answers(examples, categories or {}))
    by_category: dict[str, list[_Answer]] = defaultdict(list)
    for answer in answers:
        by_category[answer.category].append(answer)
    asked = {answer.question.text.casefold() for answer in answers}
    made: list[Example] = []
    for answer in answers:
        rng = random.Random(f"{seed}/{answer.example.id}")
        kinds = _kinds(answer, by_category[answer.category], answers, rng)
        for kind, number, (context, text) in _fresh(answer, kinds, asked, fits, copies):
            turns = (*context, replace(answer.reply, text=text))
            name = f"{answer.example.id}-{kind}-{number}"
            made.append(replace(answer.example, id=name, turns=turns, origin=f"{kind} of {answer.example.id}"))
    return made


def sentences(text: str) -> list[tuple[int, int]]:
    """[start, end) of every sentence; where it is not sure that one ends, it does not."""
    borders = [0]
    for found in _END.finditer(text):
        word = _LAST_WORD.search(text, max(borders[-1], found.start() - 40), found.start())
        unsure = found[0] == "." and word and (len(word[0]) < 2 or word[0].isdigit() or word[0].casefold() in _ABBREVIATIONS)
        goes_on = "\n" not in found[0] and text[found.end() : found.end() + 2].strip()[:1].islower()
        if not unsure and not goes_on:
            borders.append(found.end())
    spans = []
    for start, end in zip(borders, [*borders[1:], len(text)], strict=True):
        body = text[start:end].strip()
        if body:
            begin = text.index(body, start)
            spans.append((begin, begin + len(body)))
    return spans


def _answers(examples: Iterable[Example], categories: Mapping[str, str]) -> Iterator[_Answer]:
    for example in examples:
        *before, question, reply = example.turns if len(example.turns) > 1 else (None, None)
        alone = all(turn is not None and turn.role == "system" for turn in before)
        if example.split == "train" and alone and question and question.role == "user" and reply and reply.target:
            told = f"{question.text}\n{reply.text}"
            category = re.sub(r"[\W_]+", " ", categories.get(example.conversation, "")).strip().lower()
            yield _Answer(example, tuple(example.turns[:-2]), question, reply, category, english.is_english(told))


def _kinds(answer: _Answer, near: Sequence[_Answer], all_: Sequence[_Answer], rng: random.Random) -> dict[str, Iterator[Made]]:
    """Every kind, with what it makes of an answer. What needs words of ours is English; what is made of the corpus alone is for all."""
    others = [*rng.sample(near, min(OTHERS, len(near))), *rng.sample(all_, min(OTHERS, len(all_)))]
    kinds = {"followup": _follow_ups(answer, others, rng), "continuation": _continuations(answer, rng)}
    if answer.in_english:
        kinds |= {
            "question": _questions(answer, rng),
            "theme": _about(answer, english.themes(answer.reply.text), english.THEMES, rng),
            "value": _about(answer, english.values(answer.reply.text), english.VALUES, rng),
            "opener": _openers(answer, rng),
        }
    return {kind: kinds[kind] for kind in rng.sample(sorted(kinds), len(kinds))}


def _fresh(answer: _Answer, kinds: Mapping[str, Iterator[Made]], asked: set[str], fits: Fits, most: int) -> Iterator[tuple[str, int, Made]]:
    """(kind, its number, what was made), kind after kind in turn; no prompt twice, and none that holds what is to be said."""
    numbers: Counter[str] = Counter()
    seen = [_pieces(answer.question.text)]
    waiting = dict(kinds)
    while waiting and numbers.total() < most:
        for kind in list(waiting):
            made = next(waiting[kind], None)
            while made is not None and not _is_new(answer, made, asked, seen, fits):
                made = next(waiting[kind], None)
            if made is None:
                del waiting[kind]
            elif numbers.total() < most:
                prompt = _prompt(made[0])
                asked.add(prompt.casefold())
                seen.append(_pieces(prompt))
                numbers[kind] += 1
                yield kind, numbers[kind], made


def _is_new(answer: _Answer, made: Made, asked: set[str], seen: Iterable[set[str]], fits: Fits) -> bool:
    context, text = made
    prompt = _prompt(context)
    if prompt.casefold() in asked or any(text.casefold() in turn.text.casefold() for turn in context):
        return False
    pieces = _pieces(prompt)
    if any(len(pieces & other) >= SIMILAR * len(pieces | other) for other in seen):
        return False
    return fits((*context, replace(answer.reply, text=text)))


def _prompt(context: Turns) -> str:
    return "\n".join(turn.text for turn in context if turn.role != "system")


def _pieces(text: str) -> set[str]:
    folded = " ".join(text.casefold().split())
    return {folded[start : start + PIECE] for start in range(max(1, len(folded) - PIECE + 1))}


# ---- the kinds ------------------------------------------------------------------------------------------------------


def _asking(answer: _Answer, question: str) -> Turns:
    return (*answer.before, replace(answer.question, text=question))


def _questions(answer: _Answer, rng: random.Random) -> Iterator[Made]:
    """The question in other words."""
    forms = english.paraphrases(answer.question.text)
    for form in rng.sample(forms, len(forms)):
        yield _asking(answer, form), answer.reply.text


def _openers(answer: _Answer, rng: random.Random) -> Iterator[Made]:
    """Somebody comes to the question, and does not begin with it."""
    forms = [*english.OPENERS, *(english.ABOUT if answer.category else ())]
    for form in rng.sample(forms, len(forms)):
        yield _asking(answer, form.format(answer.question.text, answer.category)), answer.reply.text


def _follow_ups(answer: _Answer, others: Iterable[_Answer], rng: random.Random) -> Iterator[Made]:
    """The question is not the first: another was answered before it. What was answered before is not learned again."""
    for other in others:
        if other is not answer:
            form = rng.choice(english.FOLLOW_UPS) if answer.in_english else "{}"
            question = replace(answer.question, text=form.format(answer.question.text))
            yield (*answer.before, other.question, replace(other.reply, target=False), question), answer.reply.text


def _continuations(answer: _Answer, rng: random.Random) -> Iterator[Made]:
    """The first part of the answer was said already; the rest is what is learned."""
    text = answer.reply.text
    borders = [start for start, _ in sentences(text)[1:] if words(text[:start]) >= SHORTEST and words(text[start:]) >= SHORTEST]
    for border in rng.sample(borders, len(borders)):
        first = replace(answer.reply, text=text[:border].rstrip(), target=False)
        more = Turn("user", rng.choice(english.ONWARDS) if answer.in_english else "…")
        yield (*answer.before, answer.question, first, more), text[border:].rstrip()


def _about(answer: _Answer, spoken_of: Sequence[tuple[str, int]], forms: Sequence[str], rng: random.Random) -> Iterator[Made]:
    """A question about what the answer speaks of, and the sentences that speak of it."""
    spans = sentences(answer.reply.text)
    for subject, place in rng.sample(spoken_of, len(spoken_of)):
        part = _around(answer.reply.text, spans, place)
        if words(part) >= SHORTEST:
            for form in rng.sample(forms, len(forms)):
                yield _asking(answer, form.format(subject)), part


def _around(text: str, spans: Sequence[tuple[int, int]], place: int) -> str:
    """The sentence at `place` with what it leans on and what follows it."""
    at = next(number for number, (_, end) in enumerate(spans) if place < end)
    while at and text[spans[at][0] :].split(None, 1)[0].casefold().strip(",") in english.DANGLING:
        at -= 1
    return text[spans[at][0] : spans[min(at + LONGEST_THEME, len(spans)) - 1][1]]
