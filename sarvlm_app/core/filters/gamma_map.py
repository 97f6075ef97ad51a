"""Gamma-MAP: the most probable backscatter when scene and speckle are both gamma distributed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sarvlm_app.core.filters.parameters import check, number_of_looks, window_size
from sarvlm_app.core.filters.windows import Float64, by_blocks, inner, local_moments
from sarvlm_app.core.radiometry import Bool, Float32


@dataclass(frozen=True, slots=True)
class GammaMap:
    """The maximum a posteriori filter for gamma distributed scenes.

    With the coefficient of variation C of the window, Cu = 1 / sqrt(looks) and
    Cmax = sqrt(2) Cu: the mean where C <= Cu, the pixel itself where
    C >= Cmax, the most probable value between (Lopes, Nezry, Touzi & Laur
    1990, "Maximum a posteriori speckle filtering and first order texture
    models in SAR images", IGARSS; 1993, "Structure detection and statistical
    adaptive speckle filtering in SAR images", Int. J. Remote Sensing 14).
    """

    name: ClassVar[str] = "gamma-map"
    title: ClassVar[str] = "Gamma-MAP"
    about: ClassVar[str] = (
        "Takes the mean in plain speckle, the most probable value in texture such as forest, and leaves points as "
        "they are. Right for natural land cover; it darkens a little where speckle is strong."
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
        radius = self.margin_px

        def work(values: Float64, mask: Bool) -> Float64:
            mean, variance = local_moments(values, mask, self.size)
            return _most_probable(inner(values, radius), mean, variance, self.looks)

        return by_blocks(work, intensity, valid, radius)


def _most_probable(pixel: Float64, mean: Float64, variance: Float64, looks: float) -> Float64:
    speckle = 1.0 / looks
    square = mean * mean
    texture = variance - speckle * square  # times the squared mean, which keeps a mean of 0 out of the quotients
    plain, point = (texture <= 0) | (mean <= 0), texture >= speckle * square
    alpha = np.divide((1.0 + speckle) * square, texture, out=np.ones_like(mean), where=~plain)
    b = alpha - looks - 1.0
    root = np.sqrt(np.maximum(square * b * b + 4.0 * alpha * looks * mean * pixel, 0.0))
    value = (b * mean + root) / (2.0 * alpha)
    return np.where(plain, mean, np.where(point, pixel, value))
