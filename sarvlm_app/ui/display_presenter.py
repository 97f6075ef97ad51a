"""Keeps the picture of the scene true to its display settings: levels, limits, colours, histogram, overviews."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from sarvlm_app.core.display.levels import Histogram, histogram
from sarvlm_app.core.display.picture import Picture, PictureKind, kind_of
from sarvlm_app.core.display.settings import DisplaySettings
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.pyramid import ScenePyramid
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.session import Session
from sarvlm_app.errors import SarvlmError
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.panels.display import DisplayPanel
from sarvlm_app.ui.viewer.canvas import SceneCanvas, SceneImage
from sarvlm_models.types import Window

_REFRESH_MS = 700
"""While overviews are built the view is read again this often."""
_COLOUR_MS = 60
"""A composite under a line that is dragged is read again after this pause."""
_VIEW_MS = 250
"""The histogram of the view follows it after this pause."""
_REST_S, _LONGEST_WAIT_S = 0.2, 1.0
"""The view is at rest when it has not moved for so long; overviews wait for it so long at each step."""
_PICTURE = "picture"


class DisplayPresenter(QObject):
    """Makes the picture of the active scene on the I/O lane and puts it on the canvas.

    Signals
    -------
    shown(object)
        The first picture of a `Scene` is on the canvas.
    """

    shown = Signal(object)

    def __init__(self, session: Session, canvas: SceneCanvas, background: Background, panel: DisplayPanel) -> None:
        super().__init__(canvas)
        self._session, self._canvas, self._background, self._panel = session, canvas, background, panel
        self._wanted: tuple[Scene, int] | None = None
        self._base: ScenePyramid | None = None
        self._generation = 0
        self.picture: Picture | None = None
        """What is on the canvas."""
        self._moves = Moves()
        self._refresh_timer = _timer(self, _REFRESH_MS, canvas.refresh_scene)
        self._colour_timer = _timer(self, _COLOUR_MS, self._read_colour)
        self._view_timer = _timer(self, _VIEW_MS, self._ask_histograms)
        canvas.view_changed.connect(self._on_view)
        panel.of_view_changed.connect(self._ask_histograms)
        session.display.changed.connect(self.follow)

    def stop(self) -> None:
        """Lets nothing happen any more: the window closes."""
        for timer in (self._refresh_timer, self._colour_timer, self._view_timer):
            timer.stop()
        self._wanted = self._base = self.picture = None

    def show_scene(self, scene: Scene | None, band: int) -> None:
        """Another scene or band, or none, becomes the one to show; its settings come with `session.display.changed`."""
        self._generation += 1
        self.picture = None
        self._wanted = None if scene is None else (scene, band)
        self._base = None if scene is None else ScenePyramid(scene, band)
        self._canvas.show_scene(None)
        if scene is not None:
            self._canvas.overlay.change(opening=True)

    def follow(self) -> None:
        """Renders the display settings of the session."""
        display = self._session.display
        settings, wanted = display.settings, self._wanted
        self._panel.show_settings()
        if wanted is None or settings is None or display.scene != wanted[0]:
            return
        self._generation += 1
        picture = self.picture
        if picture is None or picture.kind is not kind_of(settings):
            self._make(wanted, settings)
        elif picture.kind is PictureKind.COLOUR:
            if not self._colour_timer.isActive():
                self._colour_timer.start()
        else:
            before = picture.settings
            picture.change(settings)
            self._show_look(picture, before)

    # ---- picture ---------------------------------------------------------
    def _make(self, wanted: tuple[Scene, int], settings: DisplaySettings) -> None:
        """Has a picture of another kind made; napari reads the coarsest level on this thread: it is read before."""
        title = "Reading the phase" if kind_of(settings) is PictureKind.PHASE else ""
        work = partial(_made, wanted, settings, self._base)
        ready = partial(self._on_ready, self._generation)
        self._background.prepare(_PICTURE, title, work, ready, self._on_fault)

    def _on_ready(self, generation: int, picture: Picture) -> None:
        if generation != self._generation:
            return
        first = self.picture is None
        self.picture = picture
        look = picture.look
        image = SceneImage(
            picture.level_arrays(), picture.scene.width, picture.scene.height, look.limits, look.gamma, look.colours,
            look.smooth, picture.kind is PictureKind.COLOUR,
        )  # fmt: skip
        if first:
            self._canvas.show_scene(image)
        else:
            self._canvas.change_image(image)
        self._panel.show_picture(picture)
        self._ask_histograms()
        self._build_overviews(picture)
        if first:
            self.shown.emit(picture.scene)

    def _on_fault(self, error: SarvlmError) -> None:
        """A picture that cannot be made: told, and a display that the scene began with takes its place."""
        self._session.failed.emit(error)
        settings = self._session.display.settings
        if self.picture is not None and settings is not None:
            self._session.display.set(self.picture.settings)
        elif settings not in (None, DisplaySettings()):
            self._session.display.set(DisplaySettings())

    def _show_look(self, picture: Picture, before: DisplaySettings) -> None:
        look = picture.look
        self._canvas.set_look(look.limits, look.gamma, look.colours)
        if picture.kind is PictureKind.REMAP and picture.settings.mode is not before.mode:
            self._canvas.refresh_scene()
        self._panel.show_picture(picture)

    def _read_colour(self) -> None:
        """Has the channels' limits known, then the view read again."""
        picture, settings = self.picture, self._session.display.settings
        if picture is None or settings is None or picture.kind is not kind_of(settings):
            return
        done = partial(self._on_colour, picture, picture.settings)
        self._background.read(_PICTURE, partial(picture.change, settings), done, self._on_fault)

    def _on_colour(self, picture: Picture, before: DisplaySettings, _none: None) -> None:
        if picture is not self.picture:
            return
        self._canvas.refresh_scene()
        self._panel.show_picture(picture)
        if _channels(before) != _channels(picture.settings):
            self._ask_histograms()
            self._build_overviews(picture)

    # ---- histogram -------------------------------------------------------
    def _on_view(self) -> None:
        self._moves.note()
        if self._panel.of_view:
            self._view_timer.start()

    def _ask_histograms(self) -> None:
        picture = self.picture
        if picture is None or picture.kind is PictureKind.PHASE:
            return
        window = self._canvas.visible_window() if self._panel.of_view else None
        done = partial(self._on_histograms, picture)
        self._background.read("histogram", partial(_histograms, picture, window), done)

    def _on_histograms(self, picture: Picture, found: tuple[Histogram | None, ...]) -> None:
        if picture is self.picture:
            self._panel.show_histograms(found)

    # ---- overviews -------------------------------------------------------
    def _build_overviews(self, picture: Picture) -> None:
        unfinished = tuple(pyramid for pyramid in picture.pyramids if not pyramid.complete)
        if not unfinished:
            return
        wanted = self._wanted

        def refresh(_rows: object = None) -> None:
            if wanted == self._wanted and self._wanted is not None and not self._refresh_timer.isActive():
                self._refresh_timer.start()

        self._background.long("Building overviews", partial(_build, unfinished, self._moves), refresh, refresh)


def _timer(parent: QObject, pause_ms: int, run: object) -> QTimer:
    timer = QTimer(parent, singleShot=True, interval=pause_ms)
    timer.timeout.connect(run)
    return timer


def _channels(settings: DisplaySettings) -> tuple[object, ...]:
    composite = settings.composite
    return () if composite is None else tuple(channel.of_scene for channel in composite.channels)


def _made(wanted: tuple[Scene, int], settings: DisplaySettings, base: ScenePyramid | None, ctx: JobContext) -> Picture:
    """A picture whose smallest level is in memory; runs on the I/O lane."""
    picture = Picture(*wanted, settings, base)
    picture.prepare(ctx)
    return picture


def _histograms(picture: Picture, window: Window | None) -> tuple[Histogram | None, ...]:
    """Of the band in the unit of its mode, or of the three channels in dB; runs on the I/O lane."""
    unit = "amplitude" if picture.kind is PictureKind.AMPLITUDE else "dB"
    return tuple(histogram(db, unit) for db in picture.sample(window))


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


@dataclass(frozen=True, slots=True)
class _Share:
    """One of several jobs in a row, as part of their progress."""

    ctx: StandBack
    number: int
    count: int

    def step(self, done: int, total: int, message: str) -> None:
        self.ctx.step(self.number * total + done, self.count * total, message)


def _build(pyramids: tuple[ScenePyramid, ...], moves: Moves, ctx: JobContext) -> None:
    """Builds the overviews, one band after the other, and tells how many rows are there; runs on the I/O lane."""
    for number, pyramid in enumerate(pyramids):
        pyramid.build(_Share(StandBack(ctx, moves), number, len(pyramids)), ctx.partial)
