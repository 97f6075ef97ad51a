"""The work on an archive: how far, how fast, how long still; pause, stop, and the report afterwards."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from sarvlm_app.core.archive_work import ArchiveWork, WorkKind
from sarvlm_app.ui.archive_words import work_detail, work_title
from sarvlm_app.ui.panels.jobs import ProgressLine
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import flat_button, named_frame, named_widget

_PAUSE_MS = 120
"""Changes are drawn together after this time."""


class WorkCard(QWidget):
    """Renders an `ArchiveWork`; hidden where there is nothing to tell.

    Signals
    -------
    faults_clicked()
        The files that failed, or what is wrong, shall be listed.
    """

    faults_clicked = Signal()

    def __init__(self, work: ArchiveWork, theme: Theme) -> None:
        super().__init__()
        self._work, self._theme = work, theme
        frame = named_frame("note")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        self.title = QLabel(objectName="value", wordWrap=True)
        self.bar = ProgressLine(theme, None)
        self.detail = QLabel(objectName="muted", wordWrap=True)
        self.pause = QPushButton("Pause", objectName="segment")
        self.stop = QPushButton("Stop", objectName="segment", toolTip="Stop; what was finished is kept")
        self.go_on = QPushButton("Go on", objectName="segment", toolTip="Take up the work where it was stopped")
        self.faults = QPushButton(objectName="segment")
        self._close = flat_button("Dismiss the report", "Dismiss the report", 12)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self._close)
        foot = QHBoxLayout()
        foot.setSpacing(6)
        for button in (self.pause, self.stop, self.go_on, self.faults):
            foot.addWidget(button)
        foot.addStretch(1)
        self._foot = named_widget("noteFoot")
        self._foot.setLayout(foot)
        foot.setContentsMargins(0, 0, 0, 0)
        layout = QVBoxLayout(frame)
        layout.setContentsMargins(10, 8, 8, 8)
        layout.setSpacing(4)
        layout.addLayout(head)
        for widget in (self.bar, self.detail, self._foot):
            layout.addWidget(widget)
        self._late = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._late.timeout.connect(self.show_work)
        work.changed.connect(self._show_soon)
        self.pause.clicked.connect(work.toggle_pause)
        self.stop.clicked.connect(work.stop)
        self.go_on.clicked.connect(work.go_on)
        self.faults.clicked.connect(self.faults_clicked)
        self._close.clicked.connect(work.dismiss)
        theme.changed.connect(self._theme_icons)
        self._theme_icons()
        self.show_work()

    def shut_down(self) -> None:
        """Lets nothing be drawn any more: the window closes."""
        self._late.stop()

    def _show_soon(self) -> None:
        if not self._late.isActive():
            self._late.start()

    def show_work(self) -> None:
        """Renders what runs, else how the last one ended."""
        work = self._work
        running = work.kind is not None
        self.setVisible(running or work.outcome is not None)
        for widget in (self.bar, self.detail, self.pause, self.stop):
            widget.setVisible(running)
        self._close.setVisible(not running)
        self.go_on.setVisible(work.can_go_on)
        if work.kind is not None:
            self._show_running(work.kind)
        elif work.outcome is not None:
            self.title.setText(work.outcome.sentence)
            self.title.setObjectName("warning" if work.outcome.failed else "value")
        self._show_faults()
        self._foot.setVisible(running or work.can_go_on or not self.faults.isHidden())
        self.title.style().unpolish(self.title)
        self.title.style().polish(self.title)

    def _show_running(self, kind: WorkKind) -> None:
        work, status = self._work, self._work.status
        self.title.setObjectName("value")
        more = f"   (+{work.waiting} waiting)" if work.waiting else ""
        self.title.setText(work_title(kind, status, work.progress) + more)
        self.detail.setText(work_detail(status, work.progress, work.rate))
        self.bar.show_share(status.done / status.total if status is not None and status.total else None)
        self.pause.setText("Resume" if work.paused else "Pause")
        self.pause.setToolTip(
            "Go on (Ctrl+Shift+P)" if work.paused
            else "Hold after the present file or window; nothing is lost (Ctrl+Shift+P)"
        )  # fmt: skip

    def _show_faults(self) -> None:
        work = self._work
        faults = work.outcome.faults if work.outcome is not None else work.progress.faults if work.progress else ()
        wrong = work.outcome is not None and work.outcome.kind is WorkKind.VERIFY
        text = "Show what is wrong…" if wrong else f"{len(faults):,} failed…"
        self.faults.setText(text)
        self.faults.setToolTip("List what is wrong and what to do" if wrong else "List the files that failed, and why")
        self.faults.setVisible(bool(faults))

    def _theme_icons(self) -> None:
        self._close.setIcon(self._theme.icon("close", self._theme.palette.muted))
