"""Draws the context files of the scene on view, and names what the mouse is over."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sarvlm_app.core.context_session import ContextSession
from sarvlm_app.core.jobs import JobRunner, JobState, JobStatus
from sarvlm_app.ui.viewer.canvas import SceneCanvas
from sarvlm_app.ui.viewer.context_marks import ContextMarks


class ContextPresenter(QObject):
    """Keeps the canvas true to `context`.

    Parameters
    ----------
    runner : JobRunner
        Tells of jobs that the user cancelled.
    """

    def __init__(self, context: ContextSession, canvas: SceneCanvas, runner: JobRunner) -> None:
        super().__init__(canvas)
        self._context, self._canvas, self._runner = context, canvas, runner
        self.marks = ContextMarks()
        canvas.overlay.under.append(self.marks.draw)
        canvas.pointer_moved.connect(self._on_pointer)
        context.changed.connect(self.follow)
        runner.changed.connect(self._on_job)

    def follow(self) -> None:
        """Renders the layers of the scene on view."""
        self.marks.layers = self._context.layers
        self.marks.hint = None
        self.marks.forget()
        self._canvas.overlay.update()

    def _on_pointer(self, place: tuple[float, float] | None) -> None:
        hint = None
        if place is not None and self.marks.layers:
            name = self.marks.name_at(self._canvas.camera(), *place)
            hint = (*place, name) if name else None
        if hint != self.marks.hint:
            self.marks.hint = hint
            self._canvas.overlay.update()

    def _on_job(self, job: JobStatus) -> None:
        """A file whose reading was cancelled says so, but not where a newer reading of it goes on."""
        if job.state is JobState.CANCELLED and job.key:
            newer = any(other.active and other.key == job.key for other in self._runner.statuses())
            if not newer:
                self._context.cancelled(job.key)
