"""How many cells of a heat map are drawn: more than the screen can show only make it slow."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MOST_CELLS = 2_000_000
"""Cells of a heat map as drawn; that of a scene of 30 000 x 30 000 pixels has 14 million, 0.2 s each time it grows."""


def drawn_cells(
    scores: NDArray[np.floating], cell_px: float, most: int = MOST_CELLS
) -> tuple[NDArray[np.floating], float]:
    """The scores (rows, cols) to draw and the width of a drawn cell in scene pixels.

    Of a map with more than `most` cells, blocks of k x k become one cell with
    their best score, so that no place is lost; NaN where a whole block has no data.
    """
    cells = np.asarray(scores)
    factor = math.ceil(math.sqrt(cells.size / most)) if cells.size > most else 1
    if factor == 1:
        return cells, cell_px
    rows, cols = (-(-length // factor) for length in cells.shape)
    best = np.full((rows, cols), np.nan, cells.dtype)
    for row in range(factor):
        for col in range(factor):
            part = cells[row::factor, col::factor]
            place = best[: part.shape[0], : part.shape[1]]
            np.fmax(place, part, out=place)
    return best, cell_px * factor
