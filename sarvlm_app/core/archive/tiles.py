"""How a scene is cut into tiles of several ground sizes, and what of its patch vectors stands for a tile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sarvlm_models.types import Float16, Float32, Window

CHIP_PX: Final = 256
"""A file with no longer edge is one tile with the vector of a whole picture; larger ones are tiled densely."""
LEVEL_M: Final = tuple(31.25 * 2**k for k in range(15))
"""Ground sizes of tiles in metres."""
LEVEL_PX: Final = (200, 1100)
"""Model pixels that a tile's edge may have; about three ground sizes lie between."""
UNKNOWN_PX: Final = (256, 512, 1024)
"""Edges where the pixel spacing is unknown."""
NEARLY_ALL: Final = 0.75
"""A tile with more than this share of the scene's shorter side is the whole scene, where that is not much longer."""
PARTS: Final = 4
"""Vectors of what is least like the rest of a tile: objects, which the mean over the tile hides."""
ALIKE: Final = 0.8
"""Cosine of patches that are one kind."""


@dataclass(frozen=True, slots=True)
class PlannedTile:
    """A tile: its level (0 is the finest) and its cells, half-open."""

    level: int
    top: int
    left: int
    bottom: int
    right: int

    def window(self, cell_px: int, width: int, height: int) -> Window:
        """In full-resolution pixels, cut at the scene's edges."""
        col, row = self.left * cell_px, self.top * cell_px
        return Window(col, row, min(self.right * cell_px, width) - col, min(self.bottom * cell_px, height) - row)


def edges(spacing_m: float | None, rows: int, cols: int, cell: int) -> list[tuple[int, int]]:
    """Heights and widths of the tiles of a scene in cells, the finest first.

    Parameters
    ----------
    spacing_m : float or None
        Ground metres per pixel of the model's input.
    rows, cols : int
        Cells of the scene.
    cell : int
        Model pixels of a cell's edge.
    """
    sizes: list[float] = list(UNKNOWN_PX)
    if spacing_m is not None:
        sizes = [metres / spacing_m for metres in LEVEL_M if LEVEL_PX[0] <= metres / spacing_m <= LEVEL_PX[1]]
        sizes = sizes or list(UNKNOWN_PX)
    found = []
    for size in sizes:
        edge = max(1, round(size / cell))
        if edge > NEARLY_ALL * min(rows, cols):
            found.append((min(rows, max(edge, rows if rows <= 2 * cols else edge)),
                          min(cols, max(edge, cols if cols <= 2 * rows else edge))))  # fmt: skip
            break
        found.append((edge, edge))
    return found


def plan_tiles(spacing_m: float | None, rows: int, cols: int, cell: int) -> list[PlannedTile]:
    """The tiles of a scene, sorted by the row of cells in which they end; within a level they overlap only at the rim.

    The last tile of a row or column is moved inwards, so that all of a level are of one size.
    """
    tiles = [
        PlannedTile(level, top, left, top + height, left + width)
        for level, (height, width) in enumerate(edges(spacing_m, rows, cols, cell))
        for top in _starts(rows, height)
        for left in _starts(cols, width)
    ]
    return sorted(tiles, key=lambda tile: (tile.bottom, tile.level, tile.top, tile.left))


def _starts(length: int, edge: int) -> list[int]:
    count = math.ceil(length / edge)
    return sorted({round(step * (length - edge) / max(1, count - 1)) for step in range(count)})


def unit(vectors: Float32) -> Float32:
    """Vectors of length 1 along the last axis."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9), np.float32)


def tile_vectors(patches: Float16) -> Float32 | None:
    """The mean of a tile's patch vectors and up to `PARTS` vectors of what is least like it.

    Parameters
    ----------
    patches : float16 (rows, cols, d)
        Zeros where there is no data.

    Returns
    -------
    float32 (1 + parts, d), unit length, the mean first; None where less than a tenth of the tile holds data.
    """
    rows, cols, dim = patches.shape
    even = patches[: max(rows // 2 * 2, 1), : max(cols // 2 * 2, 1)].astype(np.float32)
    if min(rows, cols) >= 4:  # speckle: four neighbours speak more clearly than one
        even = even.reshape(rows // 2, 2, cols // 2, 2, dim).sum(axis=(1, 3))
    flat = even.reshape(-1, dim)
    known = flat[flat.any(axis=1)]
    if len(known) < 0.1 * len(flat):
        return None
    known = unit(known)
    found = [unit(known.mean(axis=0))]
    nearest = known @ found[0]
    for _ in range(min(PARTS, len(known) - 1)):
        like = known @ known[int(nearest.argmin())] > ALIKE
        part = unit(known[like].mean(axis=0))
        found.append(part)
        nearest = np.maximum(nearest, known @ part)
        nearest[like] = 1.0
        if nearest.min() >= ALIKE:
            break
    return np.stack(found)
