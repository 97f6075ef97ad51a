"""Work that takes time: lanes, progress, pause, cancel, and the latest wins.

One thread computes (so that one job at a time has the processor or the GPU);
a few threads read and write. One more does what takes hours: at each of its
steps it stands back while something else computes. Results come back through
`post`, which runs a callable on the main thread; nothing here knows of Qt.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from psygnal import Signal

from sarvlm_app.errors import JobCancelled, SarvlmError

log = logging.getLogger(__name__)

PARTIAL_INTERVAL_S = 0.1
LOOK_S = 0.05
"""A job that is held looks this often whether it may go on."""


class Lane(StrEnum):
    """Where a job runs."""

    COMPUTE = "compute"
    IO = "io"
    BACKGROUND = "background"


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What is known of a job; frozen, a new one for every change.

    Attributes
    ----------
    done, total : int
        Steps; total 0 means that the length is unknown.
    eta_s : float or None
        Seconds left at the rate so far, without the time of pauses.
    paused : bool
        Whether somebody holds it.
    """

    id: int
    title: str
    key: str
    lane: Lane
    state: JobState = JobState.QUEUED
    done: int = 0
    total: int = 0
    message: str = ""
    started: float = 0.0
    eta_s: float | None = None
    paused: bool = False

    @property
    def active(self) -> bool:
        """Whether the job is queued or running."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)


class JobContext:
    """A job's view of the world: report progress, be held, notice a cancel, show partial results.

    Parameters
    ----------
    stands_back : callable, optional
        Whether the job shall wait at its next step, and how long still.
    """

    def __init__(
        self,
        on_progress: Callable[[int, int, str], None] | None = None,
        on_partial: Callable[[Any], None] | None = None,
        stands_back: Callable[[], bool] | None = None,
    ) -> None:
        self._cancelled = threading.Event()
        self._paused = threading.Event()
        self._on_progress = on_progress
        self._on_partial = on_partial
        self._stands_back = stands_back

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the job to stop at its next step."""
        self._cancelled.set()

    @property
    def paused(self) -> bool:
        """Whether somebody holds the job."""
        return self._paused.is_set()

    def pause(self) -> None:
        """Have the job wait at its next step; it loses nothing."""
        self._paused.set()

    def resume(self) -> None:
        """Let the job go on."""
        self._paused.clear()

    def hold(self) -> None:
        """Wait while the job is paused or stands back; raises `JobCancelled` when it was cancelled."""
        while self._paused.is_set() or (self._stands_back is not None and self._stands_back()):
            if self._cancelled.wait(LOOK_S):
                break
        if self._cancelled.is_set():
            raise JobCancelled("The work was cancelled; what was finished is kept.")

    def step(self, done: int = 0, total: int = 0, message: str = "") -> None:
        """Report progress and wait where the job is held; raises `JobCancelled` when it was cancelled."""
        self.hold()
        if self._on_progress is not None:
            self._on_progress(done, total, message)

    def partial(self, value: object) -> None:
        """Show a result that is not complete yet."""
        if self._on_partial is not None and not self._cancelled.is_set():
            self._on_partial(value)


@dataclass(frozen=True, slots=True)
class Work:
    """A job to be done.

    Attributes
    ----------
    title : str
        Shown to the user.
    run : callable (JobContext) -> result
        Runs on the lane's thread.
    key : str
        A new job of the same non-empty key cancels the older one, whose
        answer is dropped should it still come.
    on_done, on_partial, on_failed : callables
        Run on the main thread.
    """

    title: str
    run: Callable[[JobContext], Any]
    lane: Lane = Lane.IO
    key: str = ""
    on_done: Callable[[Any], None] | None = None
    on_partial: Callable[[Any], None] | None = None
    on_failed: Callable[[SarvlmError], None] | None = None


@dataclass(slots=True)
class _Pace:
    """Where a stretch of steps of one total began, and when it was told of last."""

    total: int
    first: int
    since: float
    shown: float = 0.0


class JobRunner:
    """Runs jobs on two lanes and tells of them; `submit` and `close` belong to the main thread.

    Parameters
    ----------
    post : callable
        Takes a callable and runs it on the main thread, soon.
    """

    changed = Signal(JobStatus)
    """Emitted on the main thread for every change of a job."""
    crashed = Signal(str, BaseException)
    """Emitted on the main thread when a job raised what it should not: (title, error)."""

    def __init__(self, post: Callable[[Callable[[], None]], None]) -> None:
        self._post = post
        self._lanes = {
            Lane.COMPUTE: ThreadPoolExecutor(1, thread_name_prefix="compute"),
            Lane.IO: ThreadPoolExecutor(3, thread_name_prefix="io"),
            Lane.BACKGROUND: ThreadPoolExecutor(1, thread_name_prefix="background"),
        }
        self.turn = threading.Lock()
        """Held by each job of the compute lane; who computes on another lane takes it for each call of a model."""
        self._computing: set[int] = set()
        self._paused_at: dict[int, float] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._contexts: dict[int, JobContext] = {}
        self._statuses: dict[int, JobStatus] = {}
        self._futures: dict[int, Future[None]] = {}
        self._latest: dict[str, int] = {}
        self._paces: dict[int, _Pace] = {}
        self._closed = False

    def submit(self, work: Work) -> int:
        """Queue a job; gives its id. After `close` nothing is run any more."""
        job = next(self._ids)
        if self._closed:
            return job
        if work.key:
            self.cancel_key(work.key)
            self._latest[work.key] = job

        def partial(value: object) -> None:
            if work.on_partial is not None:
                callback = work.on_partial
                self._post(lambda: self._deliver(job, work, lambda: callback(value)))

        stands_back = self._is_computing if work.lane is Lane.BACKGROUND else None
        context = JobContext(lambda d, t, m: self._progress(job, d, t, m), partial, stands_back)
        with self._lock:
            self._contexts[job] = context
            if work.lane is Lane.COMPUTE:
                self._computing.add(job)
        self._update(JobStatus(job, work.title, work.key, work.lane))
        with self._lock:  # the job may end at once: it must find its future to forget it
            self._futures[job] = self._lanes[work.lane].submit(self._run, job, work, context)
        return job

    def _is_computing(self) -> bool:
        return bool(self._computing)

    def _run(self, job: int, work: Work, context: JobContext) -> None:
        """Run a job; one that computes has the turn for all of its time."""
        if work.lane is Lane.COMPUTE:
            with self.turn:
                self._do(job, work, context)
        else:
            self._do(job, work, context)

    def _do(self, job: int, work: Work, context: JobContext) -> None:
        """Do the work; its result is posted before the job counts as over, so that none is over without it."""
        self._update(replace(self._statuses[job], state=JobState.RUNNING, started=time.monotonic()))
        try:
            context.step(0, 0)
            result = work.run(context)
        except JobCancelled:
            self._finish(job, JobState.CANCELLED)
        except SarvlmError as error:
            if work.on_failed is not None:
                callback, fault = work.on_failed, error
                self._post(lambda: self._deliver(job, work, lambda: callback(fault)))
            self._finish(job, JobState.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - the rim of the worker: nothing may escape unseen
            log.exception("job %r failed", work.title)
            crash = error
            self._post(lambda: None if self._closed else self.crashed.emit(work.title, crash))
            self._finish(job, JobState.FAILED, f"{type(error).__name__}: {error}")
        else:
            if work.on_done is not None:
                done = work.on_done
                self._post(lambda: self._deliver(job, work, lambda: done(result)))
            self._finish(job, JobState.DONE)

    def _deliver(self, job: int, work: Work, callback: Callable[[], None]) -> None:
        """Call back on the main thread unless a newer job of the same key took over."""
        if self._closed or (work.key and self._latest.get(work.key) != job):
            return
        callback()

    def _progress(self, job: int, done: int, total: int, message: str) -> None:
        now = time.monotonic()
        status = self._statuses[job]
        pace = self._paces.get(job)
        if pace is None or pace.total != total or done < pace.first:
            pace = self._paces[job] = _Pace(total, done, now)
        at_end = done >= total if total else message not in ("", status.message)
        if now - pace.shown < PARTIAL_INTERVAL_S and not at_end:
            return
        pace.shown = now
        made, elapsed = done - pace.first, now - pace.since  # a resumed job owes nothing to what was there before
        eta = elapsed / made * (total - done) if made and total and elapsed > 0.5 else None
        self._update(
            replace(
                status, done=done, total=total, message=message or status.message, eta_s=eta,
                paused=job in self._paused_at,
            )
        )  # fmt: skip

    def _finish(self, job: int, state: JobState, message: str = "") -> None:
        status = self._statuses[job]
        with self._lock:
            self._computing.discard(job)
            self._paused_at.pop(job, None)
        self._update(replace(status, state=state, message=message or status.message, eta_s=None, paused=False))
        with self._lock:
            self._contexts.pop(job, None)
            self._paces.pop(job, None)
            self._futures.pop(job, None)

    def _update(self, status: JobStatus) -> None:
        with self._lock:
            self._statuses[status.id] = status
        if not self._closed:
            self._post(lambda: None if self._closed else self.changed.emit(status))

    def statuses(self) -> tuple[JobStatus, ...]:
        """All jobs of this session, oldest first."""
        with self._lock:
            return tuple(self._statuses.values())

    def pause(self, job: int) -> None:
        """Have a job wait at its next step; it keeps its lane and loses nothing."""
        with self._lock:
            context = self._contexts.get(job)
            if context is None or context.paused:
                return
            self._paused_at[job] = time.monotonic()
        context.pause()
        self._update(replace(self._statuses[job], paused=True))

    def resume(self, job: int) -> None:
        """Let a paused job go on."""
        with self._lock:
            context, since = self._contexts.get(job), self._paused_at.pop(job, None)
            pace = self._paces.get(job)
            if pace is not None and since is not None:
                pace.since += time.monotonic() - since
        if context is not None and since is not None:
            self._update(replace(self._statuses[job], paused=False))
            context.resume()

    def cancel(self, job: int) -> None:
        """Ask one job to stop."""
        with self._lock:
            context, future = self._contexts.get(job), self._futures.get(job)
        if context is not None:
            context.cancel()
            if future is not None and future.cancel():
                self._finish(job, JobState.CANCELLED)

    def cancel_key(self, key: str) -> None:
        """Ask the job of a key to stop and drop its answer."""
        job = self._latest.pop(key, None)
        if job is not None:
            self.cancel(job)

    def cancel_all(self) -> None:
        """Ask every job to stop."""
        with self._lock:
            jobs = list(self._contexts)
        for job in jobs:
            self.cancel(job)

    def close(self) -> None:
        """Cancel all and wait until the lanes are empty (at most one step of each job)."""
        self.cancel_all()
        self._closed = True
        for lane in self._lanes.values():
            lane.shutdown(wait=True, cancel_futures=True)
