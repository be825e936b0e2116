"""LoRA (Hu et al. 2021, arXiv 2106.09685): low-rank updates of frozen linear layers, kept on disk in PEFT's format.

Written here rather than taken from PEFT for two reasons: its forward casts every activation to float32 when the masters are float32,
which on a CPU gives up the bfloat16 units, and importing it takes longer than training on a small chat's first step.
`tests/bases/test_adapter.py` holds it against PEFT: same files, same logits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from homespun.errors import BaseError

PREFIX = "base_model.model."


class LoRALinear(nn.Module):
    """y = x Wᵀ + scale · (x Aᵀ) Bᵀ (+ bias), with W frozen in the model's dtype and A (rank, in), B (out, rank) in float32."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.weight = linear.weight.requires_grad_(False)
        self.bias = None if linear.bias is None else linear.bias.requires_grad_(False)
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.empty(rank, linear.in_features, device=self.weight.device))
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank, device=self.weight.device))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = _LoRA.apply(x, self.weight, self.a, self.b, self.scale)  # type: ignore[no-untyped-call]
        return y if self.bias is None else y + self.bias


class _LoRA(torch.autograd.Function):
    """One node instead of six, and every product in the model's dtype; gradients of A and B come out in float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        a_low, b_low = a.to(x.dtype), (b * scale).to(x.dtype)
        low = rows @ a_low.t()
        out = torch.mm(rows, weight.t()).addmm_(low, b_low.t())
        ctx.save_for_backward(rows, weight, a_low, b_low, low)
        ctx.scale, ctx.shape = scale, x.shape
        return out.view(*x.shape[:-1], weight.shape[0])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, a_low, b_low, low = ctx.saved_tensors
        grad = grad.reshape(-1, grad.shape[-1])
        grad_low = grad @ b_low
        grad_a = (grad_low.t() @ rows).float()
        # (low.t() @ grad).t() rather than grad.t() @ low: the long side stays contiguous.
        grad_b = (low.t() @ grad).t().float().mul_(ctx.scale)
        grad_x = torch.mm(grad, weight).addmm_(grad_low, a_low).view(ctx.shape) if ctx.needs_input_grad[0] else None
        return grad_x, None, grad_a, grad_b, None


class FlatAdapter:
    """All numbers of an adapter in one tensor, for whatever treats them alike (optimiser, clipping, checkpoints), and by PEFT's names.

    flat: (N,) float32; its gradient is always there.
    tensors, gradients: views of both by name, in a fixed order.
    """

    def __init__(self, flat: Tensor, grad: Tensor, named: Iterable[tuple[str, Tensor, Tensor]]) -> None:
        self.flat = nn.Parameter(flat)
        self.flat.grad = grad
        self.tensors: dict[str, Tensor] = {}
        self.gradients: dict[str, Tensor] = {}
        for name, tensor, gradient in named:
            self.tensors[name], self.gradients[name] = tensor, gradient

    def copy(self) -> dict[str, Tensor]:
        return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in self.tensors.items()}

    def clear(self) -> None:
        """Forget the gradients."""
        assert self.flat.grad is not None
        self.flat.grad.zero_()

    @torch.no_grad()
    def set(self, weights: Mapping[str, Tensor] | None) -> None:
        """Copy these in; None makes the wrapped model the bare base again (B = 0).

        Raises:
            BaseError: they belong to another base, rank or preset.
        """
        if weights is None:
            weights = {name: torch.zeros_like(old) if name.endswith("lora_B.weight") else old for name, old in self.tensors.items()}
        if self.tensors.keys() != weights.keys() or any(self.tensors[name].shape != new.shape for name, new in weights.items()):
            raise BaseError("this adapter was made for another base or rank: it does not fit")
        for name, new in weights.items():
            self.tensors[name].copy_(new)


def add(model: nn.Module, targets: Iterable[str], rank: int, alpha: float, seed: int) -> FlatAdapter:
    """Wrap every linear layer whose name ends in one of `targets`, in place. A new adapter changes nothing: B is zero.

    Raises:
        BaseError: one of the targets is not in this model; a half-wrapped model is a broken one.
    """
    wanted = set(targets)
    found = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear) and name.rsplit(".", 1)[-1] in wanted]
    absent = wanted - {name.rsplit(".", 1)[-1] for name, _ in found}
    if absent:
        raise BaseError(f"this base has no layers called {', '.join(sorted(absent))}: it needs a preset of its own in presets.toml")
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for name, layer in found:
        wrapped = LoRALinear(layer, rank, alpha)
        with torch.no_grad():
            wrapped.a.copy_(initial(rank, layer.in_features, generator))
        parent, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(parent), leaf, wrapped)
    return flattened(parameters(model))


def initial(rank: int, width: int, generator: torch.Generator) -> Tensor:
    """A fresh A, (rank, width): kaiming_uniform(a=√5), as PEFT and the paper's code, which is uniform within 1/√width."""
    bound = 1 / math.sqrt(width)
    return torch.empty(rank, width).uniform_(-bound, bound, generator=generator)


def parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """The adapter's tensors by their PEFT names; empty for a bare base."""
    named: dict[str, nn.Parameter] = {}
    for name, layer in model.named_modules():
        if isinstance(layer, LoRALinear):
            named[f"{PREFIX}{name}.lora_A.weight"] = layer.a
            named[f"{PREFIX}{name}.lora_B.weight"] = layer.b
    return named


def flattened(named: Mapping[str, nn.Parameter]) -> FlatAdapter:
    """Move parameters, and the gradients that they will have, into one tensor each."""
    flat = torch.cat([parameter.detach().flatten() for parameter in named.values()])
    grad = torch.zeros_like(flat)
    views = []
    start = 0
    for name, parameter in named.items():
        own = slice(start, start + parameter.numel())
        start = own.stop
        parameter.data, parameter.grad = flat[own].view(parameter.shape), grad[own].view(parameter.shape)
        views.append((name, parameter.data, parameter.grad))
    return FlatAdapter(flat, grad, views)


def config(base: str, targets: Iterable[str], rank: int, alpha: float) -> dict[str, object]:
    """PEFT's adapter_config.json."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": alpha,
        "target_modules": sorted(targets),
        "lora_dropout": 0.0,
        "bias": "none",
        "inference_mode": True,
    }


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """An adapter folder's configuration and tensors.

    Raises:
        BaseError: it is incomplete or unreadable.
    """
    try:
        settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        return settings, load_file(folder / "adapter_model.safetensors")
    except Exception as error:  # safetensors raises an error type of its own for a damaged file
        raise BaseError(f"the adapter in {folder} cannot be read ({error})") from None
