"""What one person wrote, cut into passages that can be found and shown: what they said, when, to whom, and in answer to what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

from homespun.dataset.scores import WORD, words
from homespun.dataset.turns import other_speaker
from homespun.types import Conversation, Message

SHORTEST, LONGEST = 3, 60
"""Words of a burst. Fewer say nothing that could be looked up; more are cut where a message, a line or a sentence ends."""
TEN_YEARS = 10 * 365.25 * 86400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SENTENCE = re.compile(r"(?<=[.!?;:…])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True, slots=True)
class Passage:
    """Something the person wrote at one time. The last three fields say how well it fits a question."""

    text: str
    who: str
    to: str
    """The other of a chat of two, or the name of the chat."""
    when: float | None
    """Seconds, in the chat's clock."""
    conversation: str
    messages: tuple[str, ...]
    """Ids of the messages it is from."""
    asked: str = ""
    """The message it answers: "yes, on Friday" can be found by it."""
    asked_id: str = ""
    words: float = 0.0
    """BM25, in units of what a word counts that only one passage holds."""
    cosine: float | None = None
    """Nearness in meaning to the question, -1 to 1; None where that is not known."""
    score: float = 0.0
    """What it is ranked by."""

    @property
    def date(self) -> str:
        """Such as 2021-05-12 (UTC); nothing if the chat has no dates."""
        # A clock that runs from some start, such as a mission's, never gets this far.
        if self.when is None or abs(self.when) < TEN_YEARS:
            return ""
        return (EPOCH + timedelta(seconds=self.when)).date().isoformat()


def passages_of(conversations: Iterable[Conversation], person: str) -> Iterator[Passage]:
    """Every burst of the person's messages, in the order they were written."""
    for conversation in conversations:
        to = other_speaker(conversation, person) or conversation.chat
        asked: Message | None = None
        for mine, run in groupby(conversation.messages, lambda message: message.speaker == person):
            burst = list(run)
            if not mine:
                asked = burst[-1]
                continue
            if sum(words(message.text) for message in burst) >= SHORTEST:
                answered = (asked.text.strip(), asked.id) if asked else ("", "")
                for text, ids in _cut(burst):
                    yield Passage(text, person, to, burst[0].time, conversation.id, ids, *answered)


def _cut(burst: Sequence[Message]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(text, ids of its messages): as many whole messages together as fit, and long ones in parts."""
    held: list[Message] = []
    for message in burst:
        if held and sum(words(one.text) for one in (*held, message)) > LONGEST:
            yield _joined(held)
            held = []
        if words(message.text) > LONGEST:
            yield from ((text, (message.id,)) for text in _parts(message.text))
        else:
            held.append(message)
    if held:
        yield _joined(held)


def _joined(messages: Sequence[Message]) -> tuple[str, tuple[str, ...]]:
    return "\n".join(message.text.strip() for message in messages), tuple(message.id for message in messages)


def _parts(text: str) -> Iterator[str]:
    held: list[str] = []
    for piece in (piece for sentence in _SENTENCE.split(text.strip()) for piece in _pieces(sentence)):
        if held and words(" ".join(held)) + words(piece) > LONGEST:
            yield " ".join(held)
            held = []
        held.append(piece)
    yield " ".join(held)


def _pieces(sentence: str) -> Iterator[str]:
    """Of LONGEST words; all of it, where it is shorter."""
    ends = [word.end() for word in WORD.finditer(sentence)]
    borders = [0, *ends[LONGEST - 1 : -1 : LONGEST], len(sentence)]
    return (piece for start, end in pairwise(borders) if (piece := sentence[start:end].strip()))
