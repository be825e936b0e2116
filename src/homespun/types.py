"""The values that travel between the rooms. Pure data: no behaviour beyond what a value knows of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Clock = Literal["absolute", "relative", "none"]
"""What a chat's times mean: seconds since the epoch, seconds since some start, or nothing (the order is the order)."""

Role = Literal["system", "user", "assistant"]
Split = Literal["train", "validation", "gate", "vault"]
HELD_OUT: tuple[Split, ...] = ("gate", "vault")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as its writer sent it: newlines, emoji and order are kept exactly."""

    speaker: str
    text: str
    time: float | None = None
    """Seconds, in the chat's clock; None where the source gives none."""
    id: str = ""
    """In the corpus, its address. In what a source yields, the source's own id of it where it has one: it outlives edits and new names."""


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat of an export, in file order."""

    name: str
    messages: Iterable[Message]
    """Streamed: to be gone through once, and before the next chat is asked for."""
    group: bool | None = None
    """None: it is one if more than two people write in it."""
    clock: Clock = "absolute"
    key: str = ""
    """The source's own name for the chat where `name` could change or be used twice."""
    whole: bool = False
    """One conversation, however long its silences: a thread of mails, a record of a table."""
    format: str = field(default="", compare=False)
    accounts: Mapping[str, Collection[str]] = field(default_factory=dict, compare=False)
    """Of its speakers, as in ImportReport; filled while the messages are read. Both are set by `sources.read`."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A session: the part of a chat between two silences longer than the gap."""

    id: str
    chat: str
    group: bool
    messages: tuple[Message, ...]

    @property
    def start(self) -> float | None:
        return self.messages[0].time


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a rendered conversation. `target` turns are learned from (training) or scored (evaluation)."""

    role: Role
    text: str
    target: bool = False
    messages: tuple[str, ...] = ()
    """Ids of the messages it was built from."""
    weight: float = 1.0
    """How much a target counts beside others when it is learned."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row of a dataset: a window of a conversation with at least one target turn."""

    id: str
    conversation: str
    split: Split
    turns: tuple[Turn, ...]
    origin: str = ""
    """Of an example that was made from another: how, and the other's id."""

    @property
    def targets(self) -> Iterator[Turn]:
        return (turn for turn in self.turns if turn.target)


@dataclass(frozen=True, slots=True)
class Reply:
    """What was said in answer to a context: by the person, or by a model in their place."""

    conversation: str
    context: tuple[Turn, ...]
    text: str


@dataclass(slots=True)
class ImportReport:
    """What a source kept and what it left out, and why. Sources fill it while they read."""

    format: str
    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    """What the user should know or check, such as an ambiguous date order."""
    me: str | None = None
    """The name of the export's owner, where the export says so."""
    accounts: dict[str, set[str]] = field(default_factory=dict)
    """Speaker -> what is known beyond the name, as `kind:value`: `tel:+4915112345678`, `mail:anna@example.org`, `telegram:user123`."""

    def skip(self, reason: str, count: int = 1) -> None:
        self.skipped[reason] += count

    def as_dict(self) -> Mapping[str, object]:
        return {"format": self.format, "kept": self.kept, "skipped": dict(self.skipped), "notes": self.notes, "me": self.me}
