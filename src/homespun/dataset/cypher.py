"""Whether an output is Cypher, as a real engine parses and plans it: ArcadeDB, asked to EXPLAIN. Nothing is run.

The engine is a Java machine that writes logs where it stands, so it works in a process and a folder of its own.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from homespun.dataset.problems import Judge
from homespun.errors import HomespunError, UsageError

JAVA = "-Xmx256m"
_REASON = re.compile(r"(?:\w+\.)+(\w+Exception): (.*?)(?: \(caused by .*)?$", re.DOTALL)


@contextlib.contextmanager
def cypher_judge() -> Iterator[Judge]:
    """Says of an output what keeps it from being Cypher. The same words for all syntax errors, so that they are counted together.

    Raises:
        UsageError: ArcadeDB is not installed.
        HomespunError: it does not start, or dies of a query.
    """
    if importlib.util.find_spec("arcadedb_embedded") is None:
        raise UsageError("checking Cypher needs a package that is not here: pip install 'homespun[graph]'")
    with tempfile.TemporaryDirectory(prefix="homespun-") as folder:
        command = [sys.executable, "-m", "homespun.dataset.cypher"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "ARCADEDB_JVM_ARGS": JAVA}
        with subprocess.Popen(command, cwd=folder, env=environment, text=True, encoding="utf-8", **pipes) as engine:  # type: ignore[call-overload]

            def judge(query: str) -> str | None:
                with contextlib.suppress(BrokenPipeError):
                    engine.stdin.write(json.dumps(query) + "\n")
                    engine.stdin.flush()
                for line in engine.stdout:
                    if line.startswith("{"):  # Java says things too
                        return str(wrong) if (wrong := json.loads(line)["wrong"]) else None
                raise HomespunError("the Cypher engine stopped: run `python -m homespun.dataset.cypher` to see why")

            try:
                yield judge
            finally:
                engine.kill()


def explained(reason: str) -> str:
    """One line of what the engine says at length."""
    found = _REASON.search(reason)
    kind, words = (found[1], found[2]) if found else ("", reason)
    if "Parsing" in kind:
        return "an output that is no Cypher (syntax)"
    return f"an output that is no sound Cypher: {words.partition(':')[0].strip() or kind}"


def _serve() -> None:
    import arcadedb_embedded

    database = arcadedb_embedded.create_database(str(Path("database").absolute()))
    for line in sys.stdin:
        query = re.sub(r"^\s*(?:EXPLAIN|PROFILE)\b", "", json.loads(line), flags=re.IGNORECASE)
        wrong = None
        try:
            list(database.query("opencypher", f"EXPLAIN {query}"))
        except Exception as error:  # whatever a query makes the engine say
            wrong = explained(str(error))
        sys.stdout.write(json.dumps({"wrong": wrong}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
