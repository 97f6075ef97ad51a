"""What was found in the archive: pictures, scores, scenes, dates, places; more like one of them; export."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from sarvlm_app.core.archive.hit_words import hit_lines
from sarvlm_app.core.archive.search import ArchiveHit
from sarvlm_app.core.archive_session import MOST_HITS, ArchiveSession
from sarvlm_app.ui.archive_words import (
    EMPTY,
    FILLING,
    INVITATION,
    NO_ARCHIVE,
    NOTHING,
    asked_text,
    fast_text,
    headline,
    hit_tip,
)
from sarvlm_app.ui.hit_pictures import HitPictures
from sarvlm_app.ui.panels.cards import Card, CardModel, card_list
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import flat_text_button

_THUMB_PX = 56


class HitsCard(QWidget):
    """Renders `archive.answer`.

    Signals
    -------
    chosen()
        A hit was picked: open its scene there.
    export_clicked()
    create_clicked(), open_clicked(), add_clicked()
        Ways out of an empty panel.
    told(str)
        What was copied.
    """

    chosen = Signal()
    export_clicked = Signal()
    create_clicked = Signal()
    open_clicked = Signal()
    add_clicked = Signal()
    told = Signal(str)

    def __init__(self, archive: ArchiveSession, theme: Theme, pictures: HitPictures) -> None:
        super().__init__()
        self._archive, self._theme, self._pictures = archive, theme, pictures
        self.headline = QLabel(objectName="headline")
        self.timing = QLabel(objectName="muted")
        self.asked = QLabel(objectName="muted", wordWrap=True)
        self.sentence = QLabel(objectName="muted", wordWrap=True)
        self.notes = QLabel(objectName="muted", wordWrap=True)
        self.model = CardModel(self)
        self.list = card_list(theme, self.model, thumb_px=_THUMB_PX)
        self.list.setAccessibleName("Hits")
        self.list.setMinimumHeight(160)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.more = flat_text_button("More", "List the next 20 hits as well")
        head = QHBoxLayout()
        head.addWidget(self.headline)
        head.addWidget(self.more)
        head.addStretch(1)
        head.addWidget(self.timing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(head)
        for widget in (self.asked, self.sentence, self._make_ways(), self.notes):
            layout.addWidget(widget)
        layout.addWidget(self.list, 1)
        self._filler = QWidget()
        self._filler.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout.addWidget(self._filler, 1)
        self.foot = self._make_foot()
        self._wire()
        self._theme_icons()
        self.show_answer()

    def _make_ways(self) -> QWidget:
        self.create_button = QPushButton("Create an archive…", toolTip="In a new or empty folder")
        self.open_button = QPushButton("Open…", toolTip="An archive that is there (Ctrl+Shift+O)")
        self.add_button = QPushButton("Add a folder…", toolTip="With all folders below it (Ctrl+Shift+A)")
        self._ways = QWidget()
        row = QHBoxLayout(self._ways)
        row.setContentsMargins(0, 4, 0, 0)
        row.setSpacing(6)
        for button in (self.create_button, self.open_button, self.add_button):
            row.addWidget(button)
        row.addStretch(1)
        return self._ways

    def _make_foot(self) -> QWidget:
        self.like = QPushButton(
            "More like it", objectName="segment", toolTip="Find what is like the selected hit (Shift+L)"
        )
        self.unlike = QPushButton(
            "Less like it", objectName="segment", toolTip="Ask the same again, away from what is like the selected hit"
        )
        self.export = QPushButton(
            " Export…",
            objectName="segment",
            toolTip="Write the listed hits as GeoJSON, GeoPackage, CSV or a contact sheet of pictures (Ctrl+Alt+H)",
        )
        foot = QWidget()
        row = QHBoxLayout(foot)
        row.setContentsMargins(12, 4, 12, 11)
        row.setSpacing(6)
        for button in (self.like, self.unlike):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.export)
        return foot

    def _wire(self) -> None:
        archive = self._archive
        archive.answer_changed.connect(self.show_answer)
        archive.changed.connect(self.show_answer)
        archive.fault_changed.connect(self.show_answer)
        archive.selection_changed.connect(self.show_selection)
        self.list.clicked.connect(lambda index: self._choose(index.row()))
        self.list.activated.connect(lambda index: self._choose(index.row()))
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.like.clicked.connect(self._more_like)
        self.unlike.clicked.connect(self._less_like)
        self.more.clicked.connect(archive.more)
        self.export.clicked.connect(self.export_clicked)
        self.create_button.clicked.connect(self.create_clicked)
        self.open_button.clicked.connect(self.open_clicked)
        self.add_button.clicked.connect(self.add_clicked)
        self._theme.changed.connect(self._theme_icons)

    # ---- session -> view -------------------------------------------------
    def show_answer(self) -> None:
        """Renders the hits, or what to do to get some."""
        archive = self._archive
        answer, asked = archive.answer, archive.asked
        hits = answer.hits if answer is not None else ()
        self.headline.setText(headline(answer, searching=archive.searching))
        self.headline.setVisible(archive.folder is not None and not archive.empty)
        self.timing.setText("searching…" if archive.searching and answer is not None else
                            fast_text(answer.seconds) if answer is not None else "")  # fmt: skip
        self.asked.setText("" if asked is None else asked_text(asked))
        self.asked.setVisible(bool(self.asked.text()))
        self._show_sentence(bool(hits))
        notes = " ".join(answer.notes) if answer is not None else ""
        self.notes.setText(notes)
        self.notes.setVisible(bool(notes))
        self._pictures.keep_only(hits)
        self.model.set_cards([self._card(hit) for hit in hits])
        self.list.setVisible(bool(hits))
        self._filler.setVisible(not hits)
        self.foot.setVisible(bool(hits))
        self.more.setVisible(answer is not None and answer.more and len(hits) < MOST_HITS)
        self.show_selection()

    def _show_sentence(self, some: bool) -> None:
        archive = self._archive
        text = ""
        if archive.folder is None:
            text = NO_ARCHIVE
        elif archive.empty and archive.work.kind is None:
            text = EMPTY
        elif archive.empty:
            text = FILLING
        elif archive.answer is not None and not some:
            text = f"{NOTHING} The best place scores {archive.answer.best:.2f}; 0.50 is the background."
        elif archive.answer is None and not archive.searching and archive.fault is None and not archive.empty:
            text = INVITATION
        self.sentence.setText(text)
        self.sentence.setVisible(bool(text))
        self._ways.setVisible(text in (NO_ARCHIVE, EMPTY))
        self.create_button.setVisible(text == NO_ARCHIVE)
        self.open_button.setVisible(text == NO_ARCHIVE)
        self.add_button.setVisible(text == EMPTY)

    def _card(self, hit: ArchiveHit) -> Card:
        title, line, below = hit_lines(hit)
        image = self._pictures.get(hit, partial(self.model.set_image, hit.rank))
        return Card(hit.rank, title, line, hit.score, image, hit_tip(hit), str(hit.rank), below)

    def show_selection(self) -> None:
        """Marks the selected hit in the list."""
        selected = self._archive.selected
        model = self.list.selectionModel()
        for button in (self.like, self.unlike):
            button.setEnabled(selected is not None)
        if selected is None:
            model.clear()
            return
        for row, card in enumerate(self.model.cards):
            if card.key == selected.rank:
                index = self.model.index(row)
                model.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
                self.list.scrollTo(index)

    def _theme_icons(self) -> None:
        self.export.setIcon(self._theme.icon("export"))

    # ---- view -> session -------------------------------------------------
    def _choose(self, row: int) -> None:
        if 0 <= row < len(self.model.cards):
            key = self.model.cards[row].key
            assert isinstance(key, int)
            self._archive.select(key)
            self.chosen.emit()

    def _more_like(self) -> None:
        self._archive.like_hit()

    def _less_like(self) -> None:
        self._archive.like_hit(likes=False)

    def _show_menu(self, place: QPoint) -> None:
        index = self.list.indexAt(place)
        if not index.isValid():
            return
        key = self.model.cards[index.row()].key
        assert isinstance(key, int)
        self._archive.select(key)
        hit = self._archive.selected
        if hit is None:
            return
        menu = QMenu(self)
        menu.addAction("Open the scene there", self.chosen.emit)
        menu.addAction("More like it", self._more_like)
        menu.addAction("Less like it", self._less_like)
        menu.addSeparator()
        menu.addAction("Copy the path", lambda: self._copy(str(hit.scene), "path"))
        if hit.lon is not None and hit.lat is not None:
            coordinates = f"{hit.lat:.6f}, {hit.lon:.6f}"
            menu.addAction("Copy latitude and longitude", lambda: self._copy(coordinates, "place"))
        menu.exec(self.list.viewport().mapToGlobal(place))
        menu.deleteLater()

    def _copy(self, text: str, what: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.told.emit(f"Copied the {what}: {text}")
