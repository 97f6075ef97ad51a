"""Multilooking: fewer, larger pixels with less speckle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sarvlm_app.core.filters.parameters import check, parameter
from sarvlm_app.core.radiometry import Bool, Float32, mean_intensity
from sarvlm_app.errors import QueryError

_AZIMUTH = "Rows averaged into one. Choose the pair so that pixels become about square on the ground."
_RANGE = "Columns averaged into one."


@dataclass(frozen=True, slots=True)
class Multilook:
    """The mean intensity of blocks of azimuth x range pixels, one pixel a block.

    The equivalent number of looks is multiplied by the number of independent
    pixels in a block (Oliver & Quegan 2004, ch. 4). Rows and columns that do
    not fill a block are left out. A block is valid when at least half of it is.
    """

    name: ClassVar[str] = "multilook"
    title: ClassVar[str] = "Multilook"
    about: ClassVar[str] = (
        "Averages blocks of pixels into one: less speckle, smaller files, coarser pixels. "
        "The usual first step for single-look data."
    )

    azimuth: int = parameter(2, (1, 256), "azimuth looks (rows)", _AZIMUTH, "whole")
    range: int = parameter(2, (1, 256), "range looks (columns)", _RANGE, "whole")

    def __post_init__(self) -> None:
        check(self)

    @property
    def margin_px(self) -> int:
        return 0

    def apply(self, intensity: Float32, valid: Bool) -> tuple[Float32, Bool]:
        """Block means of one piece of a scene that begins at a block's corner.

        Parameters
        ----------
        intensity, valid : float32 and bool (h, w)

        Returns
        -------
        (float32, bool) of (h // azimuth, w // range)

        Raises
        ------
        QueryError
            When the piece is smaller than one block.
        """
        rows, cols = intensity.shape[0] // self.azimuth, intensity.shape[1] // self.range
        if rows == 0 or cols == 0:
            height, width = intensity.shape
            raise QueryError(
                f"An image of {width} x {height} px cannot be multilooked by {self.range} x {self.azimuth}; "
                "choose fewer looks."
            )
        whole = np.s_[: rows * self.azimuth, : cols * self.range]
        known = valid[whole] & np.isfinite(intensity[whole])
        values = np.where(known, intensity[whole], np.float32(0))
        return mean_intensity(values, known, (rows, cols))
