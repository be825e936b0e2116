"""Exports on their way into the corpus: one is read at a time, each by a job, and a closed page stops none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nicegui import background_tasks

from homespun.errors import Busy, HomespunError
from homespun.home import Home
from homespun.serving import jobs
from homespun.ui.parts import off_loop

State = Literal["waiting", "reading", "added", "failed"]
EVERY = 0.5
"""Seconds between two looks at a job."""
KEPT = 50
"""Exports that are remembered, the newest ones."""


@dataclass(slots=True)
class Export:
    """A file that somebody dropped."""

    name: str
    """As they call it. It is only ever shown."""
    upload: str
    state: State = "waiting"
    job: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    """What `homespun add --json` printed."""
    error: str = ""
    """One line: why it waits, or why it could not be read."""


class Intake:
    def __init__(self, home: Home) -> None:
        self.home = home
        self.exports: list[Export] = []
        """The newest first."""
        self._turn = asyncio.Lock()

    def take(self, name: str, upload: str) -> None:
        """Begin to add an upload. Must be called on the event loop."""
        export = Export(name, upload)
        self.exports = [export, *self.exports][:KEPT]
        background_tasks.create(self._add(export))

    def again(self, export: Export) -> None:
        """Try one that could not be read once more."""
        export.state, export.error, export.result = "waiting", "", {}
        background_tasks.create(self._add(export))

    async def _add(self, export: Export) -> None:
        try:
            async with self._turn:
                job = await self._started(export)
                export.state, export.job, export.error = "reading", job.id, ""
                while job.status == "running":
                    await asyncio.sleep(EVERY)
                    job = await off_loop(jobs.get, self.home, job.id)
        except HomespunError as error:
            export.state, export.error = "failed", str(error)
            return
        export.result = job.result or {}
        export.error = str(export.result.get("error", "")) if job.status != "done" else ""
        export.state = "added" if job.status == "done" else "failed"

    async def _started(self, export: Export) -> jobs.Job:
        """Its job, as soon as nothing else is at work in the home."""
        while True:
            try:
                return await off_loop(jobs.start, self.home, "add", {"upload": export.upload})
            except Busy as busy:
                export.error = str(busy)
                await asyncio.sleep(4 * EVERY)
