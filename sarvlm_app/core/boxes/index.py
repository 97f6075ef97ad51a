"""Which box lies under a point or in a view, answered at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from sarvlm_models.types import Window

from .areas import quad_areas

Int = NDArray[np.intp]
Float64 = NDArray[np.float64]


class BoxIndex:
    """Boxes of a scene by place; built once, asked often.

    Parameters
    ----------
    corners : float (n, 4, 2)
        (col, row) of convex boxes. One with a coordinate that is not finite is never found.
    """

    def __init__(self, corners: NDArray[np.floating[Any]]) -> None:
        given = np.asarray(corners, np.float64)
        self._usable = np.flatnonzero(np.isfinite(given).all(axis=(1, 2)))
        self._corners = given[self._usable]
        self._areas = quad_areas(self._corners)
        low, high = self._corners.min(axis=1), self._corners.max(axis=1)
        self._extents = np.ascontiguousarray(np.concatenate([low, high], axis=1).T)  # left, top, right, bottom
        self._tree = shapely.STRtree(shapely.polygons(self._corners) if len(self._corners) else [])

    def at(self, col: float, row: float) -> Int:
        """Positions of the boxes under a point (their border included), the smallest first."""
        near = np.sort(self._tree.query(shapely.Point(col, row)))
        hit = near[_holds(self._corners[near], col, row)]
        return np.asarray(self._usable[hit[np.argsort(self._areas[hit], kind="stable")]])

    def inside(self, window: Window) -> Int:
        """Positions, ascending, of the boxes of which some part lies in `window`."""
        left, top, right, bottom = self._extents
        meets = (left <= window.col_end) & (right >= window.col) & (top <= window.row_end) & (bottom >= window.row)
        near = np.flatnonzero(meets)
        # most lie wholly inside, or have their middle there; only the others need the exact test
        unsure = ~_middles_in(left[near], right[near], window.col, window.col_end)
        unsure |= ~_middles_in(top[near], bottom[near], window.row, window.row_end)
        missed = np.zeros(len(near), np.bool_)
        missed[unsure] = _misses(self._corners[near[unsure]], window)
        return np.asarray(self._usable[near[~missed]])

    def nearest(self, col: float, row: float, within_px: float = np.inf) -> int | None:
        """Position of the box at a point, else of the nearest one no farther away than `within_px`."""
        under = self.at(col, row)
        if len(under):
            return int(under[0])
        limit = None if np.isinf(within_px) else max(within_px, np.finfo(float).tiny)
        found = self._tree.query_nearest(shapely.Point(col, row), max_distance=limit)
        return int(self._usable[found.min()]) if len(found) else None


def _holds(corners: Float64, col: float, row: float) -> NDArray[np.bool_]:
    """Whether each convex box (n, 4, 2) holds a point: it lies on one side of all edges."""
    edges = np.roll(corners, -1, axis=1) - corners
    side = edges[..., 0] * (row - corners[..., 1]) - edges[..., 1] * (col - corners[..., 0])
    return np.asarray((side >= 0).all(axis=1) | (side <= 0).all(axis=1))


def _middles_in(low: Float64, high: Float64, start: int, end: int) -> NDArray[np.bool_]:
    """Whether the middle between `low` and `high`, which is that of a box, lies between `start` and `end`."""
    middle = low + high
    return np.asarray((middle >= 2 * start) & (middle <= 2 * end))


def _misses(corners: Float64, window: Window) -> NDArray[np.bool_]:
    """Whether a line along an edge of each box parts it from the window."""
    left, top, right, bottom = window.col, window.row, window.col_end, window.row_end
    rectangle = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
    edges = np.roll(corners, -1, axis=1) - corners
    off = rectangle - corners[:, :, None]  # box, edge, corner of the rectangle, x or y
    side = edges[..., None, 0] * off[..., 1] - edges[..., None, 1] * off[..., 0]
    wound = np.sign(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
    parts = np.asarray(side * wound[:, None, None] < 0).all(axis=2)
    return np.asarray(np.any(parts, axis=1))
