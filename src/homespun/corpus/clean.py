"""What exports leave in a text and nobody wrote is taken out: control characters, placeholders of attachments, pieces of Apple archives.

Nothing else changes: no normalisation, no trimming of blanks, no repair.
"""

from __future__ import annotations

import re

PLACEHOLDERS = "\ufffc\ufffd"
"""An attachment stood here; bytes stood here that could not be read."""
JUNK = "\u200b\u200e\u200f\u2060\ufeff"
"""Invisible, and without meaning at the end of a text. Joiners and selectors belong to the letter or emoji beside them, embeddings to their
other half: they stay."""

_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_BREAKS = "\r\x0b\x0c\x85"
_UNREADABLE = rf"[{_CONTROL}{PLACEHOLDERS}]"

_SUSPECT = re.compile(rf"[{_CONTROL}{_BREAKS}{PLACEHOLDERS}{JUNK}]|iI|bplist0")
_VISIBLE = re.compile(
    r"[^\s\u034f\u061c\u115f\u1160\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)

_ARCHIVES = re.compile(
    # The head of a typedstream, up to the length that stands before its string: one byte, or a mark and two.
    rf"(?:\x04?\x0b)?streamtyped{_UNREADABLE}[^ ]{{0,400}}?NSString{_UNREADABLE}{{1,9}}\+(?:[\x81\ufffd]..|.)"
    # What follows the string: to the end. Then the same when its unreadable bytes were lost on the way here.
    r"|\x02iI.*\Z"
    r"|iI[^ \n]{0,6}NSDictionary[^ \n]{0,400}__kIM\w+.*\Z"
    # A binary property list holds the text in a way that cannot be told from its other strings.
    rf"|bplist0\d.?{_UNREADABLE}.*\Z"
    r"|bplist0\d[^ \n]{0,9}\$version[^ \n]{0,400}\$objects.*\Z",
    re.DOTALL,
)
_ALONE = re.compile(rf"^[{PLACEHOLDERS}]+\n|\n[{PLACEHOLDERS}]+$|[{PLACEHOLDERS}]+", re.MULTILINE)
_BREAK = re.compile(rf"\r\n|[{_BREAKS}]")
_LOOSE = re.compile(rf"[{_CONTROL}]+")


def clean(text: str) -> str | None:
    """`text` as it was written, or None if nothing of it can be seen.

    A placeholder that has a line to itself goes with its line. Other marks for a line break become the usual one.
    """
    if _SUSPECT.search(text):
        text = _ARCHIVES.sub("", text)
        text = _ALONE.sub("", text)
        text = _BREAK.sub("\n", text)
        text = _LOOSE.sub("", text).strip(JUNK)
    return text if _VISIBLE.search(text) else None
