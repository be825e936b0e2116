"""How fast words come in: parsing, storing, finding near copies. One core, one chat of a million messages.

    python benchmarks/ingest.py            # about four minutes
    python benchmarks/ingest.py --quick    # 100,000 messages
    python benchmarks/ingest.py --json

- `whatsapp_parsed_s`, `telegram_parsed_s`: messages a second, from the file to `Message`.
- `telegram_share`: that rate / the rate of a bare pass that builds every message of the same file with ijson and keeps none; the median
  of three turns.
- `stored_s`: messages a second from the file into the corpus, parsing included; `import_peak_gb`: peak memory of that process.
- `again_added`: messages that the same export adds a second time.
- `near_s`: texts a second searched for near copies; `near_ratio`: seconds for all of them / seconds for a tenth; `near_peak_gb`.

Every measurement is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import ijson

import exports
from homespun import sources
from homespun.corpus import imports
from homespun.corpus.dedupe import duplicates
from homespun.home import Home
from homespun.types import ImportReport

MESSAGES, QUICK = 1_000_000, 100_000
TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", nargs=2, metavar=("WHAT", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        what, path = options.alone
        print(json.dumps(ALONE[what](Path(path))))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), QUICK if options.quick else MESSAGES)
    print(json.dumps(found) if options.json else "\n".join(f"{name:<20}{value:>14,.3f}" for name, value in found.items()))


def measure(folder: Path, count: int) -> dict[str, float]:
    chat, account = folder / "WhatsApp Chat with Anna Müller.txt", folder / "result.json"
    exports.whatsapp(chat, count)
    exports.telegram(account, count)
    parsed = alone("parse", chat)
    turns = [(alone("parse", account), alone("bare", account)) for _ in range(TURNS)]
    told = turns[0][0] | {"rate": median(ours["rate"] for ours, _ in turns)}
    exports.texts(folder / "little", count // 10)
    exports.texts(folder / "much", count)
    stored, little, much = alone("store", chat), alone("near", folder / "little"), alone("near", folder / "much")
    return {
        "whatsapp_parsed_s": round(parsed["rate"]),
        "whatsapp_peak_gb": parsed["peak_gb"],
        "telegram_parsed_s": round(told["rate"]),
        "telegram_peak_gb": told["peak_gb"],
        "telegram_share": round(median(ours["rate"] / bare["rate"] for ours, bare in turns), 3),
        "stored_s": round(stored["rate"]),
        "import_peak_gb": stored["peak_gb"],
        "again_added": stored["again"],
        "near_s": round(much["rate"]),
        "near_ratio": round(much["seconds"] / little["seconds"], 2),
        "near_peak_gb": much["peak_gb"],
    }


def alone(what: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--alone", what, str(path)]
    found: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def timed(work: Callable[[], int]) -> dict[str, float]:
    start = time.perf_counter()
    count = work()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "rate": count / seconds, "peak_gb": peak()}


def peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3)


def parse(path: Path) -> dict[str, float]:
    return timed(lambda: sum(1 for chat in sources.read(path, ImportReport("")) for _ in chat.messages))


def bare(path: Path) -> dict[str, float]:
    with path.open("rb") as file:
        return timed(lambda: sum(1 for _ in ijson.items(file, "messages.item", use_float=True)))


def store(path: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        home = Home.create(Path(folder))
        found = timed(lambda: imports.add_export(home, path, "Ben")[0].messages)
        return found | {"again": imports.add_export(home, path, "Ben")[0].messages}


def near(path: Path) -> dict[str, float]:
    with path.open(encoding="utf-8") as lines:
        return timed(lambda: len(duplicates(lines).same))


ALONE = {"parse": parse, "bare": bare, "store": store, "near": near}


if __name__ == "__main__":
    main()
