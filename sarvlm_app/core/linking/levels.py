"""What the canvas draws of a pair, level by level: the other scene on this one's grid, and the change between them.

Each level is computed from the means of intensity of both scenes at that level, tile by tile, when it is looked at:
the mean of ratios would not be the ratio of means.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from sarvlm_app.core.linking.cells import Cell, Means, other_means, own_means
from sarvlm_app.core.linking.pairing import Pairing
from sarvlm_app.core.linking.readers import Reader
from sarvlm_app.core.overviews.tiles import TileCache
from sarvlm_app.core.pyramid import LevelArray
from sarvlm_app.core.radiometry import Float32, to_db
from sarvlm_models.types import Window

TILE = 256
COARSEST = 512
"""Levels are halved until the longer side is no more than this."""
CACHE_BYTES = 96 * 2**20


class TiledLevels:
    """Levels whose tiles are made by `make` on demand; reading is safe from any thread.

    Parameters
    ----------
    size : (int, int)
        Width and height of the scene on view in pixels.
    cell : Cell
        Its pixels in one pixel of the finest level.
    make : callable
        From a window of cells and the cell to float32 (h, w).
    """

    def __init__(self, size: tuple[int, int], cell: Cell, make: Callable[[Window, Cell], Float32]) -> None:
        self.cell = cell
        self._make = make
        self._tiles = TileCache(CACHE_BYTES)
        self._generation = 0
        shapes = [(-(-size[1] // cell.rows), -(-size[0] // cell.cols))]
        while max(shapes[-1]) > COARSEST:
            shapes.append((-(-shapes[-1][0] // 2), -(-shapes[-1][1] // 2)))
        self.shapes = tuple(shapes)

    def level_arrays(self) -> list[LevelArray]:
        """One array-like float32 (rows, cols) for each level, finest first."""
        return [LevelArray(partial(self.read, number), shape) for number, shape in enumerate(self.shapes)]

    def read(self, level: int, row0: int, row1: int, col0: int, col1: int) -> Float32:
        """Values float32 of a window of a level.

        Raises
        ------
        SceneError
            A file is damaged or gone.
        """
        out = np.empty((max(0, row1 - row0), max(0, col1 - col0)), np.float32)
        if not out.size:
            return out
        for tile_row in range(row0 // TILE, (row1 - 1) // TILE + 1):
            for tile_col in range(col0 // TILE, (col1 - 1) // TILE + 1):
                tile = self._tile(level, tile_row, tile_col)
                top, left = tile_row * TILE, tile_col * TILE
                r0, r1 = max(row0, top), min(row1, top + tile.shape[0])
                c0, c1 = max(col0, left), min(col1, left + tile.shape[1])
                out[r0 - row0 : r1 - row0, c0 - col0 : c1 - col0] = tile[r0 - top : r1 - top, c0 - left : c1 - left]
        return out

    def peek(self, col: float, row: float) -> float | None:
        """The finest value at a position of the scene where its tile is in memory, else None; never reads."""
        line, place = int(row // self.cell.rows), int(col // self.cell.cols)
        if not (0 <= line < self.shapes[0][0] and 0 <= place < self.shapes[0][1]):
            return None
        tile = self._tiles.get((0, line // TILE, place // TILE))
        return None if tile is None else float(tile[line % TILE, place % TILE])

    def forget(self) -> None:
        """Make all tiles anew when they are next looked at: better data have arrived."""
        self._generation += 1
        self._tiles.clear()

    def _tile(self, level: int, tile_row: int, tile_col: int) -> Float32:
        key = (level, tile_row, tile_col)
        tile = self._tiles.get(key)
        if tile is None:
            height, width = self.shapes[level]
            row, col = tile_row * TILE, tile_col * TILE
            window = Window(col, row, min(TILE, width - col), min(TILE, height - row))
            generation = self._generation
            tile = self._make(window, self.cell.times(1 << level))
            if generation == self._generation:  # else what it was made of is no longer the best there is
                self._tiles.put(key, tile)
        return tile


def resampled_levels(pairing: Pairing, other: Reader) -> TiledLevels:
    """The other scene on the grid of the one on view: dB of mean intensity, NaN where it holds no data."""

    def make(window: Window, cell: Cell) -> Float32:
        mean, valid = other_means(pairing, other, window, cell)
        db = to_db(mean)
        db[~valid] = np.nan
        return db

    return TiledLevels((pairing.one.width, pairing.one.height), Cell(1, 1), make)


def change_levels(pairing: Pairing, one: Reader, other: Reader, cell: Cell) -> TiledLevels:
    """The log ratio of the two scenes in dB, see `log_ratio`."""
    later = other_is_later(pairing)

    def make(window: Window, cell: Cell) -> Float32:
        theirs = other_means(pairing, other, window, cell)
        mine = own_means(one, window, cell)
        return log_ratio(theirs, mine) if later else log_ratio(mine, theirs)

    return TiledLevels((pairing.one.width, pairing.one.height), cell, make)


def log_ratio(above: Means, below: Means) -> Float32:
    """10 log10(above / below) of mean intensities, float32 dB; NaN where either holds no data or is not above 0."""
    good = above[1] & below[1] & (above[0] > 0) & (below[0] > 0)
    ratio = np.divide(above[0], below[0], out=np.ones_like(above[0]), where=good)
    with np.errstate(over="ignore"):
        db = np.asarray(10.0 * np.log10(np.maximum(ratio, np.finfo(np.float32).tiny)), np.float32)
    db[~good] = np.nan
    return db


def other_is_later(pairing: Pairing) -> bool:
    """Whether the other scene stands above the line: the later one does; without both times, the other one."""
    mine, theirs = pairing.one.acquired, pairing.other.acquired
    return mine is None or theirs is None or theirs >= mine
