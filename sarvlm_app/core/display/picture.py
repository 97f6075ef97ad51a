"""A scene as the canvas shows it: level arrays that follow the settings, for one band or for three channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.display.combined import Term, terms_of
from sarvlm_app.core.display.levels import Levels, channel_levels, levels_of
from sarvlm_app.core.display.phase import PhasePyramid
from sarvlm_app.core.display.remaps import remapped
from sarvlm_app.core.display.settings import PHASE_COLOURS, DisplaySettings, Limits
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.pyramid import LevelArray, ScenePyramid, Steps
from sarvlm_app.core.radiometry import DB_FLOOR, Float32
from sarvlm_models.types import Window

Uint8 = NDArray[np.uint8]
_SAMPLE_EDGE = 512
_CHANNEL_BYTES = 64 * 2**20
"""Tiles in memory of each further band of a composite."""


class PictureKind(StrEnum):
    """What the numbers in the level arrays are; a change of it needs new arrays, other changes do not."""

    DB = "dB"
    AMPLITUDE = "amplitude"
    REMAP = "remap"
    PHASE = "phase"
    COLOUR = "colour"


def kind_of(settings: DisplaySettings) -> PictureKind:
    """The kind of picture that the settings ask for."""
    if settings.composite is not None:
        return PictureKind.COLOUR
    if settings.phase:
        return PictureKind.PHASE
    if settings.mode.is_remap:
        return PictureKind.REMAP
    return PictureKind.AMPLITUDE if settings.mode.unit == "amplitude" else PictureKind.DB


@dataclass(frozen=True, slots=True)
class Look:
    """What is left to the graphics card: limits, gamma and colours of a single band.

    Attributes
    ----------
    limits : (float, float)
        Values of the level arrays shown as the ends of the colour map.
    gamma : float
    colours : str
    smooth : bool
        Whether pixels are interpolated; never for phase.
    """

    limits: Limits
    gamma: float
    colours: str
    smooth: bool = True


@dataclass(frozen=True, slots=True)
class _State:
    """All that reading depends on, swapped as one."""

    settings: DisplaySettings
    levels: Levels
    channels: tuple[tuple[float, float], ...] = ()


class Picture:
    """One scene under display settings; reading is safe from any thread, never touches the data.

    Making one reads the sample of the scene (tenths of a second, on a worker); `change` takes settings of the same
    kind at once, but for channels whose limits must be sampled first.

    Parameters
    ----------
    scene : Scene
    band : int
        From 1, for single-band settings and the value under the pointer.
    settings : DisplaySettings
    base : ScenePyramid, optional
        Of that band, where there is one already.
    cache_dir : Path, optional
        As in `ScenePyramid`.

    Raises
    ------
    SceneError
        A band is missing, not complex where it must be, or the file is damaged.
    """

    def __init__(
        self,
        scene: Scene,
        band: int,
        settings: DisplaySettings,
        base: ScenePyramid | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        self.scene, self.band = scene, band
        self.kind = kind_of(settings)
        self.base = base or ScenePyramid(scene, band, cache_dir)
        self._phase = PhasePyramid(scene, band) if self.kind is PictureKind.PHASE else None
        self._cache_dir = cache_dir
        self._pyramids: dict[Term, ScenePyramid] = {Term(scene, band): self.base}
        self._state = self._state_of(settings)

    @property
    def settings(self) -> DisplaySettings:
        return self._state.settings

    @property
    def levels(self) -> Levels:
        """Of the band."""
        return self._state.levels

    @property
    def limits(self) -> Limits:
        """Black and white of a single band in the unit of the mode, as chosen or those of the scene."""
        return self.settings.limits or self.levels.limits(self.settings.mode)

    @property
    def channel_limits(self) -> tuple[Limits, ...]:
        """Dark and bright in dB of the three channels of a composite."""
        return self._state.channels

    @property
    def look(self) -> Look:
        """What the graphics card does with the values of the arrays."""
        settings = self.settings
        if self.kind is PictureKind.COLOUR:
            return Look((0.0, 255.0), 1.0, "gray")
        if self.kind is PictureKind.PHASE:
            return Look((-np.pi, np.pi), 1.0, PHASE_COLOURS, smooth=False)
        limits = (0.0, 255.0) if self.kind is PictureKind.REMAP else self.limits
        return Look(limits, settings.gamma, settings.colours)

    @property
    def pyramids(self) -> tuple[ScenePyramid, ...]:
        """What must be built for all levels to be fine."""
        if self.kind is PictureKind.PHASE:
            return ()
        return tuple(self._pyramids.values()) if self.kind is PictureKind.COLOUR else (self.base,)

    def change(self, settings: DisplaySettings) -> None:
        """Show other settings of the same kind: what is read from now on follows them.

        Raises
        ------
        ValueError
            When they are of another kind.
        """
        if kind_of(settings) is not self.kind:
            raise ValueError(f"Picture: expected settings of kind {self.kind}, got {kind_of(settings)}")
        self._state = self._state_of(settings)

    def prepare(self, ctx: Steps) -> None:
        """Have the smallest picture in memory, so that showing it waits for nothing; with progress and cancel."""
        if self._phase is not None:
            self._phase.prepare(ctx)
        last = self.level_arrays()[-1]
        last[:, :]

    def level_arrays(self) -> Sequence[LevelArray]:
        """One array-like for each level, finest first: float32 (h, w), uint8 for remaps, uint8 (h, w, 3) in colour."""
        if self._phase is not None:
            return self._phase.level_arrays()
        reads: dict[PictureKind, Callable[..., NDArray[np.generic]]] = {
            PictureKind.DB: self.base.read,
            PictureKind.AMPLITUDE: self._read_amplitude,
            PictureKind.REMAP: self._read_remap,
            PictureKind.COLOUR: self._read_colour,
        }
        form = {PictureKind.REMAP: ByteLevel, PictureKind.COLOUR: ColourLevel}.get(self.kind, LevelArray)
        read = reads[self.kind]
        return [form(partial(read, number), shape) for number, shape in enumerate(self.base.levels)]

    # ---- values ----------------------------------------------------------
    @property
    def unit(self) -> str:
        """Of `peek` and `value`: dB of the band, or degrees where its phase is shown."""
        return "dB" if self._phase is None else "°"

    def peek(self, col: int, row: int) -> float | None:
        """The full-resolution value of a pixel if it is in memory (NaN: no data), else None; never reads."""
        if self._phase is None:
            return self.base.peek(col, row)
        phase = self._phase.peek(col, row)
        return None if phase is None else float(np.degrees(phase))

    def value(self, col: int, row: int) -> float:
        """The same, read where it must be; NaN without data.

        Raises
        ------
        SceneError
            When the file is damaged or gone.
        """
        if self._phase is None:
            return float(self.base.read(0, row, row + 1, col, col + 1)[0, 0])
        return float(np.degrees(self._phase.read(0, row, row + 1, col, col + 1)[0, 0]))

    def sample(self, window: Window | None = None) -> tuple[Float32, ...]:
        """Decibels (n,) of the band, or of each channel: of the whole scene, or of a window as it is seen.

        Raises
        ------
        SceneError
            When the file is damaged or gone.
        """
        composite = self.settings.composite
        if window is None:
            if composite is None:
                return (self.levels.db,)
            return tuple(channel_levels(self.scene, channel.of_scene).db for channel in composite.channels)
        level = 0
        while max(window.width, window.height) >> level > _SAMPLE_EDGE and level + 1 < len(self.base.levels):
            level += 1
        place = (level, window.row >> level, (window.row_end >> level) + 1, window.col >> level)
        end = (window.col_end >> level) + 1
        planes = [self.base.read(*place, end)] if composite is None else self._channels_db(*place, end)
        return tuple(plane[np.isfinite(plane) & (plane > DB_FLOOR)] for plane in planes)

    # ---- reading ---------------------------------------------------------
    def _read_amplitude(self, level: int, row0: int, row1: int, col0: int, col1: int) -> Float32:
        db = self.base.read(level, row0, row1, col0, col1)
        return np.asarray(np.power(np.float32(10), db * np.float32(0.05)), np.float32)

    def _read_remap(self, level: int, row0: int, row1: int, col0: int, col1: int) -> Uint8:
        state = self._state
        return remapped(self._read_amplitude(level, row0, row1, col0, col1), state.settings.mode, state.levels)

    def _read_colour(self, level: int, row0: int, row1: int, col0: int, col1: int) -> Uint8:
        state = self._state
        planes = self._channels_db(level, row0, row1, col0, col1, state)
        gamma = state.settings.gamma
        return np.stack([grey_levels(p, limits, gamma) for p, limits in zip(planes, state.channels, strict=True)], -1)

    def _channels_db(
        self, level: int, row0: int, row1: int, col0: int, col1: int, state: _State | None = None
    ) -> list[Float32]:
        """Decibels of the three channels in a window of a level."""
        composite = (state or self._state).settings.composite
        assert composite is not None
        planes = []
        for channel in composite.channels:
            terms, offset = terms_of(self.scene, channel)
            parts = [
                np.float32(term.sign) * self._pyramids[_unsigned(term)].read(level, row0, row1, col0, col1)
                for term in terms
            ]
            planes.append(np.asarray(sum(parts[1:], parts[0]) + np.float32(offset), np.float32))
        return planes

    def _state_of(self, settings: DisplaySettings) -> _State:
        levels = levels_of(self.scene, self.band)
        if settings.composite is None:
            return _State(settings, levels)
        limits = []
        for channel in settings.composite.channels:
            for term in terms_of(self.scene, channel)[0]:
                key = _unsigned(term)
                if key not in self._pyramids:
                    pyramid = ScenePyramid(key.scene, key.band, self._cache_dir, _CHANNEL_BYTES)
                    self._pyramids = {**self._pyramids, key: pyramid}
            limits.append(channel.limits or channel_levels(self.scene, channel.of_scene).limits())
        return _State(settings, levels, tuple(limits))


def grey_levels(db: Float32, limits: Limits, gamma: float = 1.0) -> Uint8:
    """uint8 of decibels between dark and bright, under a power; NaN is 0."""
    low, high = limits
    share = np.clip((db - np.float32(low)) / np.float32(high - low), 0, 1)
    if gamma != 1.0:
        share = share ** np.float32(gamma)
    return np.asarray(np.nan_to_num(share * 255, nan=0.0) + np.float32(0.5), np.uint8)


def _unsigned(term: Term) -> Term:
    return Term(term.scene, term.band)


class ByteLevel(LevelArray):
    """A level of uint8."""

    dtype = np.dtype(np.uint8)


class ColourLevel(LevelArray):
    """A level of uint8 (rows, cols, 3)."""

    ndim = 3
    dtype = np.dtype(np.uint8)

    def __init__(self, read: Callable[[int, int, int, int], Uint8], shape: tuple[int, int]) -> None:
        super().__init__(read, shape)
        self.shape = (*shape, 3)

    def __getitem__(self, key: object) -> Uint8:
        """Pixels for integers and slices along rows and columns, then channels."""
        parts = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in parts:
            at = parts.index(Ellipsis)
            parts[at : at + 1] = [slice(None)] * (self.ndim - len(parts) + 1)
        row, col, channel, *rest = cast(list[Any], [*parts, slice(None), slice(None)][: max(3, len(parts))])
        if rest:
            raise IndexError(f"ColourLevel: expected at most 3 indices, got {key!r}")
        flat = [slice(part, part + 1 or None) if isinstance(part, (int, np.integer)) else part for part in (row, col)]
        values = self._pixels(flat)
        picked = [0 if isinstance(part, (int, np.integer)) else slice(None) for part in (row, col)]
        return np.asarray(values[picked[0], picked[1], channel])

    def _pixels(self, parts: list[object]) -> Uint8:
        rows, cols = self._range(parts[0], 0), self._range(parts[1], 1)
        if not rows or not cols:
            return np.zeros((len(rows), len(cols), 3), np.uint8)
        r0, r1 = min(rows[0], rows[-1]), max(rows[0], rows[-1]) + 1
        c0, c1 = min(cols[0], cols[-1]), max(cols[0], cols[-1]) + 1
        return np.asarray(self._read(r0, r1, c0, c1)[:: rows.step, :: cols.step])
