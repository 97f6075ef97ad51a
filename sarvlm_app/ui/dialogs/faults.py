"""Files that could not be taken, and why: a table to read, copy and save."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from sarvlm_app.core.archive.shard import Fault


class FaultsDialog(QDialog):
    """One row a fault: the file's name (its path as tool tip) and the sentence."""

    def __init__(self, title: str, faults: Sequence[Fault], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._faults = tuple(faults)
        self.table = QTableWidget(len(faults), 2)
        self.table.setHorizontalHeaderLabels(["File", "What is wrong, and what to do"])
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setWordWrap(True)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        for row, fault in enumerate(faults):
            name = fault.path.replace("\\", "/").rpartition("/")[2]
            for column, text in enumerate((name, fault.reason)):
                item = QTableWidgetItem(text)
                item.setToolTip(fault.path or fault.reason)
                self.table.setItem(row, column, item)
        self.table.setColumnHidden(0, not any(fault.path for fault in faults))
        self.table.setColumnWidth(0, 220)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
        self.copy = QPushButton("Copy all", toolTip="Copies the table as text, one file a line")
        buttons.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self.copy_all)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(QLabel(title, objectName="headline"))
        layout.addWidget(self.table, 1)
        layout.addWidget(buttons)
        self.resize(860, min(620, 190 + 40 * max(3, len(faults))))
        self.table.resizeRowsToContents()

    def copy_all(self) -> None:
        """Puts the table on the clipboard: path, tabulator, reason."""
        lines = (f"{fault.path}\t{fault.reason}" if fault.path else fault.reason for fault in self._faults)
        QGuiApplication.clipboard().setText("\n".join(lines) + "\n")
