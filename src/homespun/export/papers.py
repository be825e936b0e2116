"""What goes with every export: card, disclosure, how it is to be drawn, and what the file cannot carry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from homespun.bases.template import Template
from homespun.config import Recipe, SamplingSection
from homespun.registry.card import FILE as CARD

README, REPORT = "README.md", "export_report.json"
NORNICDB = {
    "max_tokens": 256,
    "temperature": 0.1,
    "top_p": 0.9,
    "top_k": 40,
    "context_size": 2048,
    "threads": 4,
    "stop": ["<|im_end|>", "<|endoftext|>", "</s>"],
}
"""What NornicDB generates with unless it is told otherwise."""

__all__ = ["CARD", "NORNICDB", "README", "REPORT", "beside", "nornicdb", "notes", "section", "stop_bias"]


def beside(main: Path, name: str) -> Path:
    """Where a paper goes: as it is called in a folder of its own, behind the model's name in a folder of many."""
    if main.name == "_":
        return main.parent / name
    return main.with_name(f"{main.name}.md" if name == README else f"{main.name}.{name}")


def nornicdb(name: str, file: str, notice: str) -> dict[str, Any]:
    return {"name": name, "file": file, **NORNICDB, "disclosure": notice}


def stop_bias(target: str, sampling: SamplingSection, template: Template) -> str:
    """How the bias that was fitted for the stop token reaches who runs the export."""
    bias, stop = sampling.stop_bias, template.stop_id
    if not bias:
        return "there is none"
    request = f'requests can carry it: "logit_bias": {json.dumps({str(stop): bias})}'
    return {
        "merged": "in generation_config.json, as sequence_bias",
        "ollama": "lost: Ollama has no logit bias, so replies are not as long as they were judged",
        "nornicdb": "lost: NornicDB has no logit bias, so replies are not as long as they were judged",
        "gguf": f"not in the file: llama.cpp takes --logit-bias {stop}{bias:+g}, and {request}",
    }.get(target, f"not in the files; {request}")


def notes(target: str, recipe: Recipe, base: Path) -> list[str]:
    """What else is not as it is in homespun."""
    found = ["It says that it is an avatar only where the program that runs it does so: homespun answers that question by rule."]
    if recipe.retrieval.enabled:
        found.append("It cannot look up messages: that is homespun's, and does not travel with the weights.")
    if recipe.privacy.names:
        found.append("It knows people by invented names; homespun puts the real ones back, other programs do not.")
    if target == "ollama" and (recipe.sampling.frequency_penalty or recipe.sampling.presence_penalty):
        found.append("Ollama counts penalties over the prompt too, homespun over the reply only.")
    source = base / "source.json"
    if source.is_file() and "wheel" in json.loads(source.read_text(encoding="utf-8")):
        found.append(
            "Its base came from a package in 4 bits. What is said of sizes and losses is in comparison with that base, "
            "and an adapter is best used on it."
        )
    return found


def section(report: dict[str, Any], notice: str) -> str:
    """What the card says of this export."""
    checks, sampling = report["checks"], report["sampling"]
    share = f", {report['of_f16']:.0%} of F16" if report["of_f16"] else ""
    named = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_tokens")
    drawn = ", ".join(f"{name} {sampling[name]:g}" for name in named)
    on = "held-out tokens" if checks["held_out"] else "tokens of sample text"
    return "\n".join(
        [
            "",
            "## This export",
            "",
            notice,
            "",
            f"- {report['version']} for {report['target']}, weights in {report['quant']}: {report['bytes'] / 1e6:,.0f} MB{share}.",
            f"- Checked against {report['version']}: {checks['texts']} texts cut alike, {checks['prompts']} conversations rendered alike, "
            f"{checks['agreement']:.1%} of {checks['reply_tokens']} greedy tokens the same, "
            f"{checks['loss_change']:+.4f} nats per token on {checks['loss_tokens']} {on}.",
            f"- It was trained under this system line: `{report['system']}`",
            f"- Replies were fitted with {drawn}.",
            f"- Bias of the stop token, {report['stop_bias']['value']:+g}: {report['stop_bias']['carried']}.",
            *(f"- {note}" for note in report["notes"]),
            "",
        ]
    )
