"""Who writes: display names made unique, and what else an export says of a person, as `kind:value`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NUMBER = re.compile(r"(?:\+|00)([1-9]\d{6,14})", re.ASCII)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(slots=True)
class Labels:
    """Names made unique by the id, so that two people called Anna stay two people."""

    of_id: dict[str, str] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)

    def label(self, id: str, name: str) -> str:
        """The one name of an id, whatever it is called later."""
        if id not in self.of_id:
            label = name if self.taken.setdefault(name, id) == id else f"{name} ({id})"
            self.of_id[id] = label
            self.taken[label] = id
        return self.of_id[id]

    def reserve(self, id: str, name: str) -> None:
        """Keep a name for somebody who has not written yet."""
        self.taken.setdefault(name, id)


def phone(value: object) -> set[str]:
    """`tel:+4915112345678` of a number with its country code, however it is spaced; of anything else nothing."""
    found = _NUMBER.fullmatch(re.sub(r"[\s().\-/\u00a0\u2011]", "", value)) if isinstance(value, str) else None
    return {f"tel:+{found[1]}"} if found else set()


def mail(value: object) -> set[str]:
    """`mail:anna@example.org` of an address."""
    return {f"mail:{value.strip().lower()}"} if isinstance(value, str) and _MAIL.fullmatch(value.strip()) else set()
