"""The display stretch of the active scene: histogram with handles, percentiles or by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from sarvlm_app.core.radiometry import Stretch
from sarvlm_app.core.session import Session
from sarvlm_app.ui.formats import number_text
from sarvlm_app.ui.panels.section import Section
from sarvlm_app.ui.theme import Theme

_BINS = 96
_LEAST_WIDTH = 0.5


class DisplayPanel(Section):
    """Renders `session.stretch`; never touches the data or what the model sees."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Display", parent)
        self._session = session
        self._theme = theme
        self._default: Stretch | None = None
        self._percentile = QPushButton("2–98 %", objectName="segment", checkable=True)
        self._percentile.setToolTip("Black and white at the 2nd and 98th percentile of the scene, in decibels")
        self._percentile.clicked.connect(self._reset)
        self._manual = QPushButton("Manual", objectName="segment", checkable=True)
        self._manual.setToolTip("Drag the two lines in the histogram")
        self._manual.clicked.connect(self._by_hand)
        reset = QPushButton("Reset", objectName="segment", toolTip="Back to the scene's own stretch")
        reset.clicked.connect(self._reset)
        buttons = QHBoxLayout()
        buttons.setSpacing(5)
        for button in (self._percentile, self._manual, reset):
            buttons.addWidget(button, 1)
        self._plot = pg.PlotWidget()
        self._plot.setFixedHeight(78)
        self._plot.setMouseEnabled(False, False)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.hideAxis("left")
        self._plot.hideAxis("bottom")
        self._plot.setAccessibleName("Histogram of the scene with the black and white points")
        self._curve = self._plot.plot([0.0, 1.0], [0.0], stepMode="center", fillLevel=0)
        self._low = pg.InfiniteLine(movable=True)
        self._high = pg.InfiniteLine(movable=True)
        for line in (self._low, self._high):
            self._plot.addItem(line)
            line.sigPositionChanged.connect(self._on_drag)
        self._labels = (QLabel(objectName="value"), QLabel(objectName="value"))
        self._labels[1].setAlignment(Qt.AlignmentFlag.AlignRight)
        ends = QHBoxLayout()
        for label in self._labels:
            ends.addWidget(label)
        self.body.addLayout(buttons)
        self.body.addWidget(self._plot)
        self.body.addLayout(ends)
        theme.changed.connect(self._paint)
        self._paint()
        self.show_stretch()

    def show_histogram(self, values: NDArray[np.float32], default: Stretch | None) -> None:
        """Draws how often each value of the scene occurs.

        Parameters
        ----------
        values : float32 (n,)
            A sample in the stretch's unit; what is not finite is left out.
        default : Stretch or None
            What Reset goes back to.
        """
        self._default = default
        finite = values[np.isfinite(values)]
        if finite.size < 2:
            self._curve.setData([0.0, 1.0], [0.0])
            return
        low, high = np.percentile(finite, (0.2, 99.9))
        low, high = (low - 3.0, high + 3.0) if high - low < 1 else (low - 0.1 * (high - low), high + 0.1 * (high - low))
        counts, edges = np.histogram(finite, bins=_BINS, range=(float(low), float(high)))
        smooth = np.convolve(counts, np.ones(3) / 3, mode="same")
        self._curve.setData(edges, smooth)
        self._plot.setXRange(float(low), float(high), padding=0)
        self._plot.setYRange(0, float(smooth.max()) * 1.12 or 1.0, padding=0)

    def show_stretch(self) -> None:
        """Renders the session's stretch."""
        stretch = self._session.stretch
        self.setVisible(stretch is not None)
        if stretch is None:
            return
        with QSignalBlocker(self._low), QSignalBlocker(self._high):
            self._low.setValue(stretch.low)
            self._high.setValue(stretch.high)
        unit = "dB" if stretch.unit == "dB" else ""
        self._labels[0].setText(f"black {number_text(stretch.low)} {unit}")
        self._labels[1].setText(f"white {number_text(stretch.high)} {unit}")
        self._manual.setChecked(stretch.mode == "manual")
        self._percentile.setChecked(stretch.mode != "manual")

    def _on_drag(self) -> None:
        stretch = self._session.stretch
        if stretch is None:
            return
        low, high = sorted((float(self._low.value()), float(self._high.value())))
        self._session.set_stretch(replace(stretch, low=low, high=max(high, low + _LEAST_WIDTH), mode="manual"))

    def _by_hand(self) -> None:
        stretch = self._session.stretch
        if stretch is not None:
            self._session.set_stretch(replace(stretch, mode="manual"))

    def _reset(self) -> None:
        if self._default is not None:
            self._session.set_stretch(self._default)
        self.show_stretch()

    def _paint(self) -> None:
        colours = self._theme.palette
        self._plot.setBackground(QColor(colours.field))
        fill = QColor(colours.muted)
        fill.setAlpha(150)
        self._curve.setBrush(pg.mkBrush(fill))
        self._curve.setPen(pg.mkPen(None))
        for line in (self._low, self._high):
            line.setPen(pg.mkPen(colours.accent, width=2))
            line.setHoverPen(pg.mkPen(colours.warm, width=3))
