"""The line between two pictures on one canvas, to be dragged."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

WIDTH = 22
_KEY_STEP = 0.02


class Divider(QWidget):
    """A strip over the canvas; the mouse takes hold of it, Left and Right move it while it has the focus.

    Signals
    -------
    moved(float)
        Its place as a share 0..1 of the canvas.
    """

    moved = Signal(float)

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._share = 0.5
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setStyleSheet("background: transparent;")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Divider between the two scenes")
        self.setToolTip("Drag to see more of one scene or the other")
        self.hide()

    @property
    def share(self) -> float:
        """Its place as a share of the canvas's width."""
        return self._share

    @property
    def x(self) -> float:  # type: ignore[override]
        """Its middle in pixels of the canvas."""
        return self._share * self._parent().width()

    def set_share(self, share: float) -> None:
        """Moves it."""
        self._share = min(1.0, max(0.0, share))
        self.place()
        self.moved.emit(self._share)

    def place(self) -> None:
        """Follows the size of the canvas."""
        parent = self._parent()
        self.setGeometry(round(self._share * parent.width()) - WIDTH // 2, 0, WIDTH, parent.height())
        self.raise_()

    def _parent(self) -> QWidget:
        parent = self.parentWidget()
        assert parent is not None
        return parent

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        place = self.mapToParent(event.position().toPoint()).x()
        self.set_share(place / max(1, self._parent().width()))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        steps = {Qt.Key.Key_Left: -_KEY_STEP, Qt.Key.Key_Right: _KEY_STEP}
        if event.key() in steps:
            self.set_share(self._share + steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, high = WIDTH / 2, self.height() / 2
        for colour, width in ((QColor(0, 0, 0, 170), 4.0), (QColor("#ffffff"), 1.6)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(middle, 0), QPointF(middle, self.height()))
        painter.setPen(QPen(QColor(0, 0, 0, 170), 1))
        painter.setBrush(QColor("#ffffff"))
        painter.drawEllipse(QPointF(middle, high), 10.0, 10.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#21252e"))
        for way in (-1, 1):
            tip = [(middle + 7 * way, high), (middle + 2 * way, high - 4), (middle + 2 * way, high + 4)]
            painter.drawPolygon(QPolygonF([QPointF(*point) for point in tip]))
        painter.end()
