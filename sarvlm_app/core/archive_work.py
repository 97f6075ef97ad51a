"""What changes or checks an archive: adding, verifying, compacting; one after the other, with pause and report."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from psygnal import Signal

from sarvlm_app.core.archive.archive import Archive, changing
from sarvlm_app.core.archive.care import Verified, compact, verify
from sarvlm_app.core.archive.ingest import AddProgress, AddReport, AddRequest, add
from sarvlm_app.core.archive.shard import Fault
from sarvlm_app.core.archive_reading import ModelProvider, TakesTurns, active_header
from sarvlm_app.core.jobs import JobContext, JobRunner, JobState, JobStatus, Lane, Work
from sarvlm_app.errors import SarvlmError

WORK_KEY: Final = "archive work"
RATE_S: Final = 30.0
"""The rate is that of so many seconds of work."""


UNFORESEEN: Final = "The work ended by an unforeseen fault, which the report tells; what was finished is kept."


class WorkKind(StrEnum):
    """What is done."""

    ADD = "add"
    VERIFY = "verify"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a work ended.

    Attributes
    ----------
    sentence : str
    faults : tuple of Fault
        Files that could not be taken, or what `verify` found wrong.
    stopped : bool
        The user ended it; what was finished is kept.
    failed : bool
        A fault ended it.
    report : AddReport, Verified or None
    """

    kind: WorkKind
    sentence: str
    faults: tuple[Fault, ...] = ()
    stopped: bool = False
    failed: bool = False
    report: AddReport | Verified | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    """One work: its title, and what makes a result and a sentence of it."""

    kind: WorkKind
    folder: Path
    title: str
    run: Callable[[JobContext], Any]
    told: Callable[[Any], Outcome]
    request: AddRequest | None = None


class Pace:
    """Tiles a second of the last seconds of work; pauses do not count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._paused_since: float | None = None
        self._idle = 0.0

    def pause(self) -> None:
        self._paused_since = self._clock()

    def resume(self) -> None:
        if self._paused_since is not None:
            self._idle += self._clock() - self._paused_since
            self._paused_since = None

    def note(self, tiles: int) -> None:
        """So many tiles are made by now."""
        until = self._clock() if self._paused_since is None else self._paused_since
        now = until - self._idle
        self._seen.append((now, tiles))
        while len(self._seen) > 2 and now - self._seen[1][0] >= RATE_S:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """None while it cannot be told."""
        if len(self._seen) < 2:
            return None
        (first, had), (last, has) = self._seen[0], self._seen[-1]
        return (has - had) / (last - first) if last - first > 0.5 and has > had else None


class ArchiveWork:
    """Runs what takes long on the background lane; belongs to the main thread.

    Parameters
    ----------
    runner : JobRunner
    provide : callable
        Gives the model of an index.
    """

    changed = Signal()
    """What runs, how far it is, whether it is paused, what waits, or how the last one ended."""
    ended = Signal(Outcome)

    def __init__(self, runner: JobRunner, provide: ModelProvider) -> None:
        self._runner, self._provide = runner, provide
        self._todo: list[_Task] = []
        self._task: _Task | None = None
        self._job = 0
        self._status: JobStatus | None = None
        self._progress: AddProgress | None = None
        self._pace = Pace()
        self._outcome: Outcome | None = None
        self._stopped: _Task | None = None
        self._fault: SarvlmError | None = None
        runner.changed.connect(self._on_job)

    # ---- state -----------------------------------------------------------
    @property
    def kind(self) -> WorkKind | None:
        """What runs now."""
        return None if self._task is None else self._task.kind

    @property
    def folder(self) -> Path | None:
        """Archive that is worked on."""
        return None if self._task is None else self._task.folder

    @property
    def status(self) -> JobStatus | None:
        """Of the job, once it has been told of."""
        return self._status if self._task is not None else None

    @property
    def progress(self) -> AddProgress | None:
        """How far an `add` is."""
        return self._progress

    @property
    def rate(self) -> float | None:
        """Tiles a second."""
        return self._pace.rate

    @property
    def paused(self) -> bool:
        status = self.status
        return status is not None and status.paused

    @property
    def waiting(self) -> int:
        """Works that come after the present one."""
        return len(self._todo)

    @property
    def outcome(self) -> Outcome | None:
        """How the last work ended, until it is dismissed or another begins."""
        return self._outcome

    @property
    def can_go_on(self) -> bool:
        """Whether an `add` was stopped or failed and can be taken up again."""
        return self._stopped is not None and self._task is None

    # ---- verbs -----------------------------------------------------------
    def add(self, folder: Path, request: AddRequest) -> None:
        """Add to an archive, after what runs."""
        names = ", ".join(path.name or str(path) for path in (*request.paths, *filter(None, (request.stac,))))

        def run(ctx: JobContext) -> AddReport:
            ctx.step(message="Loading the model")
            encoder = TakesTurns(self._provide(active_header(folder)), self._runner.turn)
            return add(folder, request, lambda: encoder, ctx)

        self._enqueue(_Task(WorkKind.ADD, folder, f"Adding {_short(names)}", run, _added, request))

    def verify(self, folder: Path, *, fast: bool) -> None:
        """Hold every row of an archive against the files."""

        def run(ctx: JobContext) -> Verified:
            with Archive(folder) as archive:
                return verify(archive, ctx, fast=fast)

        self._enqueue(_Task(WorkKind.VERIFY, folder, "Verifying the archive", run, _verified))

    def compact(self, folder: Path) -> None:
        """Give back the space of what is gone and build a damaged index again."""

        def run(ctx: JobContext) -> int:
            with changing(folder, ctx, create=False) as archive:
                return compact(archive, ctx)

        self._enqueue(_Task(WorkKind.COMPACT, folder, "Compacting the archive", run, _compacted))

    def toggle_pause(self) -> None:
        """Hold the work at its next file or window, or let it go on; nothing is lost."""
        if self._task is None:
            return
        if self.paused:
            self._pace.resume()
            self._runner.resume(self._job)
        else:
            self._pace.pause()
            self._runner.pause(self._job)

    def stop(self) -> None:
        """End the work and forget what waits; what was finished is kept."""
        self._todo.clear()
        if self._task is not None:
            self._runner.cancel(self._job)

    def go_on(self) -> None:
        """Take up an `add` that was stopped or failed."""
        if self._stopped is not None:
            self._enqueue(self._stopped)

    def dismiss(self) -> None:
        """Forget how the last work ended."""
        self._outcome = self._stopped = None
        self.changed.emit()

    # ---- running ---------------------------------------------------------
    def _enqueue(self, task: _Task) -> None:
        self._todo.append(task)
        if self._task is None:
            self._next()
        else:
            self.changed.emit()

    def _next(self) -> None:
        self._task = self._todo.pop(0) if self._todo else None
        task = self._task
        if task is not None:
            self._outcome = self._stopped = self._status = self._progress = self._fault = None
            self._pace = Pace()
            self._job = self._runner.submit(
                Work(
                    task.title, task.run, Lane.BACKGROUND, WORK_KEY,
                    on_done=lambda result: self._end(task.told(result)), on_partial=self._on_progress,
                    on_failed=self._on_fault,
                )
            )  # fmt: skip
        self.changed.emit()

    def _on_progress(self, progress: AddProgress) -> None:
        if self._task is not None:
            self._progress = progress
            self._pace.note(progress.tiles)
            self.changed.emit()

    def _on_fault(self, fault: SarvlmError) -> None:
        self._fault = fault

    def _on_job(self, job: JobStatus) -> None:
        """A work that was stopped or failed gives no result: its end is seen here."""
        if job.id != self._job or self._task is None:
            return
        self._status = job
        kind, faults = self._task.kind, self._progress.faults if self._progress is not None else ()
        if job.state is JobState.CANCELLED:
            self._stopped = self._task if kind is WorkKind.ADD else None
            self._end(Outcome(kind, _stopped_text(kind, self._progress), faults, stopped=True))
        elif job.state is JobState.FAILED:
            self._stopped = self._task if kind is WorkKind.ADD else None
            self._end(Outcome(kind, str(self._fault or UNFORESEEN), faults, failed=True))
        else:
            self.changed.emit()

    def _end(self, outcome: Outcome) -> None:
        stopped = self._stopped
        self._task = None
        self._next()
        if self._task is None:
            self._outcome, self._stopped = outcome, stopped
            self.changed.emit()
        self.ended.emit(outcome)


def _short(names: str) -> str:
    return names if len(names) <= 40 else names[:39] + "…"


def files_text(count: int) -> str:
    """`1 file`, `1,204 files`."""
    return "1 file" if count == 1 else f"{count:,} files"


def _added(report: AddReport) -> Outcome:
    parts = [f"{files_text(report.added)} added ({report.tiles:,} tiles)"]
    named = ((report.skipped - report.moved, "as they were"), (report.moved, "moved"), (report.gone, "gone"))
    parts += [f"{count:,} {word}" for count, word in named if count]
    parts += [f"{len(report.faults):,} failed"] if report.faults else []
    sentence = ", ".join(parts) + "."
    if not (report.added or report.skipped or report.moved or report.faults):
        sentence = "No image was found there: choose a folder that holds scenes, or name the files."
    sentence = " ".join([sentence, *report.notes])
    return Outcome(WorkKind.ADD, sentence, tuple(report.faults), report=report)


def _verified(found: Verified) -> Outcome:
    looked = f"{files_text(found.scenes)} and {found.tiles:,} tiles looked at"
    count = len(found.problems)
    wrong = "all is well" if not count else "1 thing is wrong" if count == 1 else f"{count:,} things are wrong"
    faults = tuple(Fault("", problem) for problem in found.problems)
    return Outcome(WorkKind.VERIFY, f"{looked}: {wrong}.", faults, report=found)


def _compacted(freed: int) -> Outcome:
    return Outcome(WorkKind.COMPACT, f"Compacted: {max(0, freed) / 1e6:.1f} MB freed.")


def _stopped_text(kind: WorkKind, progress: AddProgress | None) -> str:
    if kind is not WorkKind.ADD:
        return "Stopped."
    if progress is None:
        return "Stopped before the first file."
    return f"Stopped after {files_text(progress.files)} of {progress.total:,}; what was finished is kept."
