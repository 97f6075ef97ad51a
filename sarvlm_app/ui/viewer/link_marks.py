"""What a comparison draws over the scene: the pointer of the other canvas, names of the scenes, the dB legend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPen

from .change_colours import colour_at
from .geometry import Camera

_INK = QColor("#ffffff")
_SHADE = QColor(0, 0, 0, 165)
_LINE = QColor("#6db3ff")
_LEGEND_PX = 220


@dataclass(frozen=True, slots=True)
class ChangeLegend:
    """Range and threshold in dB, and what stands over what."""

    range_db: float
    threshold_db: float
    above: str
    below: str


@dataclass(slots=True)
class LinkMarks:
    """Drawn over one canvas.

    Attributes
    ----------
    cross : (float, float) or None
        (col, row) under the pointer in the other canvas.
    names : (str, str)
        In the upper corners, left and right of `split`; empty for none.
    split : float or None
        Screen x of the divider.
    legend : ChangeLegend or None
    value : float or None
        Change in dB under the pointer, told in the legend.
    foot : callable
        From a screen x to the height in screen pixels that is taken at the bottom right of it: the legend keeps above.
    """

    cross: tuple[float, float] | None = None
    names: tuple[str, str] = ("", "")
    split: float | None = None
    legend: ChangeLegend | None = None
    value: float | None = None
    foot: Callable[[float], float] = lambda _x: 0.0

    def draw(self, painter: QPainter, camera: Camera) -> None:
        """Draws all of it."""
        if self.cross is not None:
            self._draw_cross(painter, camera, self.cross)
        self._draw_names(painter, camera)
        if self.legend is not None:
            left = camera.width - _LEGEND_PX - 38.0
            _draw_legend(painter, left, camera.height - 48.0 - self.foot(left - 24), self.legend, self.value)

    def _draw_cross(self, painter: QPainter, camera: Camera, place: tuple[float, float]) -> None:
        x, y = camera.to_screen(*place)
        for colour, width in ((QColor(0, 0, 0, 170), 4.0), (_LINE, 1.8)):
            painter.setPen(QPen(colour, width))
            for across, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                start, end = QPointF(x + 5 * across, y + 5 * down), QPointF(x + 18 * across, y + 18 * down)
                painter.drawLine(start, end)

    def _draw_names(self, painter: QPainter, camera: Camera) -> None:
        left, right = self.names
        middle = camera.width / 2 if self.split is None else self.split
        if left:
            _plate(painter, left, middle - 18 if right else middle, -1 if right else 0)
        if right:
            _plate(painter, right, middle + 18, 1)


def _plate(painter: QPainter, text: str, x: float, side: int) -> None:
    """A name on a dark plate at the top: ends at `x` (-1), begins there (1), or lies about it (0)."""
    text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, 300)
    width = painter.fontMetrics().horizontalAdvance(text) + 18.0
    left = x - width if side < 0 else x if side > 0 else x - width / 2
    box = QRectF(left, 14, width, 24)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 200))
    painter.drawRoundedRect(box, 6, 6)
    painter.setPen(_INK)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def legend_lines(metrics: QFontMetrics, above: str, below: str, room: int) -> tuple[str, ...]:
    """What stands over what, in one line where there is room for it, else each in a line of its own."""
    line = f"{above} over {below}"
    if metrics.horizontalAdvance(line) <= room:
        return (line,)
    middle = Qt.TextElideMode.ElideMiddle
    start = "over "
    rest = metrics.elidedText(below, middle, room - metrics.horizontalAdvance(start))
    return metrics.elidedText(above, middle, room), start + rest


def _draw_legend(painter: QPainter, left: float, base: float, legend: ChangeLegend, value: float | None) -> None:
    lines = legend_lines(painter.fontMetrics(), legend.above, legend.below, _LEGEND_PX + 20)
    top = base - 16 - 18 * len(lines)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_SHADE)
    painter.drawRoundedRect(QRectF(left - 24, top, _LEGEND_PX + 48, base + 38 - top), 5, 5)
    values = np.linspace(-1.0, 1.0, _LEGEND_PX)
    colours = colour_at(values)
    colours[np.abs(values) < legend.threshold_db / legend.range_db] = (0.16, 0.17, 0.2, 1.0)
    pixels = np.ascontiguousarray((np.tile(colours[None, :, :3], (9, 1, 1)) * 255).astype(np.uint8))
    image = QImage(pixels.tobytes(), _LEGEND_PX, 9, _LEGEND_PX * 3, QImage.Format.Format_RGB888)
    painter.drawImage(QPointF(left, base - 9), image)
    painter.setPen(QPen(QColor(255, 255, 255, 110), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(QRectF(left, base - 9, _LEGEND_PX, 9))
    painter.setPen(_INK)
    for number, line in enumerate(lines):
        box = QRectF(left - 10, top + 2 + 18 * number, _LEGEND_PX + 20, 18)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, line)
    reach = legend.range_db
    ticks = {-reach, 0.0, reach} | ({-legend.threshold_db, legend.threshold_db} if legend.threshold_db else set())
    close = {tick for tick in ticks if 0 < min(abs(tick), reach - abs(tick)) < 0.16 * reach}
    for tick in sorted(ticks - close):
        x = left + (tick + reach) / (2 * reach) * _LEGEND_PX
        painter.drawLine(QPointF(x, base - 9), QPointF(x, base + 3))
        text = f"{tick:+.3g}".replace("-", "−") if tick else "0"
        label = text + " dB" if tick == reach else text
        painter.drawText(QRectF(x - 32, base + 3, 64, 16), Qt.AlignmentFlag.AlignCenter, label)
    painter.drawText(QRectF(left, base + 18, _LEGEND_PX, 16), Qt.AlignmentFlag.AlignLeft, "darker")
    painter.drawText(QRectF(left, base + 18, _LEGEND_PX, 16), Qt.AlignmentFlag.AlignRight, "brighter")
    if value is not None and isfinite(value):
        here = f"here {value:+.1f} dB".replace("-", "−")
        painter.drawText(QRectF(left, base + 18, _LEGEND_PX, 16), Qt.AlignmentFlag.AlignHCenter, here)
