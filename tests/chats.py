"""What tests of sources and corpus share."""

from __future__ import annotations

from homespun.types import Chat, Message


def messages_of(chat: Chat) -> tuple[Message, ...]:
    """The messages of a chat that was read whole."""
    assert isinstance(chat.messages, tuple)
    return chat.messages
