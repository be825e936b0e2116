"""Corpus -> dataset: what one person's model learns from, and what it is judged on."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from homespun.bases.template import Template
from homespun.config import Recipe
from homespun.dataset import browse, quality
from homespun.dataset import turns as making
from homespun.dataset.augment import augment
from homespun.dataset.split import near_duplicates, split
from homespun.dataset.weights import weighted
from homespun.dataset.windows import OVERHEAD, windows
from homespun.errors import EmptyCorpus
from homespun.home import Home, Manifest, digest, write_jsonl, write_text
from homespun.types import HELD_OUT, Conversation, Example, Split, Turn

FEWEST = 10
"""Replies without which there is nothing to learn."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A built dataset: its examples by split, and what was counted on the way."""

    id: str
    person: str
    examples: tuple[Example, ...]
    counts: dict[str, float]

    def of(self, *splits: Split) -> list[Example]:
        return [example for example in self.examples if example.split in splits]


def build(home: Home, conversations: Sequence[Conversation], person: str, recipe: Recipe, template: Template) -> Dataset:
    """Build, or find in the home, the dataset of `person`.

    Raises:
        EmptyCorpus: the person wrote too little to learn from.
    """
    ids = [message.id for conversation in conversations for message in conversation.messages]
    asked = recipe.model_dump(include={"base", "system", "system_with", "system_related", "relations", "privacy", "dataset"})
    name = digest(ids, person, asked)
    known = home.manifest("dataset", name)
    if known is None:
        examples, counts = make(conversations, person, recipe, template)
        known = Manifest("dataset", name, (f"corpus:{digest(ids)}",), recipe.hash, counts=counts)
        with home.artefact(known) as folder:
            write_jsonl(folder / "examples.jsonl", [asdict(example) for example in examples])
            write_text(folder / "person", person)
    return load(home.folder("dataset", name))


def load(folder: Path) -> Dataset:
    examples = tuple(browse.examples(folder))
    return Dataset(folder.name, (folder / "person").read_text(encoding="utf-8"), examples, _summary(examples))


def make(conversations: Sequence[Conversation], person: str, recipe: Recipe, template: Template) -> tuple[list[Example], dict[str, float]]:
    """The pure part of `build`: examples in time order, and counts."""
    options, left_out = recipe.dataset, quality.LeftOut()
    conversations = quality.wanted(conversations, person, options.filter, left_out)
    told = {conversation.id: making.to_turns(conversation, person) for conversation in conversations}
    replies = {name: sum(turn.role == "assistant" for turn in turns) for name, turns in told.items()}
    if sum(replies.values()) < FEWEST:
        raise EmptyCorpus(
            f"{person} wrote {sum(replies.values())} replies here, and a model needs at least {FEWEST}: add another export of theirs"
        )
    assigned = split(conversations, replies, options)
    dropped = _targets(told, assigned, template.count, recipe, quality.unfit(told, options.filter, left_out))
    examples = [
        example
        for conversation in conversations
        if conversation.id in assigned
        for example in examples_of(conversation, told[conversation.id], assigned[conversation.id], person, recipe, template.count)
    ]
    examples = _enough_validation(examples, template, options.validation_tokens)
    if options.damp_repeats:
        examples = weighted(examples, options.near_duplicate)
    # Weighted before: every new example says what its original says.
    examples += augment(examples, options.augment, recipe.training.seed, fits=lambda turns: _size(turns, template) <= options.max_tokens)
    return examples, _summary(examples) | {f"left out: {reason}": count for reason, count in (dropped + left_out.counts).items()}


def _size(turns: Iterable[Turn], template: Template) -> int:
    return sum(template.count(turn.text) + OVERHEAD for turn in turns)


def held_out_examples(conversations: Sequence[Conversation], person: str, recipe: Recipe, template: Template) -> list[Example]:
    """Examples of words that are in no corpus, to be scored only: every reply is a target."""
    examples: list[Example] = []
    for conversation in conversations:
        turns = [replace(turn, target=turn.role == "assistant") for turn in making.to_turns(conversation, person)]
        turns = [turn if _fits(turn, template.count, recipe) else replace(turn, target=False) for turn in turns]
        examples += examples_of(conversation, turns, "vault", person, recipe, template.count)
    return examples


def examples_of(
    conversation: Conversation, turns: Iterable[Turn], side: Split, person: str, recipe: Recipe, count: Callable[[str], int]
) -> list[Example]:
    other = making.other_speaker(conversation, person)
    if side == "train" and making.stays_anonymous(conversation, recipe.dataset.anonymous_share):
        other = None
    system = making.system_turn(recipe, person, other)
    return [
        Example(f"{conversation.id}-{number}", conversation.id, side, (system, *window))
        for number, window in enumerate(windows(list(turns), count, recipe.dataset, count(system.text) + OVERHEAD))
    ]


def _targets(
    told: dict[str, list[Turn]],
    assigned: dict[str, Split],
    count: Callable[[str], int],
    recipe: Recipe,
    unfit: Container[tuple[str, int]],
) -> Counter[str]:
    """Mark, in place, the replies that are targets. Returns how many were left out, by reason.

    Args:
        unfit: (conversation, place) of replies that are not learned from. What is held out stays a fair sample of all.
    """
    dropped: Counter[str] = Counter()
    earlier: list[str] = []
    for side in ("train", "validation", "gate", "vault"):
        places = [
            (name, at) for name, turns in told.items() if assigned.get(name) == side for at, t in enumerate(turns) if t.role == "assistant"
        ]
        texts = [told[name][at].text for name, at in places]
        copies = near_duplicates(earlier, texts, recipe.dataset.near_duplicate) if side != "train" else set()
        for number, (name, at) in enumerate(places):
            turn = told[name][at]
            if (name, at) in unfit and side not in HELD_OUT:
                continue
            if number in copies:
                dropped["near-duplicate of an earlier reply"] += 1
            elif not _fits(turn, count, recipe):
                dropped["longer than dataset.max_tokens"] += 1
            else:
                told[name][at] = replace(turn, target=True)
        earlier += texts
    return dropped


def _enough_validation(examples: Sequence[Example], template: Template, most: int) -> list[Example]:
    """Conversations are kept back whole, and a long one can be a tenth of all somebody wrote: beyond `most` tokens they are learned from.

    What stays is the end of every conversation first, then what is before it.
    """
    backwards: Counter[str] = Counter()
    order: list[tuple[int, int, Example]] = []
    for example in reversed(examples):
        if example.split == "validation":
            order.append((backwards[example.conversation], zlib.crc32(example.id.encode()), example))
            backwards[example.conversation] += 1
    learned: set[str] = set()
    held = 0
    for _, _, example in sorted(order, key=lambda item: item[:2]):
        size = len(template.render(example.turns))
        if held and held + size > most:
            learned.add(example.id)
        else:
            held += size
    return [replace(example, split="train") if example.id in learned else example for example in examples]


def _fits(turn: Turn, count: Callable[[str], int], recipe: Recipe) -> bool:
    return bool(turn.text) and count(turn.text) + 2 * OVERHEAD <= recipe.dataset.max_tokens


def _summary(examples: Sequence[Example]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for example in examples:
        if example.origin:
            counts["more examples of the same replies"] += 1
            continue
        counts[f"{example.split} examples"] += 1
        counts[f"{example.split} replies"] += sum(1 for _ in example.targets)
    for side in ("train", "validation", "gate", "vault"):
        counts[f"{side} conversations"] = len({example.conversation for example in examples if example.split == side})
    return dict(counts)


def expectation(replies: int) -> str:
    """What a user may hope for from this many replies to learn from. The steps are round numbers from the learning curves we measured."""
    if replies < 100:
        return f"{replies} replies: tone at best. It will pick up how you open and close, not what you would say."
    if replies < 500:
        return f"{replies} replies: your habits and favourite words. Expect it to sound like you more often than to be right."
    if replies < 2000:
        return f"{replies} replies: enough for your voice. What you know comes from what is in the conversation."
    return f"{replies} replies: plenty. More messages still help, but less and less."
