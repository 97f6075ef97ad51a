"""Context files drawn over the scene: tiles, lines, places and ships; only what is in view, as fine as it is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from sarvlm_app.core.context.ais import AXIS_M
from sarvlm_app.core.context.data import ContextData, Raster, Ship
from sarvlm_app.core.context.layers import ContextLayer, Style
from sarvlm_app.core.context.strokes import Float64, Strokes, level_for

from .geometry import Camera

_SHORTEST_HULL_PX = 15.0
_MOST_SPOTS = 5000
_MOST_NAMES = 60
_MOST_ROUND, _MOST_HULLS, _MOST_WIDE = 500, 300, 20_000
"""Places, ships and vertices in view beyond which they are drawn plainly, lest panning stall."""
_NAME_PX = 9.0
_RIM_PX, _SHIP_RIM_PX = 24.0, 400.0
_HALO = QColor(0, 0, 0, 150)
_FAR_PX = 30_000.0


class ContextMarks:
    """Draws the layers of the scene on view; `hint` is words beside a place, for what the mouse is over."""

    def __init__(self) -> None:
        self.layers: Sequence[ContextLayer] = ()
        self.hint: tuple[float, float, str] | None = None
        self._images: dict[int, tuple[Raster, QImage]] = {}

    def draw(self, painter: QPainter, camera: Camera) -> None:
        """Draws the visible layers, the first lowest, and the hint."""
        for layer in self.layers:
            if layer.style.visible and layer.data is not None:
                painter.save()
                painter.setOpacity(layer.style.opacity)
                self._draw_layer(painter, camera, layer, layer.data)
                painter.restore()
        if self.hint is not None:
            _draw_hint(painter, camera, self.hint)

    def forget(self) -> None:
        """Lets go of pictures of layers that are gone."""
        numbers = {layer.number for layer in self.layers}
        self._images = {number: held for number, held in self._images.items() if number in numbers}

    def name_at(self, camera: Camera, col: float, row: float, reach_px: float = 7.0) -> str:
        """The name of what lies under a place of the scene, the uppermost layer first; empty for nothing."""
        reach = reach_px / camera.zoom
        for layer in reversed(self.layers):
            if layer.style.visible and layer.data is not None:
                name = _name_at(layer.data, col, row, reach)
                if name:
                    return name
        return ""

    def _draw_layer(self, painter: QPainter, camera: Camera, layer: ContextLayer, data: ContextData) -> None:
        if data.raster is not None:
            self._draw_raster(painter, camera, layer.number, data.raster)
        if data.lines:
            width = layer.style.width_px * (0.7 if data.ships else 1.0)
            _draw_lines(painter, camera, level_for(data.lines, 1.0 / camera.zoom), QColor(layer.style.colour), width)
        if data.spots is not None:
            seen = data.spots.within(*_view(camera))[:_MOST_SPOTS]
            _draw_spots(painter, camera, data.spots.xy[seen], layer.style)
            names = [data.names[owner] for owner in data.spots.owner[seen].tolist()]
            _draw_names(painter, camera, list(zip(data.spots.xy[seen].tolist(), names, strict=True)), layer.style)
        if data.ships:
            _draw_ships(painter, camera, data.ships, layer.style)

    def _draw_raster(self, painter: QPainter, camera: Camera, number: int, raster: Raster) -> None:
        held = self._images.get(number)
        if held is None or held[0] is not raster:
            height, width = raster.rgba.shape[:2]
            image = QImage(raster.rgba.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
            held = self._images[number] = (raster, image)
        left, top = camera.to_screen(0.0, 0.0)
        size = raster.step * camera.zoom
        image = held[1]
        # the part in view only: Qt scales what it is given, however far it reaches outside
        col, row = max(0.0, -left / size), max(0.0, -top / size)
        right, bottom = (camera.width - left) / size, (camera.height - top) / size
        right, bottom = min(image.width(), right), min(image.height(), bottom)
        if right > col and bottom > row:
            part = QRectF(col, row, right - col, bottom - row)
            target = QRectF(left + col * size, top + row * size, part.width() * size, part.height() * size)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, size < 2.0)
            painter.drawImage(target, image, part)


def _view(camera: Camera, rim_px: float = _RIM_PX) -> tuple[float, float, float, float]:
    left, top = camera.to_scene(-rim_px, -rim_px)
    right, bottom = camera.to_scene(camera.width + rim_px, camera.height + rim_px)
    return left, top, right, bottom


def line_pieces(strokes: Strokes, camera: Camera) -> list[QPolygonF]:
    """What of the lines is in view, on the screen."""
    xy, joined = strokes.within(*_view(camera))
    if len(xy) < 2:
        return []
    x = (xy[:, 0] - camera.col) * camera.zoom + camera.width / 2
    y = (xy[:, 1] - camera.row) * camera.zoom + camera.height / 2
    # coordinates beyond 16 bits are no longer drawn right: leave out what does not pass the view
    most = camera.width + _RIM_PX, camera.height + _RIM_PX
    ends = [np.minimum(v[:-1], v[1:]) <= far for v, far in zip((x, y), most, strict=True)]
    ends += [np.maximum(v[:-1], v[1:]) >= -_RIM_PX for v in (x, y)]
    joined[:-1] &= np.logical_and.reduce(ends)
    x, y = np.clip(x, -_FAR_PX, _FAR_PX), np.clip(y, -_FAR_PX, _FAR_PX)
    stops = (np.flatnonzero(~joined) + 1).tolist()
    runs = zip([0, *stops[:-1]], stops, strict=True)
    return [pg.functions.arrayToQPolygonF(x[start:stop], y[start:stop]) for start, stop in runs if stop - start > 1]


def _draw_lines(painter: QPainter, camera: Camera, strokes: Strokes, colour: QColor, width: float) -> None:
    """Piece by piece: one path of all is more than ten times as slow, for Qt looks where it crosses itself."""
    pieces = line_pieces(strokes, camera)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(colour, width if sum(piece.count() for piece in pieces) < _MOST_WIDE else min(width, 1.0))
    pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    for piece in pieces:
        painter.drawPolyline(piece)


def _draw_spots(painter: QPainter, camera: Camera, spots: Float64, style: Style) -> None:
    radius = 2.0 + style.width_px
    if len(spots) > _MOST_ROUND:
        _draw_dots(painter, camera, spots, style, radius)
        return
    painter.setPen(QPen(_HALO, 1.5))
    painter.setBrush(QColor(style.colour))
    for col, row in spots.tolist():
        painter.drawEllipse(QPointF(*camera.to_screen(col, row)), radius, radius)


def _draw_dots(painter: QPainter, camera: Camera, places: Float64, style: Style, size: float) -> None:
    """Very many places, plainly."""
    x = (places[:, 0] - camera.col) * camera.zoom + camera.width / 2
    y = (places[:, 1] - camera.row) * camera.zoom + camera.height / 2
    painter.setPen(QPen(QColor(style.colour), size))
    painter.drawPoints(pg.functions.arrayToQPolygonF(x, y))


def _draw_ships(painter: QPainter, camera: Camera, ships: Sequence[Ship], style: Style) -> None:
    """Ships in view: with hull and way, and where they are few with their names."""
    left, top, right, bottom = _view(camera, _SHIP_RIM_PX)
    near = [s for s in ships if left <= s.place[0] <= right and top <= s.place[1] <= bottom]
    if len(near) > _MOST_HULLS:
        _draw_dots(painter, camera, np.array([ship.place for ship in near]), style, 2.0 + style.width_px)
        return
    for ship in near:
        _draw_ship(painter, camera, ship, style)
    _draw_names(painter, camera, [(ship.place, ship.label) for ship in near], style)


def _draw_names(painter: QPainter, camera: Camera, named: Sequence[tuple[Any, str]], style: Style) -> None:
    """Names beside their places, where they are few enough to be read."""
    if len(named) > _MOST_NAMES:
        return
    metrics = painter.fontMetrics()
    for (col, row), name in named:
        x, y = camera.to_screen(col, row)
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, 180)
        if text:
            box = QRectF(x + _NAME_PX, y - 24.0, metrics.horizontalAdvance(text) + 10.0, 18.0)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(0, 0, 0, 185))
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(QColor(style.colour).lighter(125))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _draw_ship(painter: QPainter, camera: Camera, ship: Ship, style: Style) -> None:
    x, y = camera.to_screen(*ship.place)
    colour = QColor(style.colour)
    if ship.ahead is not None:
        for ink, width in ((_HALO, style.width_px + 2.0), (colour, style.width_px)):
            painter.setPen(QPen(ink, width, Qt.PenStyle.SolidLine if ship.between else Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, y), QPointF(*camera.to_screen(*ship.ahead)))
    painter.setPen(QPen(_HALO, 3.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    hull = hull_of(camera, ship)
    painter.drawPolygon(hull)
    painter.setPen(QPen(colour, 1.8, Qt.PenStyle.SolidLine if ship.between else Qt.PenStyle.DotLine))
    fill = QColor(colour)
    fill.setAlpha(70)
    painter.setBrush(fill)
    painter.drawPolygon(hull)


def hull_of(camera: Camera, ship: Ship) -> QPolygonF:
    """The outline of a ship on the screen: to scale where that is large enough to be seen, a diamond without a way."""
    x, y = camera.to_screen(*ship.place)
    if ship.axis is None:
        return QPolygonF([QPointF(x + a, y + b) for a, b in ((0, -6), (6, 0), (0, 6), (-6, 0))])
    ahead_x, ahead_y = camera.to_screen(*ship.axis)
    away = math.hypot(ahead_x - x, ahead_y - y)
    if away == 0:
        return QPolygonF([QPointF(x, y)])
    right_x, right_y = (ahead_x - x) / away, (ahead_y - y) / away
    length = max(_SHORTEST_HULL_PX, (ship.length_m or 0.0) * away / AXIS_M)
    width = max(0.4 * _SHORTEST_HULL_PX, (ship.width_m or 0.0) * away / AXIS_M)
    outline = ((0.5, 0.0), (0.25, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.25, -0.5))
    return QPolygonF(
        [
            QPointF(x + a * length * right_x - b * width * right_y, y + a * length * right_y + b * width * right_x)
            for a, b in outline
        ]
    )


def _name_at(data: ContextData, col: float, row: float, reach: float) -> str:
    near = [(math.hypot(ship.place[0] - col, ship.place[1] - row), ship) for ship in data.ships]
    ships = [pair for pair in near if pair[0] <= 2 * reach]
    if ships:
        return ship_words(min(ships, key=lambda pair: pair[0])[1])
    if data.spots is not None:
        close = data.spots.within(col - reach, row - reach, col + reach, row + reach)
        if len(close):
            away = np.hypot(data.spots.xy[close, 0] - col, data.spots.xy[close, 1] - row)
            return data.names[int(data.spots.owner[close[int(away.argmin())]])]
    feature = data.lines[0].nearest(col, row, reach) if data.lines else None
    return "" if feature is None or feature < 0 else data.names[feature]


def ship_words(ship: Ship) -> str:
    """What is known of a ship, in a line."""
    parts = [ship.label]
    parts += [f"{ship.length_m:.0f} m"] if ship.length_m else []
    parts += [f"{ship.speed_kn:.1f} kn"] if ship.speed_kn is not None else []
    parts += [f"{ship.course_deg:.0f}°"] if ship.course_deg is not None else []
    parts.append("between reports" if ship.between else f"carried on {ship.gap_s:.0f} s")
    return " · ".join(parts)


def _draw_hint(painter: QPainter, camera: Camera, hint: tuple[float, float, str]) -> None:
    x, y = camera.to_screen(hint[0], hint[1])
    width = painter.fontMetrics().horizontalAdvance(hint[2]) + 16.0
    left = min(max(4.0, x + 12.0), max(4.0, camera.width - width - 4.0))
    box = QRectF(left, max(4.0, y - 30.0), width, 22.0)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 205))
    painter.drawRoundedRect(box, 5, 5)
    painter.setPen(QColor("#ffffff"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, hint[2])
