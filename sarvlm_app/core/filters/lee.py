"""Lee's filter: the linear estimate of least mean square error from the local mean and variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sarvlm_app.core.filters.parameters import check, number_of_looks, window_size
from sarvlm_app.core.filters.windows import Float64, by_blocks, inner, local_moments
from sarvlm_app.core.radiometry import Bool, Float32


def least_squares(pixel: Float64, mean: Float64, variance: Float64, speckle: float) -> Float64:
    """The estimate of least mean square error under multiplicative noise.

    Parameters
    ----------
    pixel, mean, variance : float64, one shape
        Intensity of the pixel; mean and variance of its surroundings.
    speckle : float
        Variance of the speckle relative to the squared mean (1 / looks).
    """
    signal = np.maximum(variance - mean * mean * speckle, 0.0)
    signal /= 1.0 + speckle
    gain = np.divide(signal, variance, out=np.zeros_like(signal), where=variance > 0)
    gain *= pixel - mean
    gain += mean
    return gain


@dataclass(frozen=True, slots=True)
class Lee:
    """Lee's local-statistics filter.

    The pixel is pulled to the mean of its window, the more the closer the
    window's variance comes to that of pure speckle (Lee 1980, "Digital image
    enhancement and noise filtering by use of local statistics", IEEE PAMI-2;
    form for intensity: Lee & Pottier 2009, "Polarimetric Radar Imaging", ch. 5).
    """

    name: ClassVar[str] = "lee"
    title: ClassVar[str] = "Lee"
    about: ClassVar[str] = (
        "Smooths where the window looks like plain speckle and leaves the pixel where it varies more. "
        "Speckle stays along edges and around bright points."
    )

    size: int = window_size(7)
    looks: float = number_of_looks()

    def __post_init__(self) -> None:
        check(self)

    @property
    def margin_px(self) -> int:
        return self.size // 2

    def apply(self, intensity: Float32, valid: Bool) -> tuple[Float32, Bool]:
        """See `SpeckleFilter.apply`."""
        radius, speckle = self.margin_px, 1.0 / self.looks

        def work(values: Float64, mask: Bool) -> Float64:
            mean, variance = local_moments(values, mask, self.size)
            return least_squares(inner(values, radius), mean, variance, speckle)

        return by_blocks(work, intensity, valid, radius)
