"""A histogram with two lines to drag: black and white of a band, or dark and bright of one colour of three."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from sarvlm_app.core.display.levels import Histogram
from sarvlm_app.ui.theme import Theme

CHANNEL_COLOURS = ("#e5484d", "#2f9e44", "#3b82f6")
"""Red, green and blue as they are read on dark and light."""
_HEIGHT = 84
_LEAST_SHARE = 0.01
"""The two lines stay this share of the axis apart."""


class HistogramView(pg.PlotWidget):
    """Up to three curves over one axis.

    Signals
    -------
    limits_dragged(float, float)
        The two lines were moved by hand, low before high.
    """

    limits_dragged = Signal(float, float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: tuple[Histogram | None, ...] = ()
        self._channel: int | None = None
        self.setFixedHeight(_HEIGHT)
        self.setMouseEnabled(False, False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.hideAxis("left")
        self.hideAxis("bottom")
        self.setAccessibleName("Histogram with the black and white points")
        self._curves = [self.plot([0.0, 1.0], [0.0], stepMode="center", fillLevel=0) for _ in range(3)]
        self.low, self.high = pg.InfiniteLine(movable=True), pg.InfiniteLine(movable=True)
        for line in (self.low, self.high):
            self.addItem(line)
            line.sigPositionChanged.connect(self._on_drag)
        theme.changed.connect(self._paint)
        self._paint()

    def show_histograms(self, histograms: Sequence[Histogram | None]) -> None:
        """Draws one curve, or three in their colours on a common axis."""
        self._shown = tuple(histograms)
        known = [histogram for histogram in histograms if histogram is not None]
        for number, curve in enumerate(self._curves):
            histogram = self._shown[number] if number < len(self._shown) else None
            if histogram is None:
                curve.setData([0.0, 1.0], [0.0])
            else:
                # each to its own height: rare values of one channel are not hidden by a narrow peak of another
                top = float(histogram.counts.max()) or 1.0
                curve.setData(histogram.edges, histogram.counts / top)
            curve.setVisible(histogram is not None)
        if known:
            edges = np.concatenate([histogram.edges for histogram in known])
            self.setXRange(float(edges.min()), float(edges.max()), padding=0)
            self.setYRange(0, 1.12, padding=0)
        self._paint()

    def show_limits(self, limits: tuple[float, float] | None, channel: int | None = None) -> None:
        """Puts the lines; None hides them. `channel` brings one of three curves out."""
        for line in (self.low, self.high):
            line.setVisible(limits is not None)
        if limits is not None:
            with QSignalBlocker(self.low), QSignalBlocker(self.high):
                self.low.setValue(limits[0])
                self.high.setValue(limits[1])
        if channel != self._channel:
            self._channel = channel
            self._paint()

    def _on_drag(self) -> None:
        low, high = sorted((float(self.low.value()), float(self.high.value())))
        left, right = self.viewRange()[0]
        self.limits_dragged.emit(low, max(high, low + _LEAST_SHARE * (right - left)))

    def _paint(self) -> None:
        colours = self._theme.palette
        self.setBackground(QColor(colours.field))
        several = sum(histogram is not None for histogram in self._shown) > 1
        for number, curve in enumerate(self._curves):
            fill = QColor(CHANNEL_COLOURS[number] if several else colours.muted)
            chosen = not several or number == self._channel
            fill.setAlpha((150 if chosen else 45) if several else 150)
            curve.setBrush(pg.mkBrush(fill))
            curve.setPen(pg.mkPen(CHANNEL_COLOURS[number], width=1) if several and chosen else pg.mkPen(None))
            curve.setZValue(1 if chosen else 0)
        for line in (self.low, self.high):
            line.setPen(pg.mkPen(colours.accent, width=2))
            line.setHoverPen(pg.mkPen(colours.warm, width=3))
