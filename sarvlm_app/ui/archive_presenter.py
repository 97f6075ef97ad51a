"""Between the archive, the canvas and the panel: examples and areas from the map, flights to hits, their frames."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from sarvlm_app.core.archive.search import ArchiveHit
from sarvlm_app.core.archive_question import ExampleKind, ExampleOf
from sarvlm_app.core.archive_session import missing
from sarvlm_app.core.caption_list import place_window
from sarvlm_app.core.session import Session
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_app.ui.panels.archive import ArchivePanel
from sarvlm_app.ui.view_state import ViewState
from sarvlm_app.ui.viewer.canvas import SceneCanvas
from sarvlm_app.ui.viewer.overlay import Frame
from sarvlm_models.types import Window

_EXAMPLE_HINT = "Drag over the region to search by · Esc leaves"
_AREA_HINT = "Drag over the area to search in · Esc leaves"
_PAUSE_MS = 120
"""Only the last of several hits that are picked quickly is opened."""


class ArchivePresenter(QObject):
    """Turns wishes for the archive into verbs of its session, and the selected hit into a view of its scene.

    Signals
    -------
    file_wanted()
        A picture file shall be chosen to search by.
    """

    file_wanted = Signal()

    def __init__(self, session: Session, canvas: SceneCanvas, view: ViewState, panel: ArchivePanel) -> None:
        super().__init__(canvas)
        self._session = session
        self._archive = session.archive
        self._canvas, self._view, self._panel = canvas, view, panel
        self._drawing_area = False
        self._example: ExampleOf | None = None
        self._wanted: ArchiveHit | None = None
        self._there: ArchiveHit | None = None
        self._started = False
        self._soon = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._soon.timeout.connect(self._open_selected)
        panel.question.example_wanted.connect(self.search_by)
        panel.question.area_wanted.connect(self.take_area)
        panel.hits.chosen.connect(self.open_selected)
        panel.map.chosen.connect(self.open_selected)
        canvas.region_drawn.connect(self._on_region)
        canvas.drawing_changed.connect(self._on_drawing)
        view.archive.changed.connect(self._on_mode)
        session.active_changed.connect(self._on_active)
        self._archive.question_changed.connect(self.show_frame)
        self._archive.selection_changed.connect(self.show_frame)

    def stop(self) -> None:
        """Lets nothing happen any more: the window closes."""
        self._soon.stop()
        self._panel.work.shut_down()

    # ---- what to search by -----------------------------------------------
    def search_by(self, kind: ExampleKind) -> None:
        """Searches by the view, the selected place, a region that is drawn first, or a file that is chosen first."""
        self._view.archive.set_visible(True)
        if kind is ExampleKind.FILE:
            self.file_wanted.emit()
            return
        if kind is ExampleKind.HIT:
            self._archive.like_hit()
            return
        scene = self._session.active
        if scene is None:
            self._archive.tell(SceneError("No scene is open to take an example from: open one first (Ctrl+O)."))
            self._on_drawing(self._canvas.drawing)
        elif kind is ExampleKind.REGION:
            self._draw(area=False)
        elif kind is ExampleKind.VIEW:
            self._like(kind, self._canvas.visible_window())
        else:
            place = self._session.selected
            if place is None:
                self._archive.tell(
                    QueryError("No place is selected: ask the scene (Find), pick one of the numbers (N), then search.")
                )
                return
            self._like(kind, place_window(scene, place))

    def search_by_file(self, path: Path) -> None:
        """Searches by a picture."""
        self._view.archive.set_visible(True)
        self._archive.like(ExampleOf(ExampleKind.FILE, path))

    def _like(self, kind: ExampleKind, window: Window | None) -> None:
        scene = self._session.active
        if scene is not None and window is not None:
            self._example = ExampleOf(kind, scene.path, window, scene)
            self._archive.like(self._example)

    def take_area(self, draw: bool) -> None:
        """Filters by the area of the view, or of a region that is drawn first."""
        if draw and self._session.active is not None and self._session.active.georef is not None:
            self._draw(area=True)
            return
        self._on_drawing(self._canvas.drawing)
        self._archive.set_area(self._session.active, self._canvas.visible_window())

    def _draw(self, *, area: bool) -> None:
        on = not (self._canvas.drawing and self._drawing_area == area)
        self._canvas.set_drawing(False)
        self._drawing_area = area
        self._canvas.set_drawing(on, _AREA_HINT if area else _EXAMPLE_HINT)
        self._on_drawing(self._canvas.drawing)

    def _on_drawing(self, on: bool) -> None:
        mine = on and self._view.archive.visible
        self._panel.question.show_drawing(mine and not self._drawing_area, mine and self._drawing_area)

    def _on_region(self, window: Window) -> None:
        if not self._view.archive.visible:
            return  # it was drawn for something else
        if self._drawing_area:
            self._archive.set_area(self._session.active, window)
        else:
            self._like(ExampleKind.REGION, window)

    # ---- hits ------------------------------------------------------------
    def step(self, step: int) -> None:
        """Selects the next hit and goes there; of several steps in a row the last counts."""
        self._archive.select_next(step)
        self._soon.start()

    def open_selected(self) -> None:
        """Opens the scene of the selected hit, beside those that are open, and flies to the hit."""
        self._soon.stop()
        self._open_selected()

    def _open_selected(self) -> None:
        hit = self._archive.selected
        if hit is None:
            return
        if hit.missing:
            self._archive.tell(missing(hit))
            return
        self._wanted = hit
        known = next((scene for scene in self._session.scenes if _same(scene.path, hit.scene)), None)
        if known is None:
            self._session.open(hit.scene)
            return
        self._session.activate(known)
        if self._canvas.visible_window() is not None:
            self.scene_shown()

    def _on_active(self) -> None:
        """Scenes that open one after the other may come in another order: the one last wanted is brought up."""
        wanted, active = self._wanted, self._session.active
        self._there = None
        if wanted is not None and active is not None and not _same(active.path, wanted.scene):
            known = next((scene for scene in self._session.scenes if _same(scene.path, wanted.scene)), None)
            if known is not None:
                self._session.activate(known)
        self.show_frame()

    def scene_shown(self) -> None:
        """The picture of the active scene is on the canvas: flies to the hit that it was opened for."""
        hit, active = self._wanted, self._session.active
        if hit is None or active is None or not _same(active.path, hit.scene):
            return
        self._wanted, self._there = None, hit
        self._canvas.fly_to_window(hit.window)
        self.show_frame()
        self._ask_there(hit)

    def _ask_there(self, hit: ArchiveHit) -> None:
        """Asks the scene what the archive was asked in words, so that the heat map shows where in the hit it is."""
        answer, shown = self._archive.answer, self._session.answer
        if answer is None or not answer.query.text:
            return
        words, negatives = answer.query.text, answer.query.negatives
        asked = shown is not None and (shown.query.text, shown.query.negatives) == (words, negatives)
        if not asked or shown is None or shown.scene != self._session.active:
            self._session.ask(words, negatives, hit.window)

    def show_frame(self) -> None:
        """Draws the rectangle of the hit that is on view, else of the example that was taken from the scene."""
        if not self._view.archive.visible:
            return
        hit, active = self._there, self._session.active
        if hit is not None and hit == self._archive.selected:
            self._canvas.show_frame(Frame(hit.window, f"Hit {hit.rank}"))
            return
        example = self._example
        asked = example is not None and example in self._archive.question.examples and example.scene == active
        window = example.window if asked and example is not None else None
        self._canvas.show_frame(None if window is None else Frame(window, "Example"))

    def _on_mode(self) -> None:
        if self._view.archive.visible:
            self._start()
            self.show_frame()
        else:
            self._canvas.set_drawing(False)
            self._canvas.show_frame(None)

    def _start(self) -> None:
        """At the first look: opens the archive that was open the last time."""
        if not self._started:
            self._started = True
            if self._archive.folder is None and self._archive.recent:
                self._archive.open(self._archive.recent[0])


def _same(one: Path, other: Path) -> bool:
    return os.path.abspath(one) == os.path.abspath(other)
