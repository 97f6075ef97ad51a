"""The list of captions: each a card whose words can be changed in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPen,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QListView,
    QPlainTextEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from sarvlm_app.ui.theme import Theme

_Index = QModelIndex | QPersistentModelIndex
CARD_ROLE = int(Qt.ItemDataRole.UserRole)
_PAD, _GAP, _HEAD, _LINE = 10, 4, 18, 17
_LEAST_WIDTH, _LEAST_EDITOR = 160, 96
_EDITOR = "captionEditor"
_RETURNS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


@dataclass(frozen=True, slots=True)
class CaptionCard:
    """One row.

    Attributes
    ----------
    key : str
        Id of the caption.
    title : str
        What is described.
    sizes : tuple of str
        How large that is, the fullest form first; the first that fits is shown.
    edited : bool
    text : str
        The caption.
    found, place : str
        Lines below it: counts and land cover; coordinates and model.
    tip : str
    """

    key: str
    title: str
    sizes: tuple[str, ...]
    edited: bool
    text: str
    found: str
    place: str
    tip: str = ""


class CaptionModel(QAbstractListModel):
    """The captions of one scene.

    Signals
    -------
    edited(str, str)
        Id of a caption and its new words.
    """

    edited = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cards: list[CaptionCard] = []

    @property
    def cards(self) -> tuple[CaptionCard, ...]:
        return tuple(self._cards)

    def set_cards(self, cards: Sequence[CaptionCard]) -> None:
        """Shows `cards`; a row that stays keeps its editor, and the others come and go about it."""
        wanted = {card.key for card in cards}
        for row in reversed(range(len(self._cards))):
            if self._cards[row].key not in wanted:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self._cards[row]
                self.endRemoveRows()
        for row, card in enumerate(cards):
            if row < len(self._cards) and self._cards[row].key == card.key:
                if self._cards[row] != card:
                    self._cards[row] = card
                    self.dataChanged.emit(self.index(row), self.index(row))
                continue
            self.beginInsertRows(QModelIndex(), row, row)
            self._cards.insert(row, card)
            self.endInsertRows()

    def row_of(self, key: str) -> int | None:
        """The row of a caption."""
        return next((row for row, card in enumerate(self._cards) if card.key == key), None)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's name and default
        return 0 if parent.isValid() else len(self._cards)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable

    def data(self, index: _Index, role: int = CARD_ROLE) -> object:
        card = self._cards[index.row()]
        if role == CARD_ROLE:
            return card
        if role in (int(Qt.ItemDataRole.DisplayRole), int(Qt.ItemDataRole.EditRole)):
            return card.text
        if role == int(Qt.ItemDataRole.AccessibleTextRole):
            mark = ", edited" if card.edited else ""
            return f"{card.title}, {card.sizes[0]}{mark}: {card.text} {card.found}. {card.place}"
        return card.tip or None if role == int(Qt.ItemDataRole.ToolTipRole) else None

    def setData(self, index: _Index, value: object, role: int = int(Qt.ItemDataRole.EditRole)) -> bool:  # noqa: N802
        if role != int(Qt.ItemDataRole.EditRole) or not index.isValid():
            return False
        self.edited.emit(self._cards[index.row()].key, str(value))
        return True


class CaptionEditor(QPlainTextEdit):
    """Where the words of a caption are changed: Return takes them, Escape leaves them as they were."""

    finished = Signal()

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in (*_RETURNS, Qt.Key.Key_Escape)
        ):
            event.accept()  # Ctrl+Return asks and Escape cancels a job elsewhere in the window
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in _RETURNS:
            self.finished.emit()
        else:
            super().keyPressEvent(event)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the parts of a card lie."""

    box: QRectF
    head: QRect
    text: QRect
    found: QRect
    place: QRect

    @property
    def height(self) -> int:
        return int(self.place.bottom() - self.box.top()) + _PAD


class CaptionDelegate(QStyledItemDelegate):
    """Paints a caption in the colours of the theme and lends the editor for its words."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802 - Qt's name
        view = self.parent()
        width = view.viewport().width() if isinstance(view, QListView) else 300
        layout = _lay_out(QRect(0, 0, max(width, _LEAST_WIDTH), 0), index.data(CARD_ROLE), option.font)
        return QSize(_LEAST_WIDTH, layout.height + 2 * _GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        card: CaptionCard = index.data(CARD_ROLE)
        colours = self._theme.palette
        layout = _lay_out(option.rect, card, option.font)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.setPen(QPen(QColor(colours.accent if chosen else colours.border), 1))
        painter.setBrush(QColor(colours.selection if chosen else colours.raised if over else colours.field))
        painter.drawRoundedRect(layout.box, 6, 6)
        self._paint_head(painter, layout.head, card, option.font)
        painter.setFont(_font(option.font, 13))
        painter.setPen(QColor(colours.text))
        painter.drawText(layout.text, int(Qt.TextFlag.TextWordWrap), card.text)
        painter.setFont(_font(option.font, 12))
        if card.found:
            painter.setPen(QColor(colours.text))
            painter.drawText(layout.found, int(Qt.TextFlag.TextWordWrap), card.found)
        painter.setPen(QColor(colours.muted))
        elided = painter.fontMetrics().elidedText(card.place, Qt.TextElideMode.ElideRight, layout.place.width())
        painter.drawText(layout.place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, elided)
        painter.restore()

    def _paint_head(self, painter: QPainter, head: QRect, card: CaptionCard, font: QFont) -> None:
        colours = self._theme.palette
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(_font(font, 12, bold=True))
        painter.setPen(QColor(colours.text))
        painter.drawText(head, middle | Qt.AlignmentFlag.AlignLeft, card.title)
        used = painter.fontMetrics().horizontalAdvance(card.title) + 9
        if card.edited:
            painter.setFont(_font(font, 12))
            painter.setPen(QColor(colours.warm))
            painter.drawText(head.adjusted(used, 0, 0, 0), middle | Qt.AlignmentFlag.AlignLeft, "edited")
            used += painter.fontMetrics().horizontalAdvance("edited") + 9
        painter.setFont(_font(font, 12))
        painter.setPen(QColor(colours.muted))
        room, metrics = head.width() - used, painter.fontMetrics()
        fitting = (size for size in card.sizes if metrics.horizontalAdvance(size) <= room)
        size = next(fitting, metrics.elidedText(card.sizes[-1], Qt.TextElideMode.ElideRight, room))
        painter.drawText(head.adjusted(used, 0, 0, 0), middle | Qt.AlignmentFlag.AlignRight, size)

    # ---- the editor ------------------------------------------------------
    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, _index: _Index) -> QWidget:  # noqa: N802
        editor = CaptionEditor(parent)
        editor.setObjectName(_EDITOR)
        editor.setAccessibleName("Words of the caption")
        editor.setToolTip("Return takes the words, Esc leaves them as they were")
        editor.setTabChangesFocus(True)
        editor.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        editor.finished.connect(lambda: self._take(editor))
        return editor

    def _take(self, editor: CaptionEditor) -> None:
        self.commitData.emit(editor)
        self.closeEditor.emit(editor, QAbstractItemDelegate.EndEditHint.NoHint)

    def setEditorData(self, editor: QWidget, index: _Index) -> None:  # noqa: N802 - Qt's name
        """Fills the editor once: what comes later must not wipe out what was typed."""
        if isinstance(editor, CaptionEditor) and not editor.property("filled"):
            editor.setProperty("filled", True)
            editor.setPlainText(str(index.data(int(Qt.ItemDataRole.EditRole))))
            editor.moveCursor(QTextCursor.MoveOperation.End)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: _Index) -> None:  # noqa: N802
        if isinstance(editor, CaptionEditor):
            model.setData(index, editor.toPlainText())

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: _Index) -> None:  # noqa: N802
        layout = _lay_out(option.rect, index.data(CARD_ROLE), option.font)
        frame = layout.text.adjusted(-6, -4, 6, 0)
        height = max(layout.place.bottom() + 4 - frame.top(), _LEAST_EDITOR)
        editor.setGeometry(QRect(frame.left(), frame.top(), frame.width(), height))


def _font(base: QFont, pixels: int, *, bold: bool = False) -> QFont:
    font = QFont(base)
    font.setPixelSize(pixels)
    font.setBold(bold)
    return font


def _lay_out(rect: QRect, card: CaptionCard, font: QFont) -> _Layout:
    inner = rect.adjusted(_PAD + 1, 0, -_PAD - 1, 0)
    left, width = inner.left(), inner.width()
    head = QRect(left, rect.top() + _GAP + _PAD - 2, width, _HEAD)
    text = QRect(left, head.bottom() + 1 + _GAP, width, _text_height(card.text, _font(font, 13), width))
    found_height = _text_height(card.found, _font(font, 12), width) if card.found else 0
    found = QRect(left, text.bottom() + 1 + (_GAP + 1 if card.found else 0), width, found_height)
    place = QRect(left, found.bottom() + 1 + _GAP, width, _LINE)
    bottom = place.bottom() + _PAD - 2
    box = QRectF(rect.left() + 1, rect.top() + _GAP, rect.width() - 2, bottom - rect.top() - _GAP)
    return _Layout(box, head, text, found, place)


def _text_height(text: str, font: QFont, width: int) -> int:
    bounds = QFontMetrics(font).boundingRect(QRect(0, 0, width, 1_000_000), int(Qt.TextFlag.TextWordWrap), text)
    return int(bounds.height())


class CaptionListView(QListView):
    """The list itself: the arrows choose, F2 and Return edit, Ctrl+C copies, Delete removes.

    Signals
    -------
    copy_wanted(), delete_wanted(), editing_ended()
    """

    editing_ended = Signal()
    copy_wanted = Signal()
    delete_wanted = Signal()

    def __init__(self, theme: Theme, model: CaptionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(CaptionDelegate(theme, self))
        self.setMouseTracking(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setSelectionMode(QListView.SelectionMode.SingleSelection)
        self.setEditTriggers(QListView.EditTrigger.DoubleClicked | QListView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        theme.changed.connect(self.viewport().update)

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:  # noqa: N802 - Qt's name
        super().closeEditor(editor, hint)
        editor.setObjectName("")
        self.editing_ended.emit()

    def editor(self) -> CaptionEditor | None:
        """The editor that is open."""
        return self.viewport().findChild(CaptionEditor, _EDITOR)

    def finish_editing(self) -> None:
        """Takes the words of an open editor and closes it."""
        editor = self.editor()
        if editor is not None:
            editor.finished.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()  # heights follow the width

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        current = self.currentIndex()
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_wanted.emit()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_wanted.emit()
        elif event.key() in _RETURNS and current.isValid() and not event.modifiers():
            self.edit(current)
        else:
            super().keyPressEvent(event)
