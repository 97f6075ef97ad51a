"""Keeps the canvas true to the session: scene, heat map, places, pointer."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from sarvlm_app.core.display.picture import Picture
from sarvlm_app.core.georef import local_spacing_m
from sarvlm_app.core.query import Candidate
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.session import Session
from sarvlm_app.errors import SceneError
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.display_presenter import DisplayPresenter
from sarvlm_app.ui.panels.display import DisplayPanel
from sarvlm_app.ui.panels.status import PointerLine
from sarvlm_app.ui.view_state import ViewState
from sarvlm_app.ui.viewer.canvas import SceneCanvas
from sarvlm_app.ui.viewer.geometry import north_angle
from sarvlm_app.ui.viewer.overlay import Marker

_SPACING_PAUSE_MS = 60
"""The scale bar's ground spacing follows the view after this pause."""


class CanvasPresenter(QObject):
    """Renders session state on the canvas; every wish of the mouse becomes a verb of the session.

    Signals
    -------
    scene_shown()
        The picture of the active scene is on the canvas.
    """

    scene_shown = Signal()

    def __init__(
        self,
        session: Session,
        canvas: SceneCanvas,
        view: ViewState,
        background: Background,
        panels: tuple[DisplayPanel, PointerLine],
    ) -> None:
        super().__init__(canvas)
        self._session = session
        self._canvas = canvas
        self._view = view
        self._background = background
        display, self._pointer_line = panels
        self._shown: tuple[Scene, int] | None = None
        self.pictures = DisplayPresenter(session, canvas, background, display)
        self._scores: object = None
        self._spacing_timer = QTimer(self, singleShot=True, interval=_SPACING_PAUSE_MS)
        self._spacing_timer.timeout.connect(self._follow_spacing)
        self._reading_value = False
        self._asked_pixel = (0, 0)
        canvas.view_changed.connect(self._spacing_timer.start)
        canvas.pointer_moved.connect(self._on_pointer)
        canvas.marker_clicked.connect(session.select)
        view.numbers.changed.connect(self.show_visibility)
        view.heatmap.changed.connect(self.show_visibility)
        view.image.changed.connect(self.show_visibility)
        session.active_changed.connect(self.show_scene)
        self.pictures.shown.connect(self._on_shown)
        session.answer_changed.connect(self.show_answer)
        session.selection_changed.connect(self.show_selection)
        self.show_scene()
        self.pictures.follow()

    def stop(self) -> None:
        """Lets nothing happen any more: the window closes."""
        self._spacing_timer.stop()
        self.pictures.stop()

    # ---- scene -----------------------------------------------------------
    def show_scene(self) -> None:
        """Renders the active scene and band."""
        scene = self._session.active
        wanted = None if scene is None else (scene, self._session.band)
        if wanted == self._shown:
            return
        self._shown = wanted
        self._pointer_line.show_place(None, None)
        self._scores = None
        self._reading_value = False
        self.pictures.show_scene(scene, self._session.band)

    def _on_shown(self, scene: Scene) -> None:
        """The first picture of the scene is on the canvas."""
        self._show_frame(scene)
        self.show_answer()
        self.show_visibility()
        self.scene_shown.emit()

    def _show_frame(self, scene: Scene) -> None:
        picture = self.pictures.picture
        marks = (
            ("simulated", scene.simulated),
            ("no georeference", scene.georef is None),
            ("incomplete product: see Facts", bool(scene.missing)),
            ("no pixel above zero was seen", picture is not None and picture.levels.db.size == 0),
        )
        badges = tuple(text for text, holds in marks if holds)
        north = None if scene.georef is None else north_angle(scene.georef, scene.width / 2, scene.height / 2)
        self._canvas.overlay.change(badges=badges, north=north)
        self._follow_spacing()

    def show_visibility(self) -> None:
        """Renders which layers are shown, and how strongly."""
        self._canvas.set_image_visible(self._view.image.visible)
        self._canvas.set_image_opacity(self._view.image.opacity)
        self._canvas.set_heatmap_visible(self._view.heatmap.visible)
        self._canvas.set_heatmap_opacity(self._view.heatmap.opacity)
        self._canvas.overlay.change(markers_visible=self._view.numbers.visible)

    # ---- answer ----------------------------------------------------------
    def show_answer(self) -> None:
        """Renders the session's answer: heat map, threshold and numbers."""
        answer = self._session.answer
        if answer is None or answer.scene != self._session.active:
            self._scores = None
            self._canvas.show_heatmap(None)
            self._canvas.show_markers((), None)
            return
        if answer.heatmap.scores is not self._scores:
            self._scores = answer.heatmap.scores
            self._canvas.show_heatmap(answer.heatmap, self._session.threshold)
            self.show_visibility()
        else:
            self.show_threshold()
        self._show_markers()

    def show_threshold(self) -> None:
        """Moves the edge of what is clear in the heat map; the places follow with the next answer."""
        self._canvas.set_threshold(self._session.threshold)

    def show_selection(self) -> None:
        """Brings the selected place out."""
        self._show_markers()

    def _show_markers(self) -> None:
        answer, selected = self._session.answer, self._session.selected
        markers = [Marker(place.rank, place.col, place.row) for place in answer.candidates] if answer else []
        self._canvas.show_markers(markers, None if selected is None else selected.rank)

    def fly_to(self, candidate: Candidate) -> None:
        """Moves the view to a place."""
        _, _, width, height = candidate.bbox_px
        self._canvas.fly_to(candidate.col, candidate.row, float(max(width, height)))

    # ---- pointer ---------------------------------------------------------
    def _on_pointer(self, place: tuple[float, float] | None) -> None:
        scene = self._session.active
        if place is None or scene is None:
            self._pointer_line.show_place(None, None)
            return
        col, row = place
        lonlat = None
        if scene.georef is not None:
            lon, lat = scene.georef.to_lonlat(col, row)
            lonlat = (float(lon), float(lat))
        self._pointer_line.show_place(place, lonlat)
        self._show_value(int(col), int(row))

    def _show_value(self, col: int, row: int) -> None:
        """Shows the value if its tile is in memory; else has the tile read, one at a time."""
        picture = self.pictures.picture
        if picture is None:
            return
        self._asked_pixel = (col, row)
        value = picture.peek(col, row)
        if value is not None:
            self._pointer_line.show_value(value, picture.unit)
        elif not self._reading_value:
            self._reading_value = True
            self._background.read("pointer", partial(_pixel, picture, col, row), partial(self._on_value, picture))

    def _on_value(self, picture: Picture, value: float) -> None:
        self._reading_value = False
        if picture is not self.pictures.picture or not self._pointer_line.place.text():
            return
        newest = picture.peek(*self._asked_pixel)
        self._pointer_line.show_value(value if newest is None else newest, picture.unit)

    def _follow_spacing(self) -> None:
        scene = self._session.active
        if scene is None:
            return
        if scene.georef is None:
            self._canvas.set_ground_spacing(scene.spacing_m[0] if scene.spacing_m is not None else None)
            return
        camera = self._canvas.camera()
        col = min(max(camera.col, 0.0), float(scene.width))
        row = min(max(camera.row, 0.0), float(scene.height))
        self._canvas.set_ground_spacing(local_spacing_m(scene.georef, col, row)[0])


def _pixel(picture: Picture, col: int, row: int) -> float:
    """The value of one pixel, NaN without data; runs on the I/O lane and never fails."""
    try:
        return picture.value(col, row)
    except SceneError:
        return float("nan")
