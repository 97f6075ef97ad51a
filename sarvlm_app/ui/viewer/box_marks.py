"""The box under the mouse and the selected one, drawn over the scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from sarvlm_models.types import Float32

from .box_frame import BoxFrame
from .geometry import Camera

_HALO = QColor(0, 0, 0, 190)
_INK = QColor("#ffffff")
_HANDLE_PX = 4.0
_FARTHEST_PX = 20_000.0
"""Beyond it coordinates are no longer drawn right."""


@dataclass(frozen=True, slots=True)
class BoxMark:
    """A box to be brought out.

    Attributes
    ----------
    corners : four of (col, row) in scene pixels
    colour : str
        #rrggbb of its class.
    label : str
        Words beside it.
    handles : bool
        Whether it can be moved, turned and resized with the mouse.
    """

    corners: tuple[tuple[float, float], ...]
    colour: str
    label: str = ""
    handles: bool = False

    @classmethod
    def of(cls, corners: Float32, colour: str, label: str = "", *, handles: bool = False) -> BoxMark:
        """The mark of a box of `corners` (4, 2)."""
        return cls(tuple((float(col), float(row)) for col, row in corners), colour, label, handles)

    def array(self) -> Float32:
        """Its corners: float32 (4, 2)."""
        return np.array(self.corners, np.float32)


def draw_mark(painter: QPainter, camera: Camera, mark: BoxMark, strong: bool) -> None:
    """Draws a box with its label; `strong` for the selected one."""
    points = [QPointF(*camera.to_screen(col, row)) for col, row in mark.corners]
    if not _near(points, camera):
        return
    outline = QPolygonF(points)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    core = _INK if strong else QColor(mark.colour)
    for colour, width in ((_HALO, 5.0 if strong else 4.0), (core, 2.4 if strong else 2.2)):
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.MiterJoin))
        painter.drawPolygon(outline)
    if mark.handles:
        _draw_handles(painter, BoxFrame.of(mark.array(), camera), QColor(mark.colour))
    if mark.label:
        _draw_label(painter, camera, outline.boundingRect(), mark)


def _near(points: list[QPointF], camera: Camera) -> bool:
    box = QPolygonF(points).boundingRect()
    view = QRectF(0, 0, camera.width, camera.height)
    return box.adjusted(-60, -60, 60, 60).intersects(view) and max(box.width(), box.height()) < _FARTHEST_PX


def _draw_handles(painter: QPainter, frame: BoxFrame, colour: QColor) -> None:
    root, end = (QPointF(*point) for point in frame.arm())
    handles = [QPointF(*point) for point in frame.handles()]
    painter.setPen(QPen(QColor(255, 255, 255, 120), 1, Qt.PenStyle.DashLine))
    painter.drawPolygon(QPolygonF(handles[:4]))
    painter.setPen(QPen(_HALO, 3))
    painter.drawLine(root, end)
    painter.setPen(QPen(_INK, 1.4))
    painter.drawLine(root, end)
    painter.setPen(QPen(_HALO, 1.4))
    painter.setBrush(_INK)
    for place in handles:
        painter.drawRect(QRectF(place.x() - _HANDLE_PX, place.y() - _HANDLE_PX, 2 * _HANDLE_PX, 2 * _HANDLE_PX))
    painter.setBrush(colour)
    painter.drawEllipse(end, _HANDLE_PX + 1.5, _HANDLE_PX + 1.5)


def _draw_label(painter: QPainter, camera: Camera, box: QRectF, mark: BoxMark) -> None:
    """The words below the box where there is room, else above it; always within the view."""
    width, height = painter.fontMetrics().horizontalAdvance(mark.label) + 14.0, 20.0
    gap = 34.0 if mark.handles else 6.0
    top = box.bottom() + gap if box.bottom() + gap + height < camera.height - 4 else box.top() - gap - height
    left = min(max(box.center().x() - width / 2, 4.0), max(4.0, camera.width - width - 4.0))
    place = QRectF(left, min(max(top, 4.0), camera.height - height - 4.0), width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 190))
    painter.drawRoundedRect(place, 5, 5)
    painter.setPen(QColor(mark.colour))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, mark.label)
