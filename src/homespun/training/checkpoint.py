"""Everything a run needs to go on as if it had never stopped, in one safetensors file that is replaced atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from homespun.errors import TrainingError
from homespun.home import sync


@dataclass(slots=True)
class State:
    """Where a run stands. Data order and learning rate follow from `step`."""

    step: int = 0
    """Steps done."""
    best_loss: float | None = None
    """Validation loss in nats per token of the kept adapter."""
    best_step: int = 0
    misses: int = 0
    """Validations since the best one."""
    tokens: int = 0
    """Supervised tokens seen."""
    seconds: float = 0.0
    """Time spent training, over all its parts."""
    metrics: int = 0
    """Bytes of metrics.jsonl that belong to the steps done."""


def save(file: Path, state: State, tensors: dict[str, Tensor]) -> None:
    """Replace the checkpoint. After a kill at any moment the file is the old one or the new one."""
    scratch = file.with_suffix(".new")
    try:
        save_file(tensors, scratch, metadata={"state": json.dumps(asdict(state))})
        sync(scratch)
        scratch.replace(file)
        sync(file.parent)
    finally:
        scratch.unlink(missing_ok=True)


def load(file: Path) -> tuple[State, dict[str, Tensor]] | None:
    """The newest checkpoint, or None before the first.

    Raises:
        TrainingError: the file is there and cannot be read.
    """
    if not file.is_file():
        return None
    try:
        with safe_open(file, framework="pt") as opened:
            state = State(**json.loads(opened.metadata()["state"]))
            return state, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a mapping)
    except Exception as error:  # safetensors raises a type of its own
        raise TrainingError(f"the checkpoint {file} cannot be read ({error}): run again without --resume to start over") from None
