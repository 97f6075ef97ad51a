"""Reading the pixels of measures: jobs, their progress, and what becomes of a measure when one ends."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from psygnal import Signal

from sarvlm_app.core.instruments import point_response, profile, region_statistics
from sarvlm_app.core.jobs import JobContext, JobRunner, JobState, JobStatus, Lane, Work
from sarvlm_app.core.measure_list import Measured, MeasureList, Stage, Tool
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import SarvlmError

_FIELD = {Tool.PROFILE: "profile", Tool.AREA: "region", Tool.BOX: "region", Tool.POINT: "point"}
"""Where the answer of the pixels goes."""
_CANCELLED = "Measuring was cancelled; what follows from the points alone is kept."


class MeasureWork:
    """Jobs on the I/O lane, each for one measure of one list; main thread only."""

    ended = Signal(object, str)
    """A measure of this `MeasureList` is done, failed or was cancelled; a sentence where there is something to say."""
    progress_changed = Signal()

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner
        self._jobs: dict[int, tuple[MeasureList, int]] = {}
        self._shares: dict[int, tuple[int, int]] = {}
        runner.changed.connect(self._on_job)

    def running(self, known: MeasureList | None) -> bool:
        """Whether pixels are read for a list."""
        return any(of is known for of, _ in self._jobs.values())

    def progress(self, known: MeasureList | None) -> tuple[int, int]:
        """Steps done and to do for a list; (0, 0) where that is not known."""
        shares = [self._shares[job] for job, (of, _) in self._jobs.items() if of is known and job in self._shares]
        return sum(done for done, _ in shares), sum(total for _, total in shares)

    def read(self, known: MeasureList, measured: Measured) -> None:
        """Read the pixels of a measure of a list, anew where they were."""
        number = measured.number
        self.stop(known, number)
        known.put(replace(measured, stage=Stage.RUNNING))
        job = self._runner.submit(
            Work(
                f"Measuring {measured.tool} {number}", partial(_pixels, known.scene, measured), Lane.IO,
                on_done=lambda found: self._done(job, found), on_failed=lambda fault: self._fail(job, fault),
            )
        )  # fmt: skip
        self._jobs[job] = known, number
        self.progress_changed.emit()

    def cancel(self, known: MeasureList | None) -> None:
        """Ask what is read for a list to stop."""
        for job in [job for job, (of, _) in self._jobs.items() if of is known]:
            self._runner.cancel(job)

    def stop(self, known: MeasureList, number: int | None = None) -> None:
        """Stop reading for one measure of a list, or for all, without a word."""
        for job in [job for job, of in self._jobs.items() if of[0] is known and number in (None, of[1])]:
            _mark_cancelled(*self._end(job))
            self._runner.cancel(job)

    def _done(self, job: int, found: object) -> None:
        if job not in self._jobs:
            return
        known, number = self._end(job)
        measured = known.known(number)
        if measured is None:
            return
        values: dict[str, Any] = {_FIELD[measured.tool]: found}
        measured = replace(measured, stage=Stage.DONE, **values)
        known.put(measured)
        nothing = f"No pixel of {measured.tool} {number} holds data: choose another place."
        self.ended.emit(known, nothing if measured.empty else "")

    def _fail(self, job: int, fault: SarvlmError) -> None:
        if job in self._jobs:
            known, number = self._end(job)
            known.forget(number)
            self.ended.emit(known, str(fault))

    def _on_job(self, status: JobStatus) -> None:
        if status.id not in self._jobs:
            return
        if status.state is JobState.RUNNING:
            self._shares[status.id] = status.done, status.total
            self.progress_changed.emit()
        elif status.state in (JobState.CANCELLED, JobState.FAILED):
            # a failure comes here only where nobody foresaw it: those that were went to `_fail` before
            known, number = self._end(status.id)
            _mark_cancelled(known, number)
            self.ended.emit(known, _CANCELLED if status.state is JobState.CANCELLED else status.message)

    def _end(self, job: int) -> tuple[MeasureList, int]:
        self._shares.pop(job, None)
        ended = self._jobs.pop(job)
        self.progress_changed.emit()
        return ended


def _mark_cancelled(known: MeasureList, number: int) -> None:
    """A measure stays with what it has; one that has nothing goes."""
    measured = known.known(number)
    if measured is None:
        return
    if measured.tool is Tool.POINT and measured.point is None:
        known.forget(number)
    else:
        has = getattr(measured, _FIELD[measured.tool]) is not None
        known.put(replace(measured, stage=Stage.DONE if has else Stage.CANCELLED))


def _pixels(scene: Scene, measured: Measured, context: JobContext) -> object:
    """What the pixels say of a measure; runs on the I/O lane."""
    points, band = measured.points_px, measured.band
    found: object
    if measured.tool is Tool.PROFILE:
        found = profile(scene, band, points, width_px=measured.width_px, context=context)
    elif measured.tool is Tool.POINT:
        found = point_response(scene, band, *(float(value) for value in points[0]))
    else:
        found = region_statistics(scene, band, points, context)
    context.hold()  # what was cancelled in its last step is cancelled
    return found
