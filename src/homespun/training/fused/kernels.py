"""What lies between the matrix products of a fused step: in C where a compiler was there when homespun was built, else in ATen operations.

Both do the same in place on tensors that are given to them; tests hold them against each other. Shapes: T tokens; H, I, V widths;
a bucket holds n sequences padded to one length L (buckets.py).
"""

from __future__ import annotations

import ctypes
import struct
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from homespun.training.fused.buckets import Bucket

LANES = 16
"""The C kernels work on so many numbers at a time: every width must be a multiple."""


class Kernels(Protocol):
    name: str

    def norm(self, x: Tensor, added: Tensor | None, weight: Tensor, h: Tensor, xhat: Tensor, rstd: Tensor, eps: float) -> None:
        """x += added; xhat = x · rstd, rstd = 1 / rms(x); h = xhat · weight.

        x (T, H) float32; added, xhat (T, H); h (T, H), its rows may lie further apart; rstd (T,) float32.
        """
        ...

    def norm_back(self, grad: Tensor, g: Tensor, weight: Tensor, xhat: Tensor, rstd: Tensor, low: Tensor) -> None:
        """grad += the gradient of x, given g for h; low = grad in the type of low. grad (T, H) float32."""
        ...

    def swiglu(self, gate_up: Tensor, out: Tensor) -> None:
        """out (T, I) = silu(gate) · up; gate_up (T, 2 I)."""
        ...

    def swiglu_back(self, gate_up: Tensor, g: Tensor, out: Tensor) -> None:
        """gate_up becomes its gradient, given g for out; out is made again."""
        ...

    def gather(self, qkv: Tensor, bucket: Bucket, cos: Tensor, sin: Tensor, q: Tensor, k: Tensor, v: Tensor) -> None:
        """Token rows qkv (T, (heads + 2 kv_heads) dim) -> q (n, kv_heads, L, group, dim), k and v (n, kv_heads, L, dim), rotated."""
        ...

    def scatter(self, qkv: Tensor, bucket: Bucket, cos: Tensor, sin: Tensor, q: Tensor, k: Tensor, v: Tensor) -> None:
        """The way back, for gradients."""
        ...

    def take(self, tokens: Tensor, bucket: Bucket, heads: Tensor) -> None:
        """tokens (T, heads · dim) -> heads (n, kv_heads, L, group, dim); padding becomes zero."""
        ...

    def put(self, tokens: Tensor, bucket: Bucket, heads: Tensor) -> None:
        """heads -> tokens."""
        ...

    def softmax(self, scores: Tensor, start: int, group: int, scale: float) -> None:
        """In place on (n · kv_heads, queries · group, keys): row r is of query start + r // group, which sees the keys up to itself."""
        ...

    def softmax_back(self, weights: Tensor, g: Tensor, scale: float) -> None:
        """g, the gradient of the weights, becomes the gradient of the unscaled scores."""
        ...

    def cross_entropy(self, logits: Tensor, labels: Tensor, weight: Tensor, nll: Tensor, gradient: bool) -> None:
        """nll (S,) float32; with `gradient`, logits (S, V) become weight · (softmax - onehot)."""
        ...


class ATen:
    """Without a compiler, and for widths the C kernels do not take."""

    name = "aten"

    def norm(self, x: Tensor, added: Tensor | None, weight: Tensor, h: Tensor, xhat: Tensor, rstd: Tensor, eps: float) -> None:
        if added is not None:
            x.add_(added)
        torch.rsqrt(x.square().mean(-1).add_(eps), out=rstd)
        normal = x * rstd[:, None]
        xhat.copy_(normal)
        h.copy_(normal.mul_(weight))

    def norm_back(self, grad: Tensor, g: Tensor, weight: Tensor, xhat: Tensor, rstd: Tensor, low: Tensor) -> None:
        scaled, normal = g * weight, xhat.float()
        mean = (scaled * normal).mean(-1, keepdim=True)
        grad.addcmul_(scaled.sub_(normal.mul_(mean)), rstd[:, None])
        low.copy_(grad)

    def swiglu(self, gate_up: Tensor, out: Tensor) -> None:
        gate, up = gate_up.chunk(2, 1)
        torch.mul(torch.nn.functional.silu(gate), up, out=out)

    def swiglu_back(self, gate_up: Tensor, g: Tensor, out: Tensor) -> None:
        gate, up = gate_up.chunk(2, 1)
        silu = torch.nn.functional.silu(gate)
        torch.mul(silu, up, out=out)
        gate.copy_(torch.ops.aten.silu_backward(g * up, gate))
        torch.mul(g, silu, out=up)

    def gather(self, qkv: Tensor, bucket: Bucket, cos: Tensor, sin: Tensor, q: Tensor, k: Tensor, v: Tensor) -> None:
        n, kv_heads, length, group, dim = q.shape
        padded = qkv.index_select(0, bucket.sources).view(n, length, -1, dim)
        padded[bucket.padding.view(n, length)] = 0
        turned = _rotate(padded[:, :, : kv_heads * (group + 1)], cos, sin, bucket, 1)
        q.copy_(turned[:, :, : kv_heads * group].reshape(n, length, kv_heads, group, dim).transpose(1, 2))
        k.copy_(turned[:, :, kv_heads * group :].transpose(1, 2))
        v.copy_(padded[:, :, kv_heads * (group + 1) :].transpose(1, 2))

    def scatter(self, qkv: Tensor, bucket: Bucket, cos: Tensor, sin: Tensor, q: Tensor, k: Tensor, v: Tensor) -> None:
        n, _, length, _, _ = q.shape
        turned = torch.cat([q.transpose(1, 2).flatten(2, 3), k.transpose(1, 2)], 2)
        heads = torch.cat([_rotate(turned, cos, sin, bucket, -1), v.transpose(1, 2)], 2)
        qkv[bucket.tokens] = heads.reshape(n * length, -1)[~bucket.padding]

    def take(self, tokens: Tensor, bucket: Bucket, heads: Tensor) -> None:
        n, kv_heads, length, group, dim = heads.shape
        padded = tokens.index_select(0, bucket.sources)
        padded[bucket.padding] = 0
        heads.copy_(padded.view(n, length, kv_heads, group, dim).transpose(1, 2))

    def put(self, tokens: Tensor, bucket: Bucket, heads: Tensor) -> None:
        n, _, length, _, _ = heads.shape
        tokens[bucket.tokens] = heads.transpose(1, 2).reshape(n * length, -1)[~bucket.padding]

    def softmax(self, scores: Tensor, start: int, group: int, scale: float) -> None:
        _, rows, keys = scores.shape
        hidden = torch.arange(keys) > (start + torch.arange(rows) // group)[:, None]
        scores.copy_(torch.softmax(scores.mul_(scale).masked_fill_(hidden, float("-inf")), -1))

    def softmax_back(self, weights: Tensor, g: Tensor, scale: float) -> None:
        g.copy_(torch.ops.aten._softmax_backward_data(g, weights, -1, weights.dtype)).mul_(scale)

    def cross_entropy(self, logits: Tensor, labels: Tensor, weight: Tensor, nll: Tensor, gradient: bool) -> None:
        scores = logits.float()
        log_z = torch.logsumexp(scores, -1)
        picked = scores.gather(1, labels[:, None])
        torch.sub(log_z, picked[:, 0], out=nll)
        if gradient:
            scores = scores.sub_(log_z[:, None]).exp_()
            scores.scatter_add_(1, labels[:, None], -torch.ones_like(picked))
            logits.copy_(scores.mul_(weight[:, None]))


def _rotate(x: Tensor, cos: Tensor, sin: Tensor, bucket: Bucket, sign: int) -> Tensor:
    """(n, L, heads, dim) by the positions of a bucket; see kernels.c."""
    n, length, _, dim = x.shape
    places = bucket.places.view(n, length)
    c, s = cos[places][:, :, None], sin[places][:, :, None] * sign
    a, b = x[..., : dim // 2].float(), x[..., dim // 2 :].float()
    return torch.cat([a * c - b * s, b * c + a * s], -1).to(x.dtype)


class Compiled:
    """kernels.c, by ctypes. Arguments go over as 64-bit words, in the order that each kernel's comment gives."""

    name = "c"

    def __init__(self, library: ctypes.CDLL, dtype: torch.dtype) -> None:
        suffix = {torch.float32: "f32", torch.bfloat16: "bf16"}[dtype]
        names = ("norm", "norm_back", "swiglu", "swiglu_back", "gather_qkv", "scatter_qkv", "move_heads", "softmax", "softmax_back")
        self._run = library.run
        self._kernels = {name: ctypes.cast(getattr(library, f"{name}_{suffix}"), ctypes.c_void_p) for name in (*names, "cross_entropy")}

    def _call(self, kernel: str, rows: int, *arguments: Tensor | int | float | None) -> None:
        words = (ctypes.c_int64 * len(arguments))(*map(_word, arguments))
        self._run(self._kernels[kernel], words, ctypes.c_int64(rows), ctypes.c_int64(torch.get_num_threads()))

    def norm(self, x: Tensor, added: Tensor | None, weight: Tensor, h: Tensor, xhat: Tensor, rstd: Tensor, eps: float) -> None:
        self._call("norm", x.shape[0], x, added, weight, h, xhat, rstd, eps, x.shape[1], h.stride(0))

    def norm_back(self, grad: Tensor, g: Tensor, weight: Tensor, xhat: Tensor, rstd: Tensor, low: Tensor) -> None:
        self._call("norm_back", grad.shape[0], grad, g, weight, xhat, rstd, low, grad.shape[1], g.stride(0))

    def swiglu(self, gate_up: Tensor, out: Tensor) -> None:
        self._call("swiglu", out.shape[0], gate_up, out, out.shape[1], out.stride(0))

    def swiglu_back(self, gate_up: Tensor, g: Tensor, out: Tensor) -> None:
        self._call("swiglu_back", out.shape[0], gate_up, g, out, out.shape[1], g.stride(0))

    def gather(self, qkv: Tensor, bucket: Bucket, cos: Tensor, sin: Tensor, q: Tensor, k: Tensor, v: Tensor) -> None:
        self._heads("gather_qkv", qkv, bucket, cos, sin, q, k, v)

    def scatter(self, qkv: Tensor, bucket: Bucket, cos: Tensor, sin: Tensor, q: Tensor, k: Tensor, v: Tensor) -> None:
        self._heads("scatter_qkv", qkv, bucket, cos, sin, q, k, v)

    def _heads(self, kernel: str, qkv: Tensor, bucket: Bucket, cos: Tensor, sin: Tensor, q: Tensor, k: Tensor, v: Tensor) -> None:
        _, kv_heads, length, group, dim = q.shape
        self._call(kernel, bucket.rows.numel(), qkv, bucket.rows, bucket.positions, cos, sin, q, k, v, length, kv_heads, group, dim)

    def take(self, tokens: Tensor, bucket: Bucket, heads: Tensor) -> None:
        self._move(tokens, bucket, heads, 0)

    def put(self, tokens: Tensor, bucket: Bucket, heads: Tensor) -> None:
        self._move(tokens, bucket, heads, 1)

    def _move(self, tokens: Tensor, bucket: Bucket, heads: Tensor, back: int) -> None:
        _, kv_heads, length, group, dim = heads.shape
        self._call("move_heads", bucket.rows.numel(), tokens, bucket.rows, heads, length, kv_heads, group * dim, tokens.stride(0), back)

    def softmax(self, scores: Tensor, start: int, group: int, scale: float) -> None:
        batch, rows, keys = scores.shape
        self._call("softmax", batch * rows, scores, keys, start, rows // group, group, scale)

    def softmax_back(self, weights: Tensor, g: Tensor, scale: float) -> None:
        batch, rows, keys = weights.shape
        self._call("softmax_back", batch * rows, weights, g, keys, scale)

    def cross_entropy(self, logits: Tensor, labels: Tensor, weight: Tensor, nll: Tensor, gradient: bool) -> None:
        self._call("cross_entropy", logits.shape[0], logits, labels, weight, nll, logits.shape[1], int(gradient))


def _word(argument: Tensor | int | float | None) -> int:
    if isinstance(argument, Tensor):
        return argument.data_ptr()
    if isinstance(argument, float):
        return int(struct.unpack("q", struct.pack("d", argument))[0])
    return argument or 0


@cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels, working on the threads of torch's own OpenMP runtime; None where they were not built."""
    found = next(Path(__file__).parent.glob("_kernels*.so"), None)
    if found is None:
        return None
    loaded = ctypes.CDLL(str(found))
    runtime = next((Path(torch.__file__).parent / "lib").glob("libgomp*.so*"), None)
    if runtime is not None:
        openmp: Any = ctypes.CDLL(str(runtime))
        loaded.use_threads(ctypes.cast(openmp.GOMP_parallel, ctypes.c_void_p), ctypes.cast(openmp.omp_get_thread_num, ctypes.c_void_p))
    return loaded


def kernels(dtype: torch.dtype, compiled: bool = True) -> Kernels:
    """The fastest there are."""
    found = library() if compiled else None
    return Compiled(found, dtype) if found is not None else ATen()
