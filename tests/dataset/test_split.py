"""Who learns from what."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from homespun.config import DatasetSection
from homespun.dataset.split import OWN_TIMELINE, SPLITS, near_duplicates, split
from homespun.types import Conversation, Message

OPTIONS = DatasetSection()


@st.composite
def corpora(draw: st.DrawFn) -> tuple[list[Conversation], dict[str, int]]:
    """Chats of any number of conversations with any number of replies, in any order."""
    conversations, replies = [], {}
    for chat in range(draw(st.integers(1, 3))):
        for number in range(draw(st.integers(1, 40))):
            name = f"{chat}/{number}"
            conversations.append(Conversation(name, f"chat {chat}", False, (Message("Anna", "hi", draw(st.floats(0, 1e9))),)))
            replies[name] = draw(st.sampled_from([0, 1, 1, 1, 2, 3, 50]))
    return conversations, replies


@given(corpus=corpora())
def test_what_is_judged_on_is_later_than_what_is_learned_from(corpus: tuple[list[Conversation], dict[str, int]]) -> None:
    """Within a chat: train, then validation, gate and vault. Every conversation with a reply is somewhere."""
    conversations, replies = corpus
    assigned = split(conversations, replies, OPTIONS)
    assert assigned.keys() == {name for name, count in replies.items() if count}
    for chat in {conversation.chat for conversation in conversations}:
        held = sorted((c for c in conversations if c.chat == chat and c.id in assigned), key=lambda c: c.start or 0.0)
        sides = [SPLITS.index(assigned[conversation.id]) for conversation in held]
        assert sides == sorted(sides)


@given(count=st.integers(OWN_TIMELINE, 400), gate=st.floats(0, 0.3), vault=st.floats(0, 0.3), validation=st.floats(0, 0.3))
def test_the_shares_are_those_asked_for(count: int, gate: float, vault: float, validation: float) -> None:
    """To within a conversation for each of the three; but where a share is asked for, it is never nothing."""
    conversations = [Conversation(str(number), "chat", False, (Message("Anna", "hi", float(number)),)) for number in range(count)]
    options = DatasetSection(gate=gate, vault=vault, validation=validation)
    found = Counter(split(conversations, {conversation.id: 3 for conversation in conversations}, options).values())
    wanted = {"vault": vault, "gate": gate, "validation": (1 - gate - vault) * validation}
    for side, share in wanted.items():
        assert abs(found[side] - share * count) <= 3  # type: ignore[index]
        assert bool(found[side]) == (share > 0) or share * count < 1  # type: ignore[index]


@given(counts=st.lists(st.sampled_from([1, 2, 5, 300]), min_size=1, max_size=12))
def test_with_few_conversations_the_vault_comes_first_and_train_is_never_empty(counts: list[int]) -> None:
    conversations = [Conversation(str(number), "chat", False, (Message("Anna", "hi", float(number)),)) for number in range(len(counts))]
    found = Counter(split(conversations, {str(number): count for number, count in enumerate(counts)}, OPTIONS).values())
    assert found["train"]
    assert [bool(found[side]) for side in ("vault", "gate", "validation")][: len(counts) // 2] == [True] * min(3, len(counts) // 2)


def test_long_copies_are_found_and_short_repeats_are_not() -> None:
    earlier = ["ok, see you there", "we walked all the way along the river to the old mill and had soup there, it was lovely"]
    later = [
        "ok, see you there",
        "We walked all the way along the river to the old mill and had soup there, it was lovely!",
        "we drove all the way along the coast to the new harbour and had cake there, it was lovely",
    ]
    assert near_duplicates(earlier, later, 0.7) == {1}
