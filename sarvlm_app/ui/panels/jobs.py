"""The running job in the status line: what, how far, how long still, and a way to stop it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from sarvlm_app.core.jobs import JobState, JobStatus, Lane
from sarvlm_app.ui.formats import seconds_text
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import flat_button

_LANES = (Lane.COMPUTE, Lane.BACKGROUND, Lane.IO)
"""What matters most comes first."""
_PAUSE_MS = 120
"""Changes of jobs are drawn together after this time: each drawing composes the canvas anew."""


class ProgressLine(QWidget):
    """A thin bar. Unlike QProgressBar it never repaints at once, which would hold the event loop up."""

    def __init__(self, theme: Theme, width: int | None = 130) -> None:
        super().__init__()
        self._theme = theme
        self._share: float | None = None
        self.setFixedHeight(16)
        if width is not None:
            self.setFixedWidth(width)

    def show_share(self, share: float | None) -> None:
        """Draws how much is done, 0..1; None where nobody knows."""
        if share != self._share:
            self._share = share
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(0, self.height() / 2 - 2, self.width(), 4)
        painter.fillRect(box, QColor(self._theme.palette.border))
        if self._share is not None:
            painter.fillRect(QRectF(0, box.top(), box.width() * self._share, 4), QColor(self._theme.palette.accent))
        painter.end()


class JobsBar(QWidget):
    """Shows the job that matters most and how many others there are.

    Signals
    -------
    cancel_clicked(int)
        The id of the job to stop.
    """

    cancel_clicked = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._jobs: dict[int, JobStatus] = {}
        self.title = QLabel()
        self._bar = ProgressLine(theme)
        self.detail = QLabel()
        self.detail.setMinimumWidth(80)
        self.cancel = flat_button("Cancel job", "Cancel (Esc)", 12)
        self.cancel.clicked.connect(self.cancel_current)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 12, 0)
        row.setSpacing(9)
        for widget in (self.title, self._bar, self.detail, self.cancel):
            row.addWidget(widget)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._render)
        theme.changed.connect(self._theme_icon)
        self._theme_icon()
        self._render()

    @property
    def current(self) -> JobStatus | None:
        """The job that is shown: what computes goes before what only reads, what runs before what waits."""

        def urgency(job: JobStatus) -> tuple[bool, int, int]:
            return job.state is not JobState.RUNNING, _LANES.index(job.lane), job.id

        return min(self._jobs.values(), key=urgency, default=None)

    def show_job(self, job: JobStatus) -> None:
        """Renders a change of a job: a running one appears, one that has ended goes; untitled ones never show."""
        if not job.title:
            return
        if job.active:
            self._jobs[job.id] = job
        else:
            self._jobs.pop(job.id, None)
        if not self._pause.isActive():
            self._pause.start()

    def cancel_current(self) -> None:
        """Asks to stop the job that is shown."""
        if self.current is not None:
            self.cancel_clicked.emit(self.current.id)

    def cancel_by_key(self) -> None:
        """The same for the Esc key, which never ends the work of hours in the background."""
        if self.current is not None and self.current.lane is not Lane.BACKGROUND:
            self.cancel_current()

    def _render(self) -> None:
        job = self.current
        for widget in (self.title, self._bar, self.detail, self.cancel):
            widget.setVisible(job is not None)
        if job is None:
            return
        more = len(self._jobs) - 1
        self.title.setText(job.title + (f"  (+{more})" if more else ""))
        self.title.setToolTip(job.message)
        self._bar.show_share(job.done / job.total if job.total else None)
        self.cancel.setToolTip("Stop; what was finished is kept" if job.lane is Lane.BACKGROUND else "Cancel (Esc)")
        if job.paused:
            self.detail.setText("paused")
            return
        if not job.total:
            self.detail.setText("working…" if job.state is JobState.RUNNING else "waiting…")
            return
        left = "" if job.eta_s is None else f" · {_left_text(job.eta_s)} left"
        self.detail.setText(f"{job.done / job.total:.0%}{left}")

    def _theme_icon(self) -> None:
        self.cancel.setIcon(self._theme.icon("close", self._theme.palette.muted))


def _left_text(seconds: float) -> str:
    """Whole seconds: a forecast has no tenths."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else seconds_text(seconds)
