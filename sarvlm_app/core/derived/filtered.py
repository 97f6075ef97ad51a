"""Speckle filters over whole scenes, computed while they are read: no tile seams, nothing on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from affine import Affine

from sarvlm_app.core.derived.derive import derived
from sarvlm_app.core.filters import LeeSigma, Multilook, SpeckleFilter, describe
from sarvlm_app.core.georef import AffineGeoref, Georeference, ScaledGeoref
from sarvlm_app.core.products.sources import Layout, PixelSource, read_intensity
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Bool, Float32, ValueType
from sarvlm_app.core.scene import scene_stats
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

BLOCK_EDGE = 256
"""Least edge of the blocks that a filtered source asks to be read in, so that margins cost little."""

STRIP_PIXELS = 4 * 2**20
"""Pixels of the original that are held at a time while it is multilooked."""

_NOTES = {
    ValueType.DN: "digital numbers were taken as amplitude and squared; a picture that was stretched before stays so",
    ValueType.AMPLITUDE: "amplitude was squared to intensity first",
    ValueType.DB: "decibels were turned into linear intensity first",
    ValueType.COMPLEX: "the intensity of the complex values was filtered; their phase is left behind",
}


@dataclass(frozen=True, slots=True)
class FilteredSource:
    """Another source's intensity behind a filter; each window is read with the filter's margin."""

    inner: PixelSource
    chosen: SpeckleFilter

    @property
    def value_type(self) -> ValueType:
        return ValueType.INTENSITY

    @property
    def files(self) -> tuple[Path, ...]:
        return self.inner.files

    def layout(self) -> Layout:
        inner = self.inner.layout()
        return Layout(inner.height, inner.width, _grown(inner.block))

    def native(self, window: Window, overview: int | None = None) -> tuple[Float32, Bool]:
        if overview is not None:
            raise ValueError("FilteredSource: expected no overview, for it states none")
        inner, margin = self.inner.layout(), self.chosen.margin_px
        wide = Window(
            window.col - margin, window.row - margin, window.width + 2 * margin, window.height + 2 * margin
        ).intersection(Window(0, 0, inner.width, inner.height))
        assert wide is not None
        intensity, valid = self.chosen.apply(*read_intensity(self.inner, wide))
        col, row = window.col - wide.col, window.row - wide.row
        place = np.s_[row : row + window.height, col : col + window.width]
        return np.ascontiguousarray(intensity[place]), np.ascontiguousarray(valid[place])


@dataclass(frozen=True, slots=True)
class MultilookedSource:
    """Another source with blocks of pixels averaged into one."""

    inner: PixelSource
    looks: Multilook

    @property
    def value_type(self) -> ValueType:
        return ValueType.INTENSITY

    @property
    def files(self) -> tuple[Path, ...]:
        return self.inner.files

    def layout(self) -> Layout:
        inner, looks = self.inner.layout(), self.looks
        rows, cols = _grown(inner.block)
        block = max(1, rows // looks.azimuth), max(1, cols // looks.range)
        return Layout(inner.height // looks.azimuth, inner.width // looks.range, _grown(block))

    def native(self, window: Window, overview: int | None = None) -> tuple[Float32, Bool]:
        if overview is not None:
            raise ValueError("MultilookedSource: expected no overview, for it states none")
        intensity = np.empty((window.height, window.width), dtype=np.float32)
        valid = np.empty(intensity.shape, dtype=np.bool_)
        rows, cols = self.looks.azimuth, self.looks.range
        for part in _parts(window, rows * cols):
            place = np.s_[
                part.row - window.row : part.row_end - window.row, part.col - window.col : part.col_end - window.col
            ]
            read = Window(part.col * cols, part.row * rows, part.width * cols, part.height * rows)
            intensity[place], valid[place] = self.looks.apply(*read_intensity(self.inner, read))
        return intensity, valid


def filtered(scene: Scene, chosen: SpeckleFilter) -> Scene:
    """The scene behind a speckle filter, computed while it is read.

    Any value type will do: the filter works on linear intensity, whatever is
    stored, and the facts say what was made of it. The result is intensity.
    For Lee sigma without a threshold a sample of the scene is read.

    Parameters
    ----------
    chosen : SpeckleFilter
        `Multilook` gives a smaller scene (`multilooked`).

    Raises
    ------
    SceneError
        The scene cannot be read, or is smaller than one block of looks.
    """
    if isinstance(chosen, Multilook):
        return multilooked(scene, chosen)

    def wrap(band: Band, source: PixelSource) -> PixelSource:
        if isinstance(chosen, LeeSigma) and chosen.strong is None:
            bright = scene_stats(scene, band.index).p98_amplitude ** 2
            return FilteredSource(source, chosen.fitted(bright))
        return FilteredSource(source, chosen)

    return _told(scene, derived(scene, describe(chosen), wrap), chosen)


def multilooked(scene: Scene, looks: Multilook) -> Scene:
    """The scene with blocks of azimuth x range pixels averaged; size, spacing and geometry follow.

    Counted from the outer corner, a position in the result times (range,
    azimuth) is that in the original. Rows and columns that fill no block are
    left out.

    Raises
    ------
    SceneError
        The scene is smaller than one block.
    """
    width, height = scene.width // looks.range, scene.height // looks.azimuth
    if width == 0 or height == 0:
        raise SceneError(
            f"{scene.path} has {scene.width} x {scene.height} px and cannot be multilooked by "
            f"{looks.range} x {looks.azimuth}; choose fewer looks."
        )
    spacing = scene.spacing_m
    made = derived(
        scene,
        describe(looks),
        lambda _band, source: MultilookedSource(source, looks),
        width=width,
        height=height,
        georef=None if scene.georef is None else _scaled(scene.georef, looks, (width, height)),
        spacing_m=None if spacing is None else (spacing[0] * looks.range, spacing[1] * looks.azimuth),
    )
    return _told(scene, made, looks)


def _scaled(georef: Georeference, looks: Multilook, size: tuple[int, int]) -> Georeference:
    if isinstance(georef, AffineGeoref):
        return AffineGeoref(georef.transform @ Affine.scale(looks.range, looks.azimuth), georef.crs, size)
    return ScaledGeoref(georef, looks.range, looks.azimuth, size)


def _told(scene: Scene, made: Scene, chosen: SpeckleFilter) -> Scene:
    """The derived scene with its facts saying what was done, and to what."""
    before = scene.facts.get("filter")
    facts = {**made.facts, "filter": f"{before}; {describe(chosen)}" if before else describe(chosen)}
    notes = dict.fromkeys(_NOTES[band.value_type] for band in scene.bands if band.value_type in _NOTES)
    if notes:
        facts["filtered values"] = "; ".join(notes)
    return replace(made, facts=facts)


def _grown(block: tuple[int, int]) -> tuple[int, int]:
    """A block of whole blocks, at least `BLOCK_EDGE` each way."""
    rows, cols = (edge * -(-BLOCK_EDGE // edge) for edge in block)
    return rows, cols


def _parts(window: Window, pixels: int) -> Iterator[Window]:
    """Pieces of a window of which each stands for at most `STRIP_PIXELS` of the original, or is one pixel."""
    most = max(1, STRIP_PIXELS // pixels)
    width = min(window.width, most)
    height = max(1, most // width)
    for row in range(window.row, window.row_end, height):
        for col in range(window.col, window.col_end, width):
            yield Window(col, row, min(width, window.col_end - col), min(height, window.row_end - row))
