"""The answer: what stands out, how strongly, how fast; the threshold; the list of places."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QSlider, QVBoxLayout, QWidget

from sarvlm_app.core.query import Answer, Candidate
from sarvlm_app.core.session import EXAMPLE_QUERIES, Session
from sarvlm_app.ui.formats import lonlat_text, pixel_text, places_text, seconds_text
from sarvlm_app.ui.panels.cards import Card, CardModel, card_list
from sarvlm_app.ui.pictures import PictureRequest, Pictures, around
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import named_frame

_LOWEST, _HIGHEST = 50, 95
_LEAST_THUMB = 64
_READING = "The scene is being read; places appear as they are found."
_STOPPED = "Part of the scene has not been read. Ask again to go on where it stopped."
_NOTHING = (
    "No place scores above the threshold. Try other words for it (“a ship at a pier”, “storage tanks”), "
    "lower the threshold, or take out what you excluded."
)
_NO_DATA = (
    "Every pixel of this band is marked as no data, so there is nothing to look at: choose another band or scene."
)


class ResultsPanel(QWidget):
    """Renders `session.answer`.

    Signals
    -------
    chosen(int)
        Rank of the place that the user picked.
    example_chosen(str)
        An example question was clicked.
    threshold_moved()
        The session's threshold has changed; its places follow a moment later.
    """

    chosen = Signal(int)
    example_chosen = Signal(str)
    threshold_moved = Signal()

    def __init__(self, session: Session, theme: Theme, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._looking = False
        self.headline = QLabel(objectName="headline")
        self.timing = QLabel(objectName="muted")
        self._sentence = QLabel(objectName="muted", wordWrap=True)
        self.slider = QSlider(Qt.Orientation.Horizontal, minimum=_LOWEST, maximum=_HIGHEST)
        self.slider.setAccessibleName("Threshold")
        self.slider.setToolTip("Only places that score above it are listed and shown; 0.50 is the background.")
        self._threshold = QLabel(objectName="value")
        self._model = CardModel(self)
        self.list = card_list(theme, self._model)
        self.list.setAccessibleName("Places")
        self.list.setMinimumHeight(120)
        self._examples = self._make_examples()
        head = QHBoxLayout()
        head.addWidget(self.headline, 1)
        head.addWidget(self.timing)
        self._threshold_row = QWidget()
        row = QHBoxLayout(self._threshold_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Threshold", objectName="muted"))
        row.addWidget(self.slider, 1)
        row.addWidget(self._threshold)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self._threshold_row)
        layout.addWidget(self._sentence)
        layout.addWidget(self._examples)
        layout.addWidget(self.list, 1)
        self._filler = QWidget()
        self._filler.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout.addWidget(self._filler, 1)
        self.slider.valueChanged.connect(self._on_slider)
        self.list.clicked.connect(lambda index: self.chosen.emit(self._model.cards[index.row()].key))
        self.list.activated.connect(lambda index: self.chosen.emit(self._model.cards[index.row()].key))
        self.show_answer()

    def _make_examples(self) -> QFrame:
        frame = named_frame("examples")
        column = QVBoxLayout(frame)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(7)
        column.addWidget(QLabel("For example:", objectName="muted"))
        for text in EXAMPLE_QUERIES:
            button = QPushButton(text, objectName="example", toolTip="Ask this of the scene")
            button.clicked.connect(partial(self.example_chosen.emit, text))
            column.addWidget(button)
        return frame

    def show_answer(self) -> None:
        """Renders the session's answer and threshold."""
        answer = self._session.answer
        threshold = self._session.threshold
        self.slider.blockSignals(True)
        self.slider.setValue(round(threshold * 100))
        self.slider.blockSignals(False)
        self._threshold.setText(f"{threshold:.2f}")
        has_answer = answer is not None
        some = answer is not None and bool(answer.candidates)
        self._threshold_row.setVisible(has_answer)
        self.list.setVisible(some)
        self._filler.setVisible(not some)
        self._examples.setVisible(answer is None or (answer.complete and not some))
        self._sentence.setVisible(not some or (answer is not None and not answer.complete and not self._looking))
        if answer is None:
            self._show_invitation()
        else:
            self._show_words(answer)
        self._model.set_cards([self._card(answer, candidate) for candidate in answer.candidates] if answer else [])
        self.show_selection()

    def set_looking(self, looking: bool) -> None:
        """Whether a question is being worked on at this moment."""
        if looking != self._looking:
            self._looking = looking
            self.show_answer()

    def _on_slider(self, value: int) -> None:
        self._session.set_threshold(value / 100)
        self._threshold.setText(f"{self._session.threshold:.2f}")
        self.threshold_moved.emit()

    def show_selection(self) -> None:
        """Marks the selected place in the list."""
        selected = self._session.selected
        model = self.list.selectionModel()
        if selected is None:
            model.clear()
            return
        for row, card in enumerate(self._model.cards):
            if card.key == selected.rank:
                index = self._model.index(row)
                model.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
                self.list.scrollTo(index)

    def _show_invitation(self) -> None:
        self.timing.setText("")
        if self._session.active is None:
            self.headline.setText("No scene open")
            self._sentence.setText("Open a SAR scene with Ctrl+O, drop a file on the window, or open the demo scene.")
            self._examples.setVisible(False)
            return
        if self._looking:
            self.headline.setText("Looking…")
            self._sentence.setText(_READING)
            self._examples.setVisible(False)
            return
        self.headline.setText("Ask this scene a question")
        if self._session.encoded:
            self._sentence.setText("Type plain English words above. The heat map follows as you type.")
        else:
            self._sentence.setText(
                "Type plain English words above and press Return. The first question reads the whole scene; "
                "after that every question is answered at once."
            )

    def _show_words(self, answer: Answer) -> None:
        if not answer.complete:
            some = places_text(len(answer.candidates)).replace("stand out", "so far").replace("stands out", "so far")
            self.headline.setText(some if answer.candidates else "Looking…" if self._looking else "Stopped")
            self.timing.setText("reading the scene…" if self._looking else "not all was read")
            self._sentence.setText(_READING if self._looking else _STOPPED)
            return
        self.headline.setText(places_text(len(answer.candidates) if answer.stands_out else 0))
        self.timing.setText(_timing_text(answer))
        if not np.isfinite(answer.heatmap.scores).any():
            self.headline.setText("No data to look at")
            self._sentence.setText(_NO_DATA)
            self._examples.setVisible(False)
            return
        self._sentence.setText(_NOTHING)

    def _card(self, answer: Answer, candidate: Candidate) -> Card:
        pixel = pixel_text(candidate.col, candidate.row)
        if candidate.lon is not None and candidate.lat is not None:
            title, line = lonlat_text(candidate.lon, candidate.lat), pixel
        else:
            title, line = pixel, "no georeference"
        rank = candidate.rank
        image = self._picture(answer, candidate)
        tip = "Click to fly there;  N and P go to the next and the previous place."
        return Card(rank, title, line, candidate.score, image, tip, str(rank))

    def _picture(self, answer: Answer, candidate: Candidate) -> QImage | None:
        stretch = self._session.stretch
        if stretch is None or not answer.complete:
            return None
        edge = thumbnail_edge(candidate)
        window = around(answer.scene, candidate.col, candidate.row, edge)
        request = PictureRequest(answer.scene, answer.band, window, stretch)
        return self._pictures.get(request, partial(self._model.set_image, candidate.rank))


def _timing_text(answer: Answer) -> str:
    """What the answer cost: the reading of the scene at the first question, the scoring alone after it."""
    if answer.cached:
        return f"{seconds_text(answer.seconds.score)} · cached"
    return f"encoded in {seconds_text(answer.seconds.encode)}"


def thumbnail_edge(candidate: Candidate) -> int:
    """Edge in scene pixels of a picture that shows a place with some surroundings.

    In steps, so that a box that breathes with the threshold keeps its picture.
    """
    _, _, width, height = candidate.bbox_px
    wanted, edge = 1.6 * max(width, height), float(_LEAST_THUMB)
    while edge < wanted:
        edge *= 1.5
    return int(edge)
