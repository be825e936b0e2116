"""The corpus as a model may see it: with invented contact data, and with other names where its recipe says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from homespun.config import PrivacySection
from homespun.corpus.redact import Redactor
from homespun.home import Home
from homespun.types import Conversation


class View:
    """What redaction makes of conversations and names, the same every time for one home."""

    def __init__(self, home: Home, privacy: PrivacySection) -> None:
        self.names = privacy.names
        self._redactor = Redactor(home, privacy.names) if privacy.contacts or privacy.names else None

    def conversations(self, found: Sequence[Conversation]) -> list[Conversation]:
        """The same messages, by id, with other words where something is replaced."""
        if self._redactor is None:
            return list(found)
        texts = iter(self._redactor.redact_all(message.text for conversation in found for message in conversation.messages))
        return [
            replace(
                conversation,
                chat=self.name(conversation.chat),
                messages=tuple(replace(m, text=next(texts), speaker=self.name(m.speaker)) for m in conversation.messages),
            )
            for conversation in found
        ]

    def name(self, name: str) -> str:
        """What the model knows somebody by."""
        return self._redactor.name(name) if self._redactor and self.names else name

    def hide(self, text: str) -> str:
        """What is said to the model."""
        return self._redactor.redact(text) if self._redactor and self.names else text

    def restore(self, text: str) -> str:
        """What the model says, with people's own names."""
        return self._redactor.restore(text) if self._redactor and self.names else text
