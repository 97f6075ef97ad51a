"""Thin-plate spline through scattered points in the plane (Duchon 1977; Bookstein 1989)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_CHUNK = 512
"""Points at a time: their distances to 900 control points stay in the processor's cache."""
_TINY = np.finfo(float).tiny


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
        scale = np.maximum((points.max(axis=0) - points.min(axis=0)) / 2, _TINY)
        centres = (points - shift) / scale
        if np.linalg.matrix_rank(_linear(centres), tol=1e-6) < 3:
            raise ValueError("ThinPlate: the points lie on one line")
        n = len(centres)
        right = np.vstack([targets, np.zeros((3, 2))])
        try:
            solution = np.asarray(np.linalg.solve(_system(centres), right), dtype=np.float64)
        except np.linalg.LinAlgError:
            raise ValueError("ThinPlate: two points coincide") from None
        return cls(centres, shift, scale, solution[:n], solution[n:])

    def __call__(self, points: Float64) -> Float64:
        """Images float64 (m, 2) of `points` float64 (m, 2)."""
        out = np.empty((len(points), 2))
        for start in range(0, len(points), _CHUNK):
            part = (points[start : start + _CHUNK] - self.shift) / self.scale
            squared = _squared(part, self.centres)
            kernel = np.log(squared)
            kernel *= squared
            out[start : start + _CHUNK] = kernel @ self.weights + _linear(part) @ self.affine
        return out

    def with_slopes(self, points: Float64) -> tuple[Float64, Float64]:
        """Images float64 (m, 2) of `points` (m, 2) and their derivatives (m, 2, 2) [image, point].

        One logarithm a pair of point and control point serves all: the slope of
        r^2 log r^2 along x is 2 (x - x_i) (log r^2 + 1).
        """
        out, slopes = np.empty((len(points), 2)), np.empty((len(points), 2, 2))
        w, (cx, cy) = self.weights, self.centres.T
        moments = np.column_stack([w, w * cx[:, None], w * cy[:, None]])
        for start in range(0, len(points), _CHUNK):
            part = (points[start : start + _CHUNK] - self.shift) / self.scale
            squared = _squared(part, self.centres)
            logs = np.log(squared)
            squared *= logs
            logs += 1.0
            zero, first, second = np.split(logs @ moments, 3, axis=1)
            here = slice(start, start + len(part))
            out[here] = squared @ w + _linear(part) @ self.affine
            slopes[here, :, 0] = (2.0 * (part[:, :1] * zero - first) + self.affine[1]) / self.scale[0]
            slopes[here, :, 1] = (2.0 * (part[:, 1:] * zero - second) + self.affine[2]) / self.scale[1]
        return out, slopes

    def left_out(self) -> Float64:
        """How far (n, 2) each control point lies from the spline through all the others (Rippa 1999)."""
        inverse = np.linalg.inv(_system(self.centres))
        own = np.diagonal(inverse)[: len(self.centres)]
        return np.asarray(self.weights / own[:, None])


def _linear(points: Float64) -> Float64:
    return np.column_stack([np.ones(len(points)), points])


def _system(centres: Float64) -> Float64:
    n = len(centres)
    system = np.zeros((n + 3, n + 3))
    squared = _squared(centres, centres)
    np.fill_diagonal(squared, _TINY)
    system[:n, :n] = squared * np.log(squared)
    system[:n, n:] = _linear(centres)
    system[n:, :n] = system[:n, n:].T
    return system


def _squared(a: Float64, b: Float64) -> Float64:
    """Squared distances (len(a), len(b)), never below the smallest number whose logarithm is finite."""
    across = a[:, :1] - b[:, 0]
    down = a[:, 1:] - b[:, 1]
    across *= across
    down *= down
    across += down
    return np.maximum(across, _TINY, out=across)
