"""A small map that is painted here: hits, the scenes behind them, degrees, a scale bar; drag, wheel, rectangle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from sarvlm_app.core.archive.backdrop import Backdrop
from sarvlm_app.core.archive.map_view import Box, MapView, Outline, area_between, fitted, under
from sarvlm_app.ui.panels.hit_map_paint import MapPaint
from sarvlm_app.ui.theme import Theme

HEIGHT_PX = 190
REACH_PX = 7.0
"""A click so near a hit means it."""
_DRAG_PX = 4
_SETTLE_MS = 150
_STEP = 1.0 / 480.0
"""Exponent of two for an eighth of a degree of the wheel: a notch makes it 1.19 times nearer."""
_KEYS = {
    Qt.Key.Key_Left: (1, 0), Qt.Key.Key_Right: (-1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MapHit:
    """A hit on the map.

    Attributes
    ----------
    rank : int
    outline : Outline
    tip : str
    """

    rank: int
    outline: Outline
    tip: str = ""


class HitMap(QWidget):
    """Shows what it is given; zooming and dragging is its own.

    Signals
    -------
    hit_clicked(int)
        Rank of a hit.
    area_drawn(object)
        West, south, east, north in degrees.
    fit_wanted()
        The hits shall be brought into view.
    looked(object)
        `MapView` that has come to rest.
    drawing_changed(bool)
    """

    hit_clicked = Signal(int)
    area_drawn = Signal(object)
    fit_wanted = Signal()
    looked = Signal(object)
    drawing_changed = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._paint = MapPaint(theme)
        self._view = fitted([], 320, HEIGHT_PX)
        self._wanted: tuple[Box, ...] | None = ()
        self._hits: tuple[MapHit, ...] = ()
        self._selected: int | None = None
        self._drawing = False
        self._pressed: QPointF | None = None
        self._last: QPointF | None = None
        self._band: QRectF | None = None
        self._dragged = False
        self.setFixedHeight(HEIGHT_PX)
        self.setMinimumWidth(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setAccessibleName("Map of the hits")
        self._settled = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settled.timeout.connect(self._tell)
        theme.changed.connect(self.update)

    # ---- state ---------------------------------------------------------------
    @property
    def view(self) -> MapView:
        return self._view

    @property
    def hits(self) -> tuple[MapHit, ...]:
        return self._hits

    @property
    def drawing(self) -> bool:
        """Whether a drag draws a rectangle."""
        return self._drawing

    def show_hits(self, hits: Sequence[MapHit], selected: int | None) -> None:
        """Shows these hits, one of them brought out."""
        self._hits, self._selected = tuple(hits), selected
        self._paint.set_hits(self._hits, selected)
        self.update()

    def show_backdrop(self, backdrop: Backdrop | None) -> None:
        """Shows the scenes behind."""
        self._paint.set_backdrop(backdrop)
        self.update()

    def show_area(self, area: Box | None) -> None:
        """Shows the area that is searched, in world coordinates."""
        self._paint.area = area
        self.update()

    def fit(self, boxes: Sequence[Box]) -> None:
        """Brings boxes (world coordinates) into view; also after a change of size, until the map is moved by hand."""
        self._wanted = tuple(boxes)
        self._look(fitted(self._wanted, self.width(), self.height()), by_hand=False)

    def bring_into_view(self, outline: Outline) -> None:
        """Moves the map to an outline that lies outside; the zoom stays."""
        west, south, east, north = outline.box
        x, y = outline.middle
        view = self._view
        if not self._paint.seen(outline, view):
            self._look(view.centred(x, y), by_hand=False)
            self._wanted = None

    def set_drawing(self, on: bool) -> None:
        """Whether a drag draws a rectangle."""
        if on != self._drawing:
            self._drawing = on
            self.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.OpenHandCursor)
            self.drawing_changed.emit(on)

    def _look(self, view: MapView, *, by_hand: bool = True) -> None:
        if by_hand:
            self._wanted = None
        if view != self._view:
            self._view = view
            self.update()
        self._settled.start()

    def look_again(self) -> None:
        """Tells the view once more, soon: the scenes behind may be others."""
        self._settled.start()

    def _tell(self) -> None:
        if self.isVisible():
            self.looked.emit(self._view)

    # ---- Qt ------------------------------------------------------------------
    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        self._paint.paint(self, self._view, self._band)

    def resizeEvent(self, _event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        if self._wanted is not None:
            self.fit(self._wanted)
        else:
            self._look(self._view.resized(self.width(), self.height()), by_hand=False)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        self._settled.start()
        super().showEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        place = event.position()
        self._look(self._view.zoomed(2.0 ** (event.angleDelta().y() * _STEP), place.x(), place.y()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        self._pressed = self._last = event.position()
        self._dragged = False
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._band = QRectF(self._pressed, self._pressed) if shift or self._drawing else None
        if self._band is None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        place = event.position()
        if self._pressed is None or self._last is None:
            over = bool(self._under(place)) and not self._drawing
            rest = Qt.CursorShape.CrossCursor if self._drawing else Qt.CursorShape.OpenHandCursor
            self.setCursor(Qt.CursorShape.PointingHandCursor if over else rest)
            return
        self._dragged = self._dragged or (place - self._pressed).manhattanLength() > _DRAG_PX
        if not self._dragged:
            return
        if self._band is not None:
            self._band = QRectF(self._pressed, place).normalized()
            self.update()
        else:
            self._look(self._view.moved(place.x() - self._last.x(), place.y() - self._last.y()))
            self._last = place

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() is not Qt.MouseButton.LeftButton or self._pressed is None:
            return
        band, dragged, place = self._band, self._dragged, event.position()
        self._stop_dragging()
        if dragged and band is not None:
            corners = ((point.x(), point.y()) for point in (band.topLeft(), band.bottomRight()))
            self.set_drawing(False)
            self.area_drawn.emit(area_between(self._view, next(corners), next(corners)))
        elif not dragged:
            self._click(place)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() is Qt.MouseButton.LeftButton:
            self.fit_wanted.emit()

    def _stop_dragging(self) -> None:
        self._pressed = self._last = self._band = None
        self.setCursor(Qt.CursorShape.CrossCursor if self._drawing else Qt.CursorShape.OpenHandCursor)
        self.update()

    def _under(self, place: QPointF) -> list[MapHit]:
        numbers = under([hit.outline for hit in self._hits], self._view, (place.x(), place.y()), REACH_PX)
        return [self._hits[number] for number in numbers]

    def _click(self, place: QPointF) -> None:
        """The nearest hit; where several lie over each other, the next of them with each click."""
        ranks = [hit.rank for hit in self._under(place)]
        if ranks:
            after = ranks.index(self._selected) + 1 if self._selected in ranks else 0
            self.hit_clicked.emit(ranks[after % len(ranks)])

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        key, middle = event.key(), (self.width() / 2, self.height() / 2)
        if key in _KEYS:
            dx, dy = _KEYS[Qt.Key(key)]
            self._look(self._view.moved(40.0 * dx, 40.0 * dy))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self._look(self._view.zoomed(0.5 if key == Qt.Key.Key_Minus else 2.0, *middle))
        elif key == Qt.Key.Key_Home:
            self.fit_wanted.emit()
        elif key == Qt.Key.Key_Escape and (self._drawing or self._band is not None):
            self._stop_dragging()
            self.set_drawing(False)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tool tips of single hits; Esc leaves the drawing before it means something to the window."""
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            busy = self._drawing or self._band is not None
            if event.key() in _KEYS or (event.key() == Qt.Key.Key_Escape and busy):
                event.accept()
                return True
        if kind == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._under(QPointF(event.pos()))
            if found:
                QToolTip.showText(event.globalPos(), "\n\n".join(hit.tip for hit in found[:3]), self)
                return True
        return bool(super().event(event))
