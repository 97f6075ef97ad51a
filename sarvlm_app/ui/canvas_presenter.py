"""Keeps the canvas true to the session: scene, stretch, heat map, places, pointer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from sarvlm_app.core.georef import local_spacing_m
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.pyramid import ScenePyramid
from sarvlm_app.core.query import Candidate
from sarvlm_app.core.radiometry import Stretch, to_db
from sarvlm_app.core.sampling import sample_windows
from sarvlm_app.core.scene import Scene, default_stretch, read_chip
from sarvlm_app.core.session import Session
from sarvlm_app.errors import SceneError
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.panels.display import DisplayPanel
from sarvlm_app.ui.panels.status import PointerLine
from sarvlm_app.ui.view_state import ViewState
from sarvlm_app.ui.viewer.canvas import SceneCanvas, SceneImage
from sarvlm_app.ui.viewer.geometry import north_angle
from sarvlm_app.ui.viewer.overlay import Marker

_REFRESH_MS = 700
"""While overviews are built the view is read again this often."""
_SAMPLES, _SAMPLE_EDGE, _SAMPLE_VALUES = 24, 160, 200_000
_SPACING_PAUSE_MS = 60
"""The scale bar's ground spacing follows the view after this pause."""
_REST_S, _LONGEST_WAIT_S = 0.2, 1.0
"""The view is at rest when it has not moved for so long; overviews wait for it so long at each step."""


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
        self._display, self._pointer_line = panels
        self._shown: tuple[Scene, int] | None = None
        self._pyramid: ScenePyramid | None = None
        self._scores: object = None
        self._spacing_timer = QTimer(self, singleShot=True, interval=_SPACING_PAUSE_MS)
        self._spacing_timer.timeout.connect(self._follow_spacing)
        self._refresh_timer = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._refresh_timer.timeout.connect(canvas.refresh_scene)
        self._reading_value = False
        self._asked_pixel = (0, 0)
        self._moves = Moves()
        canvas.view_changed.connect(self._moves.note)
        canvas.view_changed.connect(self._spacing_timer.start)
        canvas.pointer_moved.connect(self._on_pointer)
        canvas.marker_clicked.connect(session.select)
        view.numbers.changed.connect(self.show_visibility)
        view.heatmap.changed.connect(self.show_visibility)
        view.image.changed.connect(self.show_visibility)
        session.active_changed.connect(self.show_scene)
        session.stretch_changed.connect(self.show_stretch)
        session.answer_changed.connect(self.show_answer)
        session.selection_changed.connect(self.show_selection)
        self.show_scene()

    def stop(self) -> None:
        """Lets nothing happen any more: the window closes."""
        for timer in (self._refresh_timer, self._spacing_timer):
            timer.stop()
        self._pyramid = None

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
        if scene is None or wanted is None:
            self._pyramid = None
            self._canvas.show_scene(None)
            return
        self._reading_value = False
        self._pyramid = pyramid = ScenePyramid(scene, self._session.band)
        self._canvas.show_scene(None)
        self._canvas.overlay.change(opening=True)
        # napari reads the coarsest level on this thread: have it in memory first
        ready = partial(self._show_pyramid, pyramid, wanted)
        self._background.read("first picture", partial(_coarsest, pyramid), ready, self._session.failed.emit)

    def _show_pyramid(self, pyramid: ScenePyramid, wanted: tuple[Scene, int], _coarse: object) -> None:
        """The first picture can be drawn: puts the scene on the canvas."""
        if pyramid is not self._pyramid:
            return
        scene, stretch = wanted[0], self._session.stretch
        limits = (stretch.low, stretch.high) if stretch is not None else (-30.0, 0.0)
        self._canvas.show_scene(SceneImage(pyramid.level_arrays(), scene.width, scene.height, limits))
        self._show_frame(scene)
        self._background.read("histogram", partial(_sample, *wanted), partial(self._on_sample, wanted))
        self._build_overviews(pyramid)
        self.show_answer()
        self.show_visibility()
        self.scene_shown.emit()

    def _show_frame(self, scene: Scene) -> None:
        marks = (("simulated", scene.simulated), ("no georeference", scene.georef is None))
        badges = tuple(text for text, holds in marks if holds)
        north = None if scene.georef is None else north_angle(scene.georef, scene.width / 2, scene.height / 2)
        self._canvas.overlay.change(badges=badges, north=north)
        self._follow_spacing()

    def _on_sample(self, wanted: tuple[Scene, int], sample: tuple[NDArray[np.float32], Stretch]) -> None:
        if self._shown == wanted:
            self._display.show_histogram(*sample)

    def _build_overviews(self, pyramid: ScenePyramid) -> None:
        if pyramid.complete:
            return

        def refresh(_rows: object = None) -> None:
            if pyramid is self._pyramid and not self._refresh_timer.isActive():
                self._refresh_timer.start()

        self._background.long("Building overviews", partial(_build, pyramid, self._moves), refresh, refresh)

    def show_stretch(self) -> None:
        """Renders the session's stretch on the image and in the histogram."""
        stretch = self._session.stretch
        self._display.show_stretch()
        if stretch is not None:
            self._canvas.set_limits((stretch.low, stretch.high))

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
        pyramid = self._pyramid
        if pyramid is None:
            return
        self._asked_pixel = (col, row)
        value = pyramid.peek(col, row)
        if value is not None:
            self._pointer_line.show_value(value, pyramid.unit)
        elif not self._reading_value:
            self._reading_value = True
            self._background.read("pointer", partial(_pixel, pyramid, col, row), partial(self._on_value, pyramid))

    def _on_value(self, pyramid: ScenePyramid, value: float) -> None:
        self._reading_value = False
        if pyramid is not self._pyramid or not self._pointer_line.place.text():
            return
        newest = pyramid.peek(*self._asked_pixel)
        self._pointer_line.show_value(value if newest is None else newest, pyramid.unit)

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


def _pixel(pyramid: ScenePyramid, col: int, row: int) -> float:
    """The value of one pixel in dB, NaN without data; runs on the I/O lane and never fails."""
    try:
        return float(pyramid.read(0, row, row + 1, col, col + 1)[0, 0])
    except SceneError:
        return float("nan")


def _coarsest(pyramid: ScenePyramid) -> NDArray[np.float32]:
    """The smallest picture of the scene; runs on the I/O lane."""
    last = pyramid.level_arrays()[-1]
    return last[:, :]


class Moves:
    """When the view moved last; written on the main thread, read on the I/O lane."""

    def __init__(self) -> None:
        self.last = 0.0

    def note(self) -> None:
        """The view moves now."""
        self.last = time.monotonic()


@dataclass(frozen=True, slots=True)
class StandBack:
    """A job's context that waits at each step while the view moves, a second at most: panning has the processor."""

    ctx: JobContext
    moves: Moves

    def step(self, done: int, total: int, message: str) -> None:
        """Report progress, then wait until the view has come to rest; raises `JobCancelled` after a cancel."""
        self.ctx.step(done, total, message)
        began = time.monotonic()
        while time.monotonic() - self.moves.last < _REST_S and time.monotonic() - began < _LONGEST_WAIT_S:
            time.sleep(_REST_S / 4)
            self.ctx.step(done, total, message)


def _build(pyramid: ScenePyramid, moves: Moves, ctx: JobContext) -> None:
    """Builds the overviews and tells how many rows are there; runs on the I/O lane."""
    pyramid.build(StandBack(ctx, moves), ctx.partial)


def _sample(scene: Scene, band: int) -> tuple[NDArray[np.float32], Stretch]:
    """A sample in dB for the histogram and the scene's own stretch; runs on the I/O lane."""
    stretch = default_stretch(scene, band)
    parts = []
    for window in sample_windows((scene.width, scene.height), (_SAMPLE_EDGE, _SAMPLE_EDGE), _SAMPLES, _SAMPLE_EDGE):
        chip = read_chip(scene, window, band)
        parts.append(chip.intensity[chip.valid & (chip.intensity > 0)])
    intensity = np.concatenate(parts)
    return to_db(intensity[:: max(1, intensity.size // _SAMPLE_VALUES)]), stretch
