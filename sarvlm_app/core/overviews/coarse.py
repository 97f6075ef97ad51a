"""A first picture of a whole scene from a sparse grid of its blocks: rough, but there at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.sources import PixelSource, read_intensity
from sarvlm_app.core.radiometry import Float32, to_db
from sarvlm_models.types import Window

BUDGET_PIXELS = 20 * 2**20
"""Pixels of the file looked at: some tenths of a second."""


def coarse_picture(source: PixelSource, shape: tuple[int, int], factor: int) -> Float32:
    """Decibels float32 of `shape`, each pixel standing for `factor` x `factor` of the scene.

    Blocks on a regular grid are averaged to intensity; a pixel between them
    takes the nearest one's value. NaN where the nearest holds no data.
    """
    layout = source.layout()
    size, block = (layout.height, layout.width), layout.block
    rows, cols = _grid(size, block, shape)
    total = np.zeros(shape, dtype=np.float64)
    count = np.zeros(shape, dtype=np.float64)
    for row in rows:
        for col in cols:
            window = Window(col, row, min(block[1], size[1] - col), min(block[0], size[0] - row))
            _add(total, count, read_intensity(source, window), (row, col, factor))
    near_row = _nearest(rows, block[0], factor, shape[0])
    near_col = _nearest(cols, block[1], factor, shape[1])
    place = np.ix_(near_row, near_col)
    filled, seen = total[place], count[place]
    db = to_db(np.divide(filled, seen, out=np.zeros(shape), where=seen > 0))
    db[seen == 0] = np.nan
    return db


def _grid(size: tuple[int, int], block: tuple[int, int], shape: tuple[int, int]) -> tuple[list[int], list[int]]:
    """First rows and first columns of the blocks to read: about as far apart both ways."""
    down, across = (-(-length // step) for length, step in zip(size, block, strict=True))
    blocks = max(1.0, BUDGET_PIXELS / (block[0] * block[1]))
    n_cols = max(1, min(across, shape[1], round(math.sqrt(blocks * size[1] / size[0]))))
    n_rows = max(1, min(down, shape[0], int(blocks / n_cols)))
    n_cols = max(n_cols, min(across, shape[1], int(blocks / n_rows)))
    return _spread(n_rows, down, block[0]), _spread(n_cols, across, block[1])


def _spread(count: int, available: int, step: int) -> list[int]:
    """Starts of `count` of the `available` blocks, in the middles of equal parts."""
    return [int((index + 0.5) * available / count) * step for index in range(count)]


def _add(
    total: NDArray[np.float64],
    count: NDArray[np.float64],
    pixels: tuple[Float32, NDArray[np.bool_]],
    at: tuple[int, int, int],
) -> None:
    """Sum a block's intensity and number of valid pixels into the coarse pixels that it touches."""
    intensity, valid = pixels
    row, col, factor = at
    top, left = row // factor, col // factor
    row_starts = _starts(row, intensity.shape[0], factor)
    col_starts = _starts(col, intensity.shape[1], factor)
    place = np.s_[top : top + len(row_starts), left : left + len(col_starts)]
    sums = np.add.reduceat(np.add.reduceat(intensity, col_starts, axis=1), row_starts, axis=0)
    total[place] += sums
    if valid.all():
        heights = np.diff([*row_starts, intensity.shape[0]])
        widths = np.diff([*col_starts, intensity.shape[1]])
        count[place] += np.outer(heights, widths)
    else:
        numbers = valid.astype(np.float32)
        count[place] += np.add.reduceat(np.add.reduceat(numbers, col_starts, axis=1), row_starts, axis=0)


def _starts(first: int, length: int, factor: int) -> list[int]:
    """Where, within `length` pixels from `first`, each coarse pixel begins."""
    boundary = (first // factor + 1) * factor - first
    return [0, *range(boundary, length, factor)]


def _nearest(starts: list[int], step: int, factor: int, length: int) -> NDArray[np.intp]:
    """For each coarse index the nearest one that a block covers."""
    covered = np.unique([k for s in starts for k in range(s // factor, (s + step - 1) // factor + 1) if k < length])
    middles = (covered[1:] + covered[:-1]) / 2
    return np.asarray(covered[np.searchsorted(middles, np.arange(length))], dtype=np.intp)
