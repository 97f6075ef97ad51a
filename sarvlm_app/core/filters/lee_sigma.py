"""The improved sigma filter: only neighbours that may be the same surface enter the mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from sarvlm_app.core.filters.lee import least_squares
from sarvlm_app.core.filters.parameters import check, number_of_looks, parameter, window_size
from sarvlm_app.core.filters.windows import (
    Float64,
    box_sum,
    by_blocks,
    inner,
    local_moments,
    mean_and_variance,
)
from sarvlm_app.core.radiometry import Bool, Float32

TARGET_EDGE, TARGET_COUNT = 3, 5
"""A bright cluster: this many strong pixels in a window of this edge (Lee et al. 2009)."""

_SIGMA = "Share of pure speckle that counts as the same surface. Larger values smooth more; 0.9 is the authors' choice."
_STRONG = (
    "Intensity from which a pixel counts as strong; clusters of strong pixels are left as they are. "
    "Without a value it is the 98th percentile of the scene."
)


class SigmaRange(NamedTuple):
    """Bounds relative to the mean, and the standard deviation of speckle within them."""

    low: float
    high: float
    std: float


@lru_cache(maxsize=256)
def sigma_range(looks: float, share: float) -> SigmaRange:
    """The range that holds `share` of the speckle of `looks` and whose own mean is 1.

    The bounds are those of Lee et al. (2009, tables I and II), solved for any
    number of looks instead of taken from the tables: gamma distributed speckle
    of mean 1 with P(low < v < high) = share and E(v | low < v < high) = 1.
    """

    def upper(low: float) -> float:
        return float(special.gammaincinv(looks, min(special.gammainc(looks, looks * low) + share, 1.0)) / looks)

    def bias(low: float) -> float:
        high = looks * upper(low)
        between = special.gammainc(looks + 1, high) - special.gammainc(looks + 1, looks * low)
        return float(between - share)

    most = float(special.gammaincinv(looks, 1.0 - share) / looks)
    low = optimize.brentq(bias, 0.0, most * (1 - 1e-9), xtol=1e-12)
    high = upper(low)
    square = special.gammainc(looks + 2, looks * high) - special.gammainc(looks + 2, looks * low)
    variance = (1.0 + 1.0 / looks) * square / share - 1.0
    return SigmaRange(low, high, float(np.sqrt(variance)))


@dataclass(frozen=True, slots=True)
class LeeSigma:
    """The improved sigma filter.

    1. Clusters of at least 5 strong pixels in 3 x 3 px keep their values.
    2. A first guess of the pixel comes from Lee's filter in 3 x 3 px.
    3. Lee's estimate is made from those pixels of the window that lie in the
       sigma range of the guess, with the speckle that this range leaves.

    Lee, Wen, Ainsworth, Chen & Chen 2009, "Improved sigma filter for speckle
    filtering of SAR imagery", IEEE TGRS 47. Where no pixel lies in the range,
    the guess stands.
    """

    name: ClassVar[str] = "lee-sigma"
    title: ClassVar[str] = "Lee sigma (improved)"
    about: ClassVar[str] = (
        "Averages only neighbours that may belong to the same surface and leaves bright clusters such as ships and "
        "buildings untouched. Keeps point targets best; slower than the others."
    )

    size: int = window_size(9, 15)
    looks: float = number_of_looks()
    sigma: float = parameter(0.9, (0.5, 0.95), "sigma", _SIGMA)
    strong: float | None = parameter(None, (0.0, 1e30), "strong from (intensity)", _STRONG)

    def __post_init__(self) -> None:
        check(self)

    @property
    def margin_px(self) -> int:
        return max(self.size // 2, 2)

    def fitted(self, p98_intensity: float) -> LeeSigma:
        """The filter for a scene whose 98th percentile is known, unless it was given a value."""
        return replace(self, strong=max(0.0, p98_intensity)) if self.strong is None else self

    def apply(self, intensity: Float32, valid: Bool) -> tuple[Float32, Bool]:
        """See `SpeckleFilter.apply`; without `strong` the percentile is that of the array."""
        if self.strong is None:
            known = intensity[valid & np.isfinite(intensity)]
            return self.fitted(float(np.percentile(known, 98)) if known.size else 0.0).apply(intensity, valid)
        strong, radius = self.strong, self.margin_px

        def work(values: Float64, mask: Bool) -> Float64:
            guess = _first_guess(inner(values, radius - 1), inner(mask, radius - 1), self.looks)
            pixel = inner(values, radius)
            rim = radius - self.size // 2
            bounds = sigma_range(self.looks, self.sigma)
            mean, variance = _moments_in_range(inner(values, rim), inner(mask, rim), guess, bounds)
            estimate = least_squares(pixel, mean, variance, bounds.std**2)
            bright = (values >= strong) & mask & (strong > 0)
            return np.where(_clusters(inner(bright, radius - 2)), pixel, estimate)

        return by_blocks(work, intensity, valid, radius)


def _first_guess(values: Float64, mask: Bool, looks: float) -> Float64:
    mean, variance = local_moments(values, mask, 3)
    return least_squares(inner(values, 1), mean, variance, 1.0 / looks)


def _clusters(strong: Bool) -> Bool:
    """Strong pixels of clusters; smaller by 4."""
    count = box_sum(strong.astype(np.uint8), (TARGET_EDGE, TARGET_EDGE))
    centre = (count >= TARGET_COUNT) & inner(strong, 1)
    near: Bool = box_sum(centre.astype(np.uint8), (TARGET_EDGE, TARGET_EDGE)) > 0
    return near & strong[2:-2, 2:-2]


def _moments_in_range(values: Float64, mask: Bool, guess: Float64, bounds: SigmaRange) -> tuple[Float64, Float64]:
    """Mean and variance of the pixels of each window within the bounds about the guess; the guess where none is.

    The many passes run on float32, half the bytes; a power of two as the unit
    keeps squares in its range and changes no digit.
    """
    unit = 2.0 ** np.frexp(float(np.abs(values).max()))[1]
    pixels, middle = (values / unit).astype(np.float32), np.maximum(guess / unit, 0.0)
    low, high = (bounds.low * middle).astype(np.float32), (bounds.high * middle).astype(np.float32)
    height, width = guess.shape
    total, squares = np.zeros_like(low), np.zeros_like(low)
    count: NDArray[np.uint8] = np.zeros(guess.shape, dtype=np.uint8)
    complete, size = bool(mask.all()), values.shape[0] - height + 1
    for row in range(size):
        for col in range(size):
            pixel = pixels[row : row + height, col : col + width]
            within = pixel >= low
            within &= pixel <= high
            if not complete:
                within &= mask[row : row + height, col : col + width]
            taken = pixel * within  # twice as fast as a choice; all pixels are finite
            total += taken
            taken *= taken
            squares += taken
            count += within.view(np.uint8)
    sums = total.astype(np.float64) * unit, squares.astype(np.float64) * unit * unit
    mean, variance = mean_and_variance(*sums, count.astype(np.float64))
    return np.where(count > 0, mean, guess), variance
