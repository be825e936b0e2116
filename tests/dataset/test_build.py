"""Corpus -> dataset, as a whole."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homespun.bases.template import Template
from homespun.config import DatasetSection, Recipe
from homespun.dataset.build import build, held_out_examples, make
from homespun.errors import EmptyCorpus
from homespun.home import Home
from homespun.types import Conversation, Example, Message

WORDS = ("the", "a", "river", "walk", "soup", "train", "maybe", "never", "coffee", "rain", "bike", "letter", "mill", "quiet", "loud")
COPIED = "once upon a time there was a very long reply that somebody pasted twice"


def talk(count: int = 30, group: bool = False) -> list[Conversation]:
    """Conversations of Anna with Ben (and Cem), a day each. Some replies come in bursts."""
    rng = random.Random(count)
    made = []
    for day in range(count):
        messages = []
        for place in range(rng.randint(4, 12)):
            speaker = rng.choice(["Anna", "Anna", "Ben", "Cem"] if group else ["Anna", "Ben"])
            text = " ".join(rng.choices(WORDS, k=rng.randint(1, 14)))
            messages.append(Message(speaker, text, day * 86400.0 + place, f"{day}/{place}"))
        made.append(Conversation(f"{day}/0", "chat", group, tuple(messages)))
    return made


def with_last_words(conversation: Conversation, text: str) -> Conversation:
    last = Message("Anna", text, (conversation.messages[-1].time or 0) + 1, f"{conversation.id}/last")
    other = Message("Ben", "go on", (conversation.messages[-1].time or 0) + 0.5, f"{conversation.id}/ask")
    return Conversation(conversation.id, conversation.chat, conversation.group, (*conversation.messages, other, last))


def learned(examples: list[Example], *sides: str) -> list[str]:
    return [turn.text for example in examples if example.split in sides for turn in example.targets]


def test_every_reply_of_the_person_is_a_target_once_and_says_where_it_comes_from(template: Template) -> None:
    conversations = talk()
    examples, counts = make(conversations, "Anna", Recipe(), template)
    ids = [message for example in examples for turn in example.targets for message in turn.messages]
    assert sorted(ids) == sorted(message.id for c in conversations for message in c.messages if message.speaker == "Anna")
    assert sum(counts[f"{side} replies"] for side in ("train", "validation", "gate", "vault")) == len(learned(examples, *_sides(examples)))


def _sides(examples: list[Example]) -> set[str]:
    return {example.split for example in examples}


def test_a_conversation_is_on_one_side_only(template: Template) -> None:
    examples, _ = make(talk(), "Anna", Recipe(), template)
    sides = {(example.conversation, example.split) for example in examples}
    assert len(sides) == len({name for name, _ in sides}) and _sides(examples) == {"train", "validation", "gate", "vault"}


def test_a_pasted_text_is_never_on_both_sides(template: Template) -> None:
    conversations = talk()
    for place in (2, -1):
        conversations[place] = with_last_words(conversations[place], COPIED + "!" * (place == 2))
    examples, counts = make(conversations, "Anna", Recipe(), template)
    assert COPIED + "!" in learned(examples, "train")
    assert COPIED not in learned(examples, "validation", "gate", "vault")
    assert counts["left out: near-duplicate of an earlier reply"] == 1


def test_no_example_is_longer_than_the_recipe_says(template: Template) -> None:
    """But for the system line, which every example has."""
    recipe = Recipe(dataset=DatasetSection(max_tokens=100, context_tokens=36))
    conversations = talk()
    conversations[::3] = [with_last_words(conversation, " ".join(WORDS * 10)) for conversation in conversations[::3]]
    examples, counts = make(conversations, "Anna", recipe, template)
    assert counts["left out: longer than dataset.max_tokens"] > 0
    assert max(len(template.render(example.turns)) - len(template.ids(template.text(example.turns[:1]))) for example in examples) <= 100


def test_in_a_group_the_others_are_told_apart_and_between_two_they_are_not(template: Template) -> None:
    for group in (True, False):
        examples, _ = make(talk(group=group), "Anna", Recipe(), template)
        lines = {line.partition(":")[0] for e in examples for turn in e.turns if turn.role == "user" for line in turn.text.split("\n")}
        assert ({"Ben", "Cem"} <= lines) == group
        systems = {example.turns[0].text for example in examples}
        assert systems == ({"You are Anna."} if group else {"You are Anna.", "You are Anna. You are talking with Ben."})


SPOKEN = st.lists(
    st.lists(st.tuples(st.sampled_from(["Anna", "Ben", "Cem", "Dan"]), st.sampled_from(WORDS)), min_size=1, max_size=25),
    min_size=4,
    max_size=9,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoken=SPOKEN, group=st.booleans())
def test_no_target_is_anybody_elses_and_none_stands_in_its_own_prompt(
    template: Template, spoken: list[list[tuple[str, str]]], group: bool
) -> None:
    """Whatever is said by whom: a target is made of the person's messages, and of none that its prompt was made of."""
    conversations = [
        Conversation(
            f"{day}/0", "chat", group, tuple(Message(who, word, day * 1e5 + n, f"{day}/{n}") for n, (who, word) in enumerate(said))
        )
        for day, said in enumerate(spoken)
    ]
    speakers = {message.id: message.speaker for conversation in conversations for message in conversation.messages}
    if sum(speaker == "Anna" for speaker in speakers.values()) < 20:
        return
    for example in make(conversations, "Anna", Recipe(), template)[0]:
        for place, turn in enumerate(example.turns):
            if turn.target:
                assert {speakers[name] for name in turn.messages} == {"Anna"}
                assert not set(turn.messages) & {name for earlier in example.turns[:place] for name in earlier.messages}


def test_the_system_line_says_what_the_other_is_to_the_person(template: Template) -> None:
    examples, _ = make(talk(), "Anna", Recipe(relations={"Ben": "brother"}), template)
    assert {one.turns[0].text for one in examples} == {"You are Anna.", "You are Anna. You are talking with Ben, your brother."}


def test_what_is_only_scored_has_every_reply(template: Template) -> None:
    conversations = talk(5)
    examples = held_out_examples(conversations, "Anna", Recipe(), template)
    ids = [message for example in examples for turn in example.targets for message in turn.messages]
    assert sorted(ids) == sorted(message.id for c in conversations for message in c.messages if message.speaker == "Anna")


def test_a_dataset_is_built_once_and_read_back_as_it_was(home: Home, template: Template) -> None:
    first = build(home, talk(), "Anna", Recipe(), template)
    again = build(home, talk(), "Anna", Recipe(), template)
    assert again == first and list(first.examples) == make(talk(), "Anna", Recipe(), template)[0]
    ids = {first.id, build(home, talk(), "Ben", Recipe(), template).id, build(home, talk(29), "Anna", Recipe(), template).id}
    assert len(ids) == 3


def test_too_little_to_learn_from_is_said(template: Template) -> None:
    with pytest.raises(EmptyCorpus, match=r"Cem wrote 0 replies here, and a model needs at least 10"):
        make(talk(), "Cem", Recipe(), template)
