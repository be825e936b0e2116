"""What a user does not want learned: chats, people and days as a whole, and replies that score low. And a look at what that leaves out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from homespun.config import QualitySection
from homespun.dataset import scores
from homespun.dataset.turns import to_turns
from homespun.errors import UnknownName
from homespun.types import Conversation, Turn

SHOWN = 5
"""Examples kept of every reason."""
DAY = 86400


@dataclass(slots=True)
class LeftOut:
    """Replies that are not learned from, by reason."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The first few of each."""

    def add(self, reason: str, text: str) -> None:
        self.counts[reason] += 1
        if len(self.examples[reason]) < SHOWN:
            self.examples[reason].append(text)


def wanted(conversations: Sequence[Conversation], person: str, options: QualitySection, left_out: LeftOut) -> list[Conversation]:
    """The conversations that may be used at all, for learning or for judging.

    Raises:
        UnknownName: an excluded chat or person is not in the corpus; without this a slip of the pen would let them in.
        UsageError: a package that is needed is not installed.
    """
    _check(options.exclude_chats, "chat", {conversation.chat for conversation in conversations})
    _check(options.exclude_people, "person", {message.speaker for conversation in conversations for message in conversation.messages})
    spoken = scores.languages(conversations, person) if options.languages else {}
    kept = []
    for conversation in conversations:
        reason = _excluded(conversation, options) or _foreign(spoken.get(conversation.chat), options)
        if reason is None:
            kept.append(conversation)
            continue
        for turn in to_turns(conversation, person):
            if turn.role == "assistant":
                left_out.add(reason, turn.text)
    return kept


def unfit(told: Mapping[str, Sequence[Turn]], options: QualitySection, left_out: LeftOut) -> dict[tuple[str, int], str]:
    """(conversation, place of the reply in it) -> why it is not to be learned from. It may still be history of others.

    Args:
        told: conversation id -> its turns.

    Raises:
        UsageError: a package that is needed is not installed.
    """
    places = [(name, at) for name, turns in told.items() for at, turn in enumerate(turns) if turn.role == "assistant"]
    replies = [told[name][at].text for name, at in places]
    contexts = [told[name][at - 1].text if at else "" for name, at in places]
    reasons: dict[tuple[str, int], str] = {}
    if options.min_tone is not None:
        reasons |= _low(places, scores.tone(replies), options.min_tone, "sounds unlike the person (min_tone)")
    if options.min_coherence is not None:
        reasons |= _low(places, scores.coherence(contexts, replies), options.min_coherence, "off the topic (min_coherence)")
    if options.min_words:
        lengths = map(scores.words, replies)
        reasons |= _low(places, lengths, options.min_words, f"shorter than {options.min_words} words")
    for name, at in places:
        if (name, at) in reasons:
            left_out.add(reasons[name, at], told[name][at].text)
    return reasons


def preview(conversations: Sequence[Conversation], person: str, options: QualitySection) -> LeftOut:
    """What these options leave out, with nothing built."""
    left_out = LeftOut()
    kept = wanted(conversations, person, options, left_out)
    unfit({conversation.id: to_turns(conversation, person) for conversation in kept}, options, left_out)
    return left_out


def _low(places: Iterable[tuple[str, int]], found: Iterable[float], least: float, reason: str) -> dict[tuple[str, int], str]:
    return {place: reason for place, score in zip(places, found, strict=True) if score < least}


def _excluded(conversation: Conversation, options: QualitySection) -> str | None:
    if conversation.chat in options.exclude_chats:
        return f"in the chat {conversation.chat}"
    for message in conversation.messages:
        if message.speaker in options.exclude_people:
            return f"in a conversation with {message.speaker}"
    times = [message.time for message in conversation.messages if message.time is not None]
    for first, last in options.exclude_dates if times else ():
        if min(times) < _midnight(last) + DAY and max(times) >= _midnight(first):
            return f"from {first} to {last}"
    return None


def _foreign(language: str | None, options: QualitySection) -> str | None:
    """What cannot be told is kept."""
    return f"in another language ({language})" if language and language not in options.languages else None


def _midnight(day: date) -> float:
    return datetime.combine(day, time.min, UTC).timestamp()


def _check(names: Iterable[str], kind: str, known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownName(kind, name, known)
