"""What the small map looks like."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from sarvlm_app.core.archive.backdrop import Backdrop
from sarvlm_app.core.archive.map_view import Box, MapView, Outline, graticule, turns
from sarvlm_app.ui.panels.hit_map_shapes import (
    corners,
    cosmetic,
    dots,
    draw_path,
    draw_turn,
    is_dot,
    mask_of,
    meets,
    path_of,
    rectangle,
    shape,
)
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.viewer.geometry import scale_bar

if TYPE_CHECKING:
    from sarvlm_app.ui.panels.hit_map import MapHit

DOT_PX = 3.5
_SPECK_PX = 4.0
_MOST_RANKS = 60
_FONT_PX = 11
_FINE = 300
"""So many outlines are drawn with smooth edges."""


class MapPaint:
    """Keeps the shapes as paths in world coordinates, y downwards, and paints them through a transform."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._hits: tuple[MapHit, ...] = ()
        self._paths: list[QPainterPath] = []
        self._chosen = -1
        self._others = QPainterPath()
        self._backdrop: Backdrop | None = None
        self._scenes = QPainterPath()
        self._boxes = np.zeros((0, 4))
        self._density: QImage | None = None
        self.area: Box | None = None

    def set_hits(self, hits: tuple[MapHit, ...], selected: int | None) -> None:
        if hits != self._hits:
            self._hits, self._paths = hits, [path_of([hit.outline]) for hit in hits]
        self._chosen = next((number for number, hit in enumerate(hits) if hit.rank == selected), -1)
        self._others = QPainterPath()
        self._others.setFillRule(Qt.FillRule.WindingFill)
        for number, path in enumerate(self._paths):
            if number != self._chosen:
                self._others.addPath(path)

    def set_backdrop(self, backdrop: Backdrop | None) -> None:
        if backdrop is not self._backdrop:
            self._backdrop = backdrop
            outlines = backdrop.outlines if backdrop is not None else ()
            self._scenes = path_of(outlines)
            self._boxes = np.array([outline.box for outline in outlines], np.float64).reshape(-1, 4)
            self._density = None
            if backdrop is not None and backdrop.density is not None:
                self._density = mask_of(backdrop)

    @staticmethod
    def seen(outline: Outline, view: MapView) -> bool:
        """Whether the middle of an outline lies within the view, or all of the view within its bounds."""
        x, y = outline.middle
        west, south, east, north = view.box
        rim_x, rim_y = 0.04 * (east - west), 0.04 * (north - south)
        return bool(turns((x, y, x, y), (west + rim_x, south + rim_y, east - rim_x, north - rim_y)))

    # ---- painting ------------------------------------------------------------
    def paint(self, widget: QWidget, view: MapView, band: QRectF | None) -> None:
        painter = QPainter(widget)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = self._theme.palette
        frame = QRectF(widget.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        clip = QPainterPath()
        clip.addRoundedRect(frame, 5, 5)
        painter.fillPath(clip, QColor(colours.field))
        painter.setClipPath(clip)
        font = QFont(painter.font())
        font.setPixelSize(_FONT_PX)
        painter.setFont(font)
        self._paint_scenes(painter, view)
        labels = self._paint_grid(painter, view)
        self._paint_area(painter, view)
        self._paint_hits(painter, view, labels)
        if band is not None:
            rectangle(painter, band, QColor(colours.accent), dashed=False)
        self._paint_scale(painter, view)
        painter.setClipping(False)
        painter.setPen(QPen(QColor(colours.accent if widget.hasFocus() else colours.border), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(frame, 5, 5)
        painter.end()

    def _paint_scenes(self, painter: QPainter, view: MapView) -> None:
        backdrop, colour = self._backdrop, QColor(self._theme.palette.muted)
        if backdrop is None:
            return
        if self._density is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            tinted = QImage(self._density.size(), QImage.Format.Format_ARGB32_Premultiplied)
            tinted.fill(colour)
            tinted.setAlphaChannel(self._density)
            for turn in turns(backdrop.box, view.box):
                (left, top), (right, bottom) = corners(view, backdrop.box, turn)
                painter.drawImage(QRectF(left, top, right - left, bottom - top), tinted)
            return
        fill = QColor(colour)
        colour.setAlpha(110)
        fill.setAlpha(16)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(backdrop.outlines) <= _FINE)
        painter.setPen(cosmetic(colour, 1.0))
        painter.setBrush(fill)
        bounds = self._scenes.boundingRect()
        draw_path(painter, view, self._scenes, (bounds.left(), -bounds.bottom(), bounds.right(), -bounds.top()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_specks(painter, view)

    def _paint_specks(self, painter: QPainter, view: MapView) -> None:
        """Scenes that are too small to be seen as outlines."""
        boxes = self._boxes
        spans = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) * view.zoom
        small = boxes[spans < _SPECK_PX]
        west, _, east, _ = view.box
        x, y = (small[:, 0] + small[:, 2]) / 2, (small[:, 1] + small[:, 3]) / 2
        colour = QColor(self._theme.palette.muted)
        colour.setAlpha(130)
        pen = QPen(colour, 3.0)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        for turn in np.arange(math.floor((west + 180.0) / 360.0) - 1, math.floor((east + 180.0) / 360.0) + 1) * 360.0:
            left, top = view.at(float(turn), 0.0)
            places = np.column_stack((x * view.zoom + left, -y * view.zoom + top))
            seen = (places[:, 0] > -3) & (places[:, 0] < view.width + 3)
            painter.drawPoints(QPolygonF([QPointF(*place) for place in places[seen].tolist()]))

    def _paint_grid(self, painter: QPainter, view: MapView) -> list[QRectF]:
        """The graticule and its degrees; gives where these stand."""
        colours, metrics = self._theme.palette, QFontMetricsF(painter.font())
        line = QColor(colours.border)
        line.setAlpha(150)
        meridians, parallels = graticule(view)
        painter.setPen(cosmetic(line, 1.0))
        for meridian in meridians:
            painter.drawLine(QPointF(meridian.px, 0), QPointF(meridian.px, view.height))
        for parallel in parallels:
            painter.drawLine(QPointF(0, parallel.px), QPointF(view.width, parallel.px))
        taken = []
        painter.setPen(QColor(colours.muted))
        for parallel in parallels:
            place = QRectF(5, parallel.px - 14, metrics.horizontalAdvance(parallel.label), 13)
            if 2 <= place.top() and place.bottom() <= view.height - 16:
                taken.append(place)
                painter.drawText(place.bottomLeft() + QPointF(0, -3), parallel.label)
        for meridian in meridians:
            place = QRectF(meridian.px + 3, 3, metrics.horizontalAdvance(meridian.label), 13)
            if place.right() < view.width - 3 and place.left() > 3 and not meets(place, taken):
                taken.append(place)
                painter.drawText(place.bottomLeft() + QPointF(0, -3), meridian.label)
        return taken

    def _paint_area(self, painter: QPainter, view: MapView) -> None:
        if self.area is not None:
            for turn in turns(self.area, view.box):
                (left, top), (right, bottom) = corners(view, self.area, turn)
                edges = QRectF(QPointF(max(left, -9.0), max(top, -9.0)),
                               QPointF(min(right, view.width + 9.0), min(bottom, view.height + 9.0)))  # fmt: skip
                rectangle(painter, edges, QColor(self._theme.palette.accent), dashed=True)

    def _paint_hits(self, painter: QPainter, view: MapView, taken: list[QRectF]) -> None:
        """The hits, the selected one last; numbers where there is room for them, the selected and the best first."""
        colours = self._theme.palette
        shape(painter, QColor(colours.warm), 50, 1.3)
        bounds = self._others.boundingRect()
        draw_path(painter, view, self._others, (bounds.left(), -bounds.bottom(), bounds.right(), -bounds.top()))
        marks = [(number, mark) for number in range(len(self._hits)) for mark in self._marks(view, number)]
        small = QPolygonF([mark.center() for number, mark in marks if is_dot(mark) and number != self._chosen])
        dots(painter, small, QColor(colours.field), QColor(colours.warm), DOT_PX)
        for mark in (mark for number, mark in marks if number == self._chosen):
            if is_dot(mark):
                dots(painter, QPolygonF([mark.center()]), QColor(colours.text), QColor(colours.accent), DOT_PX + 1.5)
            else:
                shape(painter, QColor(colours.accent), 90, 2.4)
                for turn in turns(self._hits[self._chosen].outline.box, view.box):
                    draw_turn(painter, view, self._paths[self._chosen], turn)
        self._paint_ranks(painter, view, marks, taken)

    def _paint_ranks(
        self, painter: QPainter, view: MapView, marks: list[tuple[int, QRectF]], taken: list[QRectF]
    ) -> None:
        font = QFont(painter.font())
        font.setBold(True)
        painter.setFont(font)
        metrics, occupied = QFontMetricsF(font), list(taken)
        for number, mark in sorted(marks, key=lambda one: one[0] != self._chosen)[:_MOST_RANKS]:
            self._paint_rank(painter, view, number, mark, metrics, occupied)
        font.setBold(False)
        painter.setFont(font)

    def _marks(self, view: MapView, number: int) -> list[QRectF]:
        """Where a hit is seen, on every turn."""
        box = self._hits[number].outline.box
        ends = (corners(view, box, turn) for turn in turns(box, view.box))
        return [QRectF(QPointF(*first), QPointF(*last)) for first, last in ends]

    def _paint_rank(
        self,
        painter: QPainter,
        view: MapView,
        number: int,
        mark: QRectF,
        metrics: QFontMetricsF,
        occupied: list[QRectF],
    ) -> None:
        colours, chosen = self._theme.palette, number == self._chosen
        text = str(self._hits[number].rank)
        if is_dot(mark):
            mark = mark.adjusted(-DOT_PX, -DOT_PX, DOT_PX, DOT_PX)
        size = QRectF(0, 0, metrics.horizontalAdvance(text) + 2, 12)
        place = QRectF(size).translated(min(mark.right(), view.width) + 2, max(mark.top(), 0) - 4)
        if place.right() > view.width - 2:
            place.moveRight(max(mark.left(), 0) - 2)
        if mark.width() > size.width() + 8 and mark.height() > 20:
            place = QRectF(size).translated(max(mark.left(), 0.0) + 4, max(mark.top(), 0.0) + 3)
        place.moveTop(min(max(place.top(), 2.0), view.height - 14.0))
        if meets(place, occupied):
            place.translate(0.0, 13.0)
        if not chosen and meets(place, occupied):
            return
        occupied.append(place)
        halo = QPainterPath()
        halo.addText(place.left() + 1, place.bottom() - 2, painter.font(), text)
        painter.strokePath(halo, QPen(QColor(colours.field), 3))
        painter.fillPath(halo, QColor(colours.accent if chosen else colours.warm))

    def _paint_scale(self, painter: QPainter, view: MapView) -> None:
        colours, metrics = self._theme.palette, QFontMetricsF(painter.font())
        bar = scale_bar(1.0, view.metres_a_px(), 70.0)
        right, bottom = view.width - 8.0, view.height - 8.0
        left = right - bar.length_px
        for colour, thick in ((QColor(colours.field), 4.0), (QColor(colours.text), 1.5)):
            painter.setPen(QPen(colour, thick))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ends = [
                QPointF(left, bottom - 4),
                QPointF(left, bottom),
                QPointF(right, bottom),
                QPointF(right, bottom - 4),
            ]
            painter.drawPolyline(QPolygonF(ends))
        words = QPainterPath()
        words.addText(right - metrics.horizontalAdvance(bar.label), bottom - 7, painter.font(), bar.label)
        painter.strokePath(words, QPen(QColor(colours.field), 3))
        painter.fillPath(words, QColor(colours.text))
