"""The moving mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sarvlm_app.core.filters.parameters import check, window_size
from sarvlm_app.core.filters.windows import Float64, box_count, box_sum, by_blocks
from sarvlm_app.core.radiometry import Bool, Float32


@dataclass(frozen=True, slots=True)
class Boxcar:
    """The mean intensity of a square window.

    It keeps the mean exactly and multiplies the equivalent number of looks by
    the number of independent pixels in the window (Oliver & Quegan 2004,
    ch. 6); edges and points are smeared over the window.
    """

    name: ClassVar[str] = "boxcar"
    title: ClassVar[str] = "Boxcar"
    about: ClassVar[str] = (
        "The mean of a square window. It takes away the most speckle for its window and keeps the mean, "
        "but edges and points are smeared. Good for water and fields, and as a yardstick."
    )

    size: int = window_size(7)

    def __post_init__(self) -> None:
        check(self)

    @property
    def margin_px(self) -> int:
        return self.size // 2

    def apply(self, intensity: Float32, valid: Bool) -> tuple[Float32, Bool]:
        """See `SpeckleFilter.apply`."""

        def work(values: Float64, mask: Bool) -> Float64:
            total: Float64 = box_sum(values, (self.size, self.size))
            return total / np.maximum(box_count(mask, self.size), 1.0)

        return by_blocks(work, intensity, valid, self.margin_px)
