"""A version -> files that other programs run, checked against the version before they take their place.

Each export is an artefact of the home, so that what was forgotten marks it stale, and is copied or linked to where it is wanted.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from homespun.bases import hub
from homespun.bases.identity import identity
from homespun.bases.template import Template
from homespun.config import Recipe, Settings
from homespun.corpus.view import View
from homespun.dataset import build
from homespun.dataset.turns import system_turn
from homespun.errors import UnknownName, UsageError
from homespun.export import folders, gguf, lora, ollama, papers, readback, verify, weights
from homespun.export.quantize import Quant, kind_of, size_of
from homespun.export.readback import Reader
from homespun.export.verify import Source
from homespun.home import STALE, Home, Manifest, digest, disk_errors, sync, write_json, write_text
from homespun.machine.hardware import usable_cores
from homespun.registry import versions
from homespun.registry.versions import Version
from homespun.types import Example

Target = Literal["gguf", "ollama", "lmstudio", "nornicdb", "merged", "mlx", "adapter"]
TARGETS: tuple[Target, ...] = get_args(Target)
QUANTS: tuple[Quant, ...] = get_args(Quant)
AS_GGUF: tuple[Target, ...] = ("gguf", "ollama", "lmstudio", "nornicdb")
DEFAULT: Quant = "Q8_0"
PUBLISHER = "homespun"
LINKED = (".gguf", ".safetensors")
"""Large, and nobody edits them."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every kind of export is made of."""

    home: Home
    version: Version
    recipe: Recipe
    settings: Settings
    base: Path
    template: Template
    target: Target
    quant: Quant | None
    notice: str

    @property
    def name(self) -> str:
        """As files are called."""
        model = self.version.title.replace("@", "-")
        return f"{model}-{self.quant}" if self.quant else model

    @property
    def system(self) -> str:
        """The line that the version was trained to speak under."""
        person = versions.get_model(self.home, self.version.model).person
        return system_turn(self.recipe, View(self.home, self.recipe.privacy).name(person), None).text

    @property
    def kind(self) -> str:
        """How its weights are stored, as in verify.LIMITS."""
        return self.quant or {"merged": "F32"}.get(self.target, "F16")


@dataclass(frozen=True, slots=True)
class Made:
    folder: Path
    report: dict[str, Any]

    @property
    def files(self) -> list[Path]:
        """Relative to the folder; what the home notes about them is not among them."""
        found = sorted(file.relative_to(self.folder) for file in self.folder.rglob("*") if file.is_file())
        return [file for file in found if str(file) not in ("manifest.json", STALE)]


def export(
    home: Home,
    title: str,
    target: str,
    quant: str | None,
    settings: Settings,
    notice: str,
    say: Callable[[str], None] = lambda _: None,
) -> Made:
    """Make an export, or find the one that was made before.

    Args:
        title: "NAME@3", or "NAME" for the live version.
        quant: of a GGUF; by default Q8_0.
        notice: what whoever talks with the model is to be told; it goes with every export.

    Raises:
        UnknownName: no such version, target or quantisation.
        UsageError: the version is stale, or the target is not quantised.
        CheckFailed: the export is another model than the version; nothing was kept.
        BaseError: the base is of a family that cannot be written so.
        DiskFull: nothing was kept.
    """
    job = _job(home, title, target, quant, settings, notice)
    made_from = (f"version:{job.version.artefact}",)
    manifest = Manifest("export", digest(gguf.FORMAT, job.version.artefact, job.version.title, target, job.quant), made_from)
    folder = home.folder("export", manifest.id)
    if home.manifest("export", manifest.id) is None:
        with home.artefact(manifest) as scratch:
            _make(job, scratch, say)
    return Made(folder, json.loads(next(folder.rglob(f"*{papers.REPORT}")).read_text(encoding="utf-8")))


def _job(home: Home, title: str, target: str, quant: str | None, settings: Settings, notice: str) -> Job:
    kind = next((one for one in TARGETS if one == target), None)
    if kind is None:
        raise UnknownName("target", target, TARGETS)
    known = {one.casefold(): one for one in QUANTS}
    if quant is not None and quant.casefold() not in known:
        raise UnknownName("quantisation", quant, QUANTS)
    if quant is not None and kind not in AS_GGUF:
        raise UsageError(f"--to {kind} keeps the weights as they are: leave --quant out, or choose one of {', '.join(AS_GGUF)}")
    chosen = (known[quant.casefold()] if quant else DEFAULT) if kind in AS_GGUF else None
    version = versions.get_version(home, title)
    if why := home.why_stale("version", version.artefact):
        raise UsageError(f"{version.title} is stale ({why}): train it again with `homespun train {version.model}`")
    recipe = versions.recipe_of(home, version)
    base = hub.resolve(recipe.base, settings)
    versions.verify(home, version, base)
    return Job(home, version, recipe, settings, base, Template(base), kind, chosen, notice)


def _make(job: Job, scratch: Path, say: Callable[[str], None]) -> None:
    say(f"writing {job.name} for {job.target}")
    where = _papers_at(job)
    (scratch / where).parent.mkdir(parents=True, exist_ok=True)
    full_size = _write(job, scratch)
    say(f"comparing it with {job.version.title}")
    with _read_back(job, scratch) as reader:
        checks = verify.verify(_source(job), reader, job.kind)
    files = {str(file.relative_to(scratch)): file.stat().st_size for file in sorted(scratch.rglob("*")) if file.is_file()}
    heavy = sum(size for name, size in files.items() if name.endswith(LINKED))
    report = {
        "version": job.version.title,
        "target": job.target,
        "quant": job.kind,
        "name": job.name,
        "files": files,
        "bytes": heavy,
        "of_f16": round(heavy / full_size, 4) if full_size else None,
        "base": {"name": job.recipe.base, "identity": identity(job.base)},
        "system": job.system,
        "sampling": job.recipe.sampling.model_dump(),
        "stop_bias": {"value": job.recipe.sampling.stop_bias, "carried": papers.stop_bias(job.target, job.recipe.sampling, job.template)},
        "notes": papers.notes(job.target, job.recipe, job.base),
        "checks": verify.as_dict(checks),
    }
    card = versions.version_folder(job.home, job.version) / papers.CARD
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {job.version.title}\n"
    readme = papers.beside(where, papers.README)
    write_text(scratch / readme, text + papers.section(report, job.notice))
    write_json(scratch / papers.beside(where, papers.REPORT), report)


def _papers_at(job: Job) -> Path:
    """Where card and report go: the place of the model's main file, relative to the export."""
    if job.target == "lmstudio":
        return Path(PUBLISHER) / job.version.title.replace("@", "-") / "_"
    return Path(job.name) if job.target == "nornicdb" else Path("_")


def _write(job: Job, out: Path) -> int | None:
    """Write the weights and what belongs to them. Returns how large a GGUF would be in F16."""
    folder = versions.version_folder(job.home, job.version)
    changes, sampling = weights.updates(folder), job.recipe.sampling
    if job.target == "adapter":
        preset = hub.presets().get(job.recipe.base.lower())
        folders.adapter(out, folder, job.base, preset.hub if preset else job.recipe.base)
        lora.write(out / lora.FILE, changes, gguf.read_config(job.base), job.version.title)
        return None
    tensors = weights.merged(weights.read(job.base), changes)
    if job.target in ("merged", "mlx"):
        stored: folders.Stored = "float32" if job.target == "merged" else "float16"
        folders.merged(out, job.base, tensors, stored, sampling, job.template.stop_id, "mlx" if job.target == "mlx" else "pt")
        return None
    assert job.quant is not None
    file = _gguf(job, out)
    gguf.write(file, job.base, tensors, job.quant, job.version.title, job.notice, sampling)
    if job.target == "ollama":
        context = job.recipe.dataset.max_tokens + sampling.max_tokens
        text = ollama.modelfile(file.name, job.template, job.system, sampling, job.notice, max(2048, context))
        write_text(out / "Modelfile", text)
    if job.target == "nornicdb":
        write_json(out / f"{job.name}.json", papers.nornicdb(job.name, file.name, job.notice))
    config = gguf.read_config(job.base)
    shapes = {own: tensors[theirs].shape for theirs, own in gguf.names(config, tensors).items()}
    return sum(size_of(shape, kind_of(own, shape, "F16", 0, tied=False)) for own, shape in shapes.items())


def _gguf(job: Job, out: Path) -> Path:
    return out / papers.beside(_papers_at(job), f"{job.name}.gguf") if job.target == "lmstudio" else out / f"{job.name}.gguf"


@contextmanager
def _read_back(job: Job, out: Path) -> Iterator[Reader]:
    if job.target in ("merged", "mlx"):
        yield readback.transformers(out)
        return
    adapter = out / lora.FILE if job.target == "adapter" else None
    file = gguf.base_gguf(job.base, job.settings, "F16") if adapter else _gguf(job, out)
    with readback.llama_cpp(file, adapter, usable_cores()) as reader:
        yield reader


def _source(job: Job) -> Source:
    """The version itself, in the engine of its training, in full precision."""
    from homespun.engines import torch
    from homespun.training.run import load_weights

    engine = torch.load(job.recipe.with_training(dtype="float32"), job.settings)
    engine.use(load_weights(versions.version_folder(job.home, job.version)))
    return Source(job.template, lambda prompt, reply: readback.log_probabilities(engine.model, prompt, reply), _held_out(job))


def _held_out(job: Job) -> Sequence[Example]:
    """The replies that the version was judged on; none where they were forgotten."""
    dataset = versions.dataset_of(job.home, job.version)
    return build.load(job.home.folder("dataset", dataset.id)).of("gate") if dataset else ()


def check_folder(out: Path) -> None:
    """Whether an export could go there. Raises UsageError."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: give a folder with --out")


def place(made: Made, out: Path) -> list[Path]:
    """Put an export's files into a folder: weights by a link where both are on one disk, the rest copied.

    Raises:
        UsageError: a file of another kind is in the way.
    """
    check_folder(out)
    report = next(file for file in made.files if file.name.endswith(papers.REPORT))
    if not (out / report).is_file() and (there := [file for file in made.files if (out / file).exists()]):
        raise UsageError(f"{out / there[0]} is there already, and is not from an export: choose another folder with --out")
    with disk_errors(out):
        for file in made.files:
            _place(made.folder / file, out / file)
    return [out / file for file in made.files]


def _place(file: Path, final: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    scratch = final.with_name(f".{final.name}.new")
    scratch.unlink(missing_ok=True)
    try:
        _link_or_copy(file, scratch)
        scratch.replace(final)
    finally:
        scratch.unlink(missing_ok=True)


def _link_or_copy(file: Path, to: Path) -> None:
    if file.name.endswith(LINKED):
        try:
            os.link(file, to)
            return
        except OSError:  # another disk, or one that knows no links
            pass
    shutil.copyfile(file, to)
    sync(to)
