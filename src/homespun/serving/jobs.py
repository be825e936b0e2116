"""Commands that somebody starts from a page: each is a `homespun` in a process of its own, so that the server stays quick.

A job outlives the server. What became of it is read from what it left, by whoever asks next: nothing has to watch it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil
from sqlalchemy import Row, insert, select, update

from homespun.database.connection import connect
from homespun.database.schema import jobs
from homespun.errors import Busy, UnknownName
from homespun.home import Home, disk_errors
from homespun.serving import progress, uploads
from homespun.serving.job_verbs import command
from homespun.serving.progress import Progress

JobStatus = Literal["running", "done", "failed", "cancelled"]
PATIENCE = 10.0
"""Seconds that a cancelled job has to leave things in order."""
INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended."""
LONGEST_LINE = 400
PROGRAM = (sys.executable, "-m", "homespun")
MARK = "HOMESPUN_JOB"
"""In the environment of a job's process, its id: a process id may be somebody else's by now."""
KEPT_ELSEWHERE = "report"
"""Of a result: it quotes people, and forgetting them must find every place."""


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    verb: str
    arguments: Mapping[str, object]
    status: JobStatus
    created: str
    ended: str | None
    result: Mapping[str, Any] | None
    """What the command printed as JSON, without the report; where it failed, `error` has its one line."""
    progress: Progress | None
    """Of the training that belongs to it, once it has begun."""
    line: str
    """The last one on its standard error."""


def start(home: Home, verb: str, arguments: Mapping[str, object]) -> Job:
    """Begin a job.

    Args:
        verb: one of job_verbs.VERBS.
        arguments: by the names that the verb has there.

    Raises:
        UsageError: no such verb or argument, or a value that cannot be one.
        Busy: another job is at work.
    """
    made, now = uuid.uuid4().hex, _now()
    words = command(home, verb, arguments)
    for other in list_jobs(home, limit=1):
        if other.status == "running":
            raise Busy(f"`homespun {other.verb}` is at work in this home: wait for it to end, or cancel it")
    folder = _folder(home, made)
    with disk_errors(home.path):
        folder.mkdir(parents=True, mode=0o700)
        with _private(folder / "stdout") as out, _private(folder / "stderr") as err:
            process = subprocess.Popen(
                [*PROGRAM, *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, MARK: made, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
    threading.Thread(target=process.wait, daemon=True).start()  # or it would stay in the list of processes when it has ended
    with contextlib.suppress(psutil.Error):
        psutil.Process(process.pid).nice(psutil.IDLE_PRIORITY_CLASS if sys.platform == "win32" else 19)
    row = {"id": made, "verb": verb, "arguments": json.dumps(dict(arguments)), "status": "running", "pid": process.pid, "created": now}
    with connect(home) as db:
        db.execute(insert(jobs).values(row))
    return get(home, made)


def get(home: Home, job: str) -> Job:
    """How it is now. Raises UnknownName."""
    with connect(home) as db:
        row = db.execute(select(jobs).where(jobs.c.id == job)).one_or_none()
    if row is None:
        raise UnknownName("job", job, (), hint="the list of jobs has those of this home")
    return _job(home, _settled(home, row))


def list_jobs(home: Home, limit: int = 20) -> list[Job]:
    """The newest first."""
    with connect(home) as db:
        rows = db.execute(select(jobs).order_by(jobs.c.created.desc(), jobs.c.id).limit(limit)).all()
    return [_job(home, _settled(home, row)) for row in rows]


def cancel(home: Home, job: str) -> Job:
    """End a job, as Ctrl-C does; after PATIENCE, as `kill -9` does. One that has ended already stays as it is. It takes its time.

    Raises:
        UnknownName: no such job.
    """
    with connect(home) as db:
        row = db.execute(select(jobs).where(jobs.c.id == job)).one_or_none()
    process = _process(row) if row is not None and row.status == "running" else None
    if process is not None:
        with _private(_folder(home, job) / "cancelled"):
            _signal(process.pid, signal.SIGINT)
        try:
            process.wait(PATIENCE)
        except psutil.TimeoutExpired:
            _signal(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
        _signal(process.pid, signal.SIGKILL)  # whatever it has started itself
    return get(home, job)


def recover(home: Home) -> None:
    """What a server does when it starts: jobs that ended, or were lost, while there was none are given their end."""
    with connect(home) as db:
        rows = db.execute(select(jobs).where(jobs.c.status == "running")).all()
    for row in rows:
        _settled(home, row)
    uploads.sweep(home)


def _settled(home: Home, row: Row[Any]) -> Row[Any]:
    """The row of a job, with its end where its process has ended."""
    if row.status != "running" or _process(row) is not None:
        return row
    folder = _folder(home, row.id)
    printed = _printed(folder / "stdout")
    status: JobStatus = "failed"
    if printed and "error" not in printed:
        status = "done"
    elif (folder / "cancelled").exists() or (printed or {}).get("exit_code") == INTERRUPTED:
        status = "cancelled"
    result = printed or {"error": "it was cancelled" if status == "cancelled" else "it ended before it was done: start it again"}
    kept = json.dumps({name: value for name, value in result.items() if name != KEPT_ELSEWHERE})
    this = jobs.c.id == row.id
    with connect(home) as db:
        db.execute(update(jobs).where(this, jobs.c.status == "running").values(status=status, result=kept, ended=_ended(folder)))
        row = db.execute(select(jobs).where(this)).one()
    # What was printed can quote people, too; of what failed, how it did is kept.
    for name in ("stdout", "stderr") if row.status == "done" else ("stdout",):
        (folder / name).unlink(missing_ok=True)
    if row.status == "done" and (upload := json.loads(row.arguments).get("upload")):
        uploads.remove(home, upload)
    return row


def _process(row: Row[Any]) -> psutil.Process | None:
    """Its process, if it is still at work. Its number may be another one's by now: the mark in its environment tells."""
    try:
        process = psutil.Process(row.pid)
        at_work = process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == row.id
    except psutil.Error:
        return None
    return process if at_work else None


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _printed(file: Path) -> dict[str, Any] | None:
    """The JSON object in the last line of its standard output."""
    try:
        value = json.loads(file.read_text(encoding="utf-8").strip().rpartition("\n")[2])
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _job(home: Home, row: Row[Any]) -> Job:
    result = json.loads(row.result) if row.result else None
    trains = progress.of_run(home, row.created, row.ended) if row.verb != "add" else None
    line = _last_line(_folder(home, row.id) / "stderr")
    return Job(row.id, row.verb, json.loads(row.arguments), row.status, row.created, row.ended, result, trains, line)


def _last_line(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - 4 * LONGEST_LINE))
            text = stream.read().decode(errors="replace").strip()
    except OSError:
        return ""
    return text.rpartition("\n")[2][:LONGEST_LINE]


def _ended(folder: Path) -> str:
    try:
        return datetime.fromtimestamp((folder / "stdout").stat().st_mtime, UTC).isoformat(timespec="seconds")
    except OSError:
        return _now()


def _folder(home: Home, job: str) -> Path:
    return home.path / "jobs" / job


@contextlib.contextmanager
def _private(file: Path) -> Iterator[int]:
    """A new file that only its owner reads."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
