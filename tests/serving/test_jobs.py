"""Commands in processes of their own, with a real `homespun`: they end, fail, are cancelled, and outlive a server."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from sqlalchemy import insert, select

from homespun.corpus import imports
from homespun.database.connection import connect
from homespun.database.schema import jobs as table
from homespun.errors import Busy, HomespunError, UnknownName, UsageError
from homespun.home import Home
from homespun.serving import job_verbs, jobs, progress, uploads
from homespun.types import Chat, ImportReport, Message

EXPORT = "".join(
    json.dumps({"conv": "Ben", "ts": f"2024-05-01T09:{n:02}", "speaker": ("Ben", "Anna")[n % 2], "text": f"line {n}"}) + "\n"
    for n in range(20)
)


def upload(home: Home, name: str = "chat.jsonl", content: bytes = EXPORT.encode(), limit: int = 1 << 20) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 300):
            yield content[start : start + 300]

    return asyncio.run(uploads.receive(home, name, chunks(), limit))


def wait(home: Home, job: str, seconds: float = 90) -> jobs.Job:
    deadline = time.monotonic() + seconds
    while (found := jobs.get(home, job)).status == "running":
        assert time.monotonic() < deadline, "it does not end"
        time.sleep(0.1)
    return found


def sleeper(home: Home, monkeypatch: pytest.MonkeyPatch, code: str) -> jobs.Job:
    """A job whose process runs other code."""
    monkeypatch.setattr(jobs, "command", lambda home, verb, arguments: ["-c", code])
    monkeypatch.setattr(jobs, "PROGRAM", [sys.executable])
    return jobs.start(home, "train", {"model": "anna"})


def test_an_upload_is_added(home: Home) -> None:
    name = upload(home, "../../Chat with Ben\x00.jsonl")
    assert uploads.find(home, name).name == "Chat with Ben.jsonl" and uploads.find(home, name).parent.parent == home.path / "uploads"
    job = jobs.start(home, "add", {"upload": name, "me": "Anna", "gap": "1h"})
    assert job.status == "running" and job.progress is None
    assert psutil.Process(pid_of(home, job.id)).nice() == 19
    for file in (home.path / "jobs" / job.id).iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = wait(home, job.id)
    assert done.status == "done" and done.result is not None and done.ended is not None
    assert (done.result["added"], done.result["mine"]) == (20, 10)
    with pytest.raises(UnknownName):
        uploads.find(home, name)
    assert [one.id for one in jobs.list_jobs(home)] == [job.id]


def pid_of(home: Home, job: str) -> int:
    with connect(home) as db:
        return int(db.execute(select(table.c.pid).where(table.c.id == job)).scalar_one())


def test_what_fails_says_why_in_one_line(home: Home) -> None:
    failed = wait(home, jobs.start(home, "train", {"model": "anna", "person": "me"}).id)
    assert failed.status == "failed" and failed.result is not None
    assert failed.result["error"] and "\n" not in failed.result["error"] and failed.result["exit_code"]
    name = upload(home, content=b"nothing that anybody could read")
    failed = wait(home, jobs.start(home, "add", {"upload": name}).id)
    assert failed.status == "failed" and uploads.find(home, name), "it can be tried again"


def test_cancelling_ends_the_process_and_what_it_started(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    child = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    start = f"import signal, subprocess, sys, time; subprocess.Popen([sys.executable, '-c', '{child}'])"
    job = sleeper(home, monkeypatch, f"{start}; signal.signal(signal.SIGINT, signal.default_int_handler); time.sleep(60)")
    process = psutil.Process(pid_of(home, job.id))
    while not (home.path / "jobs" / job.id / "stdout").read_text():
        time.sleep(0.05)
    children = process.children()
    with pytest.raises(Busy, match="wait for it to end, or cancel it"):
        jobs.start(home, "eval", {"model": "anna"})
    cancelled = jobs.cancel(home, job.id)
    assert cancelled.status == "cancelled"
    assert not psutil.pid_exists(process.pid)
    for one in children:
        assert not one.is_running() or one.status() == psutil.STATUS_ZOMBIE
    assert jobs.cancel(home, job.id) == cancelled


def test_a_job_that_ignores_it_is_killed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PATIENCE", 0.5)
    job = sleeper(
        home, monkeypatch, "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    while not (home.path / "jobs" / job.id / "stdout").read_text():
        time.sleep(0.05)
    assert jobs.cancel(home, job.id).status == "cancelled"


def test_a_real_training_is_cancelled_and_can_go_on(home: Home, base_folder: Path) -> None:
    said = [Message(("Ben", "Anna")[n % 2], f"this is line {n} of our talk, {'so ' * (n % 5)}there", 60.0 * n) for n in range(600)]
    imports.add(home, [Chat("Ben", said)], ImportReport("whatsapp"), "a file", "Anna", 1800.0)
    job = jobs.start(home, "train", {"model": "anna", "threads": 1})
    deadline = time.monotonic() + 60
    while jobs.get(home, job.id).status == "running" and time.monotonic() < deadline:
        if list((home.path / "runs").glob("*.unfinished/metrics.jsonl")):
            break
        time.sleep(0.2)
    ended = jobs.cancel(home, job.id)
    assert ended.status == "cancelled" and not psutil.pid_exists(pid_of(home, job.id))
    assert list((home.path / "runs").glob("*.unfinished"))


def test_what_ended_without_a_server_is_found_and_what_was_lost_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    done = sleeper(home, monkeypatch, 'print(\'{"version": "anna@1", "report": {"words": "secret"}}\')')
    time.sleep(0.5)
    jobs.recover(home)
    with connect(home) as db:
        row = db.execute(select(table)).one()
    assert row.status == "done" and json.loads(row.result) == {"version": "anna@1"}
    assert not [file for file in home.path.rglob("*") if file.is_file() and b"secret" in file.read_bytes()]
    assert jobs.get(home, done.id).status == "done"
    lost = sleeper(home, monkeypatch, "import os; os.kill(os.getpid(), 9)")
    found = wait(home, lost.id)
    assert found.status == "failed" and found.result is not None and "start it again" in found.result["error"]
    # A process of that number that is another's is not taken for it.
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    with connect(home) as db:
        db.execute(insert(table).values(id="f" * 32, verb="train", arguments="{}", status="running", pid=other.pid, created="2026-01-01"))
    jobs.recover(home)
    with connect(home) as db:
        assert db.execute(select(table.c.status).where(table.c.id == "f" * 32)).scalar_one() == "failed"
    assert other.poll() is None
    other.kill()
    other.wait()


def test_progress_is_read_from_the_run_that_is_at_work(home: Home) -> None:
    def events(run: str, steps: int, when: float) -> None:
        folder = home.path / "runs" / run
        folder.mkdir(parents=True, exist_ok=True)
        lines = [{"event": "step", "step": n, "steps": 500, "loss": 3 - n / 500, "seconds": n / 2} for n in range(1, steps + 1)]
        lines.insert(steps // 2, {"event": "validation", "step": steps // 2, "steps": 500, "loss": 2.5, "best": 2.25, "best_step": 1})
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"event": "st')
        os.utime(folder / "metrics.jsonl", (when, when))

    now = time.time()
    events("old", 10, now - 1000)
    events("first", 500, now - 20)
    events("second.unfinished", 401, now - 5)
    assert progress.of_run(home, "2001-01-01") is not None
    found = progress.of_run(home, datetime.fromtimestamp(now - 60, UTC).isoformat())
    assert found is not None
    assert (found.run, found.step, found.steps, found.validation, found.share) == ("second", 401, 500, 2.25, 401 / 500)
    assert len(found.curve) <= progress.POINTS and found.curve[-1] == (401, found.loss)
    assert found.validations == ((200, 2.5),)
    assert progress.of_run(home, datetime.fromtimestamp(now - 3, UTC).isoformat()) is None


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("forget", {}),
        ("serve", {"model": "a"}),
        ("train", {}),
        ("train", {"model": "--help"}),
        ("train", {"model": "a b"}),
        ("train", {"model": "a", "home": "/"}),
        ("train", {"model": "a", "recipe": "/etc/passwd"}),
        ("train", {"model": "a", "recipe": "x.toml"}),
        ("train", {"model": "a", "budget": "soon"}),
        ("train", {"model": "a", "person": "a\nb"}),
        ("train", {"model": "a", "person": 7}),
        ("train", {"model": "a", "threads": 0}),
        ("train", {"model": "a", "review": "yes"}),
        ("eval", {"model": "a@b"}),
        ("eval", {"model": "a", "on": "/etc/passwd"}),
        ("add", {"upload": "/etc/passwd"}),
        ("add", {"upload": "../lock.json"}),
        ("add", {"upload": "0" * 32}),
        ("add", {"upload": 7}),
    ],
)
def test_nothing_but_what_is_meant_reaches_the_command_line(home: Home, verb: str, arguments: dict[str, object]) -> None:
    with pytest.raises(UsageError) as refused:
        jobs.start(home, verb, arguments)
    assert "\n" not in str(refused.value)
    assert not (home.path / "jobs").exists() and not jobs.list_jobs(home)


def test_a_value_is_never_taken_for_an_option(home: Home) -> None:
    words = job_verbs.command(home, "train", {"model": "anna", "person": "--home=/tmp", "consent": "-x", "resume": True, "review": False})
    assert words[3:] == ["--person=--home=/tmp", "--consent=-x", "--resume", "--", "anna"]
    assert "--recipe=avatar" in job_verbs.command(home, "train", {"model": "anna@2", "recipe": "avatar"})


def test_uploads_that_are_too_large_empty_or_old_leave_nothing(home: Home) -> None:
    for content, limit in ((b"x" * 5000, 4000), (b"", 4000)):
        with pytest.raises(HomespunError):
            upload(home, content=content, limit=limit)
    assert not list((home.path / "uploads").iterdir())
    names = ["", "..", ".hidden", "/", "a/b\\c.txt", "x" * 500 + ".zip", "WhatsApp Chat with Zoë.txt", "con\n.json", "._", "ключ.txt"]
    made = {name: upload(home, name) for name in names}
    for one in made.values():
        file = uploads.find(home, one)
        assert file.parent.name == one and not file.name.startswith(".") and len(file.name) <= 130
    assert uploads.find(home, made["WhatsApp Chat with Zoë.txt"]).name == "WhatsApp Chat with Zoë.txt"
    kept = made[names[0]]
    for one in made.values():
        if one != kept:
            os.utime(home.path / "uploads" / one, (0, 0))
    uploads.sweep(home)
    assert [folder.name for folder in (home.path / "uploads").iterdir()] == [kept]
    uploads.remove(home, "../..")
    uploads.remove(home, kept)
    assert not list((home.path / "uploads").iterdir())
