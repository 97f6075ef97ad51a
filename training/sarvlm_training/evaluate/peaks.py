"""One peak for each object of a heat map.

A maximum is a peak of its own where it stands out: on the way to any better
one the score falls by at least a logit. A long ship with two bright ends has
one peak then, and two ships side by side with a gap between them have two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import label, maximum_position
from skimage.morphology import local_maxima, reconstruction

from sarvlm_models.types import Float32

PROMINENCE: Final = 1.0
"""Logits by which a peak stands above the pass to a better one."""
NO_DATA: Final = -30.0
_NEIGHBOURS: Final = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Peak:
    """A place (x, y) in full-resolution pixels and its score in 0..1."""

    score: float
    x: float
    y: float


def to_logit(scores: Float32) -> Float32:
    """Logits float32 of scores in 0..1, clipped to what float32 still tells from 0 and 1; NaN stays NaN."""
    clipped = np.clip(scores.astype(np.float64), 1e-6, 1.0 - 1e-6)
    return np.log(clipped / (1.0 - clipped)).astype(np.float32)


def prominent_peaks(logits: Float32, cell_px: float, prominence: float = PROMINENCE) -> list[Peak]:
    """Peaks of a map, best first.

    Parameters
    ----------
    logits : float32 (rows, cols)
        NaN where there is no data.
    cell_px : float
        Edge of a cell in full-resolution pixels.
    prominence : float
        Logits.

    Returns
    -------
    list of Peak
        The best cell of any map with data is among them. A peak lies at the
        top of the parabolas through its cell and those beside it.
    """
    known = np.isfinite(logits)
    if not known.any():
        return []
    heights = np.where(known, logits, NO_DATA).astype(np.float64)
    levelled = reconstruction(heights - prominence, heights, footprint=_NEIGHBOURS)
    tops, count = label(local_maxima(levelled, footprint=_NEIGHBOURS), structure=_NEIGHBOURS)
    flat = [np.unravel_index(int(heights.argmax()), heights.shape)]  # a map without a slope has no maximum
    places = maximum_position(heights, tops, range(1, count + 1)) if count else flat
    found = [_peak(logits, int(row), int(col), cell_px) for row, col in places if known[row, col]]
    return sorted(found, key=lambda peak: -peak.score)


def _peak(logits: Float32, row: int, col: int, cell_px: float) -> Peak:
    y = row + 0.5 + _top(logits[:, col], row)
    x = col + 0.5 + _top(logits[row], col)
    return Peak(float(1.0 / (1.0 + np.exp(-float(logits[row, col])))), x * cell_px, y * cell_px)


def _top(line: Float32, place: int) -> float:
    """Where, within half a cell of `place`, the parabola through it and its neighbours is highest."""
    if not 0 < place < len(line) - 1:
        return 0.0
    before, here, after = (float(value) for value in line[place - 1 : place + 2])
    bend = before - 2.0 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
