"""Frost's filter: neighbours count less the farther they lie, and the more the window varies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sarvlm_app.core.filters.parameters import check, parameter, window_size
from sarvlm_app.core.filters.windows import Float64, by_blocks, inner, local_moments
from sarvlm_app.core.radiometry import Bool, Float32

_DAMPING = (
    "How fast the weight of neighbours falls with their distance where the window varies. "
    "0 is a plain mean; larger values keep more detail and more speckle."
)
_MOST = 1e6
"""A squared coefficient of variation at which no neighbour counts any more."""


@dataclass(frozen=True, slots=True)
class Frost:
    """The exponentially weighted mean of Frost.

    The weight of a neighbour at distance d is exp(-damping C^2 d) with the
    window's coefficient of variation C (Frost, Stiles, Shanmugan & Holtzman
    1982, "A model for radar images and its application to adaptive digital
    filtering of multiplicative noise", IEEE PAMI-4).
    """

    name: ClassVar[str] = "frost"
    title: ClassVar[str] = "Frost"
    about: ClassVar[str] = (
        "A mean in which neighbours count less with their distance, and much less where the window varies. "
        "It needs no number of looks; a softer choice than Lee's along edges."
    )

    size: int = window_size(7, 15)
    damping: float = parameter(1.0, (0.0, 100.0), "damping", _DAMPING)

    def __post_init__(self) -> None:
        check(self)

    @property
    def margin_px(self) -> int:
        return self.size // 2

    def apply(self, intensity: Float32, valid: Bool) -> tuple[Float32, Bool]:
        """See `SpeckleFilter.apply`."""
        rings = _rings(self.margin_px)

        def work(values: Float64, mask: Bool) -> Float64:
            mean, variance = local_moments(values, mask, self.size)
            square = mean * mean
            variation = np.divide(variance, square, out=np.full_like(mean, _MOST), where=square > 0)
            fall = np.minimum(variation, _MOST) * -self.damping
            return _weighted(values, mask, fall, rings)

        return by_blocks(work, intensity, valid, self.margin_px)


def _rings(radius: int) -> dict[int, list[tuple[int, int]]]:
    """Places (row, column) of the window by their squared distance from its centre, the centre left out."""
    rings: dict[int, list[tuple[int, int]]] = {}
    for row in range(-radius, radius + 1):
        for col in range(-radius, radius + 1):
            if (row, col) != (0, 0):
                rings.setdefault(row * row + col * col, []).append((row + radius, col + radius))
    return rings


def _weighted(values: Float64, mask: Bool, fall: Float64, rings: dict[int, list[tuple[int, int]]]) -> Float64:
    """The weighted mean: all neighbours of one distance share one exponential."""
    height, width = fall.shape
    radius = (values.shape[0] - height) // 2
    small = mask.astype(np.uint8)
    total = inner(values, radius).copy()
    weights = np.ones_like(total)
    for squared, places in rings.items():
        weight = np.exp(fall * np.sqrt(float(squared)))
        ring = np.zeros_like(total)
        count = np.zeros(total.shape, dtype=np.uint8)
        for row, col in places:
            ring += values[row : row + height, col : col + width]
            count += small[row : row + height, col : col + width]
        total += weight * ring
        weights += weight * count
    total /= weights
    return total
