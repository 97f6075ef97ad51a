"""Renders the comparison of two scenes: side by side, swiped, flickering, or as their change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QSplitter

from sarvlm_app.core.display.picture import Picture
from sarvlm_app.core.display.settings import DisplaySettings
from sarvlm_app.core.jobs import JobContext, JobState, JobStatus
from sarvlm_app.core.link_session import LinkMode, LinkSettings
from sarvlm_app.core.linking.levels import TiledLevels, change_levels, other_is_later, resampled_levels
from sarvlm_app.core.linking.pairing import Pairing
from sarvlm_app.core.linking.readers import PyramidReader
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.pyramid import ScenePyramid
from sarvlm_app.core.scene import default_stretch
from sarvlm_app.core.session import Session
from sarvlm_app.errors import SarvlmError
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.display_presenter import DisplayPresenter
from sarvlm_app.ui.side_view import SideView
from sarvlm_app.ui.viewer.canvas import SceneCanvas, SceneImage
from sarvlm_app.ui.viewer.divider import Divider
from sarvlm_app.ui.viewer.link_marks import ChangeLegend, LinkMarks
from sarvlm_app.ui.viewer.second_image import SecondLook

_KEY = "compared picture"
_REFRESH_MS = 700


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What decides the pixels of the second picture."""

    mode: LinkMode
    pairing: Pairing
    bands: tuple[int, int]
    cell_px: int


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """The second picture: of a canvas of its own, or levels over the first."""

    pyramid: ScenePyramid
    limits: tuple[float, float]
    picture: Picture | None = None
    levels: TiledLevels | None = None


class LinkPresenter(QObject):
    """Keeps canvas and second canvas true to `session.linking`.

    Parameters
    ----------
    stage : QSplitter
        Holds the canvas, and the second one beside it.
    pictures : DisplayPresenter
        Shows the scene on view; its pyramid is read for the change.
    """

    def __init__(
        self, session: Session, canvas: SceneCanvas, stage: QSplitter, background: Background,
        pictures: DisplayPresenter,
    ) -> None:  # fmt: skip
        super().__init__(canvas)
        self._session, self._canvas, self._background, self._pictures = session, canvas, background, pictures
        self._linking = session.linking
        self._wanted: _Wanted | None = None
        self._made: _Made | None = None
        self._other_on = True
        self.marks = LinkMarks(foot=canvas.overlay.foot_px)
        canvas.overlay.over.append(self.marks.draw)
        self.side = SideView(canvas, stage, self.marks)
        self.divider = Divider(canvas)
        self.divider.moved.connect(self._on_divider)
        canvas.installEventFilter(self)
        self._flicker = QTimer(self)
        self._flicker.timeout.connect(self._turn)
        self._refresh = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._refresh.timeout.connect(self._read_again)
        self._linking.changed.connect(self.follow)
        session.active_changed.connect(self.clear)
        canvas.pointer_moved.connect(self._on_pointer)
        session.display.changed.connect(self._show_look)
        pictures.shown.connect(lambda _scene: self.follow())

    def stop(self) -> None:
        """The window closes."""
        for timer in (self._flicker, self._refresh):
            timer.stop()
        self._wanted = self._made = None
        self.side.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if watched is self._canvas and event.type() == QEvent.Type.Resize and self.divider.isVisible():
            QTimer.singleShot(0, self, self._place_divider)
        return super().eventFilter(watched, event)

    @property
    def ready(self) -> bool:
        """Whether the second picture stands as it is wanted."""
        return self._made is not None

    # ---- what is wanted --------------------------------------------------
    def clear(self) -> None:
        """Takes everything of a comparison away."""
        self._background.drop(_KEY)
        self._wanted = self._made = None
        self._flicker.stop()
        self._refresh.stop()
        self.divider.hide()
        self._canvas.second.clear()
        self.side.hide()
        self.marks.names, self.marks.split, self.marks.legend = ("", ""), None, None
        self.marks.value = None
        self._canvas.overlay.update()

    def follow(self) -> None:
        """Renders the state of the session."""
        linking = self._linking
        pairing = linking.pairing
        if pairing is None or self._pictures.picture is None or pairing.one != self._session.active:
            if self._wanted is not None:
                self.clear()
            return
        cell = linking.settings.cell_px if linking.mode is LinkMode.CHANGE else 1
        wanted = _Wanted(linking.mode, pairing, linking.bands, cell)
        if wanted == self._wanted:
            self._show_look()
            return
        kept = self._made.pyramid if self._made is not None else None
        self.clear()
        self._wanted = wanted
        make = partial(_make, wanted, self._pictures.picture.base, kept)
        self._background.prepare(_KEY, "Preparing the comparison", make, partial(self._on_made, wanted), self._on_fault)

    def blink(self) -> None:
        """Shows the other of the two scenes, by hand; the flicker's own pace rests."""
        if self._linking.mode is not LinkMode.FLICKER:
            self._linking.set_mode(LinkMode.FLICKER)
            return
        self._flicker.stop()
        self._turn()

    def on_job(self, job: JobStatus, statuses: tuple[JobStatus, ...]) -> None:
        """A comparison whose preparation the user cancelled ends; one that another took the place of goes on."""
        if job.key != _KEY or job.state is not JobState.CANCELLED or self._wanted is None or self._made is not None:
            return
        if not any(other.active and other.key == _KEY for other in statuses):
            self._linking.set_mode(LinkMode.OFF)

    def _on_fault(self, error: SarvlmError) -> None:
        self._session.failed.emit(error)
        self._linking.set_mode(LinkMode.OFF)

    def _on_made(self, wanted: _Wanted, made: _Made) -> None:
        if wanted is not self._wanted:
            return
        self._made = made
        one, other = wanted.pairing.one, wanted.pairing.other
        if made.picture is not None:
            self.side.show(wanted.pairing, made.picture, _image(made.picture, self._limits(made)))
        elif made.levels is not None:
            cell = made.levels.cell
            self._canvas.second.show(made.levels.level_arrays(), (cell.cols, cell.rows), self._look(made))
        if wanted.mode is LinkMode.SWIPE:
            self.divider.show()
            self._place_divider()
        self.marks.names = ("", "")
        if wanted.mode is LinkMode.SIDE:
            self.marks.names, self.side.second_marks.names = (_named(one), ""), (_named(other), "")
        elif wanted.mode is LinkMode.SWIPE:
            self.marks.names = (_named(one), _named(other))
        self._other_on = True
        self._show_look()
        self._build(made.pyramid)

    # ---- looks -----------------------------------------------------------
    def _limits(self, made: _Made) -> tuple[float, float]:
        """Black and white (dB) of the other scene: its own, or those of the scene on view where they are in dB."""
        picture = self._pictures.picture
        if self._linking.settings.same_limits and picture is not None:
            settings = picture.settings
            if settings.composite is None and not settings.phase and settings.mode.unit == "dB":
                return picture.limits if not settings.mode.is_remap else picture.levels.limits(DisplaySettings().mode)
        return made.limits

    def _look(self, made: _Made) -> SecondLook:
        settings = self._linking.settings
        if self._wanted is not None and self._wanted.mode is LinkMode.CHANGE:
            return SecondLook((-settings.range_db, settings.range_db), min(settings.threshold_db, settings.range_db))
        return SecondLook(self._limits(made))

    def _show_look(self) -> None:
        """Limits, threshold, pace: what needs no other pixels."""
        made, wanted = self._made, self._wanted
        if made is None or wanted is None:
            return
        settings = self._linking.settings
        if made.picture is not None:
            self.side.change(_image(made.picture, self._limits(made)))
        else:
            self._canvas.second.set_look(self._look(made))
        self.marks.legend = _legend(wanted, settings) if wanted.mode is LinkMode.CHANGE else None
        pace = round(1000 / settings.rate_hz)
        if wanted.mode is LinkMode.FLICKER and (not self._flicker.isActive() or self._flicker.interval() != pace):
            self._flicker.start(pace)
            self._show_turn()
        self._canvas.overlay.update()

    def _turn(self) -> None:
        self._other_on = not self._other_on
        self._show_turn()

    def _show_turn(self) -> None:
        if self._wanted is None or self._wanted.mode is not LinkMode.FLICKER:
            return
        self._canvas.second.set_opacity(1.0 if self._other_on else 0.0)
        pairing = self._wanted.pairing
        self.marks.names = (_named(pairing.other if self._other_on else pairing.one), "")
        self._canvas.overlay.update()

    # ---- pointer ---------------------------------------------------------
    def change_at(self, col: float, row: float) -> float | None:
        """The change in dB at a pixel of the scene on view, NaN without data; None where it is not in memory."""
        made, wanted = self._made, self._wanted
        if made is None or made.levels is None or wanted is None or wanted.mode is not LinkMode.CHANGE:
            return None
        return made.levels.peek(col, row)

    def _on_pointer(self, place: tuple[float, float] | None) -> None:
        value = None if place is None else self.change_at(*place)
        if value != self.marks.value:
            self.marks.value = value
            self._canvas.overlay.update()

    # ---- divider ---------------------------------------------------------
    def _place_divider(self) -> None:
        self.divider.place()
        self._on_divider()

    def _on_divider(self, _share: float = 0.0) -> None:
        if self._wanted is not None and self._wanted.mode is LinkMode.SWIPE:
            self.marks.split = self.divider.x
            self._canvas.second.cut_at(self.divider.x)
            self._canvas.overlay.update()

    # ---- overviews of the other scene ------------------------------------
    def _build(self, pyramid: ScenePyramid) -> None:
        if pyramid.complete:
            return
        title = f"Building overviews of {pyramid.scene.name}"
        self._background.long(title, partial(_built, pyramid), self._more_rows, self._more_rows)

    def _more_rows(self, _rows: object = None) -> None:
        if self._made is not None and not self._refresh.isActive():
            self._refresh.start()

    def _read_again(self) -> None:
        made = self._made
        if made is None:
            return
        if made.levels is not None:
            made.levels.forget()
            self._canvas.second.refresh()
        else:
            self.side.refresh()


def _make(wanted: _Wanted, base: ScenePyramid, kept: ScenePyramid | None, ctx: JobContext) -> _Made:
    """The second picture with its coarsest level in memory; runs on the I/O lane."""
    pairing, band = wanted.pairing, wanted.bands[1]
    same = kept is not None and kept.scene == pairing.other and kept.band == band
    pyramid = kept if same and kept is not None else ScenePyramid(pairing.other, band)
    stretch = default_stretch(pairing.other, band)
    limits = stretch.low, stretch.high
    ctx.step()
    if wanted.mode is LinkMode.SIDE:
        picture = Picture(pairing.other, band, DisplaySettings(), pyramid)
        picture.prepare(ctx)
        return _Made(pyramid, limits, picture)
    other = PyramidReader(pyramid)
    if wanted.mode is LinkMode.CHANGE:
        levels = change_levels(pairing, PyramidReader(base), other, LinkSettings(cell_px=wanted.cell_px).cell)
    else:
        levels = resampled_levels(pairing, other)
    levels.level_arrays()[-1][:, :]
    return _Made(pyramid, limits, None, levels)


def _built(pyramid: ScenePyramid, ctx: JobContext) -> None:
    pyramid.build(ctx, ctx.partial)


def _image(picture: Picture, limits: tuple[float, float]) -> SceneImage:
    look = picture.look
    size = picture.scene.width, picture.scene.height
    return SceneImage(picture.level_arrays(), *size, limits, look.gamma, look.colours, look.smooth)


def _legend(wanted: _Wanted, settings: LinkSettings) -> ChangeLegend:
    pairing = wanted.pairing
    one, other = pairing.one, pairing.other
    above, below = (other, one) if other_is_later(pairing) else (one, other)
    dates = [f"{scene.acquired:%Y-%m-%d}" if scene.acquired else "" for scene in (above, below)]
    words = dates if all(dates) and dates[0] != dates[1] else [above.name, below.name]
    return ChangeLegend(settings.range_db, settings.threshold_db, *words)


def _named(scene: Scene) -> str:
    return scene.name if scene.acquired is None else f"{scene.name} · {scene.acquired:%Y-%m-%d}"
