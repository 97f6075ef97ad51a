"""Thin-plate spline through scattered points in the plane (Duchon 1977; Bookstein 1989)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_CHUNK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class ThinPlate:
    """A smooth map of the plane that takes each control point to its target.

    Attributes
    ----------
    centres : float64 (n, 2)
        Control points, shifted and scaled to about -1..1.
    shift, scale : float64 (2,)
        `(point - shift) / scale` is what the spline works on.
    weights : float64 (n, 2)
    affine : float64 (3, 2)
        Constant and linear part.
    """

    centres: Float64
    shift: Float64
    scale: Float64
    weights: Float64
    affine: Float64

    @classmethod
    def fit(cls, points: Float64, targets: Float64) -> Self:
        """The spline with the least bending through all of them.

        Parameters
        ----------
        points, targets : float64 (n, 2)
            At least three points, distinct and not on one line.

        Raises
        ------
        ValueError
            When the points do not fix a map of the plane.
        """
        if len(points) < 3:
            raise ValueError(f"ThinPlate: expected at least 3 points, got {len(points)}")
        shift = (points.min(axis=0) + points.max(axis=0)) / 2
        scale = np.maximum((points.max(axis=0) - points.min(axis=0)) / 2, np.finfo(float).tiny)
        centres = (points - shift) / scale
        n = len(centres)
        linear = np.column_stack([np.ones(n), centres])
        if np.linalg.matrix_rank(linear, tol=1e-6) < 3:
            raise ValueError("ThinPlate: the points lie on one line")
        system = np.zeros((n + 3, n + 3))
        system[:n, :n] = _kernel(centres, centres)
        system[:n, n:] = linear
        system[n:, :n] = linear.T
        right = np.vstack([targets, np.zeros((3, 2))])
        try:
            solution = np.asarray(np.linalg.solve(system, right), dtype=np.float64)
        except np.linalg.LinAlgError:
            raise ValueError("ThinPlate: two points coincide") from None
        return cls(centres, shift, scale, solution[:n], solution[n:])

    def __call__(self, points: Float64) -> Float64:
        """Images float64 (m, 2) of `points` float64 (m, 2)."""
        out = np.empty((len(points), 2))
        for start in range(0, len(points), _CHUNK):
            part = (points[start : start + _CHUNK] - self.shift) / self.scale
            linear = np.column_stack([np.ones(len(part)), part]) @ self.affine
            out[start : start + _CHUNK] = _kernel(part, self.centres) @ self.weights + linear
        return out


def _kernel(a: Float64, b: Float64) -> Float64:
    """r^2 log r^2 between all of `a` and all of `b` (half of it is r^2 log r; the weights absorb the factor)."""
    squared = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(squared * np.log(np.maximum(squared, np.finfo(float).tiny)))
