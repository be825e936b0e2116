"""The model card of a version: whose avatar it is, what it learned from, what was proved of it and what was not."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from homespun.bases import hub
from homespun.config import Recipe
from homespun.corpus.people import find
from homespun.database.connection import connect
from homespun.database.schema import chats, identities, messages
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.result import Report
from homespun.home import Home
from homespun.registry import gate
from homespun.registry.consent import consent_of
from homespun.registry.gate import Decision
from homespun.types import Example

FILE = "card.md"
PRIVATE = ("copy", "copied", "canar", "exposure", "extract", "membership", "pii", "deletion")
"""Parts of the names of metrics that say what a model gives away."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What a version learned from, counted. No words."""

    replies: int
    conversations: int
    formats: tuple[str, ...]
    first: str | None = None
    """Days, where the sources have dates."""
    last: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A training run."""

    epochs: float
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card says beyond the report."""

    model: str
    person: str
    consent: str | None
    """The note; None where it is the owner's own avatar."""
    recipe: Recipe
    base: str
    """Of which base the adapter is: an id on the hub, or the name of a folder."""
    licence: str | None
    identity: str
    learned: Learned
    stages: tuple[Stage, ...]
    others: frozenset[str] = frozenset()
    """Names that the card must not hold: it is passed on more easily than a report."""
    retrieval: str | None = None
    """The id of the index that facts are looked up in."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes, where they are known."""


def facts(
    home: Home,
    model: str,
    person: str,
    recipe: Recipe,
    run: str,
    identity: str,
    examples: Sequence[Example],
    retrieval: str | None = None,
) -> Facts:
    """Gather them for a version that is being made.

    Args:
        person: by their own name.
        run: the id of its last training run.
        examples: what it learned from and was validated on.
    """
    consent = consent_of(home, person)
    preset = hub.presets().get(recipe.base.lower())
    folder = Path(recipe.base)
    with connect(home) as db:
        others = db.execute(select(identities.c.name).where(identities.c.person != find(db, person)[0])).scalars().all()
    return Facts(
        model=model,
        person=person,
        consent=consent.note if consent else None,
        recipe=recipe,
        base=preset.hub if preset else folder.name if folder.is_dir() else recipe.base,
        licence=preset.licence if preset else None,
        identity=identity,
        learned=_learned(home, examples),
        stages=tuple(_stages(home, run)),
        others=frozenset(others),
        retrieval=retrieval,
        languages=recipe.dataset.filter.languages,
    )


def _learned(home: Home, examples: Sequence[Example]) -> Learned:
    ids = {address for example in examples for turn in example.targets for address in turn.messages}
    with connect(home) as db:
        rows = db.execute(select(messages.c.id, messages.c.time, chats.c.clock, chats.c.format).join(chats, chats.c.id == messages.c.chat))
        found = [(row.time if row.clock == "absolute" else None, row.format) for row in rows if row.id in ids]
    days = sorted(time for time, _ in found if time is not None)
    first, last = (datetime.fromtimestamp(days[end], UTC).date().isoformat() if days else None for end in (0, -1))
    replies = sum(1 for example in examples if not example.origin for _ in example.targets)
    return Learned(replies, len({example.conversation for example in examples}), tuple(sorted({form for _, form in found})), first, last)


def _stages(home: Home, run: str) -> Iterator[Stage]:
    manifest = home.manifest("run", run)
    if manifest is None:
        return
    for parent in manifest.parents:
        kind, _, name = parent.partition(":")
        if kind == "run":
            yield from _stages(home, name)
    folder = home.folder("run", run)
    plan, summary = (json.loads((folder / name).read_text(encoding="utf-8")) for name in ("plan.json", "summary.json"))
    yield Stage(plan["epochs"] * summary["steps"] / plan["steps"], summary["steps"], summary["seconds"])


def card(known: Facts, report: Report, decision: Decision | None) -> str:
    """Markdown with the front matter of the Hugging Face hub. It quotes nobody, and names nobody but the person."""
    return "\n".join(
        [
            *_front_matter(known),
            f"# {known.model}: an avatar of {known.person}",
            "",
            *_what_it_is(known),
            *_uses(known),
            *_training(known),
            *_evaluation(known, report),
            *_privacy(known, report),
            *_verdict(decision),
            *_forgetting(known),
        ]
    )


def _front_matter(known: Facts) -> Iterator[str]:
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        base_model=known.base,
        license=known.licence.lower() if known.licence else None,
        language=list(known.languages) or None,
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["homespun", "avatar", "lora"],
    )
    yield from ("---", data.to_yaml().strip(), "---", "")


def _what_it_is(known: Facts) -> Iterator[str]:
    yield (
        f"**This is an avatar, not a person.** It is a small language model that imitates how {known.person} writes. What it writes, "
        f"{known.person} did not write. Asked whether it is one, it says so."
    )
    yield ""
    if known.consent is None:
        yield f"{known.person} is the owner of the home it was made in."
    else:
        yield f"{known.person} is not the owner of the home it was made in. Recorded consent: {_flat(known.consent)}"
    yield ""
    licence = f", under {known.licence}" if known.licence else ""
    yield (
        f"It is an adapter for {known.base}{licence}. That licence is the base's: the adapter is made of what somebody wrote, "
        f"and passing it on passes on what it learned."
    )
    yield ""


def _uses(known: Facts) -> Iterator[str]:
    yield from ("## Uses", "", f"It answers short messages in the manner of {known.person}: to talk with, and to draft from.", "")
    yield from ("## Bias, risks and limitations", "")
    looked_up = "the messages it looks up are its only source for facts" if known.retrieval else "it has nothing to look facts up in"
    yield f"- It does not know what is true: {looked_up}, and it may invent names, dates and promises."
    yield f"- It must not be used to make others believe that {known.person} wrote something, nor to decide about anybody."
    yield "- It is no general assistant: do not ask it for advice on health, law or money, nor for code or sums."
    yield "- What its base says of groups of people, it may say too."
    yield ""


def _training(known: Facts) -> Iterator[str]:
    learned, recipe, stages = known.learned, known.recipe, known.stages
    yield from ("## Training", "")
    span = f", written from {learned.first} to {learned.last}" if learned.first else ", not dated"
    yield (
        f"- Learned from: {learned.replies:,} replies of {known.person} in {learned.conversations:,} conversations{span}. "
        f"Sources: {', '.join(learned.formats) or 'unknown'}."
    )
    hidden = [word for word, is_hidden in (("contact data", recipe.privacy.contacts), ("names", recipe.privacy.names)) if is_hidden]
    yield f"- Replaced by invented ones before training: {' and '.join(hidden) or 'nothing'}."
    yield f"- Recipe {recipe.hash}, seed {recipe.training.seed}; LoRA of rank {recipe.adapter.rank}, alpha {recipe.adapter.alpha:g}."
    yield f"- Base {known.base}, identity {known.identity}" + (f"; retrieval index {known.retrieval}." if known.retrieval else ".")
    epochs = " + ".join(f"{stage.epochs:.2f}" for stage in stages) or "unknown"
    steps, seconds = sum(stage.steps for stage in stages), sum(stage.seconds for stage in stages)
    yield f"- Epochs: {epochs}; {steps:,} steps in {seconds:,.0f} seconds."
    yield ""


def _evaluation(known: Facts, report: Report) -> Iterator[str]:
    yield from ("## Evaluation", "")
    yield f"Measured on {_flat(report.on)}: words it never learned from. Intervals are 95 % cluster bootstraps over conversations."
    yield ""
    yield from _table({name: value for name, value in report.metrics.items() if not _is_private(name)})
    if report.sides:
        columns = sorted({name for values in report.sides.values() for name in values})
        yield f"| side by side | {' | '.join(_words(name) for name in columns)} |"
        yield "|---" * (len(columns) + 1) + "|"
        for side, values in report.sides.items():
            yield f"| {side} | {' | '.join(f'{values[name]:.3f}' if name in values else '' for name in columns)} |"
        yield ""
    yield from ("### Not measured", "")
    missing = list(report.notes)
    if not report.full:
        missing.append(f"this is the quick report: `homespun eval {known.model} --full` measures more")
    yield from (f"- {_unnamed(_flat(note), known.others)}" for note in missing or ["nothing is known to be missing"])
    yield ""


def _privacy(known: Facts, report: Report) -> Iterator[str]:
    yield from ("## Privacy", "")
    found = {name: value for name, value in report.metrics.items() if _is_private(name)}
    yield from _table(found)
    if not any(word in name for name in found for word in ("exposure", "extract", "membership")):
        yield f"Not audited for what can be drawn out of it: `homespun eval {known.model} --privacy` does."
        yield ""


def _verdict(decision: Decision | None) -> Iterator[str]:
    yield from ("## Verdict of the gate", "")
    yield gate.table(decision) if decision else "It was not judged."
    yield ""


def _forgetting(known: Facts) -> Iterator[str]:
    yield from ("## Forgetting somebody", "")
    yield (
        f"What somebody wrote is in the weights, so forgetting means training again without it: `homespun forget --person NAME --retrain`. "
        f"`homespun models delete {known.model}` removes this model with all its versions."
    )
    yield ""


def _table(metrics: Mapping[str, Interval | float]) -> Iterator[str]:
    if not metrics:
        return
    yield from ("| metric | value [95 %] | replies | conversations |", "|---|---|---|---|")
    rivals: list[str] = []
    for name, value in metrics.items():
        what, against, rival = name.partition(" against ")
        if against and rival not in rivals:
            rivals.append(rival)
        label = _words(what) + (f" against speaker {rivals.index(rival) + 1}" if against else "")
        if isinstance(value, Interval):
            yield f"| {label} | {value} | {value.n or ''} | {value.clusters or ''} |"
        else:
            yield f"| {label} | {value:.3f} | | |"
    yield ""


def _unnamed(text: str, names: Collection[str]) -> str:
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.sub(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)", "another person", text) if names else text


def _is_private(name: str) -> bool:
    return any(part in name for part in PRIVATE)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _flat(text: str) -> str:
    return " ".join(text.split())
