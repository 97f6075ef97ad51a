"""Measuring: the tools, what was measured on the scene on view, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from sarvlm_app.core.measure_list import Tool
from sarvlm_app.core.session import Session
from sarvlm_app.ui.measure_words import GIVES, INVITATION, NAMES, ground_sentence, summary
from sarvlm_app.ui.panels.measure_card import MeasureCard
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import flat_text_button

_BUTTONS = (
    (Tool.LINE, "Line", "Distance and azimuth along a line of clicks (1)"),
    (Tool.PROFILE, "Profile", "Backscatter in dB along a line of clicks (2)"),
    (Tool.AREA, "Region", "Area of a polygon, and statistics of its pixels in dB with ENL (3)"),
    (Tool.BOX, "Box", "The same of a rectangle that is dragged (4)"),
    (Tool.POINT, "Point", "Width and side lobes of a point target: click a bright point (5)"),
)
_ROW_PX, _MOST_ROWS = 26, 6


class MeasurePanel(QWidget):
    """Renders `session.measures`.

    Signals
    -------
    tool_clicked(object)
        A `Tool` was wanted, or laid down.
    copy_clicked(), export_clicked(), samples_clicked()
    chosen()
        A measure was picked in the list: bring it into view.
    """

    tool_clicked = Signal(object)
    copy_clicked = Signal()
    export_clicked = Signal()
    samples_clicked = Signal()
    chosen = Signal()

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._measures = measures = session.measures
        self.headline = QLabel(objectName="headline")
        self.sentence = QLabel(objectName="muted", wordWrap=True)
        self.ground = QLabel(objectName="warning", wordWrap=True)
        self.fault = QLabel(objectName="warning", wordWrap=True)
        self.fault.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.card = MeasureCard(theme)
        self._build()
        self.card.width_changed.connect(measures.set_width)
        self.card.samples.clicked.connect(self.samples_clicked)
        for event in (measures.changed, measures.draft_changed, measures.fault_changed, measures.progress_changed):
            event.connect(self.render_state)
        self.render_state()

    # ---- building --------------------------------------------------------
    def _build(self) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(12, 11, 12, 4)
        layout.setSpacing(7)
        head = QHBoxLayout()
        self.undo = flat_text_button("Undo", "Take the last step back (Ctrl+Z)")
        self.undo.clicked.connect(self._measures.undo)
        head.addWidget(self.headline, 1)
        head.addWidget(self.undo)
        layout.addLayout(head)
        layout.addLayout(self._make_tools())
        for widget in (self.sentence, self.ground, self.fault, self._make_progress(), self._make_list(), self.card):
            layout.addWidget(widget)
        filler = QWidget()
        filler.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout.addWidget(filler, 1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scroll, 1)
        outer.addWidget(self._make_foot())

    def _make_tools(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.tools: dict[Tool, QPushButton] = {}
        for tool, name, tip in _BUTTONS:
            button = QPushButton(name, objectName="segment", toolTip=tip, checkable=True)
            button.clicked.connect(lambda on, tool=tool: self.tool_clicked.emit(tool if on else None))
            row.addWidget(button, 1)
            self.tools[tool] = button
        return row

    def _make_progress(self) -> QWidget:
        self.bar = QProgressBar(textVisible=False)
        self.cancel = flat_text_button("Cancel", "Stop reading pixels; areas and lengths stay (Esc)")
        self.cancel.clicked.connect(self._measures.cancel)
        self.progress = QWidget()
        row = QHBoxLayout(self.progress)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        return self.progress

    def _make_list(self) -> QListWidget:
        self.list = QListWidget()
        self.list.setObjectName("measures")
        self.list.setAccessibleName("Measures")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.currentRowChanged.connect(self._on_row)
        self.list.itemActivated.connect(lambda _item: self.chosen.emit())
        return self.list

    def _make_foot(self) -> QWidget:
        foot = QWidget()
        row = QHBoxLayout(foot)
        row.setContentsMargins(12, 6, 12, 11)
        row.setSpacing(5)
        self.copy = QPushButton("Copy", objectName="segment", toolTip="Copy the values of all measures as text")
        self.export = QPushButton("Export…", objectName="segment", toolTip="Write all measures as JSON or CSV")
        self.remove = QPushButton("Remove", objectName="segment", toolTip="Take this measure away (Del)")
        self.clear = QPushButton("Clear", objectName="segment", toolTip="Take all measures of the scene away")
        self.copy.clicked.connect(self.copy_clicked)
        self.export.clicked.connect(self.export_clicked)
        self.remove.clicked.connect(self.remove_selected)
        self.clear.clicked.connect(self._measures.clear)
        for button in (self.copy, self.export):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.remove)
        row.addWidget(self.clear)
        return foot

    # ---- state -> view ---------------------------------------------------
    def render_state(self) -> None:
        """Renders tool, measures, the selected one and what goes on."""
        measures = self._measures
        entries, selected = measures.entries, measures.selected
        count = len(entries)
        self.headline.setText("Measure" if not count else "1 measure" if count == 1 else f"{count} measures")
        for tool, button in self.tools.items():
            button.setChecked(tool is measures.tool)
        self.sentence.setText(INVITATION if measures.tool is None else GIVES[measures.tool])
        ground = ground_sentence(measures.scene)
        for label, words in ((self.ground, ground), (self.fault, measures.fault)):
            label.setText(words)
            label.setVisible(bool(words))
        self.undo.setEnabled(bool(measures.undo_name))
        self.undo.setToolTip(f"Take the last {measures.undo_name or 'step'} back (Ctrl+Z)")
        self._render_list()
        self.card.show_measure(measures.scene, selected, measures.width_px)
        self._render_progress()
        for button in (self.copy, self.export, self.clear, self.remove):
            button.setEnabled(bool(entries))

    def _render_list(self) -> None:
        entries, selected = self._measures.entries, self._measures.selected
        with QSignalBlocker(self.list):
            while self.list.count() > len(entries):
                self.list.takeItem(self.list.count() - 1)
            while self.list.count() < len(entries):
                self.list.addItem("")
            for row, measured in enumerate(entries):
                self.list.item(row).setText(f"{measured.number}   {NAMES[measured.tool]}   {summary(measured)}")
            self.list.setCurrentRow(-1 if selected is None else entries.index(selected))
        self.list.setVisible(bool(entries))
        self.list.setFixedHeight(_ROW_PX * min(len(entries), _MOST_ROWS) + 4)

    def _render_progress(self) -> None:
        running, (done, total) = self._measures.running, self._measures.progress
        self.progress.setVisible(running)
        self.bar.setRange(0, total)
        self.bar.setValue(min(done, total))

    def _on_row(self, row: int) -> None:
        entries = self._measures.entries
        if 0 <= row < len(entries):
            self._measures.select(entries[row].number)

    def remove_selected(self) -> None:
        """Takes the measure away that is looked at."""
        selected = self._measures.selected
        if selected is not None:
            self._measures.remove(selected.number)
