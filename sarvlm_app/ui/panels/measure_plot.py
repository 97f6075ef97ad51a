"""The plot of a measure: a profile in dB, the histogram of a region, the cuts through a point target."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from sarvlm_app.core.instruments import Cut, DbHistogram, PointResponse, Profile, RegionStatistics, decibels
from sarvlm_app.core.measure_list import Measured
from sarvlm_app.ui.theme import Theme

_HEIGHT = 190
_WIDTHS_SHOWN = 8.0
"""Cuts are shown up to so many -3 dB widths from the peak."""
_LOWEST_DB = -45.0


class MeasurePlot(pg.PlotWidget):
    """Shows one measure at a time.

    Signals
    -------
    hovered(object)
        Number of the sample of a profile under the mouse, None away from it.
    """

    hovered = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: Measured | None = None
        self._along: np.ndarray | None = None
        self._spot: int | None = None
        self._unit = ""
        self.setFixedHeight(_HEIGHT)
        self.setMenuEnabled(False)
        self.setAccessibleName("Plot of the measure")
        self._legend = self.addLegend(offset=(-4, 4), labelTextSize="8pt", verSpacing=-6)
        self._mark = pg.InfiniteLine(angle=90, movable=False)
        self._point = pg.ScatterPlotItem(size=8)
        self.scene().sigMouseMoved.connect(self._on_mouse)
        theme.changed.connect(self._again)

    def show_measure(self, measured: Measured | None) -> None:
        """Draws what the pixels said; hides where there is nothing to draw."""
        if measured is self._shown and measured is not None:
            return
        self._shown = measured
        self._again()

    def show_spot(self, sample: int | None) -> None:
        """Marks a sample of the profile, or none."""
        profile = self._shown.profile if self._shown is not None else None
        self._spot = sample
        on = sample is not None and profile is not None and self._along is not None and sample < len(self._along)
        self._mark.setVisible(on)
        self._point.setVisible(on)
        if on and profile is not None and self._along is not None and sample is not None:
            at, level = float(self._along[sample]), float(profile.db[sample])
            self._mark.setValue(at)
            self._point.setData([at] if math.isfinite(level) else [], [level] if math.isfinite(level) else [])

    @property
    def unit(self) -> str:
        """Of the lower axis."""
        return self._unit

    # ---- drawing ---------------------------------------------------------
    def _again(self) -> None:
        self.clear()
        self._legend.clear()
        self._legend.setColumnCount(1)
        self._along, self._spot = None, None
        self._paint()
        shown = self._shown
        drawn = False
        if shown is not None and shown.profile is not None:
            drawn = self._draw_profile(shown.profile)
        elif shown is not None and shown.region is not None:
            drawn = self._draw_histogram(shown.region)
        elif shown is not None and shown.point is not None:
            drawn = self._draw_cuts(shown.point)
        self.setVisible(drawn)

    def _paint(self) -> None:
        colours = self._theme.palette
        self.setBackground(QColor(colours.field))
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(pg.mkPen(colours.border))
            axis.setTextPen(pg.mkPen(colours.muted))
        self._legend.setLabelTextColor(QColor(colours.text))
        self._mark.setPen(pg.mkPen(colours.warm, width=1, style=Qt.PenStyle.DashLine))
        self._point.setBrush(pg.mkBrush(colours.warm))
        self._point.setPen(pg.mkPen(None))

    def _label(self, bottom: str, unit: str, left: str) -> None:
        self._unit = unit
        self.setLabel("bottom", f"{bottom} ({unit})")
        self.setLabel("left", left)
        for name in ("left", "bottom"):  # a label sets it anew: thousands would lose their unit
            self.getAxis(name).enableAutoSIPrefix(False)
        self.getAxis("left").setStyle(showValues=bool(left))
        self.getAxis("left").setWidth(46 if left else 8)

    def _draw_profile(self, found: Profile) -> bool:
        metres = found.distance_m
        long = metres is not None and float(metres[-1]) >= 10_000
        along = found.distance_px if metres is None else metres / 1000 if long else metres
        if not np.isfinite(found.db).any():
            return False
        self._along = along
        self._label("Along the line", "px" if metres is None else "km" if long else "m", "dB")
        curve = self.plot(along, found.db, pen=pg.mkPen(self._theme.palette.accent, width=1.3), connect="finite")
        curve.setDownsampling(auto=True, method="peak")
        for item in (self._mark, self._point):
            self.addItem(item, ignoreBounds=True)
            item.setVisible(False)
        self.setMouseEnabled(True, False)
        self._fit((float(along[0]), float(along[-1])), _span(found.db))
        return True

    def _draw_histogram(self, found: RegionStatistics) -> bool:
        histogram: DbHistogram | None = found.histogram
        if histogram is None:
            return False
        self._label("Intensity", "dB", "")
        fill = QColor(self._theme.palette.muted)
        fill.setAlpha(150)
        top = float(histogram.counts.max()) or 1.0
        self.plot(
            histogram.edges_db, histogram.counts / top, stepMode="center", fillLevel=0, brush=fill, pen=pg.mkPen(None)
        )
        for level, name, colour, style in (
            (found.mean_db, "mean", self._theme.palette.accent, Qt.PenStyle.SolidLine),
            (decibels(found.median), "median", self._theme.palette.warm, Qt.PenStyle.DashLine),
        ):
            if math.isfinite(level):
                pen = pg.mkPen(colour, width=1.6, style=style)
                self.plot([level, level], [0.0, 1.06], pen=pen, name=name)
        self.setMouseEnabled(False, False)
        self._fit((float(histogram.edges_db[0]), float(histogram.edges_db[-1])), (0.0, 1.12))
        return True

    def _draw_cuts(self, found: PointResponse) -> bool:
        cuts = (
            ("range", found.range, self._theme.palette.accent),
            ("azimuth", found.azimuth, self._theme.palette.warm),
        )
        metres = all(cut.width_m is not None for _, cut, _ in cuts)
        self._label("From the peak", "m" if metres else "px", "dB")
        reach = 0.0
        for name, cut, colour in cuts:
            scale = _scale(cut) if metres else 1.0
            reach = max(reach, _WIDTHS_SHOWN * cut.width_px * scale)
            self.plot(cut.offset_px * scale, cut.level_db, pen=pg.mkPen(colour, width=1.4), name=name)
        half = pg.InfiniteLine(-3.01, angle=0, pen=pg.mkPen(self._theme.palette.border, style=Qt.PenStyle.DashLine))
        self.addItem(half, ignoreBounds=True)
        self.setMouseEnabled(False, False)
        self._legend.setColumnCount(2)
        self._fit((-reach, reach), (_LOWEST_DB, 9.0))
        return True

    def _fit(self, across: tuple[float, float], up: tuple[float, float]) -> None:
        self.setLimits(xMin=across[0], xMax=across[1])
        self.setXRange(*across, padding=0)
        self.setYRange(*up, padding=0)

    # ---- the mouse -------------------------------------------------------
    def _on_mouse(self, place: QPointF) -> None:
        if self._along is None:
            return
        box = self.plotItem.vb
        inside = box.sceneBoundingRect().contains(place)
        at = float(box.mapSceneToView(place).x())
        sample = int(np.clip(np.searchsorted(self._along, at), 0, len(self._along) - 1)) if inside else None
        if sample is not None and sample > 0 and at - self._along[sample - 1] < self._along[sample] - at:
            sample -= 1
        self._hover(sample)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().leaveEvent(event)
        self._hover(None)

    def _hover(self, sample: int | None) -> None:
        if sample != self._spot:
            self.show_spot(sample)
            self.hovered.emit(sample)


def _scale(cut: Cut) -> float:
    """Metres of a pixel along the cut."""
    return 1.0 if cut.width_m is None else cut.width_m / cut.width_px


def _span(db: np.ndarray) -> tuple[float, float]:
    """Lowest and highest level with some room."""
    low, high = float(np.nanmin(db)), float(np.nanmax(db))
    room = max(0.06 * (high - low), 0.5)
    return low - room, high + room
