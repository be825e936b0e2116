from __future__ import annotations

import json
from pathlib import Path

import pytest

from homespun.errors import UsageError
from homespun.evaluation.public_probes import BLIMP_EACH, read_probes


def write_blimp(folder: Path, count: int) -> None:
    record = {"field": "syntax", "linguistics_term": "island_effects", "UID": "wh_island", "simple_LM_method": True}
    rows = [
        record | {"sentence_good": f"Good {number}.", "sentence_bad": f"Bad {number}.", "pairID": str(number)} for number in range(count)
    ]
    (folder / "data").mkdir()
    (folder / "data" / "wh_island.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def test_blimp_as_published_gives_a_fixed_sample_of_each_paradigm(tmp_path: Path) -> None:
    write_blimp(tmp_path, 1000)
    (tmp_path / "other.jsonl").write_text('{"text": "something else"}\n', encoding="utf-8")
    found = read_probes(tmp_path)
    assert len(set(found.blimp)) == BLIMP_EACH and found == read_probes(tmp_path)
    assert all(pair.good.replace("Good", "Bad") == pair.bad for pair in found.blimp)
    assert not found.crows and not found.winogender


def test_a_folder_without_probes_or_with_broken_ones_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        read_probes(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no BLiMP"):
        read_probes(tmp_path)
    (tmp_path / "crows_pairs_anonymized.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="published formats"):
        read_probes(tmp_path)
