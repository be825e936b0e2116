"""Conversations -> turns, as a model of one person sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from homespun.config import Recipe
from homespun.types import Conversation, Message, Turn


def to_turns(conversation: Conversation, person: str) -> list[Turn]:
    """The person's messages are the assistant's turns, everybody else's are the user's. A burst stays one turn, a message a line.

    In a group every line of the others says who speaks; between two it would only be noise.
    """
    turns: list[Turn] = []
    for message in conversation.messages:
        mine = message.speaker == person
        text = message.text.strip() if mine or not conversation.group else f"{message.speaker}: {message.text.strip()}"
        role = "assistant" if mine else "user"
        if turns and turns[-1].role == role:
            last = turns.pop()
            turns.append(Turn(last.role, f"{last.text}\n{text}", messages=(*last.messages, message.id)))
        else:
            turns.append(Turn("assistant" if mine else "user", text, messages=(message.id,)))
    return turns


def system_turn(recipe: Recipe, person: str, other: str | None) -> Turn:
    relation = recipe.relations.get(other) if other else None
    text = recipe.system_related if relation else recipe.system_with if other else recipe.system
    return Turn("system", text.format(person=person, other=other, relation=relation))


def other_speaker(conversation: Conversation, person: str) -> str | None:
    """Who the person is talking with, if it is one other person in a chat of two."""
    others = {message.speaker for message in conversation.messages} - {person}
    return next(iter(others)) if len(others) == 1 and not conversation.group else None


def stays_anonymous(conversation: Conversation, share: float) -> bool:
    """A stable choice: whether this conversation's system line leaves out who is talking."""
    return int(hashlib.sha256(conversation.id.encode()).hexdigest()[:8], 16) < share * 2**32


def replies_of(turns: Sequence[Turn]) -> Iterable[Turn]:
    return (turn for turn in turns if turn.role == "assistant")


def speakers(conversations: Iterable[Conversation]) -> dict[str, int]:
    """Words by speaker, most talkative first."""
    words: dict[str, int] = {}
    for conversation in conversations:
        for message in conversation.messages:
            words[message.speaker] = words.get(message.speaker, 0) + _words(message)
    return dict(sorted(words.items(), key=lambda item: (-item[1], item[0])))


def _words(message: Message) -> int:
    return len(message.text.split())
