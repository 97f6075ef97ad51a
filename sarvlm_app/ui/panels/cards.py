"""A list of cards: a small picture, a title, a line below, and perhaps a score with its bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sarvlm_app.ui.theme import Theme

_Index = QModelIndex | QPersistentModelIndex
CARD_ROLE = int(Qt.ItemDataRole.UserRole)
THUMB_PX = 40


@dataclass(frozen=True, slots=True)
class Card:
    """One row.

    Attributes
    ----------
    key : object
        What the row stands for.
    title, line, below : str
        First line, second line (muted) and, in a list of large pictures, a third one.
    score : float or None
        0.5..1, drawn as a bar and a number.
    image : QImage or None
        The thumbnail, once it has been read.
    tip, number : str
        Tool tip; and what stands before the title in bold.
    """

    key: object
    title: str
    line: str
    score: float | None = None
    image: QImage | None = None
    tip: str = ""
    number: str = ""
    below: str = ""


class CardModel(QAbstractListModel):
    """The cards of one list."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cards: list[Card] = []

    @property
    def cards(self) -> tuple[Card, ...]:
        return tuple(self._cards)

    def set_cards(self, cards: Sequence[Card]) -> None:
        """Shows `cards`; rows that stay (in new words perhaps) keep their place, selection and scroll position."""
        fresh = [_with_picture(card, old) for card, old in zip(cards, self._cards, strict=False)]
        fresh += cards[len(fresh) :]
        had, common = len(self._cards), min(len(self._cards), len(fresh))
        if [card.key for card in fresh[:common]] != [card.key for card in self._cards[:common]]:
            self.beginResetModel()
            self._cards = fresh
            self.endResetModel()
            return
        if len(fresh) > had:
            self.beginInsertRows(QModelIndex(), had, len(fresh) - 1)
            self._cards = fresh
            self.endInsertRows()
        elif len(fresh) < had:
            self.beginRemoveRows(QModelIndex(), len(fresh), had - 1)
            self._cards = fresh
            self.endRemoveRows()
        self._cards = fresh
        if common:
            self.dataChanged.emit(self.index(0), self.index(common - 1))

    def set_image(self, key: object, image: QImage) -> None:
        """Gives the row `key` its picture."""
        for row, card in enumerate(self._cards):
            if card.key == key:
                self._cards[row] = replace(card, image=image)
                self.dataChanged.emit(self.index(row), self.index(row))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's name and default
        return 0 if parent.isValid() else len(self._cards)

    def data(self, index: _Index, role: int = CARD_ROLE) -> object:
        card = self._cards[index.row()]
        if role == CARD_ROLE:
            return card
        if role in (int(Qt.ItemDataRole.DisplayRole), int(Qt.ItemDataRole.AccessibleTextRole)):
            words = ", ".join(part for part in (card.title, card.line, card.below) if part)
            return f"{card.number} {words}".strip() + ("" if card.score is None else f", score {card.score:.2f}")
        return card.tip or None if role == int(Qt.ItemDataRole.ToolTipRole) else None


def _with_picture(card: Card, old: Card) -> Card:
    """The card; while its own picture is being read, with that of the same thing before."""
    same = card.image is None and (card.key, card.title) == (old.key, old.title)
    return replace(card, image=old.image) if same else card


class CardDelegate(QStyledItemDelegate):
    """Paints a card in the colours of the theme."""

    def __init__(self, theme: Theme, parent: QObject | None = None, thumb_px: int = THUMB_PX) -> None:
        super().__init__(parent)
        self._theme = theme
        self._thumb_px = thumb_px

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:  # noqa: N802 - Qt's name
        return QSize(120, self._thumb_px + 16)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        card: Card = index.data(CARD_ROLE)
        colours = self._theme.palette
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect
        box = QRectF(rect).adjusted(1, 2, -1, -2)
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.setBrush(QColor(colours.selection))
            painter.drawRoundedRect(box, 6, 6)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.raised))
            painter.drawRoundedRect(box, 6, 6)
        self._paint_picture(painter, box, card)
        self._paint_words(painter, box, card)
        painter.restore()

    def _paint_picture(self, painter: QPainter, box: QRectF, card: Card) -> None:
        edge = self._thumb_px
        target = QRectF(box.left() + 6, box.center().y() - edge / 2, edge, edge)
        if card.image is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.palette.raised))
            painter.drawRoundedRect(target, 3, 3)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(target, card.image)

    def _paint_words(self, painter: QPainter, box: QRectF, card: Card) -> None:
        colours = self._theme.palette
        left = box.left() + self._thumb_px + 16
        right = box.right() - (48 if card.score is not None else 8)
        width = right - left
        font = QFont(painter.font())
        font.setPixelSize(13)
        painter.setPen(QColor(colours.text))
        top = box.top() + (5 if card.score is not None else 8)
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        elide = Qt.TextElideMode.ElideRight
        indent = 0.0
        if card.number:
            font.setBold(True)
            painter.setFont(font)
            painter.drawText(QRectF(left, top, width, 18), middle, card.number)
            indent = painter.fontMetrics().horizontalAdvance(card.number) + 7.0
        font.setBold(False)
        painter.setFont(font)
        title = painter.fontMetrics().elidedText(card.title, elide, int(width - indent))
        painter.drawText(QRectF(left + indent, top, width - indent, 18), middle, title)
        font.setPixelSize(12)
        painter.setFont(font)
        painter.setPen(QColor(colours.muted))
        line = painter.fontMetrics().elidedText(card.line, elide, int(width))
        painter.drawText(QRectF(left, top + 18, width, 17), middle, line)
        if self._thumb_px > THUMB_PX:
            top += 17
            below = painter.fontMetrics().elidedText(card.below, elide, int(width))
            painter.drawText(QRectF(left, top + 18, width, 17), middle, below)
        if card.score is not None:
            self._paint_score(painter, QRectF(left, top + 38, width, 3), box, card.score)

    def _paint_score(self, painter: QPainter, bar: QRectF, box: QRectF, score: float) -> None:
        colours = self._theme.palette
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.border))
        painter.drawRoundedRect(bar, 1.5, 1.5)
        share = min(1.0, max(0.02, (score - 0.5) / 0.5))
        painter.setBrush(QColor(colours.warm))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * share, bar.height()), 1.5, 1.5)
        painter.setPen(QColor(colours.warm))
        font = QFont(painter.font())
        font.setPixelSize(13)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        right = QRectF(box.right() - 46, box.top(), 38, box.height())
        painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{score:.2f}")


def card_list(theme: Theme, model: CardModel, parent: QWidget | None = None, thumb_px: int = THUMB_PX) -> QListView:
    """A list view that shows `model` as cards; with larger pictures there is room for a third line."""
    view = QListView(parent)
    view.setModel(model)
    view.setItemDelegate(CardDelegate(theme, view, thumb_px))
    view.setMouseTracking(True)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
    view.setSelectionMode(QListView.SelectionMode.SingleSelection)
    theme.changed.connect(view.viewport().update)
    return view
