"""The phase of complex data at any level: single samples, never averaged, for a mean of phases means nothing."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np

from sarvlm_app.core.overviews.plan import plan_levels
from sarvlm_app.core.overviews.tiles import TileCache
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.pyramid import LevelArray, Steps
from sarvlm_app.core.radiometry import Bool, Float32, ValueType
from sarvlm_app.core.scene import source_of
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

NEAR = 3
"""Levels up to this are picked from the file as they are needed; coarser ones in one walk over it."""
_TILE = 256
_CACHE_BYTES = 64 * 2**20
_STRIP_PIXELS = 4 * 2**20


class PhasePyramid:
    """All levels of the phase of one band in radians, -pi to pi (NaN: no data); any thread may read.

    Parameters
    ----------
    scene : Scene
    band : int
        From 1; its values must be complex.

    Raises
    ------
    SceneError
        They are not.
    """

    def __init__(self, scene: Scene, band: int) -> None:
        self._source = source_of(scene, band)
        if self._source.value_type is not ValueType.COMPLEX:
            raise SceneError(f"{scene.path}: band {band} holds no complex values and so no phase; show its amplitude.")
        self._size = (scene.height, scene.width)
        self._shapes = tuple(level.shape for level in plan_levels(scene.height, scene.width))
        self._tiles = TileCache(_CACHE_BYTES)
        self._far: Float32 | None = None
        self._walking = threading.Lock()

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of each level, finest first."""
        return self._shapes

    def level_arrays(self) -> list[LevelArray]:
        """One array-like for each level, finest first."""
        return [LevelArray(partial(self.read, number), shape) for number, shape in enumerate(self._shapes)]

    def read(self, level: int, row0: int, row1: int, col0: int, col1: int) -> Float32:
        """Phase float32 (row1 - row0, col1 - col0) of a window of a level, clipped to the level.

        Raises
        ------
        SceneError
            When the file is damaged or gone.
        """
        height, width = self._shapes[level]
        rows = slice(max(0, row0), max(0, row0, min(row1, height)))
        cols = slice(max(0, col0), max(0, col0, min(col1, width)))
        if level > NEAR:
            step = 2 ** (level - NEAR - 1)
            return np.ascontiguousarray(self._coarse()[::step, ::step][rows, cols])
        out = np.empty((rows.stop - rows.start, cols.stop - cols.start), np.float32)
        for top in range(rows.start // _TILE * _TILE, rows.stop, _TILE):
            for left in range(cols.start // _TILE * _TILE, cols.stop, _TILE):
                tile = self._tile(level, top, left)
                r0, r1 = max(rows.start, top), min(rows.stop, top + tile.shape[0])
                c0, c1 = max(cols.start, left), min(cols.stop, left + tile.shape[1])
                part = tile[r0 - top : r1 - top, c0 - left : c1 - left]
                out[r0 - rows.start : r1 - rows.start, c0 - cols.start : c1 - cols.start] = part
        return out

    def peek(self, col: int, row: int) -> float | None:
        """Full-resolution phase in radians of a pixel if it is in memory (NaN: no data), else None; never reads."""
        tile = self._tiles.get((0, row // _TILE * _TILE, col // _TILE * _TILE))
        if tile is None or not (0 <= row < self._size[0] and 0 <= col < self._size[1]):
            return None
        return float(tile[row % _TILE, col % _TILE])

    def prepare(self, ctx: Steps) -> None:
        """Walk over the file once where coarse levels need it, with progress; may be cancelled at each strip."""
        if len(self._shapes) > NEAR + 1:
            self._coarse(ctx)

    def _tile(self, level: int, top: int, left: int) -> Float32:
        tile = self._tiles.get((level, top, left))
        if tile is None:
            factor = 2**level
            height, width = self._shapes[level]
            shape = (min(_TILE, height - top), min(_TILE, width - left))
            tile = self._picked(top, left, shape, factor)
            self._tiles.put((level, top, left), tile)
        return tile

    def _picked(self, top: int, left: int, shape: tuple[int, int], factor: int) -> Float32:
        """The sample at the middle of each cell of `factor` pixels, read in strips; `top` and `left` count cells."""
        row_end, col_end = min((top + shape[0]) * factor, self._size[0]), min((left + shape[1]) * factor, self._size[1])
        width = col_end - left * factor
        cells = max(1, _STRIP_PIXELS // max(1, width * factor))
        parts = []
        for first in range(top, top + shape[0], cells):
            last = min(first + cells, top + shape[0])
            window = Window(left * factor, first * factor, width, min(last * factor, row_end) - first * factor)
            values, valid = self._source.native(window)
            rows = np.minimum(np.arange(last - first) * factor + factor // 2, window.height - 1)
            cols = np.minimum(np.arange(shape[1]) * factor + factor // 2, window.width - 1)
            parts.append(_angle(values[np.ix_(rows, cols)], valid[np.ix_(rows, cols)]))
        return np.concatenate(parts)

    def _coarse(self, ctx: Steps | None = None) -> Float32:
        """The first of the far levels, in memory; the others are every second sample of it, and so on."""
        with self._walking:
            if self._far is None:
                self._far = self._walk(ctx)
            return self._far

    def _walk(self, ctx: Steps | None) -> Float32:
        factor = 2 ** (NEAR + 1)
        shape = self._shapes[NEAR + 1]
        by_rows = self._source.layout().block[0] < factor // 2
        cells = 1 if by_rows else max(1, _STRIP_PIXELS // (self._size[1] * factor))
        parts = []
        for first in range(0, shape[0], cells):
            if ctx is not None:
                ctx.step(first, shape[0], "Reading the phase")
            if by_rows:
                row = min(first * factor + factor // 2, self._size[0] - 1)
                values, valid = self._source.native(Window(0, row, self._size[1], 1))
                cols = np.minimum(np.arange(shape[1]) * factor + factor // 2, self._size[1] - 1)
                parts.append(_angle(values[:, cols], valid[:, cols]))
            else:
                parts.append(self._picked(first, 0, (min(cells, shape[0] - first), shape[1]), factor))
        return np.concatenate(parts)


def _angle(values: np.ndarray, valid: Bool) -> Float32:
    phase = np.angle(values).astype(np.float32)
    known = valid & (values != 0) & np.isfinite(phase)
    return np.where(known, phase, np.float32(np.nan))
