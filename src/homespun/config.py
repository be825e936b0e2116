"""How a model is made: the recipe. Frozen, checked, TOML in and TOML out. The environment is read here and nowhere else."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, ValidationError, model_validator

from homespun.errors import BadRecipe, UnknownName, UsageError

StepKind = Literal["fused", "aten", "autograd"]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceSection(Section):
    """Where words come from and which of them are wanted; for tables and graphs, what is where (docs/sources.md)."""

    where: str = ""
    """A path, or the URL of a database. `homespun run` adds it; `homespun add` is told."""
    format: str | None = None
    """By default told from the content."""
    query: str | None = None
    """For a database: the query, in its own language, instead of the layouts that are known."""
    columns: dict[str, str] = {}
    """For a table, graph or CSV: what we call a thing -> what it is called there, such as `text = "body"`."""
    person: str | None = None
    """For a graph: only chats in which this person writes."""
    since: date | None = None
    until: date | None = None
    """First and last day wanted, both included."""
    max_messages: PositiveInt | None = None
    """The newest so many, where the source can tell; else the first."""


class QualitySection(Section):
    """Which replies are learned from; by default all (dataset/quality.py). `data build --preview` shows what is left out."""

    min_words: NonNegativeInt = 0
    """50 is usual for reflections. In a chat short replies are how people talk."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes ("en"); chats in which the person writes another language are left out."""
    min_coherence: float | None = Field(default=None, ge=-1, le=1)
    """Cosine of a reply with what it answers, by sentence embedding (English only). 0.1 is a mild filter."""
    min_tone: float | None = Field(default=None, ge=0, lt=1)
    """Leaves out the share of replies that sound least like the person: 0.05 is one in twenty."""
    exclude_chats: tuple[str, ...] = ()
    exclude_people: tuple[str, ...] = ()
    """Conversations in which they write."""
    exclude_dates: tuple[tuple[date, date], ...] = ()
    """First and last day (UTC), both included."""


class DatasetSection(Section):
    """How conversations become examples (dataset/build.py)."""

    max_tokens: PositiveInt = 512
    """Longest example; a window never grows over it."""
    context_tokens: PositiveInt = 192
    """History shown before the first reply of a window."""
    min_context_turns: PositiveInt = 1
    gate: float = Field(default=0.10, ge=0, lt=0.5)
    vault: float = Field(default=0.10, ge=0, lt=0.5)
    validation: float = Field(default=0.08, ge=0, lt=0.5)
    """Share of the training part kept back to stop training before it overfits, ..."""
    validation_tokens: PositiveInt = 8_000
    """... but no more than this: validating often must not cost more than a few steps, and every reply kept back is one not learned."""
    near_duplicate: float = Field(default=0.7, gt=0, le=1)
    """Jaccard similarity from which a later reply counts as a copy of an earlier one (MinHash)."""
    anonymous_share: float = Field(default=0.25, ge=0, le=1)
    """Share of one-to-one examples whose system line does not say who is talking, so that an unnamed visitor is answered too."""
    filter: QualitySection = QualitySection()
    damp_repeats: bool = False
    """Whether replies that say the same count less the more of them there are (dataset/weights.py)."""
    augment: NonNegativeInt = 0
    """New questions and contexts for every answer of a question-and-answer source, at most (dataset/augment.py)."""


class PrivacySection(Section):
    """What a model never gets to see (corpus/redact.py)."""

    contacts: bool = True
    """Mail addresses, phone numbers, cards, ids and the like of everybody become invented ones, the same ones every time."""
    names: bool = False
    """People's names too. They are put back when the model answers."""


class AdapterSection(Section):
    """LoRA (Hu et al. 2021)."""

    rank: PositiveInt = 16
    alpha: PositiveFloat = 32.0


class TrainingSection(Section):
    learning_rate: PositiveFloat = 2e-3
    epochs: PositiveFloat = 2.0
    tokens_per_step: PositiveInt = 2048
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps; it can never exceed the run."""
    final_rate: float = Field(default=0.5, ge=0, le=1)
    """Share of the learning rate that is left at the end: an average wants steps that still move."""
    average: float = Field(default=1.0, ge=0)
    """What is kept is the mean of the weights over the run, those of step t counting t^average (training/loop.py)."""
    weight_decay: float = Field(default=0.5, ge=0)
    clip: PositiveFloat = 1.0
    evaluations_per_epoch: PositiveInt = 4
    patience: PositiveInt = 4
    """Validations without a better loss before the run stops."""
    checkpoint_every: PositiveFloat = 20.0
    """Seconds between checkpoints."""
    seed: int = 0
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    step: Literal["auto", StepKind] = "auto"
    """What computes loss and gradients (training/kinds.py)."""


class StageSection(Section):
    """A stage of the training. The next one goes on from the adapter of the one before (dataset/stages.py)."""

    share: float = Field(gt=0, le=1)
    """Of the conversations that are learned from; all stages together learn from all of them."""
    epochs: PositiveFloat
    learning_rate: PositiveFloat


class SamplingSection(Section):
    """How a reply is drawn from the model."""

    temperature: float = Field(default=1.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    min_p: float = Field(default=0.02, ge=0, le=1)
    """Tokens are left out that are less likely than this share of the likeliest. `train` fits it too, so that replies are as varied."""
    repetition_penalty: PositiveFloat = 1.0
    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    """Taken from the logit of a token for every time that the reply already has it, ..."""
    presence_penalty: float = Field(default=0.0, ge=-2, le=2)
    """... and once if it has it at all."""
    stop: tuple[str, ...] = ()
    """Texts that end a reply; they are not part of it."""
    max_tokens: PositiveInt = 200
    stop_bias: float = 0.0
    """Added to the logit of the stop token. `train` fits it, so that replies are as long as the person's (evaluation/fitting.py)."""
    seed: int | None = None


class RetrievalSection(Section):
    """What an avatar looks up before it answers: facts come from there, style from the weights (retrieval/)."""

    enabled: bool = True
    passages: PositiveInt = 3
    """Looked up for a message; those that fit it are told to the model."""
    embedded: int = Field(default=20_000, ge=0)
    """Passages that are found by their meaning too, the newest ones. Vectors take a minute for so many."""
    abstain: bool = True
    """Say "I don't know" to a question about the person that nothing is known of. Small models would make something up."""


class EvaluationSection(Section):
    replies: PositiveInt = 200
    """Held-out contexts that get a generated reply."""
    bag: PositiveInt = 20
    hits_contexts: PositiveInt = 150
    impostors: PositiveInt = 2
    seed: int = 0


class Recipe(Section):
    """One TOML file: everything that decides what a model becomes."""

    name: str = "avatar"
    kind: Literal["avatar"] = "avatar"
    base: str = "smollm2-135m-instruct"
    source: SourceSection = SourceSection()
    system: str = "You are {person}."
    system_with: str = "You are {person}. You are talking with {other}."
    system_related: str = "You are {person}. You are talking with {other}, your {relation}."
    relations: dict[str, str] = {}
    """Name -> what they are to the person. `train` takes it from `homespun people relation`."""
    privacy: PrivacySection = PrivacySection()
    dataset: DatasetSection = DatasetSection()
    adapter: AdapterSection = AdapterSection()
    training: TrainingSection = TrainingSection()
    stages: tuple[StageSection, ...] = ()
    """By default one, as `training` says."""
    review: bool = False
    """A version that passes the gate waits until a person approves it."""
    sampling: SamplingSection = SamplingSection()
    retrieval: RetrievalSection = RetrievalSection()
    evaluation: EvaluationSection = EvaluationSection()

    @model_validator(mode="after")
    def _room_for_a_reply(self) -> Recipe:
        if self.dataset.context_tokens + 64 > self.dataset.max_tokens:
            raise ValueError("dataset.context_tokens must leave at least 64 of dataset.max_tokens for the reply")
        return self

    @model_validator(mode="after")
    def _stages_are_all(self) -> Recipe:
        if self.stages and abs(sum(stage.share for stage in self.stages) - 1) > 1e-6:
            raise ValueError("the shares of the stages must add up to 1")
        return self

    def with_sampling(self, **changes: object) -> Recipe:
        return self.model_copy(update={"sampling": self.sampling.model_copy(update=changes)})

    def with_training(self, **changes: object) -> Recipe:
        return self.model_copy(update={"training": self.training.model_copy(update=changes)})

    @property
    def hash(self) -> str:
        # Not cached: a copy with other values would inherit it.
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def toml(self) -> str:
        return tomli_w.dumps(self.model_dump(exclude_none=True))


BUILT_IN = resources.files("homespun") / "recipes"


def recipe_names() -> list[str]:
    return sorted(entry.name.removesuffix(".toml") for entry in BUILT_IN.iterdir() if entry.name.endswith(".toml"))


def load_recipe(name: str) -> Recipe:
    """A built-in recipe by name, or a TOML file by path.

    Raises:
        UnknownName: neither a file nor a built-in recipe.
        BadRecipe: it does not parse, or holds an unknown or impossible value; names the key.
    """
    if name.endswith(".toml") or Path(name).is_file():
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadRecipe(f"cannot read the recipe {name}: {getattr(error, 'strerror', None) or error}") from None
    elif name in recipe_names():
        text = (BUILT_IN / f"{name}.toml").read_text(encoding="utf-8")
    else:
        raise UnknownName("recipe", name, recipe_names())
    return parse_recipe(text, name)


def parse_recipe(text: str, name: str) -> Recipe:
    try:
        return Recipe.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadRecipe(f"{name} is not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "recipe"
        raise BadRecipe(f"{name}: {where}: {first['msg']}; see docs/recipes.md for what a recipe holds") from None


class Settings(Section):
    """What the machine's owner sets once, by environment: where things are kept."""

    home: Annotated[Path, Field(description="HOMESPUN_HOME")] = Path("homespun-home")
    cache: Annotated[Path, Field(description="HOMESPUN_CACHE; base models, shared by all homes")] = Path("~/.cache/homespun")
    probes: Annotated[Path | None, Field(description="HOMESPUN_PROBES; a folder with BLiMP, CrowS-Pairs or Winogender")] = None
    nornicdb_models: Annotated[Path | None, Field(description="NORNICDB_MODELS_DIR; where NornicDB looks for models")] = None
    offline: Annotated[bool, Field(description="HOMESPUN_OFFLINE=1: never ask the hub for a base")] = False


def settings() -> Settings:
    """Settings from HOMESPUN_HOME, HOMESPUN_CACHE (or XDG_CACHE_HOME), HOMESPUN_PROBES, NORNICDB_MODELS_DIR and HOMESPUN_OFFLINE."""
    probes, nornicdb = os.environ.get("HOMESPUN_PROBES"), os.environ.get("NORNICDB_MODELS_DIR")
    xdg = os.environ.get("XDG_CACHE_HOME")
    cache = os.environ.get("HOMESPUN_CACHE") or (f"{xdg}/homespun" if xdg else "~/.cache/homespun")
    return Settings(
        home=Path(os.environ.get("HOMESPUN_HOME", "homespun-home")).expanduser(),
        cache=Path(cache).expanduser(),
        probes=Path(probes).expanduser() if probes else None,
        nornicdb_models=Path(nornicdb).expanduser() if nornicdb else None,
        offline=os.environ.get("HOMESPUN_OFFLINE", "") not in ("", "0"),
    )


def neo4j_settings() -> dict[str, str]:
    """NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD and NEO4J_DATABASE, those that are set."""
    return {name: value for name, value in os.environ.items() if name.startswith("NEO4J_")}


def seconds_of(text: str) -> float:
    """ "90s", "5m", "1h30m", "2h" or a bare number of seconds.

    Raises:
        UsageError: none of these.
    """
    found = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip().lower())
    if not text.strip() or found is None:
        raise UsageError(f"{text!r} is not a time: write 90s, 5m or 1h30m")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if total <= 0:
        raise UsageError(f"{text!r} is no time at all: write 90s, 5m or 1h30m")
    return total
