"""Measures over the scene: lines, rings and places with their numbers, and what is being drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from .geometry import Camera

_LINE = QColor("#5ee0c0")
_STRONG = QColor("#ffffff")
_DARK = QColor(0, 0, 0, 170)
_SHADE = QColor(0, 0, 0, 190)
_ROOM_PX = 60.0
_DOT_PX = 2.6

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class MeasureMark:
    """One measure: (col, row) of its points, whether they are a ring, what stands beside it."""

    points: tuple[Place, ...]
    closed: bool
    label: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class DraftMark:
    """What is being drawn: points so far, the pointer where it is over the scene, words beside the pointer."""

    points: tuple[Place, ...] = ()
    pointer: Place | None = None
    closed: bool = False
    words: str = ""


@dataclass(slots=True)
class MeasureMarks:
    """Drawn over one canvas.

    Attributes
    ----------
    marks : tuple of MeasureMark
        The lowest first.
    draft : DraftMark
    spot : (float, float) or None
        A place on the profile that is looked at.
    """

    marks: tuple[MeasureMark, ...] = ()
    draft: DraftMark = field(default_factory=DraftMark)
    spot: Place | None = None

    def draw(self, painter: QPainter, camera: Camera) -> None:
        """Draws all of it."""
        painter.save()
        for strong in (False, True):
            for mark in self.marks:
                if mark.strong is strong:
                    _draw_mark(painter, camera, mark)
        self._draw_draft(painter, camera)
        if self.spot is not None:
            _draw_spot(painter, camera, self.spot)
        painter.restore()

    def _draw_draft(self, painter: QPainter, camera: Camera) -> None:
        draft = self.draft
        points = [*draft.points, *([] if draft.pointer is None else [draft.pointer])]
        if not draft.points:
            return
        _draw_lines(painter, camera, points, closed=False, strong=True)
        if draft.closed and len(points) > 2:
            _draw_lines(painter, camera, [points[-1], points[0]], closed=False, strong=False, dashed=True)
        _draw_dots(painter, camera, draft.points, strong=True)
        if draft.pointer is not None and draft.words:
            x, y = camera.to_screen(*draft.pointer)
            _plate(painter, camera, draft.words, x + 16, y + 18)


def _draw_mark(painter: QPainter, camera: Camera, mark: MeasureMark) -> None:
    if len(mark.points) == 1:
        _draw_target(painter, camera, mark)
    else:
        _draw_lines(painter, camera, mark.points, closed=mark.closed, strong=mark.strong)
        _draw_dots(painter, camera, mark.points, strong=mark.strong)
    x, y = camera.to_screen(*max(mark.points, key=lambda place: (place[0], -place[1])))
    if -10 <= x <= camera.width + 10 and -10 <= y <= camera.height + 10:
        _plate(painter, camera, mark.label, x + 9, y - 24, _STRONG if mark.strong else _LINE)


def _draw_lines(
    painter: QPainter, camera: Camera, points: Sequence[Place], *, closed: bool, strong: bool, dashed: bool = False
) -> None:
    ends = np.asarray([camera.to_screen(*place) for place in points])
    starts, ends = (ends, np.roll(ends, -1, axis=0)) if closed else (ends[:-1], ends[1:])
    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    pieces = [piece for start, end in zip(starts, ends, strict=True) if (piece := clipped(start, end, camera))]
    for colour, width in ((_DARK, 4.5), (_STRONG if strong else _LINE, 2.2 if strong else 1.7)):
        painter.setPen(QPen(colour, width, style, Qt.PenCapStyle.RoundCap))
        for start, end in pieces:
            painter.drawLine(start, end)


def clipped(start: NDArray[np.float64], end: NDArray[np.float64], camera: Camera) -> tuple[QPointF, QPointF] | None:
    """The part of a line near the view: coordinates beyond 16 bits are no longer drawn right (Liang & Barsky 1984)."""
    low, high, step = 0.0, 1.0, end - start
    for axis, size in enumerate((camera.width, camera.height)):
        for away, room in ((-step[axis], start[axis] + _ROOM_PX), (step[axis], size + _ROOM_PX - start[axis])):
            if away == 0:
                if room < 0:
                    return None
                continue
            share = float(room / away)
            low, high = (low, min(high, share)) if away > 0 else (max(low, share), high)
    if low >= high:
        return None
    return QPointF(*(start + low * step).tolist()), QPointF(*(start + high * step).tolist())


def _draw_dots(painter: QPainter, camera: Camera, points: Sequence[Place], *, strong: bool) -> None:
    painter.setPen(QPen(_DARK, 1.2))
    painter.setBrush(_STRONG if strong else _LINE)
    for place in points:
        x, y = camera.to_screen(*place)
        if -9 <= x <= camera.width + 9 and -9 <= y <= camera.height + 9:
            painter.drawEllipse(QPointF(x, y), _DOT_PX + strong, _DOT_PX + strong)


def _draw_target(painter: QPainter, camera: Camera, mark: MeasureMark) -> None:
    """Cross hairs about a point that leave the point itself free."""
    x, y = camera.to_screen(*mark.points[0])
    if not (-30 <= x <= camera.width + 30 and -30 <= y <= camera.height + 30):
        return
    for colour, width in ((_DARK, 4.0), (_STRONG if mark.strong else _LINE, 1.8)):
        painter.setPen(QPen(colour, width))
        for across, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            start, end = QPointF(x + 5 * across, y + 5 * down), QPointF(x + 14 * across, y + 14 * down)
            painter.drawLine(start, end)


def _draw_spot(painter: QPainter, camera: Camera, place: Place) -> None:
    x, y = camera.to_screen(*place)
    if -9 <= x <= camera.width + 9 and -9 <= y <= camera.height + 9:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((_DARK, 5.0), (QColor("#ffb454"), 2.4)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(QPointF(x, y), 6.0, 6.0)


def _plate(painter: QPainter, camera: Camera, words: str, x: float, y: float, colour: QColor = _STRONG) -> None:
    """Lines of words on a dark plate, kept within the view."""
    lines = words.split("\n")
    metrics = painter.fontMetrics()
    width, height = max(metrics.horizontalAdvance(line) for line in lines) + 14.0, 18.0 * len(lines) + 2.0
    left = min(max(x, 4.0), max(4.0, camera.width - width - 4.0))
    top = min(max(y, 4.0), max(4.0, camera.height - height - 4.0))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_SHADE)
    painter.drawRoundedRect(QRectF(left, top, width, height), 5, 5)
    painter.setPen(colour)
    for number, line in enumerate(lines):
        box = QRectF(left + 7, top + 1 + 18.0 * number, width - 14, 18)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, line)
