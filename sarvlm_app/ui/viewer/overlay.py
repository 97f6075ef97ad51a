"""What is drawn over the scene: numbers, scale bar, legend, north arrow, badges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from sarvlm_models.types import Window

from .box_marks import BoxMark, draw_mark
from .geometry import Camera, ScaleBar
from .heat_colours import BACKGROUND, colour_at

MARKER_RADIUS = 10.5
MOST_MARKERS = 200
_SCALE_LEFT, _FOOT_PX, _LEGEND_PX = 24.0, 46.0, 190.0
"""Where the scale bar begins, the height that it and the heat map's legend take, and the legend's width."""
_WARM = QColor("#ffb454")
_INK = QColor("#ffffff")
_FRAME = QColor("#6db3ff")
_SHADE = QColor(0, 0, 0, 150)


@dataclass(frozen=True, slots=True)
class Marker:
    """A numbered place at (col, row) scene pixels from the outer corner."""

    rank: int
    col: float
    row: float


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle about a window of the scene, with a word at its upper left corner."""

    window: Window
    label: str = ""


@dataclass(frozen=True, slots=True)
class Pin:
    """A place that was gone to: (col, row) scene pixels from the outer corner, and what was asked for."""

    col: float
    row: float
    label: str


@dataclass(frozen=True, slots=True)
class OverlayState:
    """All that the overlay draws, but for the camera: `frame` marks what is chosen, `rubber` what is being drawn.

    `hovered` is the box under the mouse, `picked` the selected one.
    """

    markers: tuple[Marker, ...] = ()
    selected: int | None = None
    markers_visible: bool = True
    legend_threshold: float | None = None
    north: float | None = None
    badges: tuple[str, ...] = ()
    scene_shown: bool = False
    opening: bool = False
    frame: Frame | None = None
    rubber: Frame | None = None
    hint: str = ""
    hovered: BoxMark | None = None
    picked: BoxMark | None = None
    pin: Pin | None = None


Paint = Callable[[QPainter, Camera], object]
"""Draws something of its own with the present camera."""


class Overlay(QWidget):
    """A clear sheet over the canvas; the mouse goes through it.

    Parameters
    ----------
    camera : callable
        Gives the present `Camera`.
    scale : callable
        Gives the present `ScaleBar`, None where there is nothing to measure.

    Attributes
    ----------
    under, over : list of callables
        What else draws: below boxes and numbers, and above all.
    """

    def __init__(self, parent: QWidget, camera: Callable[[], Camera], scale: Callable[[], ScaleBar | None]) -> None:
        super().__init__(parent)
        self._camera = camera
        self._scale = scale
        self.state = OverlayState()
        self.under: list[Paint] = []
        self.over: list[Paint] = []
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setStyleSheet("background: transparent;")

    def change(self, **fields: object) -> None:
        """Replaces fields of the state and redraws where anything differs."""
        state = replace(self.state, **fields)  # type: ignore[arg-type]
        if state != self.state:
            self.state = state
            self.update()

    def marker_at(self, x: float, y: float) -> int | None:
        """Rank of the marker under the screen position (x, y), the best first."""
        if not self.state.markers_visible:
            return None
        camera = self._camera()
        for marker in self.state.markers[:MOST_MARKERS]:
            left, top = camera.to_screen(marker.col, marker.row)
            if math.hypot(left - x, top - y) <= MARKER_RADIUS + 2:
                return marker.rank
        return None

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        if not self.state.scene_shown:
            self._draw_invitation(painter)
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(12)
        painter.setFont(font)
        for draw in self.under:
            draw(painter, self._camera())
            painter.setFont(font)
        frame = self.state.rubber or self.state.frame
        if frame is not None:
            self._draw_frame(painter, frame)
        if self.state.hovered is not None:
            draw_mark(painter, self._camera(), self.state.hovered, strong=False)
        if self.state.picked is not None:
            draw_mark(painter, self._camera(), self.state.picked, strong=True)
        if self.state.markers_visible:
            self._draw_markers(painter)
        painter.setFont(font)
        if self.state.pin is not None:
            self._draw_pin(painter, self.state.pin)
        self._draw_scale(painter)
        if self.state.legend_threshold is not None:
            self._draw_legend(painter, self.state.legend_threshold)
        if self.state.north is not None:
            self._draw_north(painter, self.state.north)
        self._draw_badges(painter)
        for draw in self.over:
            draw(painter, self._camera())
        if self.state.hint:
            self._draw_hint(painter, self.state.hint)
        painter.end()

    def _draw_invitation(self, painter: QPainter) -> None:
        font = QFont(self.font())
        font.setPixelSize(17)
        painter.setFont(font)
        painter.setPen(QColor(190, 196, 206))
        text = "Reading the scene…" if self.state.opening else "Drop a SAR scene here, or press Ctrl+O to open one"
        painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, text)

    def _draw_markers(self, painter: QPainter) -> None:
        camera = self._camera()
        font = QFont(painter.font())
        font.setBold(True)
        for marker in reversed(self.state.markers[:MOST_MARKERS]):
            if marker.rank != self.state.selected:
                self._draw_marker(painter, camera, marker, font)
        for marker in self.state.markers:
            if marker.rank == self.state.selected:
                self._draw_marker(painter, camera, marker, font)

    def _draw_marker(self, painter: QPainter, camera: Camera, marker: Marker, font: QFont) -> None:
        x, y = camera.to_screen(marker.col, marker.row)
        if not (-30 <= x <= camera.width + 30 and -30 <= y <= camera.height + 30):
            return
        chosen = marker.rank == self.state.selected
        radius = MARKER_RADIUS + (2.5 if chosen else 0)
        font.setPixelSize(11 if marker.rank < 100 else 9)
        painter.setFont(font)
        painter.setPen(QPen(QColor(0, 0, 0, 170), 4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, y), radius, radius)
        painter.setPen(QPen(_INK if chosen else _WARM, 2.2))
        painter.setBrush(_WARM if chosen else QColor(20, 18, 16, 165))
        painter.drawEllipse(QPointF(x, y), radius, radius)
        painter.setPen(QColor("#1a1206") if chosen else _WARM)
        painter.drawText(QRectF(x - 20, y - 20, 40, 40), Qt.AlignmentFlag.AlignCenter, str(marker.rank))

    def _draw_frame(self, painter: QPainter, frame: Frame) -> None:
        camera, window = self._camera(), frame.window
        left, top = camera.to_screen(window.col, window.row)
        right, bottom = camera.to_screen(window.col_end, window.row_end)
        # the part near the view only: coordinates beyond 16 bits are no longer drawn right
        room = QRectF(-40, -40, self.width() + 80, self.height() + 80)
        box = QRectF(QPointF(left, top), QPointF(right, bottom)).intersected(room)
        if box.isEmpty():
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 170), 4.0), (_FRAME, 2.0)):
            painter.setPen(
                QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap, Qt.PenJoinStyle.MiterJoin)
            )
            painter.drawRect(box)
        if frame.label:
            self._draw_label(painter, box, frame.label)

    def _draw_pin(self, painter: QPainter, pin: Pin) -> None:
        """Cross hairs that leave the place itself free, and the coordinate."""
        camera = self._camera()
        x, y = camera.to_screen(pin.col, pin.row)
        if not (-30 <= x <= camera.width + 30 and -30 <= y <= camera.height + 30):
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 170), 4.5), (_FRAME, 2.0)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(QPointF(x, y), 9.0, 9.0)
            for across, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                painter.drawLine(QPointF(x + 9.0 * across, y + 9.0 * down), QPointF(x + 20.0 * across, y + 20.0 * down))
        label = painter.fontMetrics().elidedText(pin.label, Qt.TextElideMode.ElideRight, 260)
        self._draw_label(painter, QRectF(x + 14.0, y - 12.0, 1.0, 1.0), label)

    def _draw_label(self, painter: QPainter, box: QRectF, label: str) -> None:
        """The word of a frame: above its corner where there is room, else inside."""
        width = painter.fontMetrics().horizontalAdvance(label) + 14.0
        left = min(max(box.left(), 4.0), max(4.0, self.width() - width - 4.0))
        highest = 46.0 if self.state.badges else 4.0
        top = box.top() - 23.0 if box.top() >= highest + 23.0 else max(box.top() + 4.0, highest)
        place = QRectF(left, top, width, 20.0)
        self._shaded(painter, place)
        painter.setPen(_FRAME)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, label)

    def _draw_hint(self, painter: QPainter, hint: str) -> None:
        hint = painter.fontMetrics().elidedText(hint, Qt.TextElideMode.ElideRight, max(60, self.width() - 48))
        width = painter.fontMetrics().horizontalAdvance(hint) + 28.0
        left = (self.width() - width) / 2
        badges = 14.0 + sum(painter.fontMetrics().horizontalAdvance(badge) + 30.0 for badge in self.state.badges)
        crowded = left < badges or left + width > self.width() - 62  # the badges, the north arrow
        box = QRectF(left, 72 if crowded else 14, width, 28)
        painter.setPen(QPen(_FRAME, 1))
        painter.setBrush(QColor(0, 0, 0, 205))
        painter.drawRoundedRect(box, 14, 14)
        painter.setPen(_INK)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, hint)

    def _shaded(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_SHADE)
        painter.drawRoundedRect(box, 5, 5)

    def foot_px(self, left: float) -> float:
        """Screen pixels from the bottom that the scale bar and the heat map's legend take right of `left`."""
        bar = self._scale()
        legend = _FOOT_PX if self.state.legend_threshold is not None else 0.0
        if bar is not None and left < _SCALE_LEFT + bar.length_px + 10:
            return self.scale_lift(bar) + _FOOT_PX
        return legend

    def scale_lift(self, bar: ScaleBar) -> float:
        """Screen pixels that the scale bar goes up, to lie above the heat map's legend in a narrow map."""
        meets = _SCALE_LEFT + bar.length_px + 10 > self.width() - _LEGEND_PX - 34
        return _FOOT_PX if meets and self.state.legend_threshold is not None else 0.0

    def _draw_scale(self, painter: QPainter) -> None:
        bar = self._scale()
        if bar is None:
            return
        left, base = _SCALE_LEFT, self.height() - 36.0 - self.scale_lift(bar)
        self._shaded(painter, QRectF(left - 10, base - 12, bar.length_px + 20, 38))
        painter.setPen(QPen(_INK, 1.6))
        painter.drawPolyline(
            QPolygonF(
                [
                    QPointF(left, base - 5),
                    QPointF(left, base),
                    QPointF(left + bar.length_px, base),
                    QPointF(left + bar.length_px, base - 5),
                ]
            )
        )
        painter.drawText(QRectF(left - 10, base + 3, bar.length_px + 20, 18), Qt.AlignmentFlag.AlignCenter, bar.label)

    def _draw_legend(self, painter: QPainter, threshold: float) -> None:
        width, base = _LEGEND_PX, self.height() - 36.0
        left = self.width() - width - 24.0
        self._shaded(painter, QRectF(left - 10, base - 16, width + 20, 42))
        scores = np.linspace(BACKGROUND, 1.0, int(width))
        colours = colour_at(scores)
        colours[:, :3] *= np.where(scores >= threshold, colours[:, 3], 0.0)[:, None]
        pixels = np.ascontiguousarray((np.tile(colours[None, :, :3], (9, 1, 1)) * 255).astype(np.uint8))
        image = QImage(pixels.tobytes(), int(width), 9, int(width) * 3, QImage.Format.Format_RGB888)
        painter.drawImage(QPointF(left, base - 9), image)
        painter.setPen(QPen(QColor(255, 255, 255, 110), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(left, base - 9, width, 9))
        edge = left + (threshold - BACKGROUND) / (1 - BACKGROUND) * width
        painter.setPen(QPen(_INK, 2))
        painter.drawLine(QPointF(edge, base - 12), QPointF(edge, base + 3))
        text = QRectF(left - 2, base + 3, width + 4, 18)
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "background")
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "strong match")

    def _draw_north(self, painter: QPainter, degrees: float) -> None:
        centre = QPointF(self.width() - 38.0, 42.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_SHADE)
        painter.drawEllipse(centre, 24, 24)
        painter.save()
        painter.translate(centre)
        painter.rotate(degrees)
        painter.setPen(QPen(_INK, 1.6))
        painter.drawLine(QPointF(0, 16), QPointF(0, -1))
        painter.setBrush(_INK)
        painter.drawPolygon(QPolygonF([QPointF(0, -8), QPointF(-4, 0), QPointF(4, 0)]))
        painter.translate(0, -15)
        painter.rotate(-degrees)
        painter.drawText(QRectF(-10, -8, 20, 16), Qt.AlignmentFlag.AlignCenter, "N")
        painter.restore()

    def _draw_badges(self, painter: QPainter) -> None:
        x = 14.0
        for badge in self.state.badges:
            width = painter.fontMetrics().horizontalAdvance(badge) + 22.0
            box = QRectF(x, 14, width, 24)
            painter.setPen(QPen(_WARM, 1))
            painter.setBrush(QColor(0, 0, 0, 190))
            painter.drawRoundedRect(box, 12, 12)
            painter.setPen(_WARM)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, badge)
            x += width + 8
