"""Areas of convex quadrilaterals and of what two of them share, many pairs at a time."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]

_CHUNK: Final = 2048
"""Pairs at a time: what is between then stays in the processor's cache."""

_SHRINK: Final = 1e-10
"""By this share the second quadrilateral is drawn together, so that edges never coincide and none counts twice."""


def quad_areas(corners: Floats) -> Float64:
    """Areas of quadrilaterals.

    Parameters
    ----------
    corners : float (n, 4, 2)
        Of either winding.

    Returns
    -------
    float64 (n,), square pixels; 0 for what is a line or a point.
    """
    return np.abs(_signed_areas(np.asarray(corners, np.float64)))


def overlap_areas(a: Floats, b: Floats) -> Float64:
    """Area that each quadrilateral of `a` shares with the one of `b` at the same position.

    Parameters
    ----------
    a, b : float (n, 4, 2)
        Convex, of either winding.

    Returns
    -------
    float64 (n,), exact to about 1e-9 of the smaller area; 0 where one of the two has no area.
    """
    if a.shape != b.shape or a.shape[1:] != (4, 2):
        raise ValueError(f"overlap_areas: expected two arrays (n, 4, 2), got {a.shape} and {b.shape}")
    shared = np.empty(len(a))
    for start in range(0, len(a), _CHUNK):
        part = slice(start, start + _CHUNK)
        shared[part] = _overlap(np.asarray(a[part], np.float64), np.asarray(b[part], np.float64))
    return shared


def polygon_iou(a: Floats, b: Floats) -> Float64:
    """Intersection over union of each quadrilateral of `a` with the one of `b` at the same position.

    Parameters
    ----------
    a, b : float (n, 4, 2)
        Convex, of either winding.

    Returns
    -------
    float64 (n,), 0..1, exact to about 1e-9; 0 where one of the two has no area.
    """
    shared = overlap_areas(a, b)
    union = quad_areas(a) + quad_areas(b) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)


def _signed_areas(corners: Float64) -> Float64:
    """Half the cross product of the diagonals."""
    first, second = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    return np.asarray(0.5 * (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]))


def _overlap(a: Float64, b: Float64) -> Float64:
    """Shared areas by Green's theorem: the border is the edges of each that lie within the other."""
    middle = a.mean(axis=1, keepdims=True)
    area_a, area_b = _signed_areas(a), _signed_areas(b)
    a, b = _wound_alike(a - middle, area_a), _wound_alike(b - middle, area_b)
    b += (b.mean(axis=1, keepdims=True) - b) * _SHRINK
    # axes: x or y, corner, pair: the long axis last
    first, second = np.ascontiguousarray(a.transpose(2, 1, 0)), np.ascontiguousarray(b.transpose(2, 1, 0))
    shared = 0.5 * (_border_within(first, second) + _border_within(second, first))
    smaller = np.minimum(np.abs(area_a), np.abs(area_b))
    return np.where(smaller > 0, np.clip(shared, 0.0, smaller), 0.0)


def _wound_alike(corners: Float64, signed_areas: Float64) -> Float64:
    return np.where((signed_areas < 0)[:, None, None], corners[:, ::-1], corners)


def _border_within(inner: Float64, outer: Float64) -> Float64:
    """The sum over the edges of `inner` (2, 4, n) of x dy - y dx along what of them lies within `outer` (2, 4, n)."""
    along = np.roll(inner, -1, axis=1) - inner
    edges = np.roll(outer, -1, axis=1) - outer
    # how far each corner (first axis) lies within each edge's line (second axis)
    start = edges[0] * (inner[1][:, None] - outer[1]) - edges[1] * (inner[0][:, None] - outer[0])
    end = np.roll(start, -1, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = start / (start - end)
    enters = np.where(start < 0, np.where(end < 0, 2.0, crossing), 0.0).max(axis=1)
    leaves = np.where((end < 0) & (start >= 0), crossing, 1.0).min(axis=1)
    share = np.maximum(leaves - enters, 0.0)
    turn = inner[0] * along[1] - inner[1] * along[0]
    return np.asarray((turn * share).sum(axis=0))
