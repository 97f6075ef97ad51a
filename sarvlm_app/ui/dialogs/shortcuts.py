"""The list of keyboard shortcuts, read from the action table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from sarvlm_app.ui.actions import ACTIONS

_Rows = Sequence[tuple[str, str]]
_TYPED: _Rows = (
    ("Ask the question in the query line", "Return"),
    ("Exclude something", "type  -open water  or use the not… field"),
    ("Change, copy, delete the selected caption", "F2,  Ctrl+C,  Del  in the list of captions"),
)
_BY_MOUSE: _Rows = (
    ("Select a box", "click on it"),
    ("Move, resize, turn the selected box", "drag it, its handles, its arm"),
    ("Move the selected box by 1 px, by 10 px", "arrow keys,  Shift + arrow keys"),
    ("Turn in steps of 15°", "Shift while dragging"),
)


class ShortcutsDialog(QDialog):
    """Every command that has a key: those that always hold, and those for boxes, measures and archive."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        sides = QHBoxLayout()
        sides.setSpacing(46)
        sides.addLayout(_side(("Always", (*_TYPED, *_rows()))))
        boxes = ("While the objects are in the right column", (*_rows(for_boxes=True), *_BY_MOUSE))
        sides.addLayout(_side(boxes))
        measures = ("While the measures are in the right column", _rows(for_measures=True))
        sides.addLayout(_side(measures, ("Archive", _rows(archive=True))))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 18, 22, 16)
        layout.addLayout(sides)
        layout.addSpacing(10)
        layout.addWidget(buttons)


def _rows(*, for_boxes: bool = False, for_measures: bool = False, archive: bool = False) -> _Rows:
    """The commands of the table, those that do the same on the map and elsewhere once."""
    native = QKeySequence.SequenceFormat.NativeText
    rows: dict[str, list[str]] = {}
    for spec in ACTIONS:
        mode = (spec.for_boxes, spec.for_measures, spec.menu == "Archive")
        wanted = mode == (for_boxes, for_measures, archive)
        if spec.shortcuts and wanted and not spec.name.startswith("box_"):
            words = spec.text.rstrip("…").removesuffix(", on the map")
            rows.setdefault(words, []).extend(QKeySequence(text).toString(native) for text in spec.shortcuts)
    return [(words, "   or   ".join(keys)) for words, keys in rows.items()]


def _side(*groups: tuple[str, _Rows]) -> QVBoxLayout:
    side = QVBoxLayout()
    side.setSpacing(8)
    for title, rows in groups:
        grid = QGridLayout()
        grid.setHorizontalSpacing(28)
        grid.setVerticalSpacing(5)
        for index, (what, keys) in enumerate(rows):
            grid.addWidget(QLabel(what), index, 0)
            grid.addWidget(QLabel(keys, objectName="muted"), index, 1, Qt.AlignmentFlag.AlignRight)
        side.addWidget(QLabel(title.upper(), objectName="section"))
        side.addLayout(grid)
        side.addSpacing(10)
    side.addStretch(1)
    return side
