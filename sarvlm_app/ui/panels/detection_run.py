"""What is looked for and where, what that costs, and the buttons that run and stop it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from sarvlm_app.core.detection import DetectionEstimate
from sarvlm_app.core.detection_request import Area, words_of
from sarvlm_app.core.jobs import JobState, JobStatus
from sarvlm_app.ui.detection_words import estimate_text
from sarvlm_app.ui.formats import seconds_text

_AREAS = (
    (Area.VIEW, "View", "Look at what is in view"),
    (Area.REGION, "Region", "Draw a region with the mouse and look there (R)"),
    (Area.SCENE, "Scene", "Look at the whole scene"),
)
_FORMS = (
    (True, "Rotated", "Boxes along the objects: they tell length, width and heading"),
    (False, "Upright", "Boxes along rows and columns of the picture"),
)
_RUN_TIP = (
    "Detect objects there (D). Earlier boxes of the same classes there are replaced; those that you corrected, "
    "confirmed, drew or struck out stay as they are."
)


class RunCard(QWidget):
    """The controls of a run.

    Signals
    -------
    wish_changed()
        Area, words or form are others now.
    region_wanted()
        A region shall be drawn.
    run_clicked(), stop_clicked()
    """

    wish_changed = Signal()
    region_wanted = Signal()
    run_clicked = Signal()
    stop_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._running = False
        self._loaded = False
        self.detector = QLabel(objectName="muted", wordWrap=True)
        self.words = QLineEdit(placeholderText="or name your own, separated by commas")
        self.words.setAccessibleName("Names of your own")
        self.words.setToolTip("Looks for these instead of the ticked classes, e.g.  oil tanker, tug boat")
        self.words.setClearButtonEnabled(True)
        self.run = QPushButton("Run", objectName="runButton", toolTip=_RUN_TIP)
        self.stop = QPushButton("Stop", toolTip="Stop; what was found stays (Esc)", visible=False)
        self.estimate = QLabel(objectName="muted", wordWrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.detector)
        layout.addLayout(self._make_areas())
        layout.addWidget(self.words)
        layout.addLayout(self._make_foot())
        layout.addWidget(self.estimate)
        self.words.editingFinished.connect(self.wish_changed)
        self.words.textEdited.connect(self.wish_changed)
        self.words.returnPressed.connect(self._run_words)
        self.run.clicked.connect(self.run_clicked)
        self.stop.clicked.connect(self.stop_clicked)

    def _make_areas(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(5)
        row.addWidget(QLabel("Look at", objectName="muted"))
        self._area_group = QButtonGroup(self)
        self.areas: dict[Area, QPushButton] = {}
        for area, name, tip in _AREAS:
            button = QPushButton(name, objectName="segment", toolTip=tip, checkable=True)
            button.clicked.connect(self.region_wanted if area is Area.REGION else self.wish_changed)
            self._area_group.addButton(button)
            self.areas[area] = button
            row.addWidget(button, 1)
        self.areas[Area.VIEW].setChecked(True)
        return row

    def _make_foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(5)
        self._form_group = QButtonGroup(self)
        self.forms: dict[bool, QPushButton] = {}
        for rotated, name, tip in _FORMS:
            button = QPushButton(name, objectName="segment", toolTip=tip, checkable=True)
            button.clicked.connect(self.wish_changed)
            self._form_group.addButton(button)
            self.forms[rotated] = button
            row.addWidget(button)
        self.forms[True].setChecked(True)
        row.addStretch(1)
        row.addWidget(self.run)
        row.addWidget(self.stop)
        return row

    # ---- state -----------------------------------------------------------
    @property
    def area(self) -> Area:
        """Where to look."""
        return next(area for area, button in self.areas.items() if button.isChecked())

    def set_area(self, area: Area) -> None:
        """Chooses where to look."""
        self.areas[area].setChecked(True)

    @property
    def rotated(self) -> bool:
        return self.forms[True].isChecked()

    @property
    def typed(self) -> tuple[str, ...]:
        """Names of the user's own."""
        return words_of(self.words.text())

    # ---- session -> view -------------------------------------------------
    def show_detector(self, name: str | None, finds: str) -> None:
        """Names the detector and what it was taught, None while it is not loaded."""
        self._loaded = name is not None
        self.detector.setText("" if name is None else f"{name}: {finds}")
        self.detector.setVisible(name is not None)

    def show_running(self, running: bool, ready: bool) -> None:
        """Whether a run goes on, and whether one can begin."""
        self._running = running
        self.run.setVisible(not running)
        self.stop.setVisible(running)
        self.run.setEnabled(ready)
        if not running:
            self.estimate.setText("")

    def show_estimate(self, estimate: DetectionEstimate | None, loaded: bool) -> None:
        """What the run would cost; while one goes on, how far it is stands there instead."""
        if not self._running:
            self.estimate.setText(estimate_text(estimate, loaded=loaded))

    def show_job(self, job: JobStatus) -> None:
        """How far the run is."""
        if not job.active or not self._running:
            return
        if job.state is JobState.QUEUED:
            self.estimate.setText("Waiting for the job before…")
            return
        left = f" · {seconds_text(job.eta_s)} left" if job.eta_s is not None else ""
        far = f"{job.done} of {job.total} windows{left}" if job.total else job.message or "Beginning…"
        self.estimate.setText(far)

    def _run_words(self) -> None:
        if not self._running and self.run.isEnabled():
            self.run_clicked.emit()
