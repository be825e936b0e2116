"""Is what somebody once wrote found again, and does the answer get better by it?

89 questions with known sources: 47 about what stands in three real corpora (a diary, a mission, a support channel), and 42, a third of them
not in English, about facts planted in the channel between everything else a regular wrote there. Printed are recall@3 by words, by meaning
and by both; the share of found sources that are thought fitting, and of small talk that wrongly gets any; and, on the untrained base, how
many English answers to planted facts contain the right words without and with what was found.

    python benchmarks/retrieval.py [--quick] [--json] [--data DIR]

`--quick`: without the diary and without answers. `--json`: one flat object, name -> number.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from homespun.config import Recipe, settings
from homespun.dataset.turns import system_turn
from homespun.engines import torch as torch_engine
from homespun.evaluation.bootstrap import Interval, mean
from homespun.pipeline import read_conversations
from homespun.retrieval.grounding import fits, grounded
from homespun.retrieval.index import EMBEDDED, Index, search, write
from homespun.retrieval.passages import passages_of
from homespun.types import Conversation, Message, Turn

ROOT = Path(__file__).resolve().parent
CORPORA = {
    "ikonia": ("ikonia", "dev-ubuntu-irc/messages.jsonl"),
    "lovell": ("Jim Lovell", "dev-apollo/messages.a13.jsonl"),
    "pepys": ("Samuel Pepys", "dev-pepys-diary/entries.jsonl"),
}
GAP = 1800.0
EVERY = 8
"""Of the diary's entries one in so many is searched, and those asked about."""


@dataclass(frozen=True, slots=True)
class Question:
    corpus: str
    language: str
    question: str
    evidence: str = ""
    """Words of the message that answers it; of a planted fact, the whole message."""
    answer: str = ""


def main() -> None:
    options = _options()
    questions = [Question(**json.loads(line)) for line in (ROOT / "retrieval_questions.jsonl").open(encoding="utf-8")]
    small_talk = [one.question for one in questions if one.corpus == "small talk"]
    found: dict[str, float | Interval] = {}
    for corpus in list(CORPORA)[: 2 if options.quick else 3]:
        with tempfile.TemporaryDirectory() as folder:
            index = _index(Path(folder), corpus, questions, options.data, found)
            for name in (corpus, "planted") if corpus == "ikonia" else (corpus,):
                found |= {
                    f"{name}.{key}": value for key, value in recalled(index, [one for one in questions if one.corpus == name]).items()
                }
            wrongly = [any(map(fits, search(index, line))) for line in small_talk]
            found[f"{corpus}.small_talk_grounded"] = _share(wrongly)
            if corpus == "ikonia" and not options.quick:
                found |= answered(index, [one for one in questions if one.answer and one.language == "en"])
            index.close()
    if options.json:
        print(json.dumps(dict(_flat(found))))
    else:
        print("\n".join(f"{name:<36}{value if isinstance(value, Interval) else format(value, '.3f')}" for name, value in found.items()))


def recalled(index: Index, questions: Sequence[Question]) -> dict[str, Interval]:
    """The share of questions whose source is among the first three."""
    right: dict[str, list[bool]] = {name: [] for name in ("recall3_words", "recall3_meaning", "recall3", "found_and_fitting")}
    for one in questions:
        cosines = index.cosines(one.question)
        meant = [index.passage(int(number)) for number in np.argsort(-cosines, kind="stable")[:3] if cosines[number] > 0]
        said = [index.passage(number) for number in list(index.by_words(one.question))[:3]]
        both = search(index, one.question)
        for name, passages in zip(right, (said, meant, both, [passage for passage in both if fits(passage)]), strict=True):
            right[name].append(any(one.evidence in passage.text for passage in passages))
    return {name: _share(hits) for name, hits in right.items()}


def answered(index: Index, questions: Sequence[Question]) -> dict[str, Interval]:
    """The share of the untrained base's answers that contain the right words, drawn without chance."""
    recipe = Recipe().with_sampling(temperature=0.0, min_p=0.0, max_tokens=40)
    engine = torch_engine.load(recipe, settings())
    engine.use(None)
    alone = [[system_turn(recipe, index.person, "Ben"), Turn("user", one.question)] for one in questions]
    told = [grounded(turns, search(index, turns[-1].text), engine.count)[0] for turns in alone]
    shares = {}
    for name, prompts in {"answers_alone": alone, "answers_grounded": told}.items():
        replies = engine.generate(prompts, recipe.sampling)
        shares[name] = _share([one.answer.casefold() in reply.text.casefold() for one, reply in zip(questions, replies, strict=True)])
    return shares


def _index(folder: Path, corpus: str, questions: Sequence[Question], data: Path, found: dict[str, float | Interval]) -> Index:
    person, file = CORPORA[corpus]
    conversations = read_conversations(data / file, None, GAP)
    if corpus == "ikonia":
        conversations = planted(conversations, person, [one.evidence for one in questions if one.corpus == "planted"])
    elif corpus == "pepys":
        conversations = list(_thinned(conversations, [one.evidence for one in questions if one.corpus == corpus]))
    passages = list(passages_of(conversations, person))
    start = time.perf_counter()
    write(folder, person, passages, min(EMBEDDED, len(passages)))
    found[f"{corpus}.passages"] = len(passages)
    found[f"{corpus}.passages_per_second"] = len(passages) / (time.perf_counter() - start)
    index = Index(folder)
    search(index, "What has to be loaded is loaded now.")
    start = time.perf_counter()
    for one in questions:
        search(index, one.question)
    found[f"{corpus}.search_seconds"] = (time.perf_counter() - start) / len(questions)
    return index


def planted(conversations: Sequence[Conversation], person: str, facts: Sequence[str]) -> list[Conversation]:
    """The same conversations, with each fact said by the person somewhere in between."""
    rng = random.Random(0)
    changed = list(conversations)
    for number, fact in enumerate(facts):
        place = rng.randrange(len(changed))
        messages = list(changed[place].messages)
        at = rng.randrange(1, len(messages))
        messages.insert(at, Message(person, fact, messages[at - 1].time, f"planted{number}"))
        changed[place] = replace(changed[place], messages=tuple(messages))
    return changed


def _thinned(conversations: Sequence[Conversation], evidence: Sequence[str]) -> Iterator[Conversation]:
    """A conversation for each entry: what a month holds is no burst."""
    for conversation in conversations:
        for number, entry in enumerate(conversation.messages):
            if number % EVERY == 0 or any(words in entry.text for words in evidence):
                yield replace(conversation, id=entry.id, messages=(entry,))


def _share(hits: Sequence[bool]) -> Interval:
    return mean([float(hit) for hit in hits], list(map(str, range(len(hits)))))


def _flat(found: dict[str, float | Interval]) -> Iterator[tuple[str, float]]:
    for name, value in found.items():
        if isinstance(value, Interval):
            yield name, value.value
            yield f"{name}_low", value.low
            yield f"{name}_high", value.high
        else:
            yield name, value


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without the diary and without answers")
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HOMESPUN_TEST_DATA", ROOT.parent.parent / "shared" / "data")))
    return parser.parse_args()


if __name__ == "__main__":
    main()
