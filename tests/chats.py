"""What tests of sources and corpus share."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from homespun import sources
from homespun.config import SourceSection
from homespun.types import Chat, ImportReport, Message


def messages_of(chat: Chat) -> tuple[Message, ...]:
    """The messages of a chat that was read whole."""
    assert isinstance(chat.messages, tuple)
    return chat.messages


def read_by(source: ModuleType, path: Path, format: str = "tried", **wanted: Any) -> tuple[list[Chat], ImportReport]:
    """What one source, and no other, makes of an export."""
    with patch.object(sources, "formats", lambda: {format.partition(":")[0]: source}):
        return sources.load(path, SourceSection(format=format if ":" in format else None, **wanted))
