"""The scene on view compared with another open one. Main thread only; knows no Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Any

from psygnal import Signal

from sarvlm_app.core.export.scene_raster import write_scene
from sarvlm_app.core.jobs import JobRunner, Lane, Work
from sarvlm_app.core.linking.caveats import caveats
from sarvlm_app.core.linking.cells import Cell
from sarvlm_app.core.linking.change import change_scene
from sarvlm_app.core.linking.pairing import Pairing, pair
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import default_band
from sarvlm_app.errors import SarvlmError, SceneError, StorageError

_KEY = "pair"


class LinkMode(StrEnum):
    """How two scenes are compared."""

    OFF = "off"
    SIDE = "side by side"
    SWIPE = "swipe"
    FLICKER = "flicker"
    CHANGE = "change"


MODES = (LinkMode.SIDE, LinkMode.SWIPE, LinkMode.FLICKER, LinkMode.CHANGE)


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What can be adjusted.

    Attributes
    ----------
    rate_hz : float
        Changes of the picture a second while it flickers, 0.2..10.
    cell_px : int
        Edge of the boxes averaged for the change, in pixels of the scene on view, 1..64.
    threshold_db : float
        Changes smaller than this stay clear, 0..`range_db`.
    range_db : float
        Change at the ends of the colour map, 1..40.
    same_limits : bool
        The other scene is shown between the black and white points (dB) of the one on view.
    """

    rate_hz: float = 2.0
    cell_px: int = 5
    threshold_db: float = 3.0
    range_db: float = 12.0
    same_limits: bool = False

    def __post_init__(self) -> None:
        limits = (
            (self.rate_hz, 0.2, 10.0), (self.cell_px, 1, 64), (self.threshold_db, 0.0, 40.0), (self.range_db, 1.0, 40.0)
        )  # fmt: skip
        if not all(isfinite(value) and low <= value <= high for value, low, high in limits):
            raise ValueError(f"LinkSettings: expected values within their limits, got {self}")

    @property
    def cell(self) -> Cell:
        return Cell(self.cell_px, self.cell_px)


class LinkSession:
    """The pair, how it is compared, and what is adjusted.

    Parameters
    ----------
    scenes : callable
        Gives the open scenes.

    Attributes
    ----------
    changed : Signal
        Anything of it changed. `pairing` is None for the moment in which it is computed.
    failed : Signal of SarvlmError
        Two scenes cannot be compared, and why.
    message : Signal of str
        What was done, in a sentence.
    """

    changed = Signal()
    failed = Signal(SarvlmError)
    message = Signal(str)

    def __init__(self, runner: JobRunner, scenes: Callable[[], tuple[Scene, ...]]) -> None:
        self._runner = runner
        self._scenes = scenes
        self._one: Scene | None = None
        self._band = 1
        self._other: Scene | None = None
        self._mode = LinkMode.OFF
        self._last = LinkMode.SIDE
        self._pairing: Pairing | None = None
        self._settings = LinkSettings()

    # ---- state -----------------------------------------------------------
    @property
    def mode(self) -> LinkMode:
        return self._mode

    @property
    def other(self) -> Scene | None:
        """The scene to compare with; chosen, or None."""
        return self._other

    @property
    def pairing(self) -> Pairing | None:
        """How the two relate, once that is known."""
        return self._pairing if self._mode is not LinkMode.OFF else None

    @property
    def settings(self) -> LinkSettings:
        return self._settings

    @property
    def candidates(self) -> tuple[Scene, ...]:
        """Open scenes that are not on view."""
        return tuple(scene for scene in self._scenes() if scene != self._one)

    @property
    def bands(self) -> tuple[int, int]:
        """Bands (from 1) of the two: of the other scene the one of the same polarisation, else its default."""
        other = self._other
        return self._band, 1 if other is None else _same_band(self._one, self._band, other)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What makes a ratio of the two mislead."""
        if self._one is None or self._other is None:
            return ()
        pairing = self._pairing
        return caveats(self._one, self._other, self.bands, None if pairing is None else pairing.error_m)

    # ---- verbs -----------------------------------------------------------
    def show(self, scene: Scene | None, band: int) -> None:
        """Another scene or band is on view; the pair stays where one of the two merely took the other's place."""
        before, self._one, self._band = self._one, scene, band
        if scene is None:
            self._other = None
        elif scene == self._other:
            self._other = before if before in self._scenes() else None
        if self._other not in self._scenes():
            self._other = None
        if scene != before or self._other is None:
            self._pairing = None
        if self._other is None:  # it was closed: nothing that the user did wrong
            self._mode = LinkMode.OFF
        if self._mode is not LinkMode.OFF:
            self._relate(self._mode)
        else:
            self.changed.emit()

    def look_around(self) -> None:
        """Scenes were opened or closed."""
        if self._other is not None and self._other not in self._scenes():
            self._other, self._pairing = None, None
            self._mode = LinkMode.OFF
        self.changed.emit()

    def choose(self, other: Scene | None) -> None:
        """Another scene to compare with."""
        if other not in (self._other, self._one):
            self._other, self._pairing = other, None
            if self._mode is not LinkMode.OFF:
                self._relate(self._mode)
            else:
                self.changed.emit()

    def set_mode(self, mode: LinkMode) -> None:
        """Compare in this way, or not; a mode that is on already goes off."""
        self._relate(LinkMode.OFF if mode is self._mode else mode)

    def toggle(self) -> None:
        """The way that was used last, or none."""
        self.set_mode(self._last if self._mode is LinkMode.OFF else self._mode)

    def adjust(self, **changes: Any) -> None:
        """Change settings; the threshold stays within the range.

        Raises
        ------
        ValueError
            A value is out of its limits.
        """
        settings = replace(self._settings, **changes)
        settings = replace(settings, threshold_db=min(settings.threshold_db, settings.range_db))
        if settings != self._settings:
            self._settings = settings
            self.changed.emit()

    def _relate(self, mode: LinkMode) -> None:
        """Find the pairing (I/O lane), then compare; a pair that cannot be is told and left."""
        one = self._one
        if self._other is None and self.candidates:
            self._other = self.candidates[0]
        if mode is LinkMode.OFF or one is None or self._other is None:
            self._runner.cancel_key(_KEY)
            if mode is not LinkMode.OFF and one is not None:
                self.failed.emit(SceneError("There is no second scene to compare with: open one first (Ctrl+O)."))
            self._mode = LinkMode.OFF
            self.changed.emit()
            return
        self._mode = self._last = mode
        other = self._other
        if self._pairing is not None and self._pairing.one == one and self._pairing.other == other:
            self.changed.emit()
            return
        self._pairing = None
        self.changed.emit()

        def done(pairing: Pairing) -> None:
            self._pairing = pairing
            self.changed.emit()

        def failed(error: SarvlmError) -> None:
            self._mode, self._pairing = LinkMode.OFF, None
            self.changed.emit()
            self.failed.emit(error)

        self._runner.submit(
            Work("", lambda _ctx: pair(one, other), Lane.IO, _KEY, on_done=done, on_failed=failed)
        )  # fmt: skip

    def export(self, path: Path) -> None:
        """Write the change as a GeoTIFF in dB, the whole scene in full resolution of its boxes."""
        pairing = self.pairing
        if pairing is None:
            self.failed.emit(SceneError("No two scenes are compared: choose a second one in the panel Compare first."))
            return
        files = {file.resolve() for scene in (pairing.one, pairing.other) for file in _files(scene)}
        if path.resolve() in files:
            self.failed.emit(
                StorageError(f"{path} is one of the two scenes and is not overwritten; choose another name.")
            )
            return
        bands, cell = self.bands, self._settings.cell

        def run(ctx: Any) -> None:
            write_scene(change_scene(pairing, bands, cell), path, [1], ValueType.DB, ctx)

        self._runner.submit(
            Work(
                f"Writing {path.name}", run, Lane.IO, on_done=lambda _none: self.message.emit(f"Written: {path}"),
                on_failed=self.failed.emit,
            )
        )  # fmt: skip


def _files(scene: Scene) -> tuple[Path, ...]:
    inner = [file for band in scene.bands if band.source is not None for file in band.source.files]
    return (scene.path, *inner)


def _same_band(one: Scene | None, band: int, other: Scene) -> int:
    wanted = one.bands[band - 1].polarisation if one is not None and 1 <= band <= len(one.bands) else None
    same = next((b.index for b in other.bands if wanted and b.polarisation == wanted), None)
    return same if same is not None else default_band(other)
