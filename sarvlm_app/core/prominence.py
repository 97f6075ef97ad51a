"""One peak for each object of a heat map.

A maximum is a peak of its own where it stands out: on the way to any better
one the score falls by some logits. A long ship with two bright ends has one
peak then, and two ships side by side with a gap between them have two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label, maximum_filter, maximum_position
from skimage.morphology import local_maxima, reconstruction

from sarvlm_models.types import Float32

PROMINENCE: Final = 1.0
"""Logits by which a peak stands above the pass to a better one."""
NO_DATA: Final = -30.0
Place = tuple[int, int]
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


def prominent_peaks(
    logits: Float32, cell_px: float, prominence: float = PROMINENCE, least: float | None = None
) -> list[Peak]:
    """Peaks of a map, best first.

    Parameters
    ----------
    logits : float32 (rows, cols)
        NaN where there is no data.
    cell_px : float
        Edge of a cell in full-resolution pixels.
    prominence : float
        Logits.
    least : float, optional
        Only peaks above this logit, which takes far less time in a large map.

    Returns
    -------
    list of Peak
        Without `least`, the best cell of any map with data is among them. A
        peak lies at the top of the parabolas through its cell and those beside
        it.
    """
    known = np.isfinite(logits)
    if not known.any():
        return []
    heights = np.where(known, logits, NO_DATA).astype(np.float64)
    if least is None:
        places = [place for place in _tops(heights, prominence) if known[place]]
    else:
        places = [place for place in _tops_above(heights, prominence, least) if heights[place] > least]
    return sorted((_peak(logits, *place, cell_px) for place in places), key=lambda peak: -peak.score)


def _tops(heights: NDArray[np.float64], prominence: float) -> list[Place]:
    """The highest cell of each hill; of a map without a slope, one."""
    levelled = reconstruction(heights - prominence, heights, footprint=_NEIGHBOURS)
    hills, count = label(local_maxima(levelled, footprint=_NEIGHBOURS), structure=_NEIGHBOURS)
    if not count:
        row, col = np.unravel_index(int(heights.argmax()), heights.shape)
        return [(int(row), int(col))]
    return [(int(row), int(col)) for row, col in maximum_position(heights, hills, range(1, count + 1))]


def _tops_above(heights: NDArray[np.float64], prominence: float, least: float) -> Iterator[Place]:
    """The tops of hills that reach above `least`.

    A pass at `least` less the prominence parts any two of them, so each
    region above that is looked at by itself.
    """
    floor = least - prominence
    regions, _ = label(heights > floor, structure=_NEIGHBOURS)
    summits = np.argwhere((heights > least) & (heights == maximum_filter(heights, size=3, mode="nearest")))
    by_region: dict[int, list[Place]] = {}
    for row, col in summits.tolist():
        by_region.setdefault(int(regions[row, col]), []).append((row, col))
    places = find_objects(regions)
    for number, tops in by_region.items():
        if len(tops) == 1:
            yield tops[0]
            continue
        rows, cols = places[number - 1]
        own = np.where(regions[rows, cols] == number, heights[rows, cols], floor)
        for row, col in _tops(np.pad(own, 1, constant_values=floor), prominence):
            yield row - 1 + rows.start, col - 1 + cols.start


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
