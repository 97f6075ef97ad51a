"""The measure that is looked at: its plot, and its values in rows."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from sarvlm_app.core.measure_list import Measured, Stage, Tool
from sarvlm_app.core.measure_session import MOST_WIDTH_PX
from sarvlm_app.core.scene import Scene
from sarvlm_app.ui.measure_words import NAMES, rows
from sarvlm_app.ui.panels.measure_plot import MeasurePlot
from sarvlm_app.ui.theme import Theme


class MeasureCard(QWidget):
    """Renders one measure.

    Signals
    -------
    width_changed(int)
        Profiles shall be averaged over so many pixels across.
    """

    width_changed = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel(objectName="section", indent=0)
        self._shown: tuple[Scene, Measured] | None = None
        self.plot = MeasurePlot(theme)
        self.across = QSpinBox(minimum=1, maximum=MOST_WIDTH_PX, suffix=" px")
        self.across.setKeyboardTracking(False)
        self.across.setAccessibleName("Width of the profile in pixels")
        self.across.setToolTip("Intensity is averaged over so many pixels across the line; 1 takes the pixel under it")
        self.across.valueChanged.connect(self.width_changed)
        self._width_row = QWidget()
        row = QHBoxLayout(self._width_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Width across", objectName="muted"))
        row.addWidget(self.across)
        row.addStretch(1)
        self.samples = QPushButton("Samples…", objectName="segment", toolTip="Write the samples of this profile as CSV")
        row.addWidget(self.samples)
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 2, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        for widget in (self.title, self.plot, self._width_row, self._table):
            layout.addWidget(widget)

    @property
    def values(self) -> dict[str, str]:
        """What stands in the rows."""
        return {} if self._shown is None else dict(rows(*self._shown))

    def show_measure(self, scene: Scene | None, measured: Measured | None, width_px: float) -> None:
        """Renders a measure of a scene; None hides the card."""
        self.setVisible(measured is not None and scene is not None)
        with QSignalBlocker(self.across):
            self.across.setValue(round(width_px))
        self.plot.show_measure(measured)
        if measured is None or scene is None:
            self._shown = None
            return
        busy = measured.stage is Stage.RUNNING
        self.title.setText(f"{NAMES[measured.tool]} {measured.number}{' · measuring…' if busy else ''}".upper())
        self._width_row.setVisible(measured.tool is Tool.PROFILE)
        self.samples.setEnabled(measured.profile is not None)
        if self._shown is None or self._shown[1] is not measured:
            self._shown = scene, measured
            self._render(scene, measured)

    def _render(self, scene: Scene, measured: Measured) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (gone := item.widget()) is not None:
                gone.deleteLater()
        for row, (name, value) in enumerate(rows(scene, measured)):
            said = QLabel(value, objectName="value", wordWrap=True)
            said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(QLabel(name, objectName="muted"), row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(said, row, 1)
