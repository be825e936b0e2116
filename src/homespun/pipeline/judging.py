"""A version that is there, judged again: on other words, against other people, for leaks, and by eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from homespun import sources
from homespun.corpus import imports
from homespun.dataset import build, canaries
from homespun.dataset.build import Dataset
from homespun.dataset.canaries import Canary
from homespun.dataset.turns import speakers
from homespun.errors import CheckFailed, EmptyCorpus
from homespun.evaluation import audit as auditing
from homespun.evaluation import blind, writing
from homespun.evaluation import evidence as proving
from homespun.evaluation import report as reporting
from homespun.evaluation import swap as swapping
from homespun.evaluation.bench import Adapters
from homespun.evaluation.blind import Trial
from homespun.evaluation.evaluate import evaluate
from homespun.evaluation.privacy import personal_values
from homespun.evaluation.result import Report
from homespun.evaluation.scoring import Weights, score
from homespun.evaluation.swap import Swap
from homespun.home import Home, Manifest, digest
from homespun.pipeline import gating, knowing
from homespun.pipeline.workshop import Workshop, in_own_names
from homespun.registry import gate, versions
from homespun.registry.gate import Decision
from homespun.registry.versions import Version
from homespun.training import run as running
from homespun.training.run import Run
from homespun.types import HELD_OUT, Conversation


@dataclass(frozen=True, slots=True)
class Judged:
    report: Report
    folder: Path
    """Where the report was written."""
    decision: Decision | None = None
    """Of a full report on what was held out."""


def judge(
    shop: Workshop,
    version: Version,
    person: str,
    on: Path | None = None,
    format: str | None = None,
    gap: float = 1800.0,
    full: bool = False,
    privacy: bool | None = None,
    against: Sequence[str] | None = None,
) -> Judged:
    """Report on a version, on its held-out part or on a file that never enters the corpus.

    Args:
        full: everything that can be measured, the privacy audit included, and what the gate says of it.
        privacy: with the audit, or without; by default it belongs to a full report of the held-out part. It trains a twin that was
            given secrets, once.
        against: the impostors of a full report; by default the most talkative others.
    """
    home = shop.home
    conversations = shop.conversations()
    weights = running.load_weights(versions.version_folder(home, version))
    dataset = trained_on(home, version)
    if on is None:
        evidence = proving.from_dataset(conversations, dataset)
    else:
        unseen = shop.view.conversations(read_conversations(on, format, gap))
        evidence = proving.from_conversations(unseen, on.name, shop.view.name(person), shop.recipe, shop.template, dataset)
    rivals = None if against is None else [shop.view.name(name) for name in against]
    impostors = impostor_adapters(shop, conversations, dataset, version, rivals) if full else {}
    privacy = full and on is None if privacy is None else privacy
    twin, planted = _twin(shop, version, dataset) if privacy else (None, ())
    report = evaluate(shop.bench(), Adapters(weights, gating.live_scores(shop, version.model, version), impostors), evidence, full)
    if full and not impostors:
        report.notes.append("specificity: nobody else in this corpus wrote enough to train an impostor on")
    if full and on is None:
        knowing.measure(shop, version, report)
    if twin:
        found = auditing.audit(shop.bench(), weights, dataset, twin.weights, planted, personal_values(shop.raw_texts()))
        report.metrics |= found.metrics
        report.notes += found.notes
        report.privacy = found.in_words()
    in_own_names(report, person, shop.view)
    decision = gating.judge_again(home, version, report, dataset) if full and on is None else None
    name = digest(version.artefact, evidence.on, [example.id for example in evidence.examples], full, privacy)
    parents = (f"version:{version.artefact}", *([f"run:{twin.id}"] if twin else []))
    with home.artefact(Manifest("evaluation", name, parents, shop.recipe.hash)) as folder:
        reporting.write(report, folder, version.title, gate.table(decision) if decision else "")
    return Judged(report, home.folder("evaluation", name), decision)


def _twin(shop: Workshop, version: Version, dataset: Dataset) -> tuple[Run, Sequence[Canary]]:
    """A run on the same examples with secrets planted among them, for as many epochs. It is never a version."""
    twin, planted = canaries.twin(shop.home, dataset)

    def tokens(one: Dataset) -> int:
        return sum(bool(number) for example in one.of("train") for number in shop.template.render(example.turns).target)

    manifest = shop.home.manifest("version", version.artefact)
    seen = int(manifest.counts["supervised_tokens"]) if manifest else tokens(dataset)
    shop.say(f"training a twin with {len(planted)} secrets planted, which is never used")
    return shop.learn(twin, supervised=round(seen * tokens(twin) / tokens(dataset)), resume=True), planted


def blind_trials(shop: Workshop, version: Version, person: str, count: int) -> tuple[list[Trial], Path]:
    """The trials of a blind test, and the folder that they and their answers are kept in. One that was interrupted goes on.

    Raises:
        CheckFailed: nothing was held out to ask about.
    """
    home, view = shop.home, shop.view
    name = digest(version.artefact, "blind", count)
    folder = home.folder("evaluation", name)
    if home.manifest("evaluation", name) is None:
        evidence = proving.from_dataset(shop.conversations(), trained_on(home, version))
        real = blind.choose(evidence.replies, count)
        if not real:
            raise CheckFailed(f"nothing was held out for {version.title} that it could answer: add more messages and train again")
        shop.say(f"writing {len(real)} replies")
        weights = running.load_weights(versions.version_folder(home, version))
        written = writing.generate(shop.engine(), weights, real, shop.recipe)
        shown = [
            replace(one, text=view.restore(one.text), context=tuple(replace(turn, text=view.restore(turn.text)) for turn in one.context))
            for one in real
        ]
        trials = blind.make_trials(shown, [view.restore(one.text) for one in written])
        with home.artefact(Manifest("evaluation", name, (f"version:{version.artefact}",), shop.recipe.hash)) as scratch:
            blind.write_trials(trials, scratch)
    return blind.read_trials(folder), folder


def trained_on(home: Home, version: Version) -> Dataset:
    """The dataset a version was trained on."""
    dataset = versions.dataset_of(home, version)
    if dataset is None:
        raise CheckFailed(f"the dataset of {version.title} is gone from {home.path}: train it again to judge it")
    return build.load(home.folder("dataset", dataset.id))


def impostor_adapters(
    shop: Workshop, conversations: Sequence[Conversation], dataset: Dataset, version: Version, against: Sequence[str] | None = None
) -> dict[str, Weights]:
    """Adapters of other people of the corpus, trained alike on as many supervised tokens. Cached as runs, never served."""
    learned = {example.conversation for example in dataset.of("train", "validation")}
    present = speakers(conversation for conversation in conversations if conversation.id in learned)
    manifest = shop.home.manifest("version", version.artefact)
    tokens = int(manifest.counts["supervised_tokens"]) if manifest else None
    adapters: dict[str, Weights] = {}
    for name in against if against is not None else [name for name in present if name != dataset.person]:
        if len(adapters) == shop.recipe.evaluation.impostors:
            break
        try:
            theirs = _dataset_of(shop, conversations, name)
        except EmptyCorpus:
            break
        shop.say(f"training the impostor {shop.view.restore(name)}")
        adapters[name] = shop.learn(theirs, supervised=tokens, resume=True).weights
    return adapters


def swap(shop: Workshop, names: Sequence[str]) -> Swap:
    """Whether the held-out replies of each of these people are best expected by their own adapter. Trains whoever has none yet."""
    conversations = shop.conversations()
    datasets = {name: _dataset_of(shop, conversations, shop.view.name(name)) for name in names}
    adapters = {name: shop.learn(dataset, resume=True).weights for name, dataset in datasets.items()}
    scorer = shop.scorer()
    return swapping.swap(
        {
            name: {other: score(scorer, shop.template, weights, dataset.of(*HELD_OUT)) for other, weights in adapters.items()}
            for name, dataset in datasets.items()
        }
    )


def _dataset_of(shop: Workshop, conversations: Sequence[Conversation], name: str) -> Dataset:
    """Of somebody else than the owner, whose relations to people are not theirs."""
    return build.build(shop.home, conversations, name, shop.recipe.model_copy(update={"relations": {}}), shop.template)


def read_conversations(path: Path, format: str | None, gap: float) -> list[Conversation]:
    """A file's conversations, without touching the corpus. Ids are made from places, since nothing is stored."""
    found, _ = sources.load(path, format)
    return [session for chat in found for session in imports.sessions_of(chat, path.name, gap)]
