"""The classes of boxes: ticked ones are looked for and shown, each with its colour and how many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sarvlm_app.ui.theme import Theme

_Index = QModelIndex | QPersistentModelIndex
_ROLE = Qt.ItemDataRole
COUNT_ROLE, COLOUR_ROLE = int(_ROLE.UserRole), int(_ROLE.UserRole) + 1
_BOX_PX = 14
ROW_PX = 22
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_MOST_ROWS = 6


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class; `taught`: whether the detector looks for it of itself."""

    name: str
    colour: str
    count: int
    ticked: bool
    taught: bool


class ClassModel(QAbstractListModel):
    """Classes that can be ticked.

    Signals
    -------
    ticked(str, bool)
        The name of a class and whether it is ticked now.
    """

    ticked = Signal(str, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[ClassRow, ...] = ()

    @property
    def rows(self) -> tuple[ClassRow, ...]:
        return self._rows

    def set_rows(self, rows: tuple[ClassRow, ...]) -> None:
        """Shows other classes, or other numbers of the same."""
        if rows == self._rows:
            return
        if [row.name for row in rows] == [row.name for row in self._rows]:
            self._rows = rows
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def data(self, index: _Index, role: int = int(_ROLE.DisplayRole)) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == _ROLE.DisplayRole:
            return row.name
        if role == COLOUR_ROLE:
            return row.colour
        if role == _ROLE.CheckStateRole:
            return int((Qt.CheckState.Checked if row.ticked else Qt.CheckState.Unchecked).value)
        if role == COUNT_ROLE:
            return f"{row.count:,}" if row.count else ""
        if role == _ROLE.ToolTipRole:
            asked = "looked for and shown" if row.taught else "shown"
            return f"{row.name}: {row.count:,} at this confidence. Ticked: {asked}."
        return None

    def setData(self, index: _Index, value: Any, role: int = int(_ROLE.EditRole)) -> bool:  # noqa: N802 - Qt's name
        if role != _ROLE.CheckStateRole or not index.isValid():
            return False
        self.ticked.emit(self._rows[index.row()].name, Qt.CheckState(value) is Qt.CheckState.Checked)
        return True


class _Delegate(QStyledItemDelegate):
    """A box in the colour of the class, full where it is ticked; its name; the number of boxes at the right."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802 - Qt's name
        return QSize(super().sizeHint(option, index).width(), ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        place, state = QRectF(option.rect), option.state
        ticked = Qt.CheckState(index.data(_ROLE.CheckStateRole)) is Qt.CheckState.Checked
        palette = self._theme.palette
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(palette.accent), 1))
            painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        box = QRectF(place.left() + 4, place.center().y() - _BOX_PX / 2, _BOX_PX, _BOX_PX)
        self._draw_box(painter, box, QColor(index.data(COLOUR_ROLE)), ticked)
        count = str(index.data(COUNT_ROLE))
        painter.setPen(QColor(palette.muted))
        painter.drawText(place.adjusted(0, 0, -6, 0), _RIGHT, count)
        painter.setPen(QColor(palette.text if ticked else palette.muted))
        room = place.adjusted(_BOX_PX + 13, 0, -12 - painter.fontMetrics().horizontalAdvance(count), 0)
        name = painter.fontMetrics().elidedText(str(index.data()), Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, _LEFT, name)
        painter.restore()

    def _draw_box(self, painter: QPainter, box: QRectF, colour: QColor, ticked: bool) -> None:
        edge = colour if self._theme.palette.name == "dark" else colour.darker(160)
        painter.setPen(QPen(edge, 1.4))
        painter.setBrush(colour if ticked else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(0.7, 0.7, -0.7, -0.7), 3, 3)
        if ticked:
            tick = [
                box.topLeft() + QPointF(x * _BOX_PX, y * _BOX_PX) for x, y in ((0.26, 0.52), (0.43, 0.7), (0.75, 0.3))
            ]
            painter.setPen(QPen(QColor("#10151d"), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPolyline(QPolygonF(tick))

    def editorEvent(  # noqa: N802 - Qt's name
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: _Index
    ) -> bool:
        """A click anywhere on the row ticks it, and so does the space bar."""
        pressed = event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent)
        if event.type() is not QEvent.Type.MouseButtonRelease and not (pressed and event.key() == Qt.Key.Key_Space):  # type: ignore[attr-defined]
            return False
        ticked = Qt.CheckState(index.data(_ROLE.CheckStateRole)) is Qt.CheckState.Checked
        wanted = Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked
        return model.setData(index, wanted.value, int(_ROLE.CheckStateRole))


class ClassList(QListView):
    """As high as its rows, up to six; then it scrolls."""

    def __init__(self, theme: Theme, model: ClassModel) -> None:
        super().__init__()
        self.setObjectName("classes")
        self.setAccessibleName("Classes")
        self.setModel(model)
        self.setItemDelegate(_Delegate(theme, self))
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        model.modelReset.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        rows = min(max(self.model().rowCount(), 1), _MOST_ROWS)
        self.setFixedHeight(rows * ROW_PX + 4)
