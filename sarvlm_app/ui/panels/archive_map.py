"""The small map of the archive panel: where the hits lie, and an area drawn to search in."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from sarvlm_app.core.archive.hit_words import hit_lines
from sarvlm_app.core.archive.map_view import Box, Outline, box_of_area, outline_of
from sarvlm_app.core.archive.search import ArchiveAnswer, ArchiveHit
from sarvlm_app.core.archive_question import ArchiveQuestion, area_of
from sarvlm_app.core.archive_session import ArchiveSession
from sarvlm_app.errors import QueryError
from sarvlm_app.ui.archive_words import counted
from sarvlm_app.ui.panels.hit_map import HitMap, MapHit
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import flat_text_button

_TIP = (
    "Wheel: nearer or farther.  Drag: move.  Double click: all hits.\n"
    "Click a hit: open its scene there.  Shift and drag: search within the rectangle.\n"
    "Faint outlines are the scenes of the archive."
)


class ArchiveMapCard(QWidget):
    """Renders where the hits of `archive.answer` lie.

    Signals
    -------
    chosen()
        A hit was picked: open its scene there.
    """

    chosen = Signal()

    def __init__(self, archive: ArchiveSession, theme: Theme) -> None:
        super().__init__()
        self._archive = archive
        self._answer: ArchiveAnswer | None = None
        self._asked: ArchiveQuestion | None = None
        self._hits: tuple[ArchiveHit, ...] = ()
        self._outlines: dict[int, Outline] = {}
        self._fitted: object = None
        self._unfolds = True
        self.toggle = flat_text_button("Map", "Where the hits lie; an area can be drawn to search in")
        self.toggle.setCheckable(True)
        self.note = QLabel(objectName="muted")
        self.draw = QPushButton(
            "Draw", objectName="segment", checkable=True,
            toolTip="Drag a rectangle on this map: the archive is searched within it (Shift and drag does the same)",
        )  # fmt: skip
        self.fit_button = QPushButton("Fit", objectName="segment", toolTip="Bring all hits into view (double click)")
        self.map = HitMap(theme)
        self.map.setToolTip(_TIP)
        self.map.setAccessibleDescription(_TIP)
        row = QHBoxLayout()
        row.setSpacing(5)
        row.addWidget(self.toggle)
        row.addWidget(self.note, 1)
        row.addWidget(self.draw)
        row.addWidget(self.fit_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addLayout(row)
        layout.addWidget(self.map)
        self._wire()
        self._fold(True)
        self.show_archive()
        self.show_answer()

    def _wire(self) -> None:
        archive = self._archive
        archive.changed.connect(self.show_archive)
        archive.work.changed.connect(self.show_archive)
        archive.answer_changed.connect(self.show_answer)
        archive.question_changed.connect(self.show_area)
        archive.selection_changed.connect(self.show_selection)
        archive.map.changed.connect(self.show_scenes)
        self.toggle.clicked.connect(self._unfold_by_hand)
        self.draw.clicked.connect(self.map.set_drawing)
        self.map.drawing_changed.connect(self.draw.setChecked)
        self.fit_button.clicked.connect(self.fit)
        self.map.fit_wanted.connect(self.fit)
        self.map.looked.connect(archive.map.look)
        self.map.hit_clicked.connect(self._choose)
        self.map.area_drawn.connect(archive.set_bounds)

    # ---- session -> view -----------------------------------------------------
    def show_archive(self) -> None:
        """There is no map of an archive that holds nothing."""
        self.setVisible(self._archive.folder is not None and not self._archive.empty)

    def show_answer(self) -> None:
        """Renders the hits that have a place; without any the map folds away, unless an area is searched."""
        answer = self._archive.answer
        if answer is self._answer:
            return
        hits = answer.hits if answer is not None else ()
        grew = self._asked is self._archive.asked and bool(self._hits) and hits[: len(self._hits)] == self._hits
        self._answer, self._asked, self._hits = answer, self._archive.asked, hits
        outlines = {hit.rank: outline_of(hit.footprint) for hit in hits}
        self._outlines = {rank: outline for rank, outline in outlines.items() if outline is not None}
        self.show_selection()
        self.show_note()
        self.show_area()
        self._fold(not (self._unfolds and (self._outlines or self._area() is not None)))
        if not grew:
            self._fit_all()

    def show_selection(self) -> None:
        """Brings the selected hit out, and into view."""
        selected = self._archive.selected
        rank = None if selected is None else selected.rank
        shown = [
            MapHit(hit.rank, self._outlines[hit.rank], _tip(hit)) for hit in self._hits if hit.rank in self._outlines
        ]
        self.map.show_hits(shown, rank)
        if rank in self._outlines:
            self.map.bring_into_view(self._outlines[rank])

    def show_area(self) -> None:
        """Renders the area that is searched."""
        self.map.show_area(self._area())

    def show_scenes(self) -> None:
        """Renders the scenes of the archive behind the hits."""
        held = self._archive.map
        self.map.show_backdrop(held.backdrop)
        self.show_note()
        if held.stale:
            self.map.look_again()
        elif not self._boxes():
            self._fit_all()

    def show_note(self) -> None:
        """Renders how many hits have no place; before there are hits, how many scenes have one."""
        lacking, scenes = len(self._hits) - len(self._outlines), self._archive.map.count
        text = ""
        if lacking:
            text = f"{counted(lacking, 'hit has', 'hits have')} no place"
        elif not self._hits and scenes is not None and not self.map.isHidden():
            text = f"{counted(scenes, 'scene', 'scenes')} with a place" if scenes else "No scene has a place"
        self.note.setText(text)
        self.note.setToolTip("Their scenes have no georeference" if lacking else "")

    def fit(self) -> None:
        """Brings the hits into view; without any the area, or all scenes."""
        boxes = [outline.box for outline in self._outlines.values()]
        self.map.fit(boxes or self._boxes() or self._everything())

    def _fit_all(self) -> None:
        """As `fit`, with the area beside the hits; not again where nothing has changed, so that a move is kept."""
        boxes = self._boxes() or self._everything()
        if boxes != self._fitted:
            self._fitted = boxes
            self.map.fit(boxes)

    def _boxes(self) -> list[Box]:
        area = self._area()
        return [outline.box for outline in self._outlines.values()] + ([] if area is None else [area])

    def _everything(self) -> list[Box]:
        extent = self._archive.map.extent
        return [] if extent is None else [extent]

    def _area(self) -> Box | None:
        """The area of the filters; None where there is none, or none that can be read."""
        try:
            area = area_of(self._archive.question.filters.area)
        except QueryError:
            return None
        return None if area is None else box_of_area(area)

    # ---- folding -------------------------------------------------------------
    def _unfold_by_hand(self, shown: bool) -> None:
        if self._boxes():
            self._unfolds = shown
        self._fold(not shown)

    def _fold(self, folded: bool) -> None:
        self.map.setVisible(not folded)
        self.draw.setVisible(not folded)
        self.fit_button.setVisible(not folded)
        self.toggle.setChecked(not folded)
        self.toggle.setText(f"{'▸' if folded else '▾'}  Map")
        if folded:
            self.map.set_drawing(False)
        self.show_note()

    # ---- view -> session -----------------------------------------------------
    def _choose(self, rank: int) -> None:
        self._archive.select(rank)
        self.chosen.emit()


def _tip(hit: ArchiveHit) -> str:
    title, line, below = hit_lines(hit)
    return f"{hit.rank}  {title}  {hit.score:.2f}\n{line}\n{below}"
