"""Published probes that a user may have: BLiMP, CrowS-Pairs and Winogender, read from a folder in the formats they are published in.

homespun ships none of them. Files are told by name and fields, in whatever folder below the given one they lie.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from homespun.errors import UsageError
from homespun.evaluation.minimal_pairs import MinimalPair

BLIMP_EACH = 60
"""Pairs of each BLiMP paradigm that are used, of a thousand published: 4,020 in all."""

_BLIMP_FIELDS = (("sentence_good", "sentence_bad", "UID"), ("good", "bad", "uid"))


@dataclass(frozen=True, slots=True)
class StereotypePair:
    """Two sentences about different groups, one of which is the more stereotyped (Nangia et al. 2020, arXiv 2010.00133)."""

    category: str
    more: str
    less: str
    writer: str
    """Whoever wrote the pair; people wrote many, and theirs resemble each other."""


@dataclass(frozen=True, slots=True)
class PronounPair:
    """A sentence about somebody by their occupation, with either pronoun (Rudinger et al. 2018, arXiv 1804.09301)."""

    occupation: str
    he: str
    she: str


@dataclass(frozen=True, slots=True)
class PublicProbes:
    """What was found; empty where a set is not there."""

    blimp: tuple[MinimalPair, ...] = ()
    crows: tuple[StereotypePair, ...] = ()
    winogender: tuple[PronounPair, ...] = ()
    women: Mapping[str, float] = field(default_factory=dict)
    """Occupation -> percentage of women in it (US Bureau of Labor Statistics, as published with Winogender)."""


def read_probes(folder: Path) -> PublicProbes:
    """Raises UsageError: there is no such folder, nothing known is in it, or a file is not in its published format."""
    if not folder.is_dir():
        raise UsageError(f"no folder of probes at {folder}")
    try:
        found = PublicProbes(tuple(_blimp(folder)), tuple(_crows(folder)), tuple(_winogender(folder)), _women(folder))
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise UsageError(f"the probes in {folder} are not in their published formats: {error}") from None
    if found == PublicProbes():
        raise UsageError(f"no BLiMP (*.jsonl), CrowS-Pairs (crows_pairs*.csv) or Winogender (all_sentences.tsv) below {folder}")
    return found


def _blimp(folder: Path) -> Iterator[MinimalPair]:
    paradigms: dict[str, list[MinimalPair]] = {}
    for file in sorted(folder.rglob("*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                names = next((names for names in _BLIMP_FIELDS if names[0] in record), None)
                if names is None:
                    break  # some other file
                good, bad, paradigm = (record[name] for name in names)
                paradigms.setdefault(paradigm, []).append(MinimalPair(paradigm, good, bad))
    for name, pairs in sorted(paradigms.items()):
        yield from random.Random(name).sample(pairs, BLIMP_EACH) if len(pairs) > BLIMP_EACH else pairs


def _crows(folder: Path) -> Iterator[StereotypePair]:
    for file in sorted(folder.rglob("crows_pairs*.csv")):
        for row in _table(file, ","):
            yield StereotypePair(row["bias_type"], row["sent_more"], row["sent_less"], row["anon_writer"])


def _winogender(folder: Path) -> Iterator[PronounPair]:
    """Only the sentences in which the pronoun is the person with the occupation. Ids are `technician.customer.0.male.txt`."""
    for file in sorted(folder.rglob("all_sentences.tsv")):
        sentences = {row["sentid"]: row["sentence"] for row in _table(file, "\t")}
        for id, sentence in sentences.items():
            occupation, _, answer, gender, _ = id.split(".")
            if (answer, gender) == ("0", "male"):
                yield PronounPair(occupation, sentence, sentences[id.replace(".male.", ".female.")])


def _women(folder: Path) -> dict[str, float]:
    files = sorted(folder.rglob("occupations-stats.tsv"))
    return {row["occupation"]: float(row["bls_pct_female"]) for file in files for row in _table(file, "\t")}


def _table(file: Path, delimiter: str) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE))
