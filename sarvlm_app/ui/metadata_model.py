"""A frozen tree of metadata as Qt wants it: entries become items only when they are looked at."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from sarvlm_app.core.metadata import MetadataNode

Index = QModelIndex | QPersistentModelIndex
_ONE_LINE = 200
"""Letters of a value in its row; the tool tip has more."""


class _Item:
    """An entry with its parent and its place among its brothers."""

    def __init__(self, node: MetadataNode, parent: _Item | None = None, row: int = 0) -> None:
        self.node, self.parent, self.row = node, parent, row

    @cached_property
    def children(self) -> list[_Item]:
        return [_Item(child, self, row) for row, child in enumerate(self.node.children)]


class MetadataModel(QAbstractItemModel):
    """Two columns: key and value."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = _Item(MetadataNode(""))

    def show_tree(self, tree: MetadataNode | None) -> None:
        """Renders a tree; None for nothing."""
        self.beginResetModel()
        self._root = _Item(tree if tree is not None else MetadataNode(""))
        self.endResetModel()

    def node(self, index: Index) -> MetadataNode | None:
        """The entry of a row."""
        return self._item(index).node if index.isValid() else None

    def path(self, index: Index) -> str:
        """The keys that lead to a row, with slashes between."""
        keys: list[str] = []
        item: _Item | None = self._item(index)
        while item is not None and item.parent is not None:
            keys.append(item.node.key)
            item = item.parent
        return "/".join(reversed(keys))

    def _item(self, index: Index) -> _Item:
        item = index.internalPointer() if index.isValid() else self._root
        return item if isinstance(item, _Item) else self._root

    # ---- Qt --------------------------------------------------------------
    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - Qt's form
        children = self._item(parent).children
        if not 0 <= row < len(children) or not 0 <= column < 2:
            return QModelIndex()
        return self.createIndex(row, column, children[row])

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]
        parent = self._item(index).parent
        if parent is None or parent is self._root:
            return QModelIndex()
        return self.createIndex(parent.row, 0, parent)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's form
        return len(self._item(parent).node.children) if parent.column() <= 0 else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: ARG002, B008, N802 - Qt's form
        return 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        node = self.node(index)
        if node is None:
            return None
        text = node.key if index.column() == 0 else node.value
        if role == Qt.ItemDataRole.DisplayRole:
            one_line = " ".join(text.split()) if len(text) < 10 * _ONE_LINE else " ".join(text[: 2 * _ONE_LINE].split())
            return one_line if len(one_line) <= _ONE_LINE else f"{one_line[:_ONE_LINE]} …"
        if role == Qt.ItemDataRole.ToolTipRole:
            return text[:2000] or None
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return ("Key", "Value")[section]
        return None
