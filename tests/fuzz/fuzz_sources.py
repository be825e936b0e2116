"""Coverage-guided fuzzing of the sources (atheris): no file may crash one, hang it, or make memory grow.

    python tests/fuzz/fuzz_sources.py whatsapp --seconds 60
    python tests/fuzz/fuzz_sources.py --all --seconds 600 --jobs 2
    python tests/fuzz/fuzz_sources.py whatsapp --again build/fuzz/whatsapp/finding-crash-0123…

A name is one that `homespun add --as` knows, or a module. Seeds are the exports in seeds.py that the source recognises. An input
is a byte that chooses a file of a seed, and what that file becomes; the files beside it stay as they are, and the highest bit of
the byte packs them all into a zip. A finding is any exception but SourceError and UsageError, an error of several lines, text or a
time that no corpus takes, an input that takes more than 5 seconds, more than 1 GB of memory, or memory that grows from input to input.
Findings and the growing corpus are kept below build/fuzz; the exit code is 1 if there is a finding.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
from seeds import SAMPLES, WRAPPED

SECONDS_EACH = 5
"""Of the processor's time: the machine may be busy with other things."""
HUNG = 300
"""Seconds by the clock, after which the process is ended from outside of Python."""
MEGABYTES = 1024
GROWTH = 150 << 20
"""Bytes that memory may grow by after the first fifth of the time: the fuzzer's own corpus takes some."""
ZIPPED = 0x80
MEMORY_DISK = Path("/dev/shm")
"""Where Linux keeps files that never reach a disk."""
_ODD: list[object] = [
    None,
    True,
    0,
    -1,
    0.5,
    1e308,
    2**63,
    10**30,
    math.nan,
    "",
    " ",
    "\0",
    "\ud800",
    "x" * 300,
    "2024-02-30",
    "1",
    [],
    {},
    [[[]]],
]

Slot = tuple[dict[str, bytes], str]
"""An export, and which of its files is put in place of the original."""


def main() -> int:
    options = _options()
    if options.child:
        _fuzz(options.names[0], options.seconds, options.folder / options.names[0])
    if options.again:
        Target(options.names[0]).run(options.again.read_bytes())
        return 0
    names = options.names or [name for name, source in _registered().items() if not hasattr(importlib.import_module(source), "read_url")]
    with ThreadPoolExecutor(options.jobs) as pool:
        return max(list(pool.map(lambda name: _child(name, options), names)), default=0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true", help="every registered source that reads files")
    parser.add_argument("--seconds", type=int, default=60, help="for each source")
    parser.add_argument("--jobs", type=int, default=1, help="sources fuzzed side by side")
    parser.add_argument("--again", type=Path, help="run one finding again")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.all == bool(options.names):
        parser.error("give the names of sources, or --all")
    return options


def _registered() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group="homespun.sources")}


def _child(name: str, options: argparse.Namespace) -> int:
    """Fuzz one source in a process of its own, and say how it went."""
    folder = options.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, name, "--child", "--seconds", str(options.seconds), "--folder", str(options.folder)]
    with (folder / "log").open("w") as log:
        failed = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode != 0
    told = (folder / "log").read_text(errors="replace")
    numbers = {
        what: (re.findall(pattern, told) or ["?"])[-1] for what, pattern in (("runs", r"Done (\d+) runs"), ("covered", r"cov: (\d+)"))
    }
    sys.stdout.write(f"{name}: {'FAILED' if failed else 'ok'}, {numbers['runs']} runs, {numbers['covered']} branches\n")
    sys.stdout.write(f"{told[-4000:]}\n" if failed else "")
    sys.stdout.flush()
    return int(failed)


def _fuzz(name: str, seconds: int, folder: Path) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris

    # Only what is instrumented counts as covered, and nothing may have been imported before.
    with atheris.instrument_imports(include=["homespun.sources"], enable_loader_override=False):
        target = Target(name)
    if MEMORY_DISK.is_dir():
        tempfile.tempdir = str(MEMORY_DISK)
    watched = _watched(target.run, seconds)
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, (export, file) in enumerate(target.slots):
        for packed in (0, ZIPPED):
            (corpus / f"seed-{number}-{packed}").write_bytes(bytes([number | packed]) + export[file])
    flags = [f"-max_total_time={seconds}", f"-timeout={HUNG}", f"-rss_limit_mb={MEGABYTES}", "-max_len=32768", "-reload=0"]
    atheris.Setup(
        [sys.argv[0], str(corpus), *flags, f"-artifact_prefix={folder}/finding-"],
        watched,
        custom_mutator=lambda data, size, seed: mutated(data, size, random.Random(seed), atheris.Mutate, len(target.slots)),
    )
    atheris.Fuzz()


class Target:
    """One source, and the seeds it recognises."""

    def __init__(self, name: str) -> None:
        from homespun import sources
        from homespun.sources.files import SQLITE, trees

        self._sources, self._trees, self._sqlite = sources, trees, SQLITE
        self._module: Any = importlib.import_module(_registered().get(name, name))
        self._name = name.rpartition(".")[2]
        self.slots: list[Slot] = [(export, file) for export in SAMPLES.values() if self._knows(export) for file in export]
        if not self.slots:
            raise SystemExit(f"no export in seeds.py is one for {name}: write one")

    def run(self, data: bytes) -> None:
        """One input; raises what is a finding."""
        if not data:
            return
        export, file = self.slots[(data[0] & ~ZIPPED) % len(self.slots)]
        with written({**export, file: data[1:]}, bool(data[0] & ZIPPED)) as path:
            self._read(path)

    def _knows(self, export: dict[str, bytes]) -> bool:
        with written(export, zipped=False) as path, tempfile.TemporaryDirectory() as scratch:
            return any(self._recognised(tree) for tree in self._trees(path, Path(scratch)))

    def _recognised(self, tree: Any) -> bool:
        if hasattr(self._module, "claim"):
            return bool(self._module.claim(tree))
        heads = ((name, tree.head(name)) for name in tree.names)
        return any(head is not None and self._module.detect(tree.path(name), head) for name, head in heads)

    def _read(self, path: Path) -> None:
        from homespun.errors import SourceError, UsageError
        from homespun.sources.text import storable

        with tempfile.TemporaryDirectory() as scratch, patch.object(self._sources, "formats", lambda: {self._name: self._module}):
            try:
                for tree in self._trees(path, Path(scratch)):
                    self._recognised(tree)
                chats, report = self._sources.load(path, self._name)
            except (SourceError, UsageError) as error:
                assert "\n" not in str(error), f"not one line: {error}"
                return
        for chat in chats:
            assert storable(chat.name + chat.key) == chat.name + chat.key, f"a name that cannot be stored: {chat.name!r} {chat.key!r}"
            for message in chat.messages:
                told = message.speaker + message.text + message.id
                assert storable(told) == told, f"text that cannot be stored: {message}"
                assert message.time is None or math.isfinite(message.time), f"no time: {message}"
        assert storable(json.dumps(report.as_dict(), ensure_ascii=False)), "a report"


class written:
    """The export on the disk; gone at the end."""

    def __init__(self, export: dict[str, bytes], zipped: bool) -> None:
        self._export, self._zipped = export, zipped

    def __enter__(self) -> Path:
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        files = {name: WRAPPED[name](data) if name in WRAPPED else data for name, data in self._export.items()}
        if self._zipped:
            with zipfile.ZipFile(self._folder / "export.zip", "w") as archive:
                for name, data in files.items():
                    archive.writestr(name, data)
            return self._folder / "export.zip"
        for name, data in files.items():
            path = self._folder / "export" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return path if len(files) == 1 else self._folder / "export"

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _watched(run: Callable[[bytes], None], seconds: int) -> Callable[[bytes], None]:
    """`run`, with an eye on time and memory."""
    signal.signal(signal.SIGPROF, _too_long)
    process, start, runs, base = psutil.Process(), time.monotonic(), 0, 0

    def watched(data: bytes) -> None:
        nonlocal runs, base
        signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
        run(data)
        signal.setitimer(signal.ITIMER_PROF, 0)
        runs += 1
        if runs % 500 == 0 and time.monotonic() - start > seconds / 5:
            now = process.memory_info().rss
            base = base or now
            assert now - base < GROWTH, f"memory grew from {base >> 20} to {now >> 20} MB within {runs:,} runs"

    return watched


def _too_long(*signal: object) -> None:
    raise AssertionError(f"an input takes more than {SECONDS_EACH} seconds")


def mutated(data: bytes, size: int, chance: random.Random, mutate: Callable[[bytes, int], bytes], slots: int) -> bytes:
    """Bytes are changed blindly; in JSON also a value somewhere, so that it stays JSON."""
    choice = chance.randrange(slots) | chance.choice((0, ZIPPED)) if not data or chance.random() < 0.05 else data[0]
    inner = bytes(data[1:])
    bent = _bent_json(inner, chance) if chance.random() < 0.6 else None
    return bytes([choice]) + (bent if bent is not None and len(bent) < size else bytes(mutate(inner, size - 1)))


def _bent_json(data: bytes, chance: random.Random) -> bytes | None:
    """With another value in one place; None if there is no JSON in it. It may begin after some script, or be one line of several."""
    if not (starts := [at for at in (data.find(b"["), data.find(b"{")) if at >= 0]):
        return None
    lines = data.split(b"\n")
    number = chance.randrange(len(lines))
    for before, part, after in (
        (data[: min(starts)], data[min(starts) :], b""),
        (b"".join(line + b"\n" for line in lines[:number]), lines[number], b"".join(b"\n" + line for line in lines[number + 1 :])),
    ):
        try:
            value = json.loads(part)
            places = list(_places(value))
            holder, key = chance.choice(places)
            holder[key] = chance.choice(_ODD) if chance.random() < 0.7 else chance.choice(places)[0]
            return before + json.dumps(value).encode() + after
        except (ValueError, IndexError, RecursionError):
            continue
    return None


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])


if __name__ == "__main__":
    sys.exit(main())
