"""The fused step against the reference: same loss, same gradients, for every family, shape and mask, with C kernels and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from helpers import ALPHA, RANK, gradients, random_adapter, random_base, random_sequence, relative_error, sequences, step_of, weighted
from homespun.bases import dense
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.bases.template import Rendered, Template
from homespun.config import AdapterSection, StepKind, TrainingSection
from homespun.errors import BaseError
from homespun.training import kinds
from homespun.training.batches import collate
from homespun.training.fused.kernels import library
from homespun.training.kinds import Machine, fastest, make_step
from homespun.training.loop import Event, train
from homespun.training.plan import make_plan
from homespun.training.step import AutogradStep, Step

OPTIONS = AdapterSection(rank=RANK, alpha=ALPHA)
FUSED: tuple[StepKind, ...] = ("fused", "aten")


def fused(folder: Path, kind: StepKind, dtype: str = "float32") -> Step:
    return make_step(folder, DEFAULT_TARGETS, OPTIONS, Machine(kind, dtype, 1))


def learned(step: Step, found: list[Rendered], adapter: dict[str, Tensor]) -> tuple[float, Tensor, dict[str, Tensor]]:
    step.adapter.set(adapter)
    batch = collate(found)
    loss = step.loss_and_gradients(batch, batch.total_weight)
    return loss, step.score(batch), gradients(step.adapter)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    family=st.sampled_from(["Llama", "Mistral", "Qwen2", "Qwen3"]),
    heads=st.sampled_from([(1, 1), (1, 3), (2, 2), (3, 1)]),
    dim=st.sampled_from([32, 64]),
    per_head=st.sampled_from([16, 32]),
    layers=st.integers(1, 2),
    tied=st.booleans(),
    found=sequences(),
    weights=st.lists(st.floats(0.1, 3), min_size=5, max_size=5),
)
def test_loss_scores_and_gradients_are_the_references(
    tmp_path_factory: pytest.TempPathFactory,
    family: str,
    heads: tuple[int, int],
    dim: int,
    per_head: int,
    layers: int,
    tied: bool,
    found: list[Rendered],
    weights: list[float],
) -> None:
    found = [weighted(one, weight) for one, weight in zip(found, weights, strict=False)]
    kv_heads, group = heads
    shape = {"num_key_value_heads": kv_heads, "num_attention_heads": kv_heads * group, "head_dim": dim}
    hidden = kv_heads * group * (dim if family == "Qwen2" else per_head)  # Qwen2 has no head_dim of its own
    rest = {"hidden_size": hidden, "intermediate_size": 80, "num_hidden_layers": layers, "tie_word_embeddings": tied}
    folder = random_base(tmp_path_factory.mktemp("base"), family, **shape, **rest)
    found = [Rendered([token % 320 for token in one.ids], one.target) for one in found]
    reference = step_of(folder)
    adapter = random_adapter(reference.adapter.tensors, size=0.05)
    loss, scores, exact = learned(reference, found, adapter)
    for kind in FUSED:
        ours = learned(fused(folder, kind), found, adapter)
        assert ours[0] == pytest.approx(loss, rel=1e-5)
        torch.testing.assert_close(ours[1], scores, rtol=1e-4, atol=1e-4)
        assert relative_error(ours[2], exact) <= 1e-4


@pytest.mark.parametrize("kind", FUSED)
def test_long_sequences_among_short_ones(toy_16: Path, kind: StepKind) -> None:
    """More than one block of queries, buckets of several sequences, and buffers that served another batch before."""
    found = [random_sequence(length, length, 320) for length in (700, 129, 128, 127, 130, 2, 64)]
    reference, step = step_of(toy_16), fused(toy_16, kind)
    adapter = random_adapter(reference.adapter.tensors, size=0.05)
    learned(step, [random_sequence(900, 1, 320)], adapter)
    loss, _, exact = learned(reference, found, adapter)
    ours = learned(step, found, adapter)
    assert ours[0] == pytest.approx(loss, rel=1e-5)
    assert relative_error(ours[2], exact) <= 1e-4


@pytest.fixture(scope="module")
def toy_16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = {"num_key_value_heads": 2, "num_attention_heads": 4, "head_dim": 32, "hidden_size": 64, "intermediate_size": 96}
    return random_base(tmp_path_factory.mktemp("toy16"), "Llama", **shape, num_hidden_layers=2)


def test_fresh_adapters_are_the_same_whatever_computes_them(toy_16: Path) -> None:
    ours, theirs = fused(toy_16, "fused").adapter.tensors, step_of(toy_16).adapter.tensors
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_bfloat16_gradients_on_the_real_base(base_folder: Path, template: Template, data_dir: Path) -> None:
    """Against float32 on the same (bfloat16) weights: nearer than the autograd step in bfloat16, and as near as this format allows
    (benchmarks/LOG.md takes the error apart). The norms have no bias."""
    lines = (data_dir / "dev-apollo" / "messages.a13.jsonl").read_text(encoding="utf-8").splitlines()[400:520]
    words = " ".join(json.loads(line)["text"] for line in lines)
    ids = template.ids(words)[:600]
    found = [Rendered(ids[start : start + 300], [0] * 100 + [1] * 200) for start in range(0, 600, 300)]
    exact_step, rough_step = step_of(base_folder), step_of(base_folder, "bfloat16")
    with torch.no_grad():
        for parameter in exact_step.model.parameters():
            if not parameter.requires_grad:
                parameter.copy_(parameter.bfloat16())
    adapter = random_adapter(exact_step.adapter.tensors, size=0.005)
    exact = learned(exact_step, found, adapter)[2]
    theirs = learned(rough_step, found, adapter)[2]
    ours = learned(fused(base_folder, "fused", "bfloat16"), found, adapter)[2]

    def cosines(found: dict[str, Tensor]) -> Tensor:
        pairs = ((found[name].flatten().double(), exact[name].flatten().double()) for name in exact)
        return torch.tensor([float(torch.cosine_similarity(one, other, dim=0)) for one, other in pairs])

    assert (1 - cosines(ours)).mean() < 0.7 * (1 - cosines(theirs)).mean()
    assert cosines(ours).min() > 0.99 and cosines(ours).median() > 0.999
    norms = torch.tensor([float(ours[name].norm() / exact[name].norm()) for name in exact])
    assert abs(norms.mean() - 1) < 0.005


def test_the_fastest_step_is_chosen_and_says_why_it_is_no_faster(
    toy_16: Path, toy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fastest(toy_16, DEFAULT_TARGETS, 512) == ("fused", "")
    assert fastest(toy_16, DEFAULT_TARGETS[:2], 512)[0] == "autograd"
    kind, reason = fastest(toy_folder, DEFAULT_TARGETS, 512)
    assert kind == "aten" and "multiple of 16" in reason
    monkeypatch.setattr(kinds, "library", lambda: None)
    kind, reason = fastest(toy_16, DEFAULT_TARGETS, 512)
    assert kind == "aten" and "install one" in reason
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}', encoding="utf-8")
    kind, reason = fastest(tmp_path, DEFAULT_TARGETS, 512)
    assert kind == "autograd" and "it is of type gpt2" in reason
    kind, reason = fastest(toy_16, DEFAULT_TARGETS, 4097)
    assert kind == "autograd" and "beyond 4,096 tokens" in reason


def test_the_kernels_were_compiled() -> None:
    """Where this suite runs there is a compiler: a build that lost them would still pass everything above, slowly."""
    assert library() is not None


def test_a_base_that_lacks_a_tensor_or_is_damaged_is_not_taken(toy_16: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((toy_16 / "config.json").read_bytes())
    save_file({"model.norm.weight": torch.ones(64)}, tmp_path / "model.safetensors")
    with pytest.raises(dense.NotDense, match=r"no tensor model\.embed_tokens\.weight"):
        dense.load(tmp_path, torch.float32)
    (tmp_path / "model.safetensors").write_bytes(b"half a file")
    with pytest.raises(BaseError, match="delete that folder and run the command again"):
        dense.load(tmp_path, torch.float32)


def test_autograd_is_what_is_left(toy_folder: Path) -> None:
    step = make_step(toy_folder, DEFAULT_TARGETS, OPTIONS, Machine("autograd", "float32", 1))
    assert isinstance(step, AutogradStep)


def test_the_loop_learns_the_same_with_either_step(toy_16: Path, tmp_path: Path) -> None:
    rows = [random_sequence(length, length, 320) for length in range(20, 120, 6)]
    options = TrainingSection(epochs=3, tokens_per_step=256, learning_rate=1e-3)
    learned: dict[StepKind, Tensor] = {}
    for kind in ("autograd", *FUSED):
        machine = Machine(kind, "float32", 1)
        folder = tmp_path / kind
        folder.mkdir()
        plan = make_plan([len(row) for row in rows], options, machine)
        done = train(make_step(toy_16, DEFAULT_TARGETS, OPTIONS, machine), rows, rows[:3], plan, folder)
        learned[kind] = torch.cat([tensor.flatten() for tensor in done.weights.values()])
    for kind in FUSED:
        assert (learned[kind] - learned["autograd"]).norm() <= 1e-3 * learned["autograd"].norm()


class Killed(Exception): ...


@pytest.mark.parametrize("kind", FUSED)
@pytest.mark.parametrize("stop", [1, 4, 9])
def test_a_killed_run_ends_bit_for_bit_like_any_other(toy_16: Path, tmp_path: Path, kind: StepKind, stop: int) -> None:
    rows = [random_sequence(length, length, 320) for length in range(20, 120, 6)]
    machine = Machine(kind, "bfloat16", 1)
    plan = make_plan([len(row) for row in rows], TrainingSection(epochs=4, tokens_per_step=256, checkpoint_every=1e-9), machine)

    def run(folder: Path, kill_at: int | None) -> Tensor:
        def follow(event: Event) -> None:
            if event["event"] == "step" and event["step"] == kill_at:
                raise Killed

        folder.mkdir(exist_ok=True)
        step = make_step(toy_16, DEFAULT_TARGETS, OPTIONS, machine)
        done = train(step, rows, rows[:3], plan, folder, follow)
        return torch.cat([tensor.flatten() for tensor in done.weights.values()])

    with pytest.raises(Killed):
        run(tmp_path / "killed", stop)
    assert torch.equal(run(tmp_path / "killed", None), run(tmp_path / "straight", None))
