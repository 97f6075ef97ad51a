"""The inverse of a smooth map of the plane, point by point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from .interface import Float64

Forward = Callable[[Float64, Float64], tuple[Float64, Float64]]
"""Of points (n, 2) and heights (n,): their images (n, 2), and the derivatives (n, 2, 2) [image, point]."""

STEPS = 15
SETTLED_PX = 1e-4


def invert(
    forward: Forward, start: Float64, wanted: Float64, heights: Float64, settled_px: float = SETTLED_PX
) -> Float64:
    """Points (n, 2) that `forward` takes to `wanted` (n, 2); NaN where the search does not settle.

    A search ends with the step that is shorter than `settled_px`; as each step squares the
    error, what is left after it is far smaller.
    """
    points = start.copy()
    left = np.flatnonzero(np.isfinite(wanted).all(axis=1) & np.isfinite(points).all(axis=1))
    open_points = np.ones(len(points), dtype=np.bool_)
    for _ in range(STEPS):
        if not len(left):
            break
        images, slopes = forward(points[left], heights[left])
        step = _solve(slopes, wanted[left] - images)
        points[left] += step
        length = np.hypot(step[:, 0], step[:, 1])
        open_points[left[length < settled_px]] = False
        left = left[(length >= settled_px) & np.isfinite(length)]
    points[open_points] = np.nan
    return points


def _solve(slopes: Float64, miss: Float64) -> Float64:
    a, b, c, d = slopes[:, 0, 0], slopes[:, 0, 1], slopes[:, 1, 0], slopes[:, 1, 1]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        det = a * d - b * c
        return np.column_stack([(d * miss[:, 0] - b * miss[:, 1]) / det, (a * miss[:, 1] - c * miss[:, 0]) / det])


@dataclass(frozen=True, slots=True, eq=False)
class RoughInverse:
    """A polynomial from images back to points, fitted to known pairs: where a search begins.

    Attributes
    ----------
    middle, half : float64 (2,)
        Images are shifted and scaled to about -1..1.
    coefficients : float64 (terms, 2)
    degree : int
    """

    middle: Float64
    half: Float64
    coefficients: Float64
    degree: int

    @classmethod
    def fit(cls, images: Float64, points: Float64) -> Self:
        """Of degree 3 where there are pairs enough, else of less."""
        degree = 3 if len(images) >= 20 else 2 if len(images) >= 12 else 1
        middle = (images.min(axis=0) + images.max(axis=0)) / 2
        half = np.maximum((images.max(axis=0) - images.min(axis=0)) / 2, np.finfo(float).tiny)
        terms = _terms((images - middle) / half, degree)
        coefficients = np.linalg.lstsq(terms, points, rcond=None)[0]
        return cls(middle, half, np.asarray(coefficients), degree)

    def __call__(self, images: Float64) -> Float64:
        """Points (n, 2); far outside the known pairs the edge's, for there a cubic goes astray."""
        near = np.clip((images - self.middle) / self.half, -1.5, 1.5)
        return np.asarray(_terms(near, self.degree) @ self.coefficients)


def _terms(at: Float64, degree: int) -> Float64:
    x, y = at[:, 0], at[:, 1]
    return np.column_stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)])
