"""Objects as boxes: where to look, what for, how sure, what was found; to be corrected, imported and exported."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QItemSelectionModel, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from sarvlm_app.core.box_facts import BoxFacts, box_facts
from sarvlm_app.core.box_table import Boxes
from sarvlm_app.core.detection_request import LEAST_SCORE
from sarvlm_app.core.session import Session
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.class_colours import ClassColours
from sarvlm_app.ui.detection_words import NO_SCENE, NONE_FOUND, NONE_SHOWN, NONE_YET, headline, scene_sentence
from sarvlm_app.ui.panels.box_card import BoxCard
from sarvlm_app.ui.panels.box_rows import SCORE, BoxModel, Ground, Rows
from sarvlm_app.ui.panels.class_list import ClassList, ClassModel, ClassRow
from sarvlm_app.ui.panels.detection_run import RunCard
from sarvlm_app.ui.panels.section import Section
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import flat_text_button
from sarvlm_models.types import StoredClass

_WIDTHS = (105, 46, 52, 46, 42, 72, 80)


class DetectionsPanel(QWidget):
    """Renders `session.detections`.

    Signals
    -------
    chosen()
        Another box was picked in the table: fly there.
    import_clicked(), export_clicked(bool), draw_clicked()
        `export_clicked` tells whether only what is shown goes out.
    """

    chosen = Signal()
    import_clicked = Signal()
    export_clicked = Signal(bool)
    draw_clicked = Signal()

    def __init__(self, session: Session, theme: Theme, background: Background, colours: ClassColours) -> None:
        super().__init__()
        self._detections = session.detections
        self._theme = theme
        self._background = background
        self._colours = colours
        self._ground = Ground()
        self._asked_boxes: Boxes | None = None
        self._rendering = False
        self.headline = QLabel(objectName="headline")
        self.corrected = QLabel(objectName="muted")
        self.run = RunCard()
        self.fault = QLabel(objectName="warning", wordWrap=True, visible=False)
        self.fault.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.notes = QLabel(objectName="muted", wordWrap=True, visible=False)
        self.sentence = QLabel(objectName="muted", wordWrap=True)
        self.model = BoxModel(colours.of, self)
        self.card = BoxCard()
        self._build()
        self._wire()
        self._late = QTimer(self, singleShot=True, interval=0)
        self._late.timeout.connect(self.show_boxes)
        self._theme_icons()
        self.show_spec()
        self.show_boxes()
        self.show_fault()

    # ---- building --------------------------------------------------------
    def _build(self) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(12, 11, 12, 4)
        layout.setSpacing(7)
        head = QHBoxLayout()
        head.addWidget(self.headline, 1)
        head.addWidget(self.corrected)
        layout.addLayout(head)
        for widget in (self.run, self.fault, self.notes, self._make_classes(), self._make_confidence()):
            layout.addWidget(widget)
        layout.addWidget(self.sentence)
        layout.addWidget(self._make_table(), 1)
        self._filler = QWidget()
        self._filler.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout.addWidget(self._filler, 1)
        layout.addWidget(self.card)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scroll, 1)
        outer.addWidget(self._make_foot())

    def _make_classes(self) -> QWidget:
        self.classes = Section("Classes")
        self.class_model = ClassModel(self)
        self.class_list = ClassList(self._theme, self.class_model)
        self._all = flat_text_button("All", "Look for all classes and show them")
        self._none = flat_text_button("None", "Tick no class")
        self.classes.head.addWidget(self._all)
        self.classes.head.addWidget(self._none)
        self.classes.body.addWidget(self.class_list)
        return self.classes

    def _make_confidence(self) -> QWidget:
        self.slider = QSlider(Qt.Orientation.Horizontal, minimum=round(100 * LEAST_SCORE), maximum=99)
        self.slider.setAccessibleName("Confidence")
        self.slider.setToolTip(
            "Only boxes that score above it are listed and shown, and those worked on by hand; 0.50 is the background."
        )
        self._confidence = QLabel(objectName="value")
        self._confidence_row = QWidget()
        row = QHBoxLayout(self._confidence_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Confidence", objectName="muted"))
        row.addWidget(self.slider, 1)
        row.addWidget(self._confidence)
        return self._confidence_row

    def _make_table(self) -> QTableView:
        self.table = table = QTableView()
        table.setObjectName("boxes")
        table.setModel(self.model)
        table.setAccessibleName("Boxes")
        table.setMinimumHeight(150)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(23)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSortIndicator(SCORE, Qt.SortOrder.DescendingOrder)
        for column, width in enumerate(_WIDTHS):
            table.setColumnWidth(column, width)
        table.setSortingEnabled(True)
        return table

    def _make_foot(self) -> QWidget:
        self.draw = QPushButton(
            "Draw box", objectName="segment", toolTip="Draw a box that is missing with the mouse (W)", checkable=True
        )
        self.undo = QPushButton("Undo", objectName="segment")
        self.bring = QPushButton(
            "Import…", objectName="segment", toolTip="Boxes of another program: COCO JSON, DOTA text, GeoJSON"
        )
        self.export = QPushButton(
            " Export…", objectName="segment", toolTip="GeoJSON, GeoPackage, KML, CSV, COCO or DOTA, as corrected"
        )
        menu = QMenu(self.export)
        menu.addAction("Boxes that are shown…", lambda: self.export_clicked.emit(True))
        menu.addAction("All boxes, whatever their score…", lambda: self.export_clicked.emit(False))
        self.export.setMenu(menu)
        foot = QWidget()
        row = QHBoxLayout(foot)
        row.setContentsMargins(12, 4, 12, 11)
        row.setSpacing(6)
        for button in (self.draw, self.undo):
            row.addWidget(button)
        row.addStretch(1)
        for button in (self.bring, self.export):
            row.addWidget(button)
        return foot

    def _wire(self) -> None:
        detections = self._detections
        detections.changed.connect(self._show_soon)
        detections.filter_changed.connect(self.show_boxes)
        detections.selection_changed.connect(self.show_selection)
        detections.fault_changed.connect(self.show_fault)
        detections.spec_changed.connect(self.show_spec)
        detections.estimate_changed.connect(self.show_estimate)
        detections.running_changed.connect(self._show_soon)
        self.slider.valueChanged.connect(lambda value: detections.set_confidence(value / 100))
        self.class_model.ticked.connect(detections.show_class)
        self._all.clicked.connect(lambda: self._tick_all(True))
        self._none.clicked.connect(lambda: self._tick_all(False))
        self.table.selectionModel().currentRowChanged.connect(self._on_current)
        self.table.clicked.connect(lambda _index: self.chosen.emit())
        self.card.relabelled.connect(lambda name: detections.relabel(self.selected_ids(), name))
        self.card.confirm_clicked.connect(lambda: detections.confirm(self.selected_ids()))
        self.card.delete_clicked.connect(lambda: detections.strike_out(self.selected_ids()))
        self.draw.clicked.connect(self.draw_clicked)
        self.undo.clicked.connect(detections.undo)
        self.bring.clicked.connect(self.import_clicked)
        self._theme.changed.connect(self._theme_icons)

    # ---- state -----------------------------------------------------------
    def ticked_classes(self) -> tuple[StoredClass, ...] | None:
        """The detector's classes that are ticked; None where all are, or where it is not loaded."""
        spec = self._detections.spec
        if spec is None:
            return None
        ticked = tuple(one for one in spec.classes if one.name not in self._detections.hidden)
        return None if len(ticked) == len(spec.classes) else ticked

    def selected_ids(self) -> tuple[int, ...]:
        """The boxes of the selected rows; else the selected box."""
        rows = self.table.selectionModel().selectedRows()
        chosen = tuple(self.model.id_of(index.row()) for index in rows)
        selected = self._detections.selected
        if selected is None:
            return chosen
        return chosen if selected in chosen else (selected,)

    def new_label(self) -> str:
        """The label of a box that is drawn now: that of the selected one, else the first that is looked for."""
        detections = self._detections
        row = None if detections.selected is None else detections.boxes.place_of(detections.selected)
        if row is not None:
            return detections.names[int(detections.boxes.classes[row])]
        ticked = [row.name for row in self.class_model.rows if row.ticked]
        return next(iter((*self.run.typed, *ticked)), "object")

    # ---- session -> view -------------------------------------------------
    def _show_soon(self) -> None:
        """Several changes at a time are rendered once."""
        if not self._late.isActive():
            self._late.start()

    def show_boxes(self) -> None:
        """Renders boxes, classes, confidence and everything that follows from them."""
        detections = self._detections
        boxes, shown = detections.boxes, detections.shown
        self._learn_ground(boxes)
        self._rendering = True
        self.model.set_rows(Rows(boxes, shown, detections.names, self._ground))
        self._rendering = False
        self._show_classes()
        self._show_words(int(shown.sum()))
        self.slider.blockSignals(True)
        self.slider.setValue(round(detections.confidence * 100))
        self.slider.blockSignals(False)
        self._confidence.setText(f"{detections.confidence:.2f}")
        self.show_estimate()
        self.show_selection()

    def _show_words(self, shown: int) -> None:
        detections = self._detections
        boxes = detections.boxes
        standing = int((~boxes.struck).sum())
        corrected, struck = int((boxes.touched & ~boxes.struck).sum()), len(boxes) - standing
        self.headline.setText("No scene open" if detections.scene is None else headline(shown, standing))
        said = [f"{corrected:,} by hand"] if corrected else []
        self.corrected.setText(" · ".join([*said, *([f"{struck:,} struck out"] if struck else [])]))
        self.table.setVisible(shown > 0)
        self._filler.setVisible(shown == 0)
        self._confidence_row.setVisible(standing > 0)
        if detections.scene is None:
            text = NO_SCENE
        elif shown:
            told = any("georeference" in note for note in detections.notes)  # by the run itself
            text = "" if told else scene_sentence(detections.scene)
        elif detections.running or (detections.fault is not None and not len(boxes)):
            text = ""
        else:
            text = NONE_SHOWN if standing else NONE_FOUND if len(boxes) else NONE_YET
        self.sentence.setText(text)
        self.sentence.setVisible(bool(text))
        self.notes.setText(" ".join(note for note in detections.notes if note not in text))
        self.notes.setVisible(bool(self.notes.text()))
        name = detections.undo_name
        self.undo.setToolTip(f"Take the last change back: {name} (Ctrl+Z)" if name else "There is nothing to take back")
        self.undo.setEnabled(bool(name))
        self.export.setEnabled(standing > 0)
        for button in (self.draw, self.bring):
            button.setEnabled(detections.scene is not None)
        self.run.show_running(detections.running, detections.scene is not None)

    def _show_classes(self) -> None:
        detections, counts = self._detections, self._detections.counts
        taught = [one.name for one in detections.spec.classes] if detections.spec is not None else []
        present = np.unique(detections.boxes.classes[~detections.boxes.struck]).tolist()
        names = list(dict.fromkeys([*taught, *(detections.names[label] for label in present)]))
        self._colours.learn(names)
        rows = (
            ClassRow(name, self._colours.of(name), counts.get(name, 0), name not in detections.hidden, name in taught)
            for name in names
        )
        self.class_model.set_rows(tuple(rows))
        self.classes.setVisible(bool(names))

    def show_selection(self) -> None:
        """Marks the selected box in the table and shows what is known of it."""
        detections = self._detections
        selected, chosen = detections.selected, self.table.selectionModel()
        row = None if selected is None else self.model.row_of(selected)
        self._rendering = True
        if row is None:
            chosen.clear()
        elif not chosen.isRowSelected(row) or self.table.currentIndex().row() != row:
            index = self.model.index(row, max(self.table.currentIndex().column(), 0))
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            chosen.setCurrentIndex(index, flags)
            self.table.scrollTo(index)
        self._rendering = False
        place = None if selected is None else detections.boxes.place_of(selected)
        box = None if place is None else detections.boxes.take(slice(place, place + 1))
        self.card.show_box(detections.scene, box, detections.names, [row.name for row in self.class_model.rows])

    def show_fault(self) -> None:
        """Renders why no boxes came; nothing where there is no fault."""
        fault = self._detections.fault
        self.fault.setText("" if fault is None else str(fault))
        self.fault.setVisible(fault is not None)
        self._show_soon()

    def show_spec(self) -> None:
        """Renders what the detector is and finds."""
        spec = self._detections.spec
        if spec is None:
            self.run.show_detector(None, "")
        else:
            self.run.show_detector(spec.model_id.partition("@")[0], f"{len(spec.classes)} classes, or what you name")
        self._show_soon()

    def show_estimate(self) -> None:
        """Renders what a run would cost."""
        loaded = self._detections.spec is not None or self._detections.fault is not None
        self.run.show_estimate(self._detections.estimate, loaded)

    def _theme_icons(self) -> None:
        self.export.setIcon(self._theme.icon("export"))

    # ---- what is known on the ground -------------------------------------
    def _learn_ground(self, boxes: Boxes) -> None:
        """Has sizes and places of boxes computed on the I/O lane; the table has the old ones meanwhile."""
        scene = self._detections.scene
        placed = scene is not None and scene.georef is not None
        metric = placed or (scene is not None and scene.spacing_m is not None)
        if (metric, placed) != (self._ground.metric, self._ground.placed):
            self._ground = Ground(metric=metric, placed=placed)
        if scene is None or not metric or boxes is self._asked_boxes or not len(boxes):
            return
        self._asked_boxes = boxes

        def deliver(facts: BoxFacts) -> None:
            if boxes is self._detections.boxes:
                self._ground = Ground(boxes.ids, facts, metric, placed)
                self.show_boxes()

        self._background.read("box facts", partial(box_facts, boxes.corners_px, scene), deliver)

    # ---- user -> verbs ---------------------------------------------------
    def _on_current(self) -> None:
        if self._rendering:
            return
        index = self.table.currentIndex()
        if index.isValid():
            self._detections.select(self.model.id_of(index.row()))
            self.chosen.emit()

    def _tick_all(self, ticked: bool) -> None:
        self._detections.hide_classes(() if ticked else (row.name for row in self.class_model.rows))
