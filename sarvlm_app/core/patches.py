"""Patch vectors of a part of a scene: from its index, or encoded for themselves where that is less work."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.scene_index import Layout, encode_window, find_index, layout_of, open_or_create
from sarvlm_app.core.tiling import plan_windows
from sarvlm_app.errors import QueryError
from sarvlm_models.api import DenseEncoder
from sarvlm_models.types import Float16, Float32, SceneStats, Window

ALONE_PX: Final = 1024
"""A part with no longer edge, in the model's pixels, is encoded in one pass, with a margin around it."""
MARGIN_CELLS: Final = 8
"""Cells around a part that are given with it, so that what its rim cuts is known to go on outside."""


@dataclass(frozen=True, slots=True)
class Patches:
    """Vectors of the cells whose centre lies in a part of a scene, and of a margin around them.

    Attributes
    ----------
    around : float16 (rows, cols, d)
        With the margin; zeros where there is no data or nothing is encoded.
    top, left, rows, cols : int
        The part's own cells in `around`.
    cell_px : int
        Edge of a cell in full-resolution pixels.
    corner : (int, int)
        (col, row) of the outer corner of the first cell of `around`, full-resolution pixels.
    """

    around: Float16
    top: int
    left: int
    rows: int
    cols: int
    cell_px: int
    corner: tuple[int, int]

    @property
    def vectors(self) -> Float16:
        """Those of the part itself, float16 (rows, cols, d)."""
        return self.around[self.top : self.top + self.rows, self.left : self.left + self.cols]


@dataclass(frozen=True, slots=True)
class _Cells:
    """Rows r0..r1 and columns c0..c1 of a layout."""

    r0: int
    r1: int
    c0: int
    c1: int

    def grown(self, by: int, layout: Layout) -> _Cells:
        return _Cells(
            max(0, self.r0 - by), min(layout.rows, self.r1 + by), max(0, self.c0 - by), min(layout.cols, self.c1 + by)
        )


def part_of(scene: Scene, window: Window | None) -> Window:
    """What of a window (None: everything) lies in a scene.

    Raises
    ------
    QueryError
        Nothing does.
    """
    whole = Window(0, 0, scene.width, scene.height)
    part = whole if window is None else window.intersection(whole)
    if part is None:
        assert window is not None
        wanted = f"{window.col},{window.row},{window.width},{window.height}"
        raise QueryError(
            f"The window {wanted} lies outside {scene.path}, which has {scene.width} x {scene.height} px; "
            "choose one inside."
        )
    return part


def fits_alone(layout: Layout, area: Window) -> bool:
    """Whether a part is small enough to be seen by a model at once."""
    return max(area.width, area.height) <= ALONE_PX * layout.key.factor


def patches_of(scene: Scene, band: int, area: Window, encoder: DenseEncoder, cache: Path, ctx: JobContext) -> Patches:
    """The vectors of a part of a scene; a large part is encoded into the scene's index, as for a question.

    Parameters
    ----------
    area : Window
        Inside the scene.

    Raises
    ------
    JobCancelled, SceneError, StorageError
    """
    layout = layout_of(scene, band, encoder.spec)
    own = _cells(layout, area)
    shown = own.grown(MARGIN_CELLS, layout)
    index = find_index(layout, cache)
    if index is None or not index.covers(area):
        if fits_alone(layout, area):
            ctx.step(0, 1, f"Encoding {scene.name}")
            return _patches(_alone(scene, encoder, layout, own, shown), own, shown, layout)
        index = open_or_create(scene, layout, cache)
        index.encode(scene, encoder, ctx, only=area)
    index.touch()
    return _patches(index.vectors[shown.r0 : shown.r1, shown.c0 : shown.c1], own, shown, layout)


def picture_patches(encoder: DenseEncoder, amplitude: Float32) -> Float16:
    """Patch vectors of a picture of unknown spacing, window by window as of a scene.

    Parameters
    ----------
    encoder : DenseEncoder
    amplitude : float32 (h, w)
        Linear amplitude; what a last cell lacks is mirrored.

    Returns
    -------
    float16 (rows, cols, d)
    """
    spec, (height, width) = encoder.spec, amplitude.shape
    cell = spec.cell_px
    stats = SceneStats.of_picture(amplitude)
    padded = np.pad(amplitude, ((0, -height % cell), (0, -width % cell)), mode="symmetric")
    rows, cols = (edge // cell for edge in padded.shape)
    patches = np.zeros((rows, cols, spec.dim), np.float16)
    for tile in plan_windows(cols * cell, rows * cell, spec.window_px, spec.margin_px):
        read, keep = tile.read, tile.keep
        window = padded[read.row : read.row_end, read.col : read.col_end]
        found = encoder.encode_patches(window**2, stats, None)
        top, left = (keep.row - read.row) // cell, (keep.col - read.col) // cell
        part = np.s_[keep.row // cell : keep.row_end // cell, keep.col // cell : keep.col_end // cell]
        height_kept, width_kept = patches[part].shape[:2]
        patches[part] = found[top : top + height_kept, left : left + width_kept]
    return patches


def _cells(layout: Layout, area: Window) -> _Cells:
    """The cells whose centre lies in a part; of a part that holds none, the cell in which it begins."""
    first = [math.ceil(start / layout.cell_px - 0.5) for start in (area.row, area.col)]
    end = [math.ceil(stop / layout.cell_px - 0.5) for stop in (area.row_end, area.col_end)]
    first = [min(start, most - 1) for start, most in zip(first, (layout.rows, layout.cols), strict=True)]
    end = [max(stop, start + 1) for stop, start in zip(end, first, strict=True)]
    return _Cells(first[0], min(end[0], layout.rows), first[1], min(end[1], layout.cols))


def _alone(scene: Scene, encoder: DenseEncoder, layout: Layout, own: _Cells, shown: _Cells) -> Float16:
    """Vectors of `shown`, encoded with the model's own margin around `own`."""
    cell = layout.cell
    seen = own.grown(max(MARGIN_CELLS, encoder.spec.margin_px // cell), layout)
    read = Window(seen.c0 * cell, seen.r0 * cell, (seen.c1 - seen.c0) * cell, (seen.r1 - seen.r0) * cell)
    found = encode_window(scene, encoder, layout, read)
    if found is None:
        return np.zeros((shown.r1 - shown.r0, shown.c1 - shown.c0, layout.dim), np.float16)
    return found[shown.r0 - seen.r0 : shown.r1 - seen.r0, shown.c0 - seen.c0 : shown.c1 - seen.c0]


def _patches(around: Float16, own: _Cells, shown: _Cells, layout: Layout) -> Patches:
    return Patches(
        around,
        own.r0 - shown.r0,
        own.c0 - shown.c0,
        own.r1 - own.r0,
        own.c1 - own.c0,
        layout.cell_px,
        (shown.c0 * layout.cell_px, shown.r0 * layout.cell_px),
    )
