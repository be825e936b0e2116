"""What may be wrong in a file: values of any type in any place."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def bent(value: Any, data: st.DataObject) -> Any:
    """A copy of JSON with something else in one to three places."""
    value = copy.deepcopy(value)
    for _ in range(data.draw(st.integers(1, 3))):
        _bend(value, data)
    return value


def _bend(here: Any, data: st.DataObject) -> None:
    depth = data.draw(st.integers(0, 8))
    while isinstance(here, dict | list) and here:
        key = data.draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
        depth -= 1
        if depth < 0 or not isinstance(here[key], dict | list) or not here[key]:
            here[key] = data.draw(anything)
            return
        here = here[key]
