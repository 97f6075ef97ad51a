"""Sums over the window around each pixel, block by block so that the work stays in the processor's cache.

A sum is built from shifted copies in the same order at every pixel, never as
a running sum: a filtered pixel is bit for bit the same whichever tile it was
read in, and a bright target leaves no rounding along its row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.radiometry import Bool, Float32

Float64 = NDArray[np.float64]

BLOCK = (96, 512)
"""Rows and columns filtered at a time."""

Work = Callable[[Float64, Bool], NDArray[np.floating]]


def by_blocks(work: Work, intensity: Float32, valid: Bool, radius: int) -> tuple[Float32, Bool]:
    """Filter an array block by block.

    Parameters
    ----------
    work : callable
        Gets float64 (h + 2 radius, w + 2 radius), 0 where not valid, and bool
        of the same shape; gives the filtered values of the inner (h, w).
    intensity, valid : float32 and bool (h, w)
    radius : int
        Pixels that `work` looks at on each side.

    Returns
    -------
    (float32, bool) of the shape of `intensity`; 0 where not valid.
    """
    known = valid & np.isfinite(intensity)
    result = np.zeros(intensity.shape, dtype=np.float32)
    height, width = intensity.shape
    for row in range(0, height, BLOCK[0]):
        for col in range(0, width, BLOCK[1]):
            inner = np.s_[row : min(row + BLOCK[0], height), col : min(col + BLOCK[1], width)]
            mask = known[inner]
            if not mask.any():
                continue
            values = work(*_padded_block(intensity, known, inner, radius))
            result[inner] = values if mask.all() else np.where(mask, values, 0.0)
    return result, known


def _padded_block(intensity: Float32, known: Bool, inner: tuple[slice, slice], radius: int) -> tuple[Float64, Bool]:
    """A block with its rim as float64 and bool; what is not known is 0 and False."""
    shape = tuple(part.stop - part.start + 2 * radius for part in inner)
    values = np.zeros(shape, dtype=np.float64)
    mask = np.zeros(shape, dtype=np.bool_)
    outer, place = [], []
    for part, length in zip(inner, intensity.shape, strict=True):
        first, last = max(0, part.start - radius), min(length, part.stop + radius)
        outer.append(slice(first, last))
        place.append(slice(first - part.start + radius, last - part.start + radius))
    taken = known[outer[0], outer[1]]
    mask[place[0], place[1]] = taken
    source = intensity[outer[0], outer[1]]
    values[place[0], place[1]] = source if taken.all() else np.where(taken, source, np.float32(0))
    return values, mask


def run_sum(values: NDArray[Any], count: int, axis: int) -> NDArray[Any]:
    """Sums of `count` neighbours along an axis; the axis gets shorter by count - 1.

    Runs of 1, 2, 4 ... are doubled and put together, so a sum costs about
    twice the binary logarithm of `count` additions.
    """
    length = values.shape[axis] - count + 1
    power, size, offset = values, 1, 0
    total: NDArray[Any] | None = None
    while True:
        if count & size:
            piece = _cut(power, offset, length, axis)
            total = piece if total is None else total + piece
            offset += size
        if 2 * size > count:
            return total if total is not None else power
        longer = power.shape[axis] - size
        power = _cut(power, 0, longer, axis) + _cut(power, size, longer, axis)
        size *= 2


def _cut(values: NDArray[Any], first: int, length: int, axis: int) -> NDArray[Any]:
    return values[first : first + length] if axis == 0 else values[:, first : first + length]


def box_sum(values: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Sums over boxes of (rows, columns); the array gets smaller by size - 1."""
    return run_sum(run_sum(values, size[0], 0), size[1], 1)


def box_count(mask: Bool, size: int) -> Float64:
    """How many pixels of each square window are valid."""
    return box_sum(mask.astype(np.uint8 if size <= 15 else np.uint16), (size, size)).astype(np.float64)


def inner(values: NDArray[Any], radius: int) -> NDArray[Any]:
    """The array without its rim."""
    return values[radius : values.shape[0] - radius, radius : values.shape[1] - radius]


def mean_and_variance(total: Float64, squares: Float64, count: Float64) -> tuple[Float64, Float64]:
    """Mean and unbiased variance from sums; the variance of one pixel is 0."""
    n = np.maximum(count, 1.0)
    mean = total / n
    variance = np.maximum(squares - total * mean, 0.0)
    variance /= np.maximum(n - 1.0, 1.0)
    return mean, variance


def local_moments(values: Float64, mask: Bool, size: int) -> tuple[Float64, Float64]:
    """Mean and unbiased variance over the valid pixels of each square window; smaller by size - 1."""
    total = box_sum(values, (size, size))
    squares = box_sum(values * values, (size, size))
    return mean_and_variance(total, squares, box_count(mask, size))
