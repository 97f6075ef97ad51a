"""The selected box: its label to change, what is known of it, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QCompleter, QHBoxLayout, QLabel, QPushButton, QWidget

from sarvlm_app.core.box_facts import box_facts
from sarvlm_app.core.box_table import Boxes, Touch
from sarvlm_app.core.boxes import sides_px
from sarvlm_app.core.scene import Scene
from sarvlm_app.ui.detection_words import heading_text, place_lines, size_text, touch_text
from sarvlm_app.ui.panels.section import Section


class BoxCard(Section):
    """Renders one row of boxes.

    Signals
    -------
    relabelled(str)
        Another label was chosen or typed.
    confirm_clicked(), delete_clicked()
    """

    relabelled = Signal(str)
    confirm_clicked = Signal()
    delete_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Selected box", parent)
        self.label = QComboBox(editable=True)
        self.label.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.label.setAccessibleName("Label")
        self.label.setToolTip("Choose another label, or type one and press Return")
        completer = self.label.completer()
        if completer is not None:
            completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.words = QLabel(objectName="value", wordWrap=True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.confirm = QPushButton("Confirm", toolTip="This box is right: a later run leaves it as it is (A)")
        self.delete = QPushButton("Strike out", toolTip="No such object: a later run does not bring it back (Del)")
        foot = QHBoxLayout()
        foot.setSpacing(6)
        foot.addWidget(self.label, 1)
        foot.addWidget(self.confirm)
        foot.addWidget(self.delete)
        self.body.addLayout(foot)
        self.body.addWidget(self.words)
        self.label.activated.connect(lambda _index: self._take_label())
        line = self.label.lineEdit()
        if line is not None:
            line.returnPressed.connect(self._take_label)
        self.confirm.clicked.connect(self.confirm_clicked)
        self.delete.clicked.connect(self.delete_clicked)

    def show_box(self, scene: Scene | None, row: Boxes | None, names: tuple[str, ...], known: Iterable[str]) -> None:
        """Renders a box of a scene; `known` are the labels to choose from."""
        self.setVisible(row is not None and scene is not None)
        if row is None or scene is None:
            return
        name, touches = names[row.classes[0]], int(row.touches[0])
        if not self._typing() or self.label.property("of") != int(row.ids[0]):
            self.label.blockSignals(True)
            self.label.clear()
            self.label.addItems(list(dict.fromkeys([*known, name])))
            self.label.setCurrentText(name)
            self.label.setProperty("of", int(row.ids[0]))
            self.label.blockSignals(False)
        facts = box_facts(row.corners_px, scene)
        length, width, _ = sides_px(row.corners_px)
        said = touch_text(touches)
        score = "" if touches & Touch.ADDED else f"score {float(row.scores[0]):.2f} · "
        first = f"{score}{size_text(facts, (float(length[0]), float(width[0])))}"
        heading, places = heading_text(facts), place_lines(row, facts)
        self.words.setText("\n".join([f"{first}{heading}", " · ".join(places), *([said] if said else [])]))
        self.confirm.setText("Confirmed ✓" if touches & Touch.CONFIRMED else "Confirm")

    def _typing(self) -> bool:
        line = self.label.lineEdit()
        return line is not None and line.hasFocus() and line.isModified()

    def _take_label(self) -> None:
        line = self.label.lineEdit()
        if line is not None:
            line.setModified(False)
        self.relabelled.emit(self.label.currentText())
