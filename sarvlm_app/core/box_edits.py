"""What a hand does to one box: move, turn, resize (pure). Corners are (4, 2) as (col, row), clockwise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.boxes import in_order, upright_corners
from sarvlm_models.types import Float32

Float64 = NDArray[np.float64]

LEAST_SIDE_PX = 1.0
CORNERS, SIDES = 4, 4
"""Handles 0 to 3 are the corners; 4 to 7 the middles of the sides from corner k to the next."""


def moved(corners: Float32, across: float, down: float) -> Float32:
    """A box elsewhere, by columns and rows."""
    return (corners.astype(np.float64) + (across, down)).astype(np.float32)


def turned(corners: Float32, degrees: float) -> Float32:
    """A box turned clockwise on the screen about its middle."""
    points = corners.astype(np.float64)
    middle = points.mean(axis=0)
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    spokes = points - middle
    return np.asarray(middle + spokes @ np.array([[cosine, sine], [-sine, cosine]]), np.float32)


def resized(corners: Float32, handle: int, across: float, down: float) -> Float32:
    """A box whose handle was pulled by (across, down) pixels; what lies opposite stays where it is.

    A side cannot become shorter than `LEAST_SIDE_PX`.
    """
    points = corners.astype(np.float64)
    pull = np.array([across, down])
    for side in _sides_of(handle):
        points = _pulled_side(points, side, pull)
    return settled(points.astype(np.float32))


def settled(corners: Float32) -> Float32:
    """The same box with its corners clockwise and the edge from corner 0 to corner 1 a long side."""
    return np.ascontiguousarray(in_order(corners[None])[0], np.float32)


def kept_inside(corners: Float32, width: int, height: int) -> Float32:
    """The box moved so that its middle lies in a scene of a size; unchanged where it does."""
    col, row = (float(value) for value in corners.mean(axis=0, dtype=np.float64))
    across, down = min(max(col, 0.0), width) - col, min(max(row, 0.0), height) - row
    return corners if across == 0 and down == 0 else moved(corners, across, down)


def drawn(one: tuple[float, float], other: tuple[float, float]) -> Float32:
    """An upright box between two corners (col, row)."""
    low, high = np.minimum(one, other), np.maximum(one, other)
    size = np.maximum(high - low, LEAST_SIDE_PX)
    return np.asarray(upright_corners(np.concatenate([low, size])[None])[0], np.float32)


def _sides_of(handle: int) -> tuple[int, ...]:
    """The sides that move with a handle: two of a corner, one of a side's middle."""
    return ((handle - 1) % SIDES, handle) if handle < CORNERS else (handle - CORNERS,)


def _pulled_side(points: Float64, side: int, pull: Float64) -> Float64:
    """The side from corner `side` to the next moved outwards or inwards by the part of a pull that points there."""
    one, next_one, opposite = side, (side + 1) % 4, (side - 1) % 4
    outwards = points[one] - points[opposite]
    length = float(np.linalg.norm(outwards))
    if length == 0:
        return points
    outwards /= length
    by = max(float(pull @ outwards), LEAST_SIDE_PX - length)
    result = points.copy()
    result[[one, next_one]] += by * outwards
    return result
