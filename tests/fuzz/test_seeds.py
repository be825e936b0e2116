"""Every source that reads files has seeds to be fuzzed from, and each is a good export of its kind."""

from __future__ import annotations

import json
import random

import pytest
from fuzz_sources import ZIPPED, Target, mutated, written

from homespun import sources
from homespun.sources import UrlSource


@pytest.mark.parametrize("name", [name for name, source in sources.formats().items() if not isinstance(source, UrlSource)])
def test_a_source_is_fuzzed_from_what_it_can_read(name: str) -> None:
    target = Target(name)
    for number, (export, file) in enumerate(target.slots):
        with written(export, zipped=False) as path:
            assert sources.load(path, name)[1].kept, f"nothing kept of {list(export)}"
        for packed in (0, ZIPPED):
            target.run(bytes([number | packed]) + export[file])


def test_json_that_is_mutated_stays_json() -> None:
    chance, data = random.Random(1), b'\x00window.YTD = [{"a": 1, "b": [true, "x"]}]'
    found = {mutated(data, 1000, chance, lambda inner, size: inner, 1)[1:] for _ in range(50)}
    assert len(found) > 20
    for one in found:
        json.loads(one.removeprefix(b"window.YTD = "))
