"""Everything that a scene's files say, as a tree that can be searched and copied from."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QIcon, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from sarvlm_app.core.metadata import MetadataNode, found, metadata_tree
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import SarvlmError
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.metadata_model import MetadataModel

_PAUSE_MS = 150
_ALL_OPEN = 400
"""Up to so many entries are all unfolded."""


class MetadataDialog(QDialog):
    """Stays open beside the window; files are read and searched on the I/O lane."""

    def __init__(self, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Metadata")
        self.resize(760, 640)
        self._background = background
        self._scene: Scene | None = None
        self.tree: MetadataNode | None = None
        """What was read, whole."""
        self.model = MetadataModel(self)
        self.filter = QLineEdit(placeholderText="Words in keys and values…", clearButtonEnabled=True)
        self.filter.setAccessibleName("Words to look for in the metadata")
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(self._search)
        self.filter.textChanged.connect(self._timer.start)
        self.view = QTreeView()
        self.view.setModel(self.model)
        self.view.setUniformRowHeights(True)
        self.view.setAlternatingRowColors(True)
        self.view.setAccessibleName("Metadata")
        header = self.view.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(0, 320)
        self.said = QLabel(objectName="muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.addWidget(self.filter)
        layout.addWidget(self.view, 1)
        layout.addLayout(self._make_foot())
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self._on_current()

    def _make_foot(self) -> QHBoxLayout:
        self.copy_value = QPushButton("Copy value", toolTip="Ctrl+C in the tree")
        self.copy_value.clicked.connect(self._copy_value)
        self.copy_path = QPushButton("Copy path", toolTip="The keys that lead to it; Ctrl+Shift+C in the tree")
        self.copy_path.clicked.connect(self._copy_path)
        copies = (("Copy value", "Ctrl+C", self._copy_value), ("Copy path", "Ctrl+Shift+C", self._copy_path))
        for text, keys, run in copies:
            action = QAction(text, self.view)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(run)
            self.view.addAction(action)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
        close.rejected.connect(self.reject)
        foot = QHBoxLayout()
        foot.addWidget(self.said, 1)
        for button in (self.copy_value, self.copy_path, close):
            foot.addWidget(button)
        return foot

    def show_scene(self, scene: Scene | None) -> None:
        """Reads the metadata of a scene and shows them; None empties the dialog."""
        if scene == self._scene:
            return
        self._scene, self.tree = scene, None
        self.model.show_tree(None)
        self.setWindowTitle("Metadata" if scene is None else f"Metadata of {scene.name}")
        self.said.setText("" if scene is None else "Reading …")
        if scene is not None:
            work = partial(metadata_tree, scene)
            self._background.prepare("metadata", "", work, partial(self._on_tree, scene), self._on_fault)

    def _on_tree(self, scene: Scene, tree: MetadataNode) -> None:
        if scene == self._scene:
            self.tree = tree
            self._search()

    def _on_fault(self, error: SarvlmError) -> None:
        self.said.setText(str(error))

    def _search(self) -> None:
        tree, text = self.tree, self.filter.text()
        if tree is not None:
            self._background.read("metadata words", partial(_found, tree, text), partial(self._on_found, tree, text))

    def _on_found(self, tree: MetadataNode, text: str, result: tuple[MetadataNode | None, int]) -> None:
        part, count = result
        if tree is not self.tree or text != self.filter.text():
            return
        self.model.show_tree(part)
        if count <= _ALL_OPEN:
            self.view.expandAll()
        else:
            self.view.expandToDepth(1 if text.strip() else 0)
        counted = "1 entry" if count == 1 else f"{count} entries"
        self.said.setText(counted if count or not text.strip() else "No entry has these words")
        self._on_current()

    def _on_current(self, *_indices: QModelIndex) -> None:
        node = self.model.node(self.view.currentIndex())
        self.copy_value.setEnabled(node is not None and bool(node.value))
        self.copy_path.setEnabled(node is not None)

    def _copy_value(self) -> None:
        node = self.model.node(self.view.currentIndex())
        if node is not None and node.value:
            QGuiApplication.clipboard().setText(node.value)

    def _copy_path(self) -> None:
        index = self.view.currentIndex()
        if index.isValid():
            QGuiApplication.clipboard().setText(self.model.path(index))


def _found(tree: MetadataNode, text: str) -> tuple[MetadataNode | None, int]:
    part = found(tree, text)
    return part, 0 if part is None else part.size
