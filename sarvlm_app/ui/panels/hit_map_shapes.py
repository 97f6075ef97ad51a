"""Shapes of the small map: paths in world coordinates, dots, rectangles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from sarvlm_app.core.archive.backdrop import Backdrop
from sarvlm_app.core.archive.map_view import Box, MapView, Outline, turns

SMALL_PX = 7.0
"""An outline smaller than this is a dot."""


def path_of(outlines: Iterable[Outline]) -> QPainterPath:
    """Outlines as one path, x to the east and y downwards in degrees."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    for outline in outlines:
        for ring in outline.rings:
            path.addPolygon(QPolygonF([QPointF(x, -y) for x, y in ring.tolist()]))
    return path


def mask_of(backdrop: Backdrop) -> QImage:
    """How densely scenes lie, as the opacity of a picture: one scene is seen already, many are clearly more."""
    counts = np.asarray(backdrop.density, np.float64)
    most = max(1.0, float(counts.max(initial=1)))
    share = np.log1p(counts) / math.log1p(most)
    alpha = np.where(counts > 0, 40 + 110 * share, 0).astype(np.uint8)
    rows, cols = alpha.shape
    return QImage(alpha.tobytes(), cols, rows, cols, QImage.Format.Format_Alpha8).copy()


def corners(view: MapView, box: Box, turn: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Pixels of the upper left and lower right corner of a box, moved east by a turn."""
    return view.at(box[0] + turn, box[3]), view.at(box[2] + turn, box[1])


def draw_path(painter: QPainter, view: MapView, path: QPainterPath, box: Box) -> None:
    """Draws a path within a box on every turn on which it is seen."""
    for turn in turns(box, view.box):
        draw_turn(painter, view, path, turn)


def draw_turn(painter: QPainter, view: MapView, path: QPainterPath, turn: float) -> None:
    """Draws a path in world coordinates, moved east by a turn, in the pen and brush at hand."""
    left, top = view.at(turn, 0.0)
    painter.save()
    painter.setTransform(QTransform(view.zoom, 0, 0, view.zoom, left, top), True)
    painter.drawPath(path)
    painter.restore()


def is_dot(mark: QRectF) -> bool:
    """Whether a mark is too small for an outline."""
    return max(mark.width(), mark.height()) < SMALL_PX


def dots(painter: QPainter, places: QPolygonF, rim: QColor, colour: QColor, radius: float) -> None:
    """Discs with a rim, all at once."""
    for paint, reach in ((rim, radius + 1.0), (colour, radius)):
        pen = QPen(paint, 2.0 * reach)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoints(places)


def shape(painter: QPainter, colour: QColor, alpha: int, width: float) -> None:
    """Pen and brush of outlines: a line as wide on every zoom, and a fill of that opacity."""
    fill = QColor(colour)
    fill.setAlpha(alpha)
    painter.setPen(cosmetic(colour, width))
    painter.setBrush(fill)


def cosmetic(colour: QColor, width: float) -> QPen:
    """A pen that is as wide on every zoom."""
    pen = QPen(colour, width)
    pen.setCosmetic(True)
    return pen


def rectangle(painter: QPainter, rect: QRectF, colour: QColor, *, dashed: bool) -> None:
    """A rectangle, lightly filled."""
    fill = QColor(colour)
    fill.setAlpha(20 if dashed else 45)
    pen = QPen(colour, 1.4)
    if dashed:
        pen.setDashPattern([4, 3])
    painter.setPen(pen)
    painter.setBrush(fill)
    painter.drawRect(rect)


def meets(place: QRectF, others: Sequence[QRectF]) -> bool:
    """Whether a rectangle meets one of others."""
    return any(place.intersects(other) for other in others)
