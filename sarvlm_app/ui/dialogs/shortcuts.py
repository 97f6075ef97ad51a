"""The list of keyboard shortcuts, read from the action table."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from sarvlm_app.ui.actions import ACTIONS, ActionSpec

_Rows = Sequence[tuple[str, str]]
_TYPED: _Rows = (
    ("Ask the question in the query line", "Return"),
    ("Exclude something", "type  -open water  or use the not… field"),
    ("Change, copy, delete the selected caption", "F2,  Ctrl+C,  Del  in the list of captions"),
)


class _Group(Enum):
    """Which keys stand together."""

    ALWAYS = auto()
    VIEW = auto()
    BOXES = auto()
    MEASURES = auto()
    ARCHIVE = auto()


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
        content = QWidget()
        sides = QHBoxLayout(content)
        sides.setSpacing(46)
        sides.addLayout(_side(("Always", (*_TYPED, *_rows(_Group.ALWAYS)))))
        boxes = ("While the objects are in the right column", (*_rows(_Group.BOXES), *_BY_MOUSE))
        sides.addLayout(_side(("Scene, display and view", _rows(_Group.VIEW)), ("Archive", _rows(_Group.ARCHIVE))))
        measures = ("While the measures are in the right column", _rows(_Group.MEASURES))
        sides.addLayout(_side(boxes, measures))
        scroll = QScrollArea(widgetResizable=True)
        scroll.setWidget(content)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 18, 22, 16)
        layout.addWidget(scroll)
        layout.addSpacing(10)
        layout.addWidget(buttons)
        room, wanted = self.screen().availableGeometry(), content.sizeHint()
        self.resize(min(wanted.width() + 70, room.width() - 40), min(wanted.height() + 90, room.height() - 60))


def _group(spec: ActionSpec) -> _Group:
    if spec.for_boxes or spec.for_measures:
        return _Group.BOXES if spec.for_boxes else _Group.MEASURES
    if spec.menu == "Archive":
        return _Group.ARCHIVE
    return _Group.VIEW if spec.menu in ("Scene", "Display", "Compare", "View") else _Group.ALWAYS


def _rows(group: _Group) -> _Rows:
    """The commands of the table, those that do the same on the map and elsewhere once."""
    native = QKeySequence.SequenceFormat.NativeText
    rows: dict[str, list[str]] = {}
    for spec in ACTIONS:
        if spec.shortcuts and _group(spec) is group and not spec.name.startswith("box_"):
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
