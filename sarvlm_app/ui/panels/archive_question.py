"""What is asked of the archive beside the words: examples, their weight, filters."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from sarvlm_app.core.archive_question import ExampleKind, Filters
from sarvlm_app.core.archive_session import ArchiveSession
from sarvlm_app.ui.archive_words import example_text
from sarvlm_app.ui.widgets import flat_text_button

_ANY = "any"
_EXAMPLES = (
    (ExampleKind.REGION, "Region", "Draw a region with the mouse: what in the archive is like it? (Alt+R)"),
    (ExampleKind.VIEW, "View", "What in the archive is like the view? (Ctrl+L)"),
    (ExampleKind.PLACE, "Place", "What in the archive is like the selected place of the answer? (L)"),
    (ExampleKind.FILE, "File…", "What in the archive is like a picture file?"),
)
_SHORT = 34
_NARROW_PX = 64
"""Fields may become so narrow: the column is."""


class QuestionCard(QWidget):
    """Renders `archive.question`; its verbs go to the session at once.

    Signals
    -------
    example_wanted(object)
        `ExampleKind` that the user wants to search by.
    area_wanted(bool)
        The area shall be that of the view (False) or of a region that is drawn (True).
    """

    example_wanted = Signal(object)
    area_wanted = Signal(bool)

    def __init__(self, archive: ArchiveSession) -> None:
        super().__init__()
        self._archive = archive
        self._chips = QVBoxLayout()
        self._chips.setSpacing(4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(self._make_examples())
        layout.addLayout(self._chips)
        layout.addWidget(self._make_weight())
        layout.addLayout(self._make_filter_head())
        layout.addWidget(self._make_filters())
        archive.question_changed.connect(self.show_question)
        archive.changed.connect(self.show_choices)
        self._filters.setVisible(False)
        self.show_question()

    # ---- building --------------------------------------------------------
    def _make_examples(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(QLabel("Like", objectName="muted"))
        self.buttons: dict[ExampleKind, QPushButton] = {}
        for kind, name, tip in _EXAMPLES:
            button = QPushButton(name, objectName="segment", toolTip=tip, checkable=kind is ExampleKind.REGION)
            button.clicked.connect(partial(self._want, kind))
            self.buttons[kind] = button
            row.addWidget(button, 1)
        return row

    def _want(self, kind: ExampleKind, _checked: bool = False) -> None:
        self.example_wanted.emit(kind)

    def _make_weight(self) -> QWidget:
        self.weight = QSlider(Qt.Orientation.Horizontal, minimum=5, maximum=95)
        self.weight.setAccessibleName("Weight of the example against the words")
        self.weight.setToolTip("How much the example counts against the words")
        self._weight_row = QWidget()
        row = QHBoxLayout(self._weight_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Words", objectName="muted"))
        row.addWidget(self.weight, 1)
        row.addWidget(QLabel("Example", objectName="muted"))
        self.weight.sliderReleased.connect(self._set_weight)
        self.weight.valueChanged.connect(lambda _value: None if self.weight.isSliderDown() else self._set_weight())
        return self._weight_row

    def _make_filter_head(self) -> QHBoxLayout:
        self.toggle = flat_text_button("Filters", "Area, dates, sensor, polarisation")
        self.toggle.setCheckable(True)
        self.toggle.toggled.connect(self.show_filters)
        self.clear = flat_text_button("Clear", "Take all filters away")
        self.clear.clicked.connect(lambda: self._archive.set_filters(Filters()))
        row = QHBoxLayout()
        row.addWidget(self.toggle)
        row.addStretch(1)
        row.addWidget(self.clear)
        return row

    def _make_filters(self) -> QWidget:
        self.area = _line("west, south, east, north", "Area in degrees: west, south, east, north")
        self.after = _line("2020-11", "Acquired on that day or later; a month or a year will do")
        self.before = _line("2021", "Acquired on that day or earlier; a month or a year will do")
        self.sensor, self.polarisation = _choice("Sensor"), _choice("Polarisation")
        self.area_view = QPushButton("View", objectName="segment", toolTip="Take the area that the map shows now")
        self.area_draw = QPushButton(
            "Draw", objectName="segment", toolTip="Drag a rectangle on the map: its area is taken", checkable=True
        )
        self.area_view.clicked.connect(lambda: self.area_wanted.emit(False))
        self.area_draw.clicked.connect(lambda: self.area_wanted.emit(True))
        self._filters = QWidget()
        grid = QGridLayout(self._filters)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(5)
        grid.setVerticalSpacing(5)
        area = QHBoxLayout()
        area.setSpacing(5)
        for widget, stretch in ((self.area, 1), (self.area_view, 0), (self.area_draw, 0)):
            area.addWidget(widget, stretch)
        grid.addWidget(QLabel("Area", objectName="muted"), 0, 0)
        grid.addLayout(area, 0, 1, 1, 3)
        pairs = (("After", self.after, "Before", self.before), ("Sensor", self.sensor, "Pol.", self.polarisation))
        for row, (left, first, right, second) in enumerate(pairs, 1):
            grid.addWidget(QLabel(left, objectName="muted"), row, 0)
            grid.addWidget(first, row, 1)
            grid.addWidget(QLabel(right, objectName="muted"), row, 2)
            grid.addWidget(second, row, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        for line in (self.area, self.after, self.before):
            line.editingFinished.connect(self._set_filters)
        for choice in (self.sensor, self.polarisation):
            choice.activated.connect(lambda _row: self._set_filters())
        return self._filters

    # ---- session -> view -------------------------------------------------
    def show_question(self) -> None:
        """Renders examples, weight and filters."""
        question = self._archive.question
        while (item := self._chips.takeAt(0)) is not None:
            if (gone := item.widget()) is not None:
                gone.deleteLater()
        for example in question.examples:
            words = example_text(example)
            short = words if len(words) <= _SHORT else words[: _SHORT - 1] + "…"
            chip = QPushButton(f"{short}  ×", objectName="likeChip" if example.likes else "chip")
            chip.setToolTip(f"{example.path}\nClick to take this example out")
            chip.clicked.connect(partial(self._drop, example))
            self._chips.addWidget(chip, 0, Qt.AlignmentFlag.AlignLeft)
        self._weight_row.setVisible(question.mixes)
        self.weight.blockSignals(True)
        self.weight.setValue(round(100 * question.weight))
        self.weight.blockSignals(False)
        filters = question.filters
        for line, text in ((self.area, filters.area), (self.after, filters.after), (self.before, filters.before)):
            if line.text() != text:
                line.setText(text)
                line.setCursorPosition(0)
        self.show_choices()
        self.show_filters(self.toggle.isChecked())

    def show_choices(self) -> None:
        """Renders which sensors and polarisations there are to choose from."""
        facts, filters = self._archive.facts, self._archive.question.filters
        sensors = facts.sensors if facts is not None else ()
        pols = facts.polarisations if facts is not None else ()
        for choice, words, chosen in (
            (self.sensor, sensors, filters.sensor), (self.polarisation, pols, filters.polarisation),
        ):  # fmt: skip
            wanted = [_ANY, *dict.fromkeys((*words, *((chosen,) if chosen else ())))]
            if [choice.itemText(row) for row in range(choice.count())] != wanted:
                choice.clear()
                choice.addItems(wanted)
            choice.setCurrentText(chosen or _ANY)

    def show_filters(self, shown: bool) -> None:
        """Unfolds the filters; folded, their number stays in sight."""
        self._filters.setVisible(shown)
        count = self._archive.question.filters.count
        self.toggle.setText(f"{'▾' if shown else '▸'}  Filters" + (f" · {count} on" if count else ""))
        self.clear.setVisible(count > 0)

    def show_drawing(self, example: bool, area: bool) -> None:
        """Which of the two buttons that draw is down."""
        self.buttons[ExampleKind.REGION].setChecked(example)
        self.area_draw.setChecked(area)

    # ---- view -> session -------------------------------------------------
    def _drop(self, example: object, _checked: bool = False) -> None:
        known = next((one for one in self._archive.question.examples if one is example), None)
        if known is not None:
            self._archive.drop_example(known)

    def _set_weight(self) -> None:
        self._archive.set_weight(self.weight.value() / 100)

    def _set_filters(self) -> None:
        sensor, polarisation = (
            "" if choice.currentText() == _ANY else choice.currentText() for choice in (self.sensor, self.polarisation)
        )
        self._archive.set_filters(
            Filters(self.area.text(), self.after.text(), self.before.text(), sensor, polarisation)
        )


def _line(placeholder: str, tip: str) -> QLineEdit:
    line = QLineEdit()
    line.setPlaceholderText(placeholder)
    line.setToolTip(tip)
    line.setAccessibleName(tip)
    line.setClearButtonEnabled(True)
    line.setMinimumWidth(_NARROW_PX)
    return line


def _choice(name: str) -> QComboBox:
    choice = QComboBox()
    choice.setAccessibleName(name)
    choice.setMinimumWidth(_NARROW_PX)
    choice.setMinimumContentsLength(3)
    choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    choice.setToolTip("Offers what the archive holds")
    return choice
