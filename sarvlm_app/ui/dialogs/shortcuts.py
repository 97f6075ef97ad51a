"""The list of keyboard shortcuts, read from the action table."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from sarvlm_app.ui.actions import ACTIONS


class ShortcutsDialog(QDialog):
    """Every command that has a key."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        grid = QGridLayout()
        grid.setHorizontalSpacing(28)
        grid.setVerticalSpacing(6)
        rows = [
            ("Ask the question in the query line", "Return"),
            ("Exclude something", "type  -open water  or use the not… field"),
        ]
        rows += [
            ("Change, copy, delete the selected caption", "F2,  Ctrl+C,  Del  in the list of captions"),
        ]
        for spec in ACTIONS:
            if spec.shortcuts:
                native = QKeySequence.SequenceFormat.NativeText
                keys = "   or   ".join(QKeySequence(text).toString(native) for text in spec.shortcuts)
                rows.append((spec.text.rstrip("…"), keys))
        for index, (what, keys) in enumerate(rows):
            grid.addWidget(QLabel(what), index, 0)
            grid.addWidget(QLabel(keys, objectName="muted"), index, 1, Qt.AlignmentFlag.AlignRight)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 18, 22, 16)
        layout.addLayout(grid)
        layout.addSpacing(10)
        layout.addWidget(buttons)
