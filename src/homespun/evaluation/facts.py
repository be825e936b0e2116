"""Does it know the facts about the person, and does it make some up? Values in, values out.

Facts, not replies, are what is sampled: every share has Wilson's interval over facts (Wilson 1927), which also holds where all
or none are right, and is on the safe side for means of values between 0 and 1.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from homespun.corpus.relations import KINDS, LANGUAGES
from homespun.corpus.statements import statement
from homespun.evaluation.abstention import says_unknown
from homespun.evaluation.answers import NOUNS_HAVE_CAPITALS, exact, f1, fabricated, named
from homespun.evaluation.bootstrap import Floats, Interval
from homespun.evaluation.fact_questions import paraphrases, values_of
from homespun.evaluation.unanswerable import UNANSWERABLE
from homespun.types import Turn

Rank = Callable[[Sequence[Turn], Sequence[str]], Sequence[float]]
"""How likely each candidate reply is after the turns, per token: `engine.log_likelihoods`."""
Answer = Callable[[Sequence[Sequence[Turn]]], Sequence[str]]
"""One reply to each conversation."""
Retrieve = Callable[[str], Sequence[str]]
"""Texts of the passages found for a question, the best first; none below the threshold."""
Prompt = Callable[[str, Sequence[str]], Sequence[Turn]]
"""The conversation that asks a question with these passages at hand, as serving builds it."""

FEW = 5
"""Facts: below this a share says next to nothing."""
DISTRACTORS = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A fact and how it is asked for."""

    relation: str
    value: str
    texts: tuple[str, str, str]
    """Paraphrases."""
    values: tuple[str, ...]
    """All true values of the relation, `value` among them: somebody may have two sisters."""


@dataclass(slots=True)
class Facts:
    """What was measured, as metric -> value, and what could not be and why."""

    metrics: dict[str, Interval] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def ask(facts: Iterable[tuple[str, str]], language: str) -> list[Question]:
    """A question for each of the person's (relation, value) that count, in the order given. Raises KeyError for another language."""
    known = list(dict.fromkeys(facts))
    values: dict[str, list[str]] = {}
    for relation, value in known:
        values.setdefault(relation, []).append(value)
    return [Question(relation, value, paraphrases(relation, language), tuple(values[relation])) for relation, value in known]


def measure(
    facts: Iterable[tuple[str, str]],
    others: Iterable[tuple[str, str]],
    language: str,
    rank: Rank,
    answer: Answer,
    prompt: Prompt,
    retrieve: Retrieve | None = None,
    seed: int = 0,
) -> Facts:
    """All metrics of facts.

    What is ranked are whole sentences ("I live in Bergen."): with every fact in its prompt the untrained base picks 6 of 10 right as bare
    values and 10 of 10 as sentences.

    Args:
        facts: the person's own that are confirmed and count now.
        others: everybody's, the person's included: what wrong answers are taken from.
        language: the person's, as ISO 639-1.
        retrieve: without it nothing grounded is measured, and unanswerable questions are asked closed-book.
    """
    found = Facts()
    if language not in LANGUAGES:
        found.notes.append(f"facts not measured: questions are written in {', '.join(LANGUAGES)} only, and the person writes {language!r}")
        return found
    questions = ask(facts, language)
    if len(questions) < FEW:
        found.notes.append(f"{len(questions) or 'no'} confirmed facts: too few to say anything of facts in general (homespun people facts)")
    prompts: dict[str, Callable[[str], Sequence[Turn]]] = {"fact": lambda text: prompt(text, ())}
    if retrieve is not None:
        look_up = retrieve
        prompts["grounded"] = lambda text: prompt(text, look_up(text))
    _rank_all(found, questions, list(others), language, rank, prompts, seed)
    grounded = retrieve is not None
    retrieve = retrieve or (lambda _: ())
    _answer_all(found, questions, answer, prompt, retrieve, language, grounded)
    return found


def _rank_all(
    found: Facts,
    questions: Sequence[Question],
    others: Sequence[tuple[str, str]],
    language: str,
    rank: Rank,
    prompts: Mapping[str, Callable[[str], Sequence[Turn]]],
    seed: int,
) -> None:
    """`prompts`: prefix of the metrics -> what a question becomes."""
    wrong = {question: distractors(question, others, language, seed) for question in questions}
    ranked = [question for question in questions if len(wrong[question]) == DISTRACTORS]
    if skipped := sorted({question.relation for question in questions if question not in ranked}):
        found.notes.append(f"no {DISTRACTORS} wrong answers of the same kind for {', '.join(skipped)}: not ranked")
    for prefix, ask_for in prompts.items() if ranked else ():
        scores: list[Floats] = []
        for question in ranked:
            candidates = [statement(question.relation, value, language) for value in (question.value, *wrong[question])]
            scores.append(np.array([rank(ask_for(text), candidates) for text in question.texts], dtype=np.float64))
        found.metrics[f"{prefix}_cloze"] = cloze(scores)
        found.metrics[f"{prefix}_consistency"] = consistency(scores)


def _answer_all(
    found: Facts, questions: Sequence[Question], answer: Answer, prompt: Prompt, retrieve: Retrieve, language: str, grounded: bool
) -> None:
    asked = [question.texts[0] for question in questions]
    if questions:
        _match(found, "answer", questions, answer([prompt(text, ()) for text in asked]))
    passages = [list(retrieve(text)) for text in asked]
    replies = list(answer([prompt(text, held) for text, held in zip(asked, passages, strict=True)])) if grounded and questions else []
    if replies:
        _match(found, "grounded", questions, replies)
        found.metrics["false_abstention"] = share([float(says_unknown(reply)) for reply in replies])
    unanswerable = UNANSWERABLE[language]
    nothing = [list(retrieve(text)) for text in unanswerable]
    said = list(answer([prompt(text, held) for text, held in zip(unanswerable, nothing, strict=True)]))
    found.metrics["abstention"] = share([float(says_unknown(reply)) for reply in said])
    table = [value for question in questions for value in question.values]
    made_up = fabricated(
        [*replies, *said], [*(asked if replies else ()), *unanswerable], [*(passages if replies else ()), *nothing], table, language
    )
    found.metrics["fabricated"] = share(made_up)
    if language in NOUNS_HAVE_CAPITALS:
        found.notes.append(f"fabricated facts: only numbers were looked at, as in {language!r} every noun has a capital")
    elif all(reply == reply.lower() for reply in (*replies, *said)):
        found.notes.append("fabricated facts: only numbers were looked at, as the replies have no capitals")


def _match(found: Facts, prefix: str, questions: Sequence[Question], replies: Sequence[str]) -> None:
    """Against the best of the true values, as SQuAD does where there are several."""
    pairs = list(zip(replies, (question.values for question in questions), strict=True))
    for name, score in (("exact", exact), ("f1", f1), ("named", named)):
        found.metrics[f"{prefix}_{name}"] = share([max(score(reply, value) for value in values) for reply, values in pairs])


def share(values: Sequence[float]) -> Interval:
    """The mean of values from 0 to 1, one for each fact or question, with its 95 % Wilson score interval. Raises ValueError for none."""
    if not len(values):
        raise ValueError("there is nothing to measure: no items")
    n, z = len(values), 1.959964
    mean = float(np.mean(values))
    middle = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    return Interval(mean, max(0.0, middle - half), min(1.0, middle + half), n=n, clusters=n)


def distractors(question: Question, others: Iterable[tuple[str, str]], language: str, seed: int = 0) -> list[str]:
    """Up to three wrong values of the same kind: of other people's or other facts of the relation first, then listed ones.

    None is, but for letter case, a true value. The same ones for all paraphrases of a question.
    """
    draw = random.Random(f"{seed}:{question.relation}:{question.value}")
    true = {value.casefold() for value in question.values}
    pools = [
        sorted({value for relation, value in others if relation == question.relation}),
        values_of(KINDS.get(question.relation, ""), language),
    ]
    found: dict[str, str] = {}
    for pool in pools:
        draw.shuffle(pool)
        for value in pool:
            if len(found) < DISTRACTORS and value.casefold() not in true:
                found.setdefault(value.casefold(), value)
    return list(found.values())


def cloze(scores: Sequence[Floats]) -> Interval:
    """Share of questions whose true value is the likeliest; for each fact (paraphrases, candidates), column 0 the true one.

    Paraphrases of a fact are averaged. Ties count as breaking them at random would: who cannot tell is at chance, 25 % of four.
    """
    return share([float(_best(fact)[:, 0].mean()) for fact in scores])


def consistency(scores: Sequence[Floats]) -> Interval:
    """Share of facts for which the likeliest candidate is the same in all paraphrases, right or wrong; ties as in `cloze`.

    A model that ignores the question and always prefers the commonest name is consistent too: read it beside `cloze`.
    """
    return share([float(_best(fact).prod(axis=0).sum()) for fact in scores])


def _best(scores: Floats) -> Floats:
    """(paraphrases, candidates) probability of being chosen as the likeliest."""
    if not np.isfinite(scores).all():
        raise ValueError("a score that is not a number: the model is broken")
    best = scores == scores.max(axis=1, keepdims=True)
    return np.asarray(best / best.sum(axis=1, keepdims=True), dtype=np.float64)
