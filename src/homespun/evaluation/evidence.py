"""What a version is judged on: the person's real replies it never learned from, and what others wrote beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from homespun.bases.template import Template
from homespun.config import Recipe
from homespun.dataset.build import Dataset, held_out_examples
from homespun.dataset.turns import speakers, to_turns
from homespun.errors import UnknownName
from homespun.types import HELD_OUT, Conversation, Example, Reply

EARLIER = 0.6
"""Of a file outside the corpus: the share, by time, that the who-wrote-this classifier learns from. Replies come from the rest."""

RIVALS = 5
"""Other speakers the yardstick is checked against: the most talkative ones."""


@dataclass(frozen=True, slots=True)
class Evidence:
    person: str
    on: str
    """ "gate+vault", or the name of a file."""
    examples: tuple[Example, ...]
    """Scored for likelihood."""
    replies: tuple[Reply, ...]
    """The person's real replies with their contexts: generated replies are compared with them."""
    known: tuple[str, ...]
    """Earlier replies of the person, from the same chats: the classifier learns from these."""
    others_known: tuple[str, ...]
    others_earlier: Mapping[str, tuple[str, ...]]
    """Earlier texts of those in `others`."""
    others: Mapping[str, tuple[str, ...]]
    """Held-out replies of the most talkative other speakers."""
    learned: tuple[str, ...]
    """Replies the version was trained on."""
    taught: tuple[Reply, ...] = ()
    """Those that answer something, with what they answer."""


def from_dataset(conversations: Sequence[Conversation], dataset: Dataset, *splits: str) -> Evidence:
    """The held-out part of a dataset. `splits`: "gate", "vault", or both (the default)."""
    sides = splits or HELD_OUT
    examples = tuple(example for example in dataset.examples if example.split in sides)
    learned = {example.conversation for example in dataset.of("train", "validation")}
    judged = {example.conversation for example in examples}
    return _evidence(
        dataset.person,
        "+".join(sides),
        examples,
        [conversation for conversation in conversations if conversation.id in learned],
        [conversation for conversation in conversations if conversation.id in judged],
        replies_of(examples),
        dataset,
    )


def from_conversations(
    conversations: Sequence[Conversation], name: str, person: str, recipe: Recipe, template: Template, learned: Dataset
) -> Evidence:
    """Words that are in no corpus, such as another export of the same person.

    Args:
        learned: the dataset that the version to be judged was trained on.

    Raises:
        UnknownName: the person wrote nothing there.
    """
    present = speakers(conversations)
    if person not in present:
        raise UnknownName("person in this file", person, present)
    examples = tuple(held_out_examples(conversations, person, recipe, template))
    counts = [sum(message.speaker == person for message in conversation.messages) for conversation in conversations]
    border = EARLIER * sum(counts)
    earlier = [conversation for conversation, passed in zip(conversations, accumulate(counts), strict=True) if passed <= border]
    later = conversations[len(earlier) :]
    ids = {conversation.id for conversation in later}
    replies = tuple(reply for reply in replies_of(examples) if reply.conversation in ids)
    return _evidence(person, name, examples, earlier, later, replies, learned)


def _evidence(
    person: str,
    on: str,
    examples: tuple[Example, ...],
    earlier: Sequence[Conversation],
    later: Sequence[Conversation],
    replies: Sequence[Reply],
    learned: Dataset,
) -> Evidence:
    before, after = (_by_speaker(part) for part in (earlier, later))
    rivals = sorted((name for name in after if name != person), key=lambda name: -len(after[name]))[:RIVALS]
    return Evidence(
        person=person,
        on=on,
        examples=examples,
        replies=tuple(replies),
        known=tuple(before.get(person, ())),
        others_known=tuple(text for name in sorted(before) if name != person for text in before[name]),
        others_earlier={name: tuple(before.get(name, ())) for name in rivals},
        others={name: tuple(after[name]) for name in rivals},
        learned=learned_replies(learned),
        taught=replies_of(learned.of("train")),
    )


def replies_of(examples: Sequence[Example]) -> tuple[Reply, ...]:
    """Every target reply with the turns before it. Replies without any context are left out: nobody could answer nothing."""

    def each() -> Iterator[Reply]:
        for example in examples:
            for index, turn in enumerate(example.turns):
                if turn.target and any(earlier.role == "user" for earlier in example.turns[:index]):
                    yield Reply(example.conversation, example.turns[:index], turn.text)

    return tuple(each())


def learned_replies(dataset: Dataset) -> tuple[str, ...]:
    return tuple(turn.text for example in dataset.of("train", "validation") for turn in example.targets)


def _by_speaker(conversations: Sequence[Conversation]) -> dict[str, list[str]]:
    """What each speaker said, turn by turn, bursts joined as the person's own are."""
    said: dict[str, list[str]] = {}
    for conversation in conversations:
        for speaker in sorted({message.speaker for message in conversation.messages}):
            said.setdefault(speaker, []).extend(turn.text for turn in to_turns(conversation, speaker) if turn.role == "assistant")
    return said
