"""Which boxes may overlap at all, found by a tree of their upright extents."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Int = NDArray[np.intp]
Floats = NDArray[np.floating[Any]]


def overlapping_pairs(corners: Floats, groups: NDArray[np.integer[Any]] | None = None) -> Int:
    """Pairs of boxes whose upright extents meet.

    Parameters
    ----------
    corners : float (n, 4, 2)
    groups : int (n,), optional
        Boxes of different groups are no pair.

    Returns
    -------
    intp (m, 2)
        Positions, the smaller one first, in order of the first and then the second.
    """
    extents = extents_by_group(corners, groups)
    later, earlier = shapely.STRtree(extents).query(extents)
    pairs = np.stack([earlier, later], axis=1)[earlier < later]
    return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])


def extents_by_group(corners: Floats, groups: NDArray[np.integer[Any]] | None = None) -> NDArray[np.object_]:
    """Upright extents of boxes as shapely's boxes, each group set apart from the others along the columns.

    None for a box with a coordinate that is not finite, which meets no other.
    """
    corners = np.asarray(corners, np.float64)
    low, high = corners.min(axis=1), corners.max(axis=1)
    shift = np.zeros(len(corners))
    finite = np.isfinite(corners).all(axis=(1, 2))
    if groups is not None and finite.any():
        _, number = np.unique(groups, return_inverse=True)
        shift = number * (high[finite, 0].max() - low[finite, 0].min() + 1.0)
    extents = np.full(len(corners), None, object)
    low, high, shift = low[finite], high[finite], shift[finite]
    extents[finite] = shapely.box(low[:, 0] + shift, low[:, 1], high[:, 0] + shift, high[:, 1])
    return extents
