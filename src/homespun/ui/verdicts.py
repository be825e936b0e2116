"""How a verdict of the gate is shown, wherever one is."""

from __future__ import annotations

from nicegui.elements.mixins.text_element import TextElement

from homespun.registry.gate import Verdict
from homespun.ui import look

SHOWN: dict[Verdict | None, tuple[str, look.Tone]] = {
    "pass": ("passed", "good"),
    "fail": ("failed", "bad"),
    "inconclusive": ("not decided", "warn"),
    None: ("not judged", "neutral"),
}


def verdict_badge(verdict: Verdict | None) -> TextElement:
    return look.badge(*SHOWN[verdict])
