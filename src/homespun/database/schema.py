"""The tables. Words of people are in `messages`, what is said to a model and by it in `interactions`, and nowhere else."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("format", String, nullable=False),
    Column("content", String, nullable=False),
    Column("report", Text, nullable=False),
    Column("created", String, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("is_me", Boolean, nullable=False, default=False),
    Column("relation", String),
)

identities = Table(
    "identities",
    metadata,
    Column("name", String, primary_key=True),
    Column("person", ForeignKey("people.id"), nullable=False),
)
"""Every name somebody is written by. The same name in two exports is the same person, unless their accounts say otherwise."""

accounts = Table(
    "accounts",
    metadata,
    Column("account", String, primary_key=True),
    Column("person", ForeignKey("people.id"), nullable=False),
)
"""What is known of people beyond names, as `kind:value`: `tel:+4915112345678`, `mail:anna@example.org`, `telegram:user123`."""

chats = Table(
    "chats",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("format", String, nullable=False),
    Column("key", String, nullable=False),
    Column("name", String, nullable=False),
    Column("is_group", Boolean, nullable=False),
    Column("clock", String, nullable=False),
    Column("gap", Float, nullable=False),
    UniqueConstraint("format", "key"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", String, primary_key=True),
    Column("chat", ForeignKey("chats.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("time", Float),
    Column("speaker", ForeignKey("people.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("import", ForeignKey("imports.id"), nullable=False),
    Index("messages_in_order", "chat", "time", "position"),
    Index("messages_by_speaker", "speaker"),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("created", String, nullable=False),
)
"""What was forgotten and must not come back with the next export: a `message` by id, a `person` by name, a `chat` by format and key."""

pseudonyms = Table(
    "pseudonyms",
    metadata,
    Column("kind", String, primary_key=True),
    Column("original", String, primary_key=True),
    Column("replacement", String, nullable=False, unique=True),
)
"""What redaction put in whose place. It never leaves the home, and nothing is trained on it."""

facts = Table(
    "facts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person", ForeignKey("people.id"), nullable=False),
    Column("relation", String, nullable=False),
    Column("value", Text, nullable=False),
    Column("message", String),
    Column("time", Float),
    Column("status", String, nullable=False),
    Column("created", String, nullable=False),
    UniqueConstraint("person", "relation", "value"),
)
"""What is true of somebody: `proposed` by a rule that found it in `message`, then `confirmed` or `rejected`."""

consents = Table(
    "consents",
    metadata,
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column("note", Text, nullable=False),
    Column("created", String, nullable=False),
)
"""Who, other than the owner of the home, agreed to an avatar of themselves, and how that is known."""

models = Table(
    "models",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("person", String, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("created", String, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", ForeignKey("models.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("artefact", String, nullable=False),
    Column("created", String, nullable=False),
    UniqueConstraint("model", "number"),
)

live = Table(
    "live",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", ForeignKey("models.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("created", String, nullable=False),
)
"""Append-only: the newest row of a model says which version answers, the one before it is what `rollback` returns to."""

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("action", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("held_out", String),
    Column("policy", String),
    Column("checks", Text),
    Column("created", String, nullable=False),
)
"""Append-only, which the database itself enforces: every judgement of a version, and every time another one went live, with its reason.

`held_out` is a digest of the examples it was judged on: the gate counts how often they were used. `policy` is one of the thresholds,
`checks` what each of them said, as JSON. The table outlives the models it speaks of.
"""

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("model", String, nullable=False),
    Column("speaker", String),
    Column("since", Integer, nullable=False),
    Column("created", String, nullable=False),
    Column("updated", String, nullable=False),
)
"""Conversations with a model. `speaker` is who is talking, if it is somebody it knows; what stands before the position `since` is
history that is shown and no longer remembered."""

interactions = Table(
    "interactions",
    metadata,
    Column("id", String, primary_key=True),
    Column("session", ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("role", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("version", String),
    Column("sources", Text),
    Column("created", String, nullable=False),
    Index("interactions_in_order", "session", "position"),
)
"""One turn each. `status` is writing, complete, stopped (by the reader, or because the server was), failed or replaced (by an edit or
another try). `version` is what answered, `sources` the ids of the messages it could draw on, as JSON."""

feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("interaction", ForeignKey("interactions.id", ondelete="CASCADE"), nullable=False),
    Column("version", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("text", Text),
    Column("created", String, nullable=False),
    Index("feedback_by_version", "version"),
)
"""What somebody thought of a reply: up, down, edit (with how it should have been) or leak."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("verb", String, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("pid", Integer),
    Column("result", Text),
    Column("created", String, nullable=False),
    Column("ended", String),
)
"""Commands that the web pages started, each in a process of its own: running, done, failed or cancelled. `arguments` and `result` (what
`--json` printed, or the one line that went wrong) are JSON."""
