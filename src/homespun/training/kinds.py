"""Which step computes a run: the fastest that this base, this machine and the way homespun was built allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from homespun.bases import adapter, dense
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.bases.load import DTYPES, load_model
from homespun.config import AdapterSection, StepKind
from homespun.training.fused.kernels import LANES, kernels, library
from homespun.training.fused.step import FusedStep
from homespun.training.step import AutogradStep, Step


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run is computed with. Resume keeps it, so that the numbers stay the same."""

    kind: StepKind
    dtype: str
    threads: int


def fastest(folder: Path, targets: Sequence[str], longest: int) -> tuple[StepKind, str]:
    """The kind, and why it is not a faster one ("" for the fastest).

    Args:
        longest: tokens of the longest sequence there will be.
    """
    if set(targets) != set(DEFAULT_TARGETS):
        return "autograd", "the fused step adapts all seven linear layers or none"
    try:
        shape = dense.shape(folder)
    except dense.NotDense as reason:
        return "autograd", f"the fused step does not know this base: {reason}"
    if longest > shape.longest:
        return "autograd", f"this base sees its text otherwise beyond {shape.longest:,} tokens"
    if not _fits(shape):
        return "aten", f"this base has a width that is no multiple of {LANES}"
    if library() is None:
        return "aten", "no C compiler was found when homespun was installed: install one, then install homespun again"
    return "fused", ""


def make_step(folder: Path, targets: Sequence[str], options: AdapterSection, machine: Machine, seed: int = 0) -> Step:
    """A step with a fresh adapter: runs with the same seed start from the same numbers, whatever computes them.

    Raises:
        BaseError: the base cannot be read, or the kind that was asked for does not know it.
    """
    torch.set_num_threads(machine.threads)
    if machine.kind == "autograd":
        model = load_model(folder, machine.dtype)
        return AutogradStep(model, adapter.add(model, targets, options.rank, options.alpha, seed))
    dtype = DTYPES[machine.dtype]
    base = dense.load(folder, dtype)
    return FusedStep(base, options.rank, options.alpha, seed, kernels(dtype, compiled=machine.kind == "fused" and _fits(base.shape)))


def _fits(shape: dense.Shape) -> bool:
    """Whether the C kernels take it."""
    return not any(width % LANES for width in (shape.hidden, shape.intermediate, shape.vocabulary, shape.head_dim // 2))
